"""Entries for the ledger, as rows to be written."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from accounts.models import User
from accounts.services.keys import issue_key
from orders.models import Buyer
from reports.models import CountingRule, LedgerEntry

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 12, tzinfo=SHANGHAI)


def entry(amount: str = "10.00", **fields: Any) -> LedgerEntry:
    """Return an unsaved entry of October 2026 that differs from others in `fields`."""
    values: dict[str, Any] = {
        "source": LedgerEntry.Source.DECLARATION,
        "booked_at": datetime(2026, 10, 15, 12, tzinfo=SHANGHAI),
        "occurred_on": date(2026, 10, 15),
        "rule_id": 1,
        "product_name": "长顺绿壳鸡蛋",
        "category_code": "eggs",
        "county_code": "522729",
        "supplier_code": "S1",
        "buyer_code": "B1",
        "buyer_kind": "canteen",
        "region_code": "440105",
        "pair_district_code": "",
        "channel": "platform",
        "kind": "procured",
        "is_recognised": True,
        "grade": 2,
        "quantity": Decimal(2),
        "unit": "case",
        "weight_kg": Decimal("40.000"),
        "amount": Decimal(amount),
        "reason": "test",
    }
    return LedgerEntry(**{**values, **fields})


def book(*entries: LedgerEntry) -> None:
    """Write entries in one statement, as services do."""
    LedgerEntry.objects.bulk_create(entries or [entry()])


def insert(cursor: Any, row: LedgerEntry) -> None:
    """Write an entry by SQL, past everything that Python checks."""
    columns = [field for field in row._meta.concrete_fields if not field.generated][1:]
    cursor.execute(
        f"INSERT INTO reports_ledgerentry ({', '.join(field.column for field in columns)}) "
        f"VALUES ({', '.join(['%s'] * len(columns))})",
        [getattr(row, field.attname) for field in columns],
    )


def in_month(month: int, **fields: Any) -> LedgerEntry:
    """Return an unsaved entry of a month of 2026."""
    day = datetime(2026, month, 15, 12, tzinfo=SHANGHAI)
    return entry(booked_at=day, occurred_on=day.date(), **fields)


def person(username: str, role: str = "office") -> User:
    return User.objects.create(username=username, role=role)


def bearer(user: User) -> dict[str, str]:
    """Return the header with a new key of `user`."""
    key = issue_key(user, by=None, now=NOW)
    return {"Authorization": f"Bearer {key}"}


def rule(version: int = 2, *, approved: bool = True, **fields: Any) -> CountingRule:
    """Store a rule in force from December 2026 that calls every buyer's contribution procured."""
    people = [person(f"approver-{version}-{n}") for n in (1, 2)] if approved else [None, None]
    values: dict[str, Any] = {
        "in_force_from": date(2026, 12, 1),
        "kind_by_buyer_kind": dict.fromkeys(Buyer.Kind.values, "procured"),
        "description": "-",
        "approved_by_first": people[0],
        "approved_by_second": people[1],
    }
    return CountingRule.objects.create(version=version, **{**values, **fields})
