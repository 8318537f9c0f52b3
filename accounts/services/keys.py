"""Issue and revoke API keys."""

import secrets
from datetime import datetime

from django.db import transaction

from accounts.models import ApiKey, User

from .audit import record


@transaction.atomic
def issue_key(user: User, *, name: str = "", by: User | None, now: datetime) -> str:
    """Return a new key for `user`; it cannot be read again."""
    key = f"qn_{secrets.token_urlsafe(32)}"
    row = ApiKey.objects.create(
        user=user, name=name, prefix=key[:8], digest=ApiKey.digest_of(key), created_at=now
    )
    record("issue_key", row, by=by, now=now, after={"user": user.username, "name": name})
    return key


@transaction.atomic
def revoke_key(row: ApiKey, *, by: User | None, now: datetime) -> None:
    """Close the door to a key for good; a key that is revoked already stays as it was."""
    if ApiKey.objects.filter(pk=row.pk, revoked_at__isnull=True).update(revoked_at=now):
        record("revoke_key", row, by=by, now=now)
