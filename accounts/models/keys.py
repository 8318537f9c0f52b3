"""API keys."""

import hashlib

from django.db import models
from django.utils.translation import gettext_lazy as _

from .users import User


class ApiKey(models.Model):
    """
    A secret with which a program acts as its user.

    Only the digest is kept: a key has 256 random bits, so one round of SHA-256
    is enough, and it can be looked up by an index.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys", verbose_name=_("user"))
    name = models.CharField(_("name"), max_length=100, blank=True)
    prefix = models.CharField(_("prefix"), max_length=8, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"))
    last_used_at = models.DateTimeField(_("last used at"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".rstrip()

    @staticmethod
    def digest_of(key: str) -> str:
        """Return the digest under which `key` is stored."""
        return hashlib.sha256(key.encode()).hexdigest()
