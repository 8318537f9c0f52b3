"""Who acts, through which key, where, and what was done."""

from .audit import AuditBlock, AuditEntry, Sealed, SealedRow, UnsealedRow
from .files import MediaType
from .keys import ApiKey
from .places import Division, Named, Pairing, name_field
from .scoping import OwnedQuerySet
from .users import User

__all__ = [
    "ApiKey",
    "AuditBlock",
    "AuditEntry",
    "Division",
    "MediaType",
    "Named",
    "OwnedQuerySet",
    "Pairing",
    "Sealed",
    "SealedRow",
    "UnsealedRow",
    "User",
    "name_field",
]
