"""The demo's targets: what both years were meant to come to."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

from reports.models import Target
from reports.services.figures import Question, answer

TEN_THOUSAND = Decimal(10_000)
#: Of what last year came to: last year's targets, and this year's.
AIMS = (Decimal("0.98"), Decimal("1.20"))


def set_targets(*, day: date) -> None:
    """Set targets of last year and this one: for all, for each county and for each pairing."""
    last_year = day.year - 1
    sales = answer(
        Question(by=("county", "pair"), since=date(last_year, 1, 1), until=date(last_year, 12, 1)),
        day=day,
    )
    amounts: dict[tuple[str | None, str | None], Decimal] = defaultdict(Decimal)
    for row in sales.groups:
        county, district = row["county_code"], row["pair_district_code"] or None
        for meant in {(None, None), (county, None), (county, district)}:
            amounts[meant] += row["amount"]
    Target.objects.bulk_create(
        Target(
            year=year,
            county_id=county,
            district_id=district,
            amount=max(amount * aim // TEN_THOUSAND, Decimal(1)) * TEN_THOUSAND,
        )
        for year, aim in zip((last_year, day.year), AIMS, strict=True)
        for (county, district), amount in amounts.items()
    )
