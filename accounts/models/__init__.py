"""Who acts, through which key, where, and what was done."""

from .audit import AuditEntry
from .keys import ApiKey
from .places import Division, Pairing
from .users import User

__all__ = ["ApiKey", "AuditEntry", "Division", "Pairing", "User"]
