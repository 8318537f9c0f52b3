"""The form that says what left: each line with its weight and the batches that it is of."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.api.serializers import plain
from accounts.refusals import Refusal
from orders.models import OrderLine
from orders.services.batching import MAX_BATCHES, Part, Proposal

#: How many rows a line has at least, so that it can be split.
ROWS = 2


class ShipmentForm(forms.Form):
    """What left of each line; the proposed batches stand in it already."""

    carrier = forms.CharField(
        label=_("Carrier"), max_length=60, widget=UnfoldAdminTextInputWidget()
    )
    tracking = forms.CharField(
        label=_("Tracking number"),
        max_length=60,
        required=False,
        widget=UnfoldAdminTextInputWidget(),
    )

    more_follows = forms.BooleanField(
        label=_("More of it follows later"),
        required=False,
        help_text=_("What has not left stays held for this buyer, who accepts once all has come."),
        widget=UnfoldBooleanSwitchWidget(),
    )
    shipment = forms.IntegerField(min_value=1, widget=forms.HiddenInput())

    def __init__(
        self,
        *args: Any,
        lines: Sequence[OrderLine],
        proposals: Mapping[int, Sequence[Proposal]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.lines = lines
        self.shipped: dict[int, list[Part]] = {}
        self._names: dict[int, list[int]] = {}
        for line in lines:
            for row, (quantity, batch) in enumerate(_initial(line, proposals[line.number])):
                self._add_row(line, row, quantity, batch)

    def _add_row(self, line: OrderLine, row: int, quantity: str, batch: str) -> None:
        name = f"{line.number}-{row}"
        self.fields[f"quantity-{name}"] = forms.DecimalField(
            label=_("Quantity"),
            required=False,
            min_value=Decimal(0),
            max_digits=12,
            decimal_places=3,
            initial=quantity,
            widget=UnfoldAdminDecimalFieldWidget({"step": "any", "aria-label": _("Quantity")}),
        )
        self.fields[f"batch-{name}"] = forms.CharField(
            label=_("Batch"),
            required=False,
            max_length=60,
            initial=batch,
            widget=UnfoldAdminTextInputWidget(
                {"list": f"batches-{line.sku.product_id}", "aria-label": _("Batch")}
            ),
        )

    def rows(self) -> Iterator[tuple[OrderLine, list[tuple[BoundField, BoundField]]]]:
        """Yield each line with the fields of its rows."""
        for line in self.lines:
            names = [name for name in self.fields if name.startswith(f"quantity-{line.number}-")]
            yield line, [(self[name], self[name.replace("quantity", "batch")]) for name in names]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        for line in self.lines:
            parts, rows = [], []
            for row in range(MAX_BATCHES):
                name = f"{line.number}-{row}"
                quantity, batch = cleaned.get(f"quantity-{name}"), cleaned.get(f"batch-{name}", "")
                if quantity:
                    parts.append(Part(quantity, batch))
                    rows.append(row)
            if parts or not cleaned.get("more_follows"):
                self.shipped[line.number] = parts or [Part(Decimal(0))]
                self._names[line.number] = rows or [0]
            if len(parts) > 1:
                for part, row in zip(parts, rows, strict=True):
                    if not part.batch:
                        detail = _("Say of which batch each part is.")
                        self.add_error(f"batch-{line.number}-{row}", detail)
        return cleaned

    def show(self, refusal: Refusal) -> None:
        """Show each part of a refusal beside the field that it points to."""
        for error in refusal.errors:
            # /lines/0/quantity, /lines/0/batch or /lines/0/batches/1/batch
            _empty, _lines, index, *where = error.pointer.split("/") + [""] * 3
            name = None
            if index.isdigit():
                number = list(self.shipped)[int(index)]
                place = int(where[1]) if where[0] == "batches" else 0
                field = "quantity" if where[0] == "quantity" else "batch"
                name = f"{field}-{number}-{self._names[number][place]}"
            self.add_error(name, str(error.detail))
        if not refusal.errors:
            self.add_error(None, str(refusal.detail))


def _initial(line: OrderLine, proposals: Sequence[Proposal]) -> list[tuple[str, str]]:
    """Return quantity and batch of a line's rows: as proposed, the rest, and one to spare."""
    rows = [(plain(p.quantity), p.batch.code) for p in proposals[: MAX_BATCHES - 1]]
    missing = line.left_to_ship - sum((p.quantity for p in proposals), Decimal(0))
    if missing > 0:
        rows.append((plain(missing), ""))
    spare = max(ROWS - len(rows), 1 if len(rows) < MAX_BATCHES else 0)
    return rows + [("", "")] * spare
