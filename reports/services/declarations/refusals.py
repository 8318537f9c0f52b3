"""Why a declaration, a file or a cell of it is refused, in words."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import ErrorItem, Invalid, Refusal


class AlreadyImported(Refusal):
    """The same content is booked, or on its way there; revoke that declaration first."""

    code = "already_imported"
    detail = _("A declaration with this content was imported already.")


class DeclarationInWrongState(Refusal):
    """A step was asked for that does not follow on the declaration's status."""

    code = "wrong_state"
    detail = _("The declaration's status does not allow this.")


class UnknownReporter(Invalid):
    """No division has the reporter's code."""

    def __init__(self) -> None:
        detail = _("There is no division with this code.")
        super().__init__(errors=[ErrorItem("/reporter", "unknown_reporter", detail)])


CELL_REASONS = {
    "required": _("This may not be empty."),
    "unknown_column": _("A declaration has no such column."),
    "duplicate_column": _("This column appears twice."),
    "missing_column": _("This column is missing."),
    "too_many_cells": _("The row has more cells than the header."),
    "formula": _("This cell holds a formula; paste its value."),
    "cell_error": _("This cell holds an error of the spreadsheet."),
    "control_character": _("This text holds a line break or an invisible character."),
    "too_long": _("This text is too long."),
    "digits_lost": _("The spreadsheet turned this code into a number; format it as text."),
    "bad_date": _("Write the date as 2026-10-05, 2026/10/5 or 2026年10月5日."),
    "too_early": _("Sales are counted since 2010-01-01."),
    "in_future": _("This day is still to come."),
    "month_closed": _("The month is closed; declare the row in a file marked late."),
    "unknown_county": _("This is not a county of Qiannan."),
    "unknown_region": _(
        "Write the region as a six-digit code; this name is not unique or not known."
    ),
    "unknown_buyer_kind": _("There is no such kind of buyer."),
    "unknown_channel": _("There is no such channel."),
    "bad_number": _("Write a plain number, such as 1234.5."),
    "too_many_decimals": _("This number has too many decimals."),
    "too_large": _("This number is too large."),
    "zero_quantity": _("The quantity may not be zero."),
    "signs_differ": _("A return has a negative quantity and a negative amount."),
    "bad_fapiao_no": _("A fapiao number has 20 digits, or 8 if it is an old one."),
    "duplicate_line": _("An earlier row of the file has the same document and line."),
    "already_declared": _("The document's line was declared before."),
    "duplicate_fapiao": _("The fapiao was declared before with another document."),
}
