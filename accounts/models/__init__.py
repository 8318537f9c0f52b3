"""Who acts, through which key, where, and what was done."""

from .audit import AuditEntry
from .keys import ApiKey
from .places import Division, Pairing
from .scoping import OwnedQuerySet
from .users import User

__all__ = ["ApiKey", "AuditEntry", "Division", "OwnedQuerySet", "Pairing", "User"]
