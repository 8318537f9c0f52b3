"""The form with which somebody applies to sell here."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms import PlainField, PublicForm, UploadField
from accounts.models import Division

from .identifiers import validate_uscc
from .models import Certificate, Supplier

PHONE = re.compile(r"\+?[0-9][0-9 ()-]{5,17}[0-9]")


class UsccField(PlainField):
    """A unified social credit code, however it was typed: spaced, in small letters, full-width."""

    default_validators = [validate_uscc]

    def to_python(self, value: Any) -> str:
        return re.sub(r"[\s-]", "", super().to_python(value)).upper()


class CountyField(forms.ModelChoiceField):
    """One of the twelve counties, called as people call it."""

    def label_from_instance(self, county: Any) -> str:
        return str(county.local_name)


class ApplicationForm(PublicForm):
    """Who applies, its business licence, and where the answer goes."""

    name = PlainField(label=_("Name as on the licence"), max_length=100)
    uscc = UsccField(label=_("Unified social credit code"), help_text=_("18 digits and letters."))
    kind = forms.ChoiceField(
        label=_("Kind of organisation"), choices=[("", "—"), *Supplier.Kind.choices]
    )
    county = CountyField(
        label=_("County you are in"), queryset=Division.objects.counties(), empty_label="—"
    )
    introduction = PlainField(
        label=_("What you grow or make"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 3}),
    )
    contact_name = PlainField(label=_("Contact person"), max_length=40)
    contact_phone = PlainField(label=_("Phone"), max_length=20)
    email = forms.EmailField(
        label=_("E-mail"),
        required=False,
        help_text=_("The answer goes there; without one the county calls you."),
    )
    licence = UploadField(
        label=_("Photo or scan of the licence"), help_text=_("PDF, PNG or JPEG, up to 20 MB.")
    )
    issuer = PlainField(label=_("Issued by"), max_length=100)
    valid_from = forms.DateField(label=_("Date of issue"), widget=forms.DateInput({"type": "date"}))
    valid_until = forms.DateField(
        label=_("Valid until"),
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text=_("Empty when it does not end."),
    )

    def clean_contact_phone(self) -> str:
        phone: str = self.cleaned_data["contact_phone"]
        if not PHONE.fullmatch(phone):
            raise ValidationError(_("Enter a phone number, such as 0854-8220000."))
        return phone

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        begins, ends = cleaned.get("valid_from"), cleaned.get("valid_until")
        if begins and ends and ends < begins:
            self.add_error("valid_until", _("A certificate cannot end before it starts."))
        return cleaned

    def supplier(self) -> Supplier:
        """Return who applies, not stored yet."""
        names = ("name", "uscc", "kind", "county", "introduction", "contact_name", "contact_phone")
        return Supplier(**{name: self.cleaned_data[name] for name in names})

    def business_licence(self) -> Certificate:
        """Return the licence with its file, not stored yet."""
        names = ("issuer", "valid_from", "valid_until")
        return Certificate(
            file=self.cleaned_data["licence"], **{name: self.cleaned_data[name] for name in names}
        )
