"""Forms that anybody may send, and fields that take in text and files of strangers."""

import unicodedata
import uuid
from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from .api.serializers import UNSAFE_TEXT
from .models import MediaType
from .services.uploads import PICTURES, FileTooLarge, Upload, UploadRejected, checked_upload


class PlainField(forms.CharField):
    """Text as it will be shown, with full-width digits and letters turned into plain ones."""

    def to_python(self, value: Any) -> str:
        text = unicodedata.normalize("NFKC", super().to_python(value) or "").strip()
        if UNSAFE_TEXT.search(text.replace("\r\n", " ").replace("\n", " ")):
            raise ValidationError(_("The text holds characters that cannot be shown."))
        return text


class PublicForm(forms.Form):
    """A form that needs no account; "accounts/trap.html" shows its trap."""

    # People do not see it; programs that fill in forms do.
    website = forms.CharField(required=False, label=_("Leave this empty"))

    @property
    def is_of_a_program(self) -> bool:
        """Whether something was filled in that people do not see."""
        return bool(self.data.get("website"))


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
                content, name = upload.path.read_bytes(), self.name_of(upload)
        except (FileTooLarge, UploadRejected) as refusal:
            why = refusal.errors[0].detail if refusal.errors else refusal.detail
            raise ValidationError(
                _("%(file)s: %(why)s"),
                code=refusal.code,
                params={"file": file.name, "why": why},
            ) from refusal
        return ContentFile(content, name=name)

    def name_of(self, upload: Upload) -> str:
        """Return an opaque name of our own."""
        return f"{uuid.uuid4()}.{upload.media_type.suffix}"


class PictureField(UploadField):
    """A picture that somebody sends with a form."""

    accepts = PICTURES

    def name_of(self, upload: Upload) -> str:
        return picture_name(upload)


def picture_name(upload: Upload) -> str:
    """Return a name by what is seen, so that the same picture is known again."""
    return f"{upload.sha256}.{upload.media_type.suffix}"
