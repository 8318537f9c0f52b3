"""The writer of the audit trail."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, NamedTuple

from django.db import models

from accounts.models import AuditEntry, User

# Which door the current work came in by; whoever opens it (middleware, task) says so.
_door: ContextVar[tuple[str, str]] = ContextVar("door", default=(AuditEntry.Via.COMMAND, ""))


@contextmanager
def came_in_by(via: str, *, request_id: str = "") -> Iterator[None]:
    """Name the path through which everything inside is done."""
    token = _door.set((via, request_id))
    try:
        yield
    finally:
        _door.reset(token)


class Done(NamedTuple):
    """What was done to a row; `before` and `after` hold the changed fields only, as JSON values."""

    subject: models.Model
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(
    action: str,
    subject: models.Model,
    *,
    by: User | None,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """
    Write that `by` did `action` to `subject`; call it inside the work's transaction.

    `before` and `after` hold the changed fields only, as JSON values.
    """
    record_all(action, [Done(subject, before, after)], by=by, now=now, reason=reason)


def record_all(
    action: str, done: Iterable[Done], *, by: User | None, now: datetime, reason: str = ""
) -> None:
    """Write that `by` did `action` to each of these, in one statement."""
    via, request_id = _door.get()
    AuditEntry.objects.bulk_create(
        AuditEntry(
            at=now,
            by=by,
            via=via,
            request_id=request_id,
            action=action,
            subject_type=subject._meta.label_lower,
            subject=str(
                getattr(subject, "code", None) or getattr(subject, "number", None) or subject.pk
            ),
            before=before,
            after=after,
            reason=reason,
        )
        for subject, before, after in done
    )
