"""Fields of forms that take in files."""

import uuid
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from .models import MediaType
from .services.uploads import PICTURES, FileTooLarge, UploadRejected, checked_upload


class UploadField(forms.FileField):
    """
    A file that somebody sends with a form; its value is what may be kept of it.

    It is checked by its content and gets a name of our own. Refusals name the file.
    """

    accepts: Collection[MediaType] = tuple(MediaType)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "accept": ",".join(self.accepts)}

    def clean(self, data: Any, initial: Any = None) -> Any:
        file = super().clean(data, initial)
        # Otherwise it stays as it was, or is taken away.
        return self._checked(file) if isinstance(file, UploadedFile) else file

    def _checked(self, file: UploadedFile) -> ContentFile:
        try:
            with checked_upload(file.chunks(), accepts=self.accepts) as upload:
                content, suffix = upload.path.read_bytes(), upload.media_type.suffix
        except (FileTooLarge, UploadRejected) as refusal:
            why = refusal.errors[0].detail if refusal.errors else refusal.detail
            raise ValidationError(
                _("%(file)s: %(why)s"),
                code=refusal.code,
                params={"file": file.name, "why": why},
            ) from refusal
        return ContentFile(content, name=f"{uuid.uuid4()}.{suffix}")


class PictureField(UploadField):
    """A picture that somebody sends with a form."""

    accepts = PICTURES
