"""The unified social credit code (GB 32100-2015)."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def uscc_check_character(body: str) -> str:
    """
    Return the check character for the first 17 characters of a code.

    Raise ValueError when `body` holds a character that no code has.
    """
    total = sum(ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return ALPHABET[-total % 31]


def validate_uscc(code: str) -> None:
    """Raise ValidationError unless `code` is 18 characters long and its last one checks."""
    # python-stdnum refuses the letter that village collectives' codes begin with.
    known = len(code) == 18 and set(code) <= set(ALPHABET)
    if not known or uscc_check_character(code[:17]) != code[17]:
        raise ValidationError(
            _("This is not a valid unified social credit code."), code="invalid_uscc"
        )
