"""What a supplier's statement and a buyer's certificate say."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Count, Sum
from django.utils import timezone, translation

from orders.models import Buyer
from reports.models import LedgerEntry, Month, Report
from shop.models import SKU
from suppliers.models import Supplier


@dataclass(frozen=True)
class StatementRow:
    """What was sold of one product in one unit."""

    name: str
    unit: str
    quantity: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """
    One supplier's or buyer's entries of a month, summed by product, in yuan.

    `sha256` is the seal of a closed month, and `audit_line` names the head of the audit
    trail by then; one that is not closed yet has none.
    """

    title: str
    text: str
    name: str
    code: str
    month: date
    issued_on: date
    sha256: str
    audit_line: str
    rows: list[StatementRow]
    freight: Decimal
    entries: int

    @property
    def totals(self) -> list[tuple[str, Decimal]]:
        """Return what all rows come to, and with freight where there is some."""
        goods = sum((row.amount for row in self.rows), Decimal(0))
        if not self.freight:
            return [("合计", goods)]
        return [("货款合计", goods), ("运费", self.freight), ("合计", goods + self.freight)]


@translation.override("zh-hans")
def statement_of(report: Report) -> Statement:
    """Return what the statement or certificate that `report` asks for says."""
    # Changes of evidence add up to nothing, and are nothing to the owner.
    sold = LedgerEntry.objects.filter(month=report.month).exclude(source=LedgerEntry.Source.REGRADE)
    code = report.subject
    if report.kind == Report.Kind.SUPPLIER_STATEMENT:
        title, text = "供应商对账单", "以下为贵单位当月经采购方验收的供货，退货已扣减。"
        kind, owner = "supplier", Supplier.objects.get(code=code).name
        sold = sold.filter(supplier_code=code)
    else:
        title = "消费帮扶采购证明"
        text = "兹证明该单位于当月采购黔南布依族苗族自治州产品如下，已计入消费帮扶台账。"
        kind, owner = "buyer", Buyer.objects.get(code=code).name
        sold = sold.filter(buyer_code=code)
    month = Month.objects.filter(month=report.month).first()
    unit_by_code = dict(SKU.Unit.choices)
    groups = (
        sold.values("product_name", "unit")
        .annotate(n=Count("id"), bought=Sum("quantity"), paid=Sum("amount"), freight=Sum("freight"))
        .order_by("product_name", "unit")
    )
    return Statement(
        title=title,
        text=text,
        # A closed month keeps the name that it was closed with.
        name=dict(month.names[kind]).get(code, owner) if month and month.names else owner,
        code=code,
        month=report.month,
        issued_on=timezone.localdate(report.requested_at),
        sha256=month.sha256 if month else "",
        audit_line=month.audit_line if month else "",
        rows=[
            StatementRow(
                group["product_name"],
                str(unit_by_code.get(group["unit"], group["unit"])),
                group["bought"],
                group["paid"],
            )
            for group in groups
        ],
        freight=sum((group["freight"] for group in groups), Decimal(0)),
        entries=sum(group["n"] for group in groups),
    )
