"""The trace as a page for the office and auditors: linked tables, and a box to search in."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from rest_framework.exceptions import ValidationError

from accounts.models import Division, name_field
from accounts.refusals import Invalid, NotFound
from orders.models import Buyer, Channel, Claim, Consignment, Fapiao, Order, OrderEvent
from reports.models import ContributionKind, Declaration, Grade, LedgerEntry, Month
from reports.services.figures import COLUMNS, UNASSIGNED, UNNAMED
from reports.services.reasons import in_words
from shop.models import SKU, Category

from .trace import answer_trace

#: What the codes in a dimension of the figures are called.
LABELS = {
    "kind": dict(ContributionKind.choices),
    "buyer_kind": dict(Buyer.Kind.choices),
    "channel": dict(Channel.choices),
}


@require_safe
@login_required
def trace_page(request: HttpRequest) -> HttpResponse:
    if not getattr(request.user, "sees_all_figures", False):
        raise PermissionDenied
    kinds = {
        "order": _("Order"),
        "consignment": _("Consignment"),
        "fapiao": _("Fapiao"),
        "payment": _("Payment"),
        "batch": _("Batch"),
        "entry": _("Ledger entry"),
        "declaration": _("Declaration"),
    }
    # The form names its kind; a link may say it as the API does: ?order=20261125000001.
    named = next((kind for kind in kinds if kind in request.GET), "")
    of = named or request.GET.get("of", "order")
    key = request.GET.get(named or "key", "").strip()
    row = request.GET.get("row", "").strip()
    context: dict[str, Any] = {"kinds": kinds, "of": of, "key": key, "row": row}
    status = 200
    if key:
        try:
            found = answer_trace({of: key, **({"row": row} if row else {})})
        except (NotFound, Invalid, ValidationError):
            # What is no number at all is as little a key as one that nothing has.
            context["message"], status = _("Nothing is found under this key."), 404
        else:
            context["tables"] = _tables(found)
            context["is_complete"] = found["is_complete"]
            context["as_of"] = _moment(found["as_of"])
    return render(request, "reports/trace.html", context, status=status)


def _tables(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each part of a trace that has something in it: its title, headings and cells."""
    units, steps = dict(SKU.Unit.choices), dict(OrderEvent.Kind.choices)
    # The answer names them as the API does; the page, by code, in the reader's language.
    names = dict(Division.objects.values_list("code", name_field()))
    names |= dict(Category.objects.values_list("code", name_field()))

    def called(named: Mapping[str, str]) -> str:
        return names.get(named["code"], named["name"])

    titles = {
        "month": _("Month"),
        "county": _("County"),
        "district": _("Buyer's district"),
        "pair": _("Pairing"),
        "category": _("Category"),
        "kind": _("Contribution"),
        "buyer_kind": _("Buyer kind"),
        "channel": _("Channel"),
        "supplier": _("Supplier"),
        "recognised": _("Recognised"),
        "grade": _("Evidence, or better"),
    }
    tables = [
        _table(
            _("Figures"),
            found["figures"],
            {
                _("Month"): lambda r: r["month"],
                _("Status"): lambda r: Month.Status(r["status"]).label,
                _("Dimension"): lambda r: titles[r["by"]],
                _("Value"): lambda r: _shown(r["by"], r["value"], called),
                _("Yuan"): lambda r: r["amount"],
                _("Entries"): lambda r: (r["entries"], _entries_of(r)),
                _("Traced entries"): lambda r: len(r["traced"]),
                "SHA-256": lambda r: r["sha256"],
            },
        ),
        _table(
            _("Ledger entries"),
            found["entries"],
            {
                "": lambda r: _link("entry", r["id"]),
                _("Month"): lambda r: r["month"],
                _("Source"): lambda r: LedgerEntry.Source(r["source"]["kind"]).label,
                _("Product"): lambda r: r["product"],
                _("County"): lambda r: called(r["county"]),
                _("Supplier"): lambda r: r["supplier"]["name"],
                _("Buyer"): lambda r: r["buyer"],
                _("Evidence"): lambda r: r["grade"],
                _("Quantity"): lambda r: f"{r['quantity']} {units.get(r['unit'], r['unit'])}",
                _("Yuan"): lambda r: r["amount"],
                _("Corrects"): lambda r: _link("entry", r["corrects"]),
                _("Corrects the month"): lambda r: r["corrects_month"],
                _("Reason"): lambda r: in_words(r["reason"]),
            },
        ),
        _table(
            _("Orders"),
            found["orders"],
            {
                _("Number"): lambda r: _link("order", r["number"]),
                _("Buyer"): lambda r: r["buyer"]["name"],
                _("Status"): lambda r: Order.Status(r["status"]).label,
                _("Placed at"): lambda r: _moment(r["placed_at"]),
                _("Purchase order"): lambda r: r["purchase_order"],
                _("Yuan"): lambda r: r["goods_amount"],
            },
        ),
        _table(
            _("Consignments"),
            found["consignments"],
            {
                _("Number"): lambda r: _link("consignment", r["number"]),
                _("Order"): lambda r: _link("order", r["order"]),
                _("Supplier"): lambda r: r["supplier"]["name"],
                _("Status"): lambda r: Consignment.Status(r["status"]).label,
                _("Carrier"): lambda r: f"{r['carrier']} {r['tracking']}",
                _("Shipped at"): lambda r: _moment(r["shipped_at"]),
                _("Accepted at"): lambda r: _moment(r["accepted_at"]),
            },
        ),
        _table(
            _("Lines"),
            found["lines"],
            {
                _("Consignment"): lambda r: _link("consignment", r["consignment"]),
                _("Line"): lambda r: r["line"],
                _("Product"): lambda r: r["name"],
                _("Batch"): lambda r: _link("batch", r["batch"]),
                _("Ordered"): lambda r: f"{r['quantity']} {units.get(r['unit'], r['unit'])}",
                _("Shipped"): lambda r: r["shipped_quantity"],
                _("Accepted"): lambda r: r["accepted_quantity"],
                _("Accepted (yuan)"): lambda r: r["accepted_amount"],
                _("Refunded (yuan)"): lambda r: r["refunded_amount"],
            },
        ),
        _table(
            _("Fapiaos"),
            found["fapiaos"],
            {
                _("Number"): lambda r: _link("fapiao", r["number"]),
                _("Consignment"): lambda r: _link("consignment", r["consignment"]),
                _("Kind"): lambda r: Fapiao.Kind(r["kind"]).label,
                _("Issued on"): lambda r: r["issued_on"],
                _("Buyer's title"): lambda r: r["buyer_title"],
                _("Yuan"): lambda r: r["amount"],
                _("Reverses"): lambda r: _link("fapiao", r["reverses"]),
                _("Reversed by"): lambda r: _link("fapiao", r["reversed_by"]),
            },
        ),
        _table(
            _("Payments"),
            found["payments"],
            {
                "": lambda r: _link("payment", r["id"]),
                _("Consignment"): lambda r: _link("consignment", r["consignment"]),
                _("Paid on"): lambda r: r["paid_on"],
                _("Reference"): lambda r: r["reference"],
                _("Yuan"): lambda r: r["amount"],
                _("Reverses"): lambda r: _link("payment", r["reverses"]),
                _("Reversed by"): lambda r: _link("payment", r["reversed_by"]),
            },
        ),
        _table(
            _("Claims"),
            found["claims"],
            {
                "": lambda r: r["id"],
                _("Consignment"): lambda r: _link("consignment", r["consignment"]),
                _("Status"): lambda r: Claim.Status(r["status"]).label,
                _("Opened at"): lambda r: _moment(r["opened_at"]),
                _("Settled at"): lambda r: _moment(r["settled_at"]),
                _("Refunded (yuan)"): lambda r: r["amount"],
            },
        ),
        _table(
            _("Declarations"),
            found["declarations"],
            {
                _("File"): lambda r: (r["file_name"], _address("declaration", r["id"])),
                _("Reporter"): lambda r: called(r["reporter"]),
                _("Status"): lambda r: Declaration.Status(r["status"]).label,
                _("Uploaded at"): lambda r: _moment(r["uploaded_at"]),
                "SHA-256": lambda r: r["sha256"],
            },
        ),
        _table(
            _("Evidence files"),
            [
                {**file, "declaration": declaration}
                for declaration in found["declarations"]
                for file in declaration["evidence"]
            ],
            {
                _("Title"): lambda r: r["title"],
                _("Declaration"): lambda r: (
                    r["declaration"]["file_name"],
                    _address("declaration", r["declaration"]["id"]),
                ),
                _("Uploaded by"): lambda r: r["uploaded_by"],
                _("Uploaded at"): lambda r: _moment(r["uploaded_at"]),
                "SHA-256": lambda r: r["sha256"],
            },
        ),
        _table(
            _("Declared rows"),
            found["rows"],
            {
                _("Row"): lambda r: (
                    r["row"],
                    _address("declaration", r["declaration"], row=r["row"]),
                ),
                _("Ledger entry"): lambda r: _link("entry", r["entry"]),
                _("Document"): lambda r: f"{r['document_no']} {r['line_no']}",
                _("Fapiao"): lambda r: _link("fapiao", r["fapiao_no"]),
                _("Buyer"): lambda r: r["buyer_name"],
                _("Revoked"): lambda r: _("yes") if r["is_revoked"] else "",
            },
        ),
        _table(
            _("Events"),
            found["events"],
            {
                _("At"): lambda r: _moment(r["at"]),
                _("Order"): lambda r: _link("order", r["order"]),
                _("Consignment"): lambda r: _link("consignment", r["consignment"]),
                _("Event"): lambda r: steps.get(r["kind"], r["kind"]),
                _("By"): lambda r: r["by"],
                _("Reason"): lambda r: r["reason"],
            },
        ),
    ]
    return [table for table in tables if table["rows"]]


def _table(
    title: str, rows: list[Any], cells: Mapping[str, Callable[[Any], Any]]
) -> dict[str, Any]:
    """Return a table; a cell is a text, or a text and the address that it leads to."""
    return {
        "title": title,
        "headings": list(cells),
        "rows": [
            [
                cell if isinstance(cell, tuple) else (cell, "")
                for cell in (c(row) for c in cells.values())
            ]
            for row in rows
        ],
    }


def _link(of: str, key: Any) -> tuple[Any, str]:
    return (key, _address(of, key) if key else "")


def _address(of: str, key: Any, **more: Any) -> str:
    return "?" + urlencode({"of": of, "key": key, **more})


def _entries_of(figure: Mapping[str, Any]) -> str:
    """Return the admin's list of the entries behind a figure: its reader is signed in there."""
    by, value = figure["by"], figure["value"]
    where: dict[str, Any] = {"month": f"{figure['month']}-01"}
    match value:
        case {"district": district, "county": county}:
            where |= {"pair_district_code": district["code"], "county_code": county["code"]}
        case {"code": code}:
            where[COLUMNS[by][0]] = "" if code in (UNASSIGNED, UNNAMED) else code
        case None:
            where["pair_district_code"] = ""
        case _ if by == "grade":
            where["grade__gte"] = Grade[value].value
        case _ if by != "month":
            where[COLUMNS[by][0]] = value
    return f"{reverse('admin:reports_ledgerentry_changelist')}?{urlencode(where)}"


def _shown(by: str, value: Any, called: Callable[[Mapping[str, str]], str]) -> str:
    """Return what a figure is of: the name of a code, or the value itself."""
    match value:
        case None:
            return _("not paired")
        case {"district": district, "county": county}:
            return f"{called(district)} – {called(county)}"
        case {"name": _}:
            return called(value)
        case bool():
            return _("yes") if value else _("no")
    return str(LABELS.get(by, {}).get(value, value))


def _moment(text: str | None) -> str:
    """Return a moment of an answer, which is local time already, to the minute."""
    return text[:16].replace("T", " ") if text else ""
