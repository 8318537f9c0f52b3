"""Keys: `Authorization: Bearer KEY`."""

from datetime import timedelta
from typing import cast

from django.db import connection
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiKey, User

LAST_USE_NOTED_EVERY = timedelta(hours=1)

KEY_FIELDS = ["id", "user_id", "last_used_at"]
USER_FIELDS = [field.attname for field in User._meta.concrete_fields]
FIND = f"""
    SELECT {", ".join(f"key.{name}" for name in KEY_FIELDS)},
        {", ".join(f"holder.{name}" for name in USER_FIELDS)}
    FROM accounts_apikey key JOIN accounts_user holder ON holder.id = key.user_id
    WHERE key.digest = %s AND key.revoked_at IS NULL AND holder.is_active
"""  # noqa: S608 - only names of columns are put in


def actor(request: Request | HttpRequest) -> User:
    """Return who acts; for views that let in only those who are known."""
    return cast(User, request.user)


class KeyAuthentication(BaseAuthentication):
    """Resolve a key to its user with one query, so that revoking works at once."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        scheme, _space, key = header.partition(" ")
        if scheme.lower() != "bearer" or not key.isascii() or not 0 < len(key.strip()) <= 200:
            raise AuthenticationFailed(_("Use the header “Authorization: Bearer KEY”."))
        with connection.preparing_cursor() as cursor:  # type: ignore[attr-defined]
            cursor.execute(FIND, [ApiKey.digest_of(key.strip())])
            found = cursor.fetchone()
        if found is None:
            raise AuthenticationFailed(_("This key is not valid."))
        row = ApiKey.from_db("default", KEY_FIELDS, found[: len(KEY_FIELDS)])
        row.user = User.from_db("default", USER_FIELDS, found[len(KEY_FIELDS) :])
        self._note_use(row)
        return row.user, row

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _note_use(self, row: ApiKey) -> None:
        now = timezone.now()
        due = now - LAST_USE_NOTED_EVERY
        if row.last_used_at is None or row.last_used_at < due:
            ApiKey.objects.filter(
                Q(last_used_at__isnull=True) | Q(last_used_at__lt=due), pk=row.pk
            ).update(last_used_at=now)


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "accounts.api.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
