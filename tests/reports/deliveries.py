"""A delivery that waits for its acceptance, and the people around it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from accounts.models import User
from orders.models import (
    Address,
    Buyer,
    Claim,
    ClaimLine,
    Consignment,
    Membership,
    Order,
    OrderLine,
)
from orders.services.shipments import record_whole_shipments
from shop.models import SKU, Product
from suppliers.models import Producer, Supplier, SupplierMember

from .ledger import NOW

serial = count(1)


@dataclass
class Delivery:
    """A shipped consignment, who takes it and who sent it."""

    number: str
    buyer: User
    supplier: User
    lines: list[OrderLine]

    def claim(self, **quantity_by_line: str) -> Claim:
        """Open a claim; `line1="2"` claims two of line 1."""
        claim = Claim.objects.create(
            consignment=self.lines[0].consignment, opened_at=NOW, opened_by=self.buyer
        )
        ClaimLine.objects.bulk_create(
            ClaimLine(
                claim=claim,
                line=self.lines[int(name.removeprefix("line")) - 1],
                quantity=Decimal(quantity),
                reason="破损",
            )
            for name, quantity in quantity_by_line.items()
        )
        return claim


def shipped(
    *lines: dict[str, Any], buyer_kind: str = "canteen", region: str = "440105", **fields: Any
) -> Delivery:
    """Store a shipped consignment; each of `lines` says what differs from ten cases of eggs."""
    n = next(serial)
    supplier = Supplier.objects.create(
        code=f"egg-{n}", name="长顺蛋业", kind="company", uscc=f"U{n}", county_id="522729",
        status="approved",
    )  # fmt: skip
    member = User.objects.create(username=f"supplier-{n}")
    SupplierMember.objects.create(supplier=supplier, user=member)
    producer = Producer.objects.create(supplier=supplier, name="基地", county_id="522729")
    product = Product.objects.create(
        code=f"egg-{n}", supplier=supplier, producer=producer, category_id="eggs",
        county_id="522729", name="长顺绿壳鸡蛋",
    )  # fmt: skip
    sku = SKU.objects.create(
        product=product, code=f"egg-{n}", name="360枚", unit="case", net_weight_kg=Decimal("18.5"),
        tax_treatment="exempt", tax_basis="-",
    )  # fmt: skip
    buyer = Buyer.objects.create(
        code=f"buyer-{n}", name="机关食堂", kind=buyer_kind, region_id=region, foreign_id=f"X{n}"
    )
    purchaser = User.objects.create(username=f"buyer-{n}")
    Membership.objects.create(buyer=buyer, user=purchaser, role="purchaser")
    address = Address.objects.create(
        buyer=buyer, code="MAIN", division_id=region, street="路", consignee="人", phone="1"
    )
    order = Order.objects.create(
        number=f"T{n:09}", buyer=buyer, purchaser=purchaser, address=address, status="shipped",
        placed_at=NOW - timedelta(days=3), payment_term="postpay", goods_amount=0,
        buyer_kind=buyer_kind, region_code=region,
    )  # fmt: skip
    consignment = Consignment.objects.create(
        number=f"T{n:09}-1", order=order, supplier=supplier, status="shipped", goods_amount=0,
        shipped_at=NOW - timedelta(days=1),
    )  # fmt: skip
    stored = []
    for number, given in enumerate(lines or [{}], start=1):
        values: dict[str, Any] = {
            "sku_code": sku.code,
            "name": "长顺绿壳鸡蛋 360枚",
            "category_code": "eggs",
            "county_code": "522729",
            "pair_district_code": "",
            "is_recognised": True,
            "unit": "case",
            "net_weight_kg": Decimal("18.5"),
            "is_weighed": False,
            "tolerance_percent": 0,
            "tax_treatment": "exempt",
            "tax_rate": 0,
            "unit_price": Decimal("720"),
            "quantity": Decimal(10),
            "amount": Decimal("7200"),
            **fields,
            **given,
        }
        values.setdefault("shipped_quantity", values["quantity"])
        stored.append(
            OrderLine.objects.create(
                order=order, consignment=consignment, number=number, sku=sku, **values
            )
        )
    record_whole_shipments(consignment.pk, consignment.pk)
    return Delivery(consignment.number, purchaser, member, stored)
