"""The demo's sales off the platform, declared by the two offices in files of their own."""

import csv
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from io import StringIO

from accounts.models import User
from orders.models import Buyer, Channel
from reports.services.declarations.columns import COLUMNS
from reports.services.declarations.receiving import (
    commit_declaration,
    receive_declaration,
    work_through,
)
from shop.models import Product

ROWS_A_MONTH = 12
TYPICAL_AMOUNT = 15_000
KINDS_BY_CHANNEL = {
    Channel.P832: (Buyer.Kind.BUDGET_UNIT, Buyer.Kind.CANTEEN),
    Channel.COUNTER: (Buyer.Kind.SUPERMARKET,),
    Channel.HALL: (Buyer.Kind.COMPANY, Buyer.Kind.UNION),
    Channel.ZONE: (Buyer.Kind.SUPERMARKET,),
    Channel.FAIR: (Buyer.Kind.COMPANY, Buyer.Kind.UNION),
    Channel.LIVE: (Buyer.Kind.ECOMMERCE,),
    Channel.OFFLINE: (Buyer.Kind.WHOLESALE, Buyer.Kind.CATERER),
    Channel.EXPORT: (Buyer.Kind.IMPORTER,),
}
REGIONS_BY_REPORTER = {
    "440100": ("440103", "440104", "440105", "440106", "440111", "440112", "440113"),
    "522700": ("440305", "440604", "441900", "442000", "440703", "441302", "820001"),
}


def declare_sales(*, months: list[date], day: date, now: datetime) -> None:
    """Book one file of each office, with sales of `months` until the day before `day`."""
    products = list(Product.objects.filter(status=Product.Status.LISTED).order_by("code"))
    for reporter in REGIONS_BY_REPORTER:
        office = User.objects.get(username__startswith="demo-", division=reporter)
        content = _file(_rows(reporter, months=months, products=products, until=day))
        declaration = receive_declaration(
            [content.encode("utf-8-sig")],
            file_name=f"示例-{reporter}.csv",
            reporter=reporter,
            is_late=False,
            by=office,
            now=now,
        )
        commit_declaration(declaration.pk, by=office, now=now)
        work_through(declaration.pk, now=now)


def _file(rows: Iterator[dict[str, object]]) -> str:
    file = StringIO()
    writer = csv.DictWriter(file, [column.identifier for column in COLUMNS], restval="")
    writer.writerow({column.identifier: column.heading for column in COLUMNS})
    writer.writerows(rows)
    return file.getvalue()


def _rows(
    reporter: str, *, months: list[date], products: list[Product], until: date
) -> Iterator[dict[str, object]]:
    for month in months:
        dice = random.Random(f"{reporter} {month:%Y-%m}")  # noqa: S311 - meant to repeat itself
        for number in range(1, ROWS_A_MONTH + 1):
            sold_on = month + timedelta(dice.randrange(28))
            product = dice.choice(products)
            channel = dice.choice(list(KINDS_BY_CHANNEL))
            amount = Decimal(TYPICAL_AMOUNT * dice.lognormvariate(0, 0.8))
            if sold_on < until:
                yield {
                    "sold_on": sold_on,
                    "document_no": f"示例-{month:%Y%m}-{number:03}",
                    "line_no": 1,
                    "product_name": product.name,
                    "category": product.category_id,
                    "county_code": product.county_id,
                    "buyer_name": "示例采购方",
                    "buyer_region": dice.choice(REGIONS_BY_REPORTER[reporter]),
                    "buyer_kind": dice.choice(KINDS_BY_CHANNEL[channel]).value,
                    "channel": channel.value,
                    "quantity": dice.randint(20, 900),
                    "unit": "公斤",
                    "amount": amount.quantize(Decimal("0.01")),
                    "note": "示例数据",
                }
