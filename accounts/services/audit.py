"""The writer of the audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any

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
    via, request_id = _door.get()
    AuditEntry.objects.create(
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
