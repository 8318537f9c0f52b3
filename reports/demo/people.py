"""The demo's organisations and the people who work for them."""

import tomllib
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.utils.crypto import salted_hmac

from accounts.models import User
from accounts.services.keys import issue_key
from orders.models import Address, Buyer, Credit, Membership
from suppliers.identifiers import uscc_check_character
from suppliers.models import (
    Application,
    AssistanceProfile,
    Base,
    Certificate,
    Producer,
    Supplier,
    SupplierMember,
)

from .history import midnight
from .pictures import attach_scan

PEOPLE = tomllib.loads(Path(__file__).with_name("people.toml").read_text(encoding="utf-8"))

APPROVAL_LIMIT = Decimal(200_000)
CREDIT_LIMIT = Decimal(50_000_000)
YEARS = 2

# The first two characters say who registers an organisation and what it is.
USCC_PREFIXES: dict[str, str] = {
    Buyer.Kind.CANTEEN: "11",
    Buyer.Kind.SCHOOL: "12",
    Buyer.Kind.HOSPITAL: "12",
    Buyer.Kind.UNION: "81",
    Supplier.Kind.COLLECTIVE: "N2",
    Supplier.Kind.COOPERATIVE: "93",
    Supplier.Kind.FAMILY_FARM: "92",
}
COMPANY_PREFIX = "91"


def made_up_uscc(kind: str, division: str, number: int) -> str:
    """Return a code that checks, but whose organisation part nobody was ever given."""
    body = f"{USCC_PREFIXES.get(kind, COMPANY_PREFIX)}{division}DEM{number:05}X"
    return body + uscc_check_character(body)


def username_of(code: str, role: str = "") -> str:
    return f"demo-{code.lower()}{role and '-'}{role}"


def is_loaded() -> bool:
    return User.objects.filter(username=PEOPLE["staff"][0]["username"]).exists()


def load_people(*, day: date) -> None:
    """Store the staff, the buyers and the suppliers, each with its people."""
    User.objects.bulk_create(_users())
    users = {user.username: user for user in _demo_users()}
    _load_buyers(users)
    _load_suppliers(users, day=day)


def _demo_users() -> list[User]:
    return list(User.objects.filter(username__startswith="demo-").order_by("pk"))


def _users() -> Iterator[User]:
    for person in PEOPLE["staff"]:
        yield User(
            username=person["username"],
            last_name=person["name"],
            role=person["role"],
            division_id=person.get("division"),
            is_staff=True,
            is_superuser=person["role"] == User.Role.ADMIN,
        )
    for buyer in PEOPLE["buyers"]:
        for role in Membership.Role:
            yield User(username=username_of(buyer["code"], role), last_name=buyer["name"])
    for supplier in _approved():
        yield User(
            username=username_of(supplier["code"]), last_name=supplier["name"], is_staff=True
        )


def _approved() -> list[dict[str, str]]:
    return [supplier for supplier in PEOPLE["suppliers"] if "status" not in supplier]


def _load_buyers(users: dict[str, User]) -> None:
    buyers = Buyer.objects.bulk_create(
        Buyer(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            region_id=row["region"],
            **(
                {"foreign_id": f"示例-{row['code']}"}
                if row["region"].startswith("8")
                else {"uscc": made_up_uscc(row["kind"], row["region"], number)}
            ),
        )
        for number, row in enumerate(PEOPLE["buyers"], start=1)
    )
    Credit.objects.bulk_create(Credit(buyer=buyer, limit=CREDIT_LIMIT) for buyer in buyers)
    Membership.objects.bulk_create(
        Membership(
            buyer=buyer,
            user=users[username_of(buyer.code, role)],
            role=role,
            approval_limit=APPROVAL_LIMIT if role == Membership.Role.PURCHASER else None,
        )
        for buyer in buyers
        for role in Membership.Role
    )
    Address.objects.bulk_create(
        Address(
            buyer=buyer,
            code=code,
            division_id=buyer.region_id,
            street=street,
            consignee="示例收货人",
            # No mobile number begins with 100.
            phone=f"100000{number:05}",
        )
        for number, buyer in enumerate(buyers, start=1)
        for code, street in (("MAIN", "示例路1号收货区"), ("BRANCH", "示例路2号分部仓库"))
    )


def _load_suppliers(users: dict[str, User], *, day: date) -> None:
    rows = PEOPLE["suppliers"]
    suppliers = Supplier.objects.bulk_create(
        Supplier(
            code=row["code"],
            name=row["name"],
            kind=row["kind"],
            uscc=made_up_uscc(row["kind"], row["county"], 100 + number),
            county_id=row["county"],
            status=row.get("status", Supplier.Status.APPROVED),
            introduction=row["introduction"],
            contact_name="示例联系人",
            contact_phone=f"100001{number:05}",
        )
        for number, row in enumerate(rows, start=1)
    )
    SupplierMember.objects.bulk_create(
        SupplierMember(supplier=supplier, user=users[username_of(supplier.code)])
        for supplier in suppliers
        if supplier.is_selling
    )
    # An agent sells only what others produce; its producers come with its products.
    Producer.objects.bulk_create(
        Producer(
            supplier=supplier,
            name=supplier.name,
            county_id=supplier.county_id,
            uscc=supplier.uscc,
        )
        for supplier in suppliers
        if supplier.kind != Supplier.Kind.AGENT
    )
    Base.objects.bulk_create(
        Base(
            supplier=supplier,
            code=f"BASE-{supplier.code}",
            name=f"示例{row['base']}",
            county_id=supplier.county_id,
            area_mu=row["area_mu"],
            is_vegetable_basket=row.get("vegetable_basket", False),
        )
        for supplier, row in zip(suppliers, rows, strict=True)
        if "base" in row
    )
    AssistanceProfile.objects.bulk_create(
        AssistanceProfile(
            supplier=supplier,
            year=day.year - years_ago,
            households=120 + 37 * number - 15 * years_ago,
            jobs=18 + 5 * number - 3 * years_ago,
            land_rent=Decimal(40_000 + 12_500 * number - 6_000 * years_ago),
        )
        for number, supplier in enumerate(suppliers)
        for years_ago in range(YEARS)
    )


def load_applications(*, day: date) -> None:
    """Store the applications of those who wait, and the licence that each sent."""
    office = User.objects.get(username=PEOPLE["staff"][0]["username"])
    waiting = Supplier.objects.filter(status__in=("applied", "recommended")).order_by("code")
    for days_ago, supplier in enumerate(waiting, start=3):
        applied_at = midnight(day - timedelta(days_ago)) + timedelta(hours=10)
        licence = Certificate(
            supplier=supplier,
            kind=Certificate.Kind.BUSINESS_LICENCE,
            number=supplier.uscc,
            issuer="示例市场监督管理局",
            valid_from=day - timedelta(900),
        )
        attach_scan(licence)
        licence.save()
        application = Application.objects.create(supplier=supplier, applied_at=applied_at)
        if supplier.status == Supplier.Status.RECOMMENDED:
            application.recommended_by = office
            application.recommended_at = applied_at + timedelta(days=1)
            application.recommendation = "示例：已实地查看，情况属实。"
            application.save()


def reset_password() -> str:
    """
    Return the password of all demo people, after making sure that it opens the door.

    It follows from the installation's secret, so it is the same each time and
    cannot be guessed; an unchanged hash leaves people signed in.
    """
    secret = salted_hmac("reports.demo", "password").hexdigest()
    password = f"demo-{secret[:16]}"
    User.objects.filter(username__startswith="demo-").update(
        password=make_password(password, salt=secret[16:38])
    )
    return password


def people_with_keys(*, password: str, now: datetime) -> dict[str, list[dict[str, object]]]:
    """Return all demo people as `demo --json` prints them, each with a new key."""
    users = {user.username: user for user in _demo_users()}

    def key(username: str) -> str:
        return issue_key(users[username], name="demo", by=None, now=now)

    return {
        "buyers": [
            {
                **buyer,
                "keys": {
                    str(role): key(username_of(buyer["code"], role)) for role in Membership.Role
                },
            }
            for buyer in PEOPLE["buyers"]
        ],
        "suppliers": [
            {
                "code": supplier["code"],
                "name": supplier["name"],
                "county": supplier["county"],
                "username": (username := username_of(supplier["code"])),
                "password": password,
                "key": key(username),
            }
            for supplier in _approved()
        ],
        "staff": [
            {
                "username": person["username"],
                "password": password,
                "role": person["role"],
                "key": key(person["username"]),
            }
            for person in PEOPLE["staff"]
        ],
    }
