"""Suppliers and what makes them credible: producers, bases, certificates, assistance."""

from .applications import Application
from .certificates import SOON, Certificate, private_files
from .suppliers import (
    AssistanceProfile,
    Base,
    OwnedBySupplierQuerySet,
    Producer,
    Supplier,
    SupplierMember,
)

__all__ = [
    "SOON",
    "Application",
    "AssistanceProfile",
    "Base",
    "Certificate",
    "OwnedBySupplierQuerySet",
    "Producer",
    "Supplier",
    "SupplierMember",
    "private_files",
]
