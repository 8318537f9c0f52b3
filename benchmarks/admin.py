"""The admin's lists over fifty thousand products, for one supplier and for those who see all."""

import statistics
import time
from itertools import count

from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from shop.models import ListingVersion, Product
from suppliers.models import Supplier, SupplierMember

from .sample import fill_ledger, sample
from .site import get, product
from .table import Row

PRODUCTS = 50_000
#: Ten of them are a consignment.
ENTRIES = 200_000
TIMES = 15
#: Each list, with a search that finds all and a filter.
LISTS = {
    "products": ("shop/product/", "?q=%E5%95%86%E5%93%81", "?status__exact=listed"),
    "SKUs": ("shop/sku/", "?q=%E5%95%86%E5%93%81", "?is_active__exact=1"),
    "stock": ("shop/stock/", "?q=%E5%95%86%E5%93%81"),
    "versions": ("shop/listingversion/", "?q=%E5%95%86%E5%93%81", "?queue=waiting"),
    "consignments": ("orders/consignment/", "?q=SAMPLE", "?status__exact=accepted"),
}
serial = count(time.time_ns())


def measure(entries: int) -> list[Row]:
    """Return how long each list takes, the slowest way that it is asked for, beside 300 ms."""
    sample(products=PRODUCTS, lines=1_000)
    fill_ledger(ENTRIES)
    seller = _person()
    supplier = Supplier.objects.filter(code__startswith="SAMPLE-").earliest("code")
    SupplierMember.objects.create(supplier=supplier, user=seller)
    _submit_all(by=seller)
    rows = []
    with product() as port:
        for who, user in (("supplier", seller), ("all", _person(User.Role.ADMIN))):
            session = _signed_in(user)
            for name, (path, *asked) in LISTS.items():
                slowest = max(_median(port, f"/admin/{path}{q}", session) for q in ("", *asked))
                what = f"admin's list of {name}, {who}, {PRODUCTS:,} products"
                rows.append(Row(what, slowest * 1000, 300, "300 ms", "ms", "≤ 1"))
    return rows


def _person(role: str = "") -> User:
    return User.objects.create(username=f"bench-{next(serial)}", role=role, is_staff=True)


def _submit_all(*, by: User) -> None:
    """Let every product that nobody has submitted have a version that waits for its review."""
    ListingVersion.objects.bulk_create(
        (
            ListingVersion(
                product=product,
                number=1,
                is_first=True,
                content={},
                submitted_by=by,
                submitted_at=timezone.now(),
            )
            for product in Product.objects.filter(versions=None).iterator()
        ),
        batch_size=5_000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_listingversion")


def _signed_in(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"Cookie": f"{name}={client.cookies[name].value}"}


def _median(port: int, path: str, session: dict[str, str]) -> float:
    """Return the median time, in seconds, in which the page is there."""
    taken = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        status, _body = get(port, path, session)
        taken.append(time.perf_counter() - begun)
        assert status == 200, (path, status)
    return statistics.median(taken)
