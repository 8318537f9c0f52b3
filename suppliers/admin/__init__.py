"""The admin's pages for suppliers, for what makes them credible, and for who wants to be one."""

from .applications import ApplicationAdmin
from .certificates import CertificateAdmin
from .suppliers import BaseAdmin, ProducerAdmin, SupplierAdmin

__all__ = ["ApplicationAdmin", "BaseAdmin", "CertificateAdmin", "ProducerAdmin", "SupplierAdmin"]
