"""The audit trail, and the blocks of the chain that it is sealed into."""

from collections.abc import Sequence
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from .users import User


class Sealed(models.Model):
    """
    A row of the audit trail: sealed into a block soon after it was written.

    `sealed_as` names in SQL what is sealed of it beside its key. It is part of every
    seal ever made, so it only changes together with a chain that begins anew. The table
    has the trigger `accounts_await_seal` for its inserts.
    """

    #: Its `at`, whatever the session's time zone and date style.
    SEALED_AT: ClassVar[str] = """to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
    sealed_as: ClassVar[Sequence[str]]

    class Meta:
        abstract = True


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def with_block(self) -> "AuditEntryQuerySet":
        """Entries with the number of the block that seals them, null until then."""
        sealed = SealedRow.objects.filter(source=AuditEntry._meta.label_lower, key=OuterRef("pk"))
        return self.annotate(block=Subquery(sealed.values("block_id")))


class AuditEntry(Sealed):
    """
    One thing that somebody did: who, when, through which path, before and after.

    Rows are only ever inserted; the database refuses to change or delete them.
    """

    class Via(models.TextChoices):
        API = "api", _("API")
        ADMIN = "admin", _("admin")
        COMMAND = "command", _("command")
        TASK = "task", _("task")

    # Texts of before and after, since null in JSON is not the same as nothing.
    sealed_as = (
        Sealed.SEALED_AT,
        *("by_id", "via", "request_id", "action", "subject_type", "subject"),
        *("before::text", "after::text", "reason"),
    )

    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("by")
    )
    via = models.CharField(_("via"), max_length=8, choices=Via)
    request_id = models.CharField(_("request"), max_length=64, blank=True)
    action = models.CharField(_("action"), max_length=60)
    subject_type = models.CharField(_("subject type"), max_length=60)
    subject = models.CharField(_("subject"), max_length=100)
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject", "id"], name="audit_by_subject"),
            models.Index(
                fields=["request_id"], condition=~Q(request_id=""), name="audit_by_request"
            ),
            BrinIndex(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.subject}"


class AuditBlock(models.Model):
    """
    A stretch of the audit trail, sealed; each block holds the one before it in place.

    `sha256` is the digest of the block before, of the block's number and moment, and of
    its rows in the order of their keys. Rows are only ever inserted.
    """

    number = models.PositiveBigIntegerField(_("number"), primary_key=True)
    sealed_at = models.DateTimeField(_("sealed at"))
    entries = models.PositiveIntegerField(_("entries"))
    previous = models.CharField(_("digest of the block before"), max_length=64, blank=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64)

    class Meta:
        verbose_name = _("audit block")
        verbose_name_plural = _("audit blocks")
        ordering = ["-number"]
        get_latest_by = "number"
        constraints = [
            models.CheckConstraint(
                condition=Q(number=1, previous="")
                | Q(number__gt=1, previous__regex=r"^[0-9a-f]{64}$"),
                name="audit_block_follows_another",
            ),
            models.CheckConstraint(condition=Q(entries__gt=0), name="audit_block_has_entries"),
            models.CheckConstraint(
                condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="audit_block_has_its_digest"
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)


class SealedRow(models.Model):
    """
    Says in which block a row of the audit trail is sealed; never changed.

    Keys alone cannot say it: they become visible out of order.
    """

    pk = models.CompositePrimaryKey("source", "key")
    source = models.CharField(max_length=40, help_text=_("A model, such as orders.orderevent."))
    key = models.BigIntegerField()
    block = models.ForeignKey(AuditBlock, models.PROTECT, related_name="+")

    class Meta:
        verbose_name = _("sealed row")
        verbose_name_plural = _("sealed rows")


class UnsealedRow(models.Model):
    """
    A row of the audit trail that waits for its block.

    A trigger writes it in the writer's own transaction; sealing takes it away. A row of
    the trail that neither waits nor is sealed was written behind the product's back.
    """

    pk = models.CompositePrimaryKey("source", "key")
    source = models.CharField(max_length=40)
    key = models.BigIntegerField()

    class Meta:
        verbose_name = _("unsealed row")
        verbose_name_plural = _("unsealed rows")
