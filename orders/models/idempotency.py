"""Answers kept so that a repeated request does nothing twice."""

from django.db import models

from .buyers import Buyer


class IdempotencyKey(models.Model):
    """
    The answer to a request that a buyer may send again.

    Written in the transaction of the work itself: no key without the work, no
    work without the key. A second request with the same key waits on the unique
    index until the first has ended.
    """

    buyer = models.ForeignKey(Buyer, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(
        max_length=64, help_text="SHA-256 of method, path and body, as hex."
    )
    response = models.TextField(null=True, help_text="The body, byte for byte.")  # noqa: DJ001
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["buyer", "key"], name="idempotency_key_once_per_buyer")
        ]

    def __str__(self) -> str:
        return self.key
