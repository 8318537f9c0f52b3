"""The base of everything that the domain refuses."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class ErrorItem:
    """
    One thing that is wrong, and where.

    `pointer` is a JSON Pointer into the request's body, or `/name` of a query
    parameter; `extra` adds members such as `available`.
    """

    pointer: str
    code: str
    detail: str | Promise
    extra: Mapping[str, Any] = field(default_factory=dict)


class Refusal(Exception):
    """
    A service does not do what it was asked.

    Subclasses stand beside the service that raises them and name the `code` and
    `status` of the answer; `detail` says it in the reader's language.
    """

    code = "wrong_state"
    status = 409
    detail: str | Promise = _("This is not possible now.")
    headers: Mapping[str, str] = {}
    #: The code of the one that is refused, where many are changed at once.
    about: str = ""

    def __init__(
        self, detail: str | Promise | None = None, *, errors: Sequence[ErrorItem] = ()
    ) -> None:
        super().__init__(self.code)
        if detail is not None:
            self.detail = detail
        self.errors = list(errors)


@contextmanager
def about(code: str) -> Iterator[None]:
    """Note of what is refused inside which one of many it is about."""
    try:
        yield
    except Refusal as refusal:
        refusal.about = code
        raise


class Forbidden(Refusal):
    """The row is visible, but the actor's role does not allow this."""

    code = "forbidden"
    status = 403
    detail = _("Your role does not allow this.")


class NotFound(Refusal):
    """There is no such row, or the actor may not see it; the answer is the same."""

    code = "not_found"
    status = 404
    detail = _("Not found.")


class Invalid(Refusal):
    """The request's content is wrong; `errors` says where."""

    code = "invalid"
    status = 400
    detail = _("Some of the content is not valid.")
