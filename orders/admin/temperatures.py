"""The form that takes temperatures of a consignment, and the picture of their curve."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminTextInputWidget,
)

from orders.models import TemperatureReading
from orders.services.cold_chain import MAX_SIZE, ColdChain, Reading, read_logger

#: The size of the curve.
WIDTH, HEIGHT = 600, 120


class ReadingForm(forms.Form):
    """One temperature read by hand, or a logger's file."""

    at = forms.DateTimeField(
        label=_("Time"),
        required=False,
        widget=UnfoldAdminTextInputWidget({"placeholder": "2026-11-25 08:30"}),
    )
    degrees = forms.DecimalField(
        label=_("Temperature (°C)"),
        required=False,
        min_value=Decimal(-80),
        max_value=Decimal(80),
        max_digits=4,
        decimal_places=1,
        widget=UnfoldAdminDecimalFieldWidget({"step": "0.1"}),
    )
    file = forms.FileField(
        label=_("CSV of a logger"),
        required=False,
        help_text=_("Time and temperature in each row, at most 1 MB; Excel saves it as CSV."),
        widget=UnfoldAdminFileFieldWidget({"accept": ".csv,.txt"}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if isinstance(file, UploadedFile) and (file.size or 0) > MAX_SIZE:
            raise forms.ValidationError(_("The file is larger than 1 MB."))
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        by_hand = (cleaned.get("at"), cleaned.get("degrees"))
        if not self.errors and (None in by_hand) == (not cleaned.get("file")):
            raise forms.ValidationError(_("Enter a time and a temperature, or choose a file."))
        return cleaned

    def readings(self) -> tuple[list[Reading], str]:
        """Return what was entered, and from which source. Raise Invalid for a bad file."""
        if file := self.cleaned_data.get("file"):
            return read_logger(file.read()), TemperatureReading.Source.LOGGER
        reading = Reading(1, self.cleaned_data["at"], self.cleaned_data["degrees"])
        return [reading], TemperatureReading.Source.BY_HAND


def curve_of(chain: ColdChain) -> dict[str, Any] | None:
    """Return where each reading stands in the picture of the curve, and the allowed band."""
    if not chain.readings:
        return None
    degrees = [float(reading.degrees) for reading in chain.readings]
    bounds = [float(bound) for band in chain.allowed for bound in band if bound > -80]
    low, high = min([*degrees, *bounds]) - 1, max([*degrees, *bounds]) + 1
    first, last = chain.readings[0].at, chain.readings[-1].at
    span = (last - first) or timedelta(seconds=1)

    def height(value: float) -> float:
        return round(HEIGHT * (high - value) / (high - low), 1)

    points = [
        {
            "x": round(WIDTH * ((reading.at - first) / span), 1),
            "y": height(value),
            "fits": chain.fits(reading.degrees),
        }
        for reading, value in zip(chain.readings, degrees, strict=True)
    ]
    bands = [
        {"top": height(min(float(upper), high)), "bottom": height(max(float(lower), low))}
        for lower, upper in chain.allowed
    ]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "line": " ".join(f"{point['x']},{point['y']}" for point in points),
        "points": points,
        "bands": [{"y": b["top"], "height": round(b["bottom"] - b["top"], 1)} for b in bands],
    }
