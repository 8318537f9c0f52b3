"""Files that come from outside."""

from django.db import models


class MediaType(models.TextChoices):
    """What a file is by its content, whatever its name says."""

    PDF = "application/pdf", "PDF"
    PNG = "image/png", "PNG"
    JPEG = "image/jpeg", "JPEG"

    @property
    def suffix(self) -> str:
        """The end of the names under which such files are kept and served."""
        return str(self.label).lower()
