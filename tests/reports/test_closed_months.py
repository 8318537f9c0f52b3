"""The files of a closed month are the same bytes, whatever becomes of everything around them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest
from django.db import connection, transaction

from accounts.models import Division, User
from config.servers import Servers
from orders.models import Buyer
from reports.models import Declaration, LedgerEntry
from reports.services.months import close_month
from reports.services.totals import roll_up
from shop.models import Category
from suppliers.models import Supplier

from .deliveries import Delivery, shipped
from .ledger import NOW, book, entry, in_month, person
from .reporting import OCTOBER, made
from .test_booking import accept, settle
from .test_declarations import book as declare
from .test_declarations import revoke, text
from .test_grading import invoice

pytestmark = pytest.mark.django_db(transaction=True)

FILES = [("monthly", "xlsx"), ("monthly", "csv"), ("monthly", "pdf"),
         ("ledger", "csv"), ("ledger", "xlsx")]  # fmt: skip
IN_OCTOBER = NOW - timedelta(days=30)


def digests() -> dict[str, str]:
    """Return the digest of each file of October, made anew."""
    office = User.objects.get(username="maker")
    return {f"{kind}.{form}": made(kind, form, by=office).sha256 for kind, form in FILES}


#: Makes the same files in a process of its own, and verifies the database when told to.
MAKE = """
import json, sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.REPORTS_DIR = settings.MEDIA_ROOT = Path(sys.argv[1])
from reports.services.verifying import verify
from tests.reports.test_closed_months import NOW, digests
wrong = [check.name for check in verify(now=NOW) if check.findings] if "verify" in sys.argv else []
print(json.dumps({"files": digests(), "wrong": wrong}))
"""


def made_elsewhere(
    folder: Path, *arguments: str, database: str = "", **environment: str
) -> dict[str, Any]:
    """Run MAKE in an environment of its own, against another database if named."""
    name = database or connection.settings_dict["NAME"]
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + quote(name, safe=""))
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(folder), *arguments],
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": address.geturl(),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.REPORTS_DIR = settings.MEDIA_ROOT = tmp_path
    # Blocks of the trail name a head that is kept there.
    settings.AUDIT_HEADS_FILE = tmp_path / "heads.log"


@pytest.fixture
def delivery() -> Delivery:
    """
    A sale of October, when that is closed: with declared rows, a return and other months'.

    September and the year before stay open, as nothing says that they must be closed first.
    """
    maker = person("maker")
    maker.division = Division.objects.get(code="522700")
    maker.first_name, maker.last_name = "小明", "陈"
    maker.save()
    delivery = shipped(
        {"pair_district_code": "440105", "county_code": "522725"}, {"quantity": 5, "amount": 3600}
    )
    accept(delivery, now=IN_OCTOBER)
    declare(
        text(
            {}, {"sold_on": "2026-09-30", "unit": "斤"}, {"quantity": "-2", "amount": "-9.90"},
            {"product_name": "=刺梨汁", "supplier_code": "", "buyer_code": "", "category": "K7"},
        )
    )  # fmt: skip
    book(
        in_month(9, amount="12.34", pair_district_code="440103", county_code="522731"),
        in_month(1, channel="832", kind="helped_sell", buyer_kind="supermarket"),
        entry("7.00", pair_district_code="440111", county_code="522727", category_code="tea"),
        entry("9.00", booked_at=NOW - timedelta(days=400)),
    )
    for name in ("first", "second"):
        person(name)
    User.objects.filter(username="first").update(division="522700", last_name="王", first_name="一")
    close_october()
    return delivery


def close_october() -> None:
    for name in ("first", "second"):
        close_month(OCTOBER, by=User.objects.get(username=name), now=NOW)


@pytest.fixture
def before(delivery: Delivery) -> dict[str, str]:
    return digests()


class TestElsewhere:
    """The same rows in another order, another place, another time zone."""

    @pytest.mark.parametrize(
        "table",
        ["reports_ledgerentry", "reports_total", "reports_declarationrow", "orders_orderline",
         "accounts_division", "shop_category"],
    )  # fmt: skip
    def test_rows_lie_in_another_order(self, before: dict[str, str], table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
                WHERE (table_schema, table_name, is_generated) = ('public', %s, 'NEVER')""",
                [table],
            )
            columns = cursor.fetchone()[0]
        with transaction.atomic():
            sql("SET LOCAL session_replication_role = replica")
            sql(f"CREATE TEMPORARY TABLE shuffled ON COMMIT DROP AS SELECT {columns} FROM {table}")
            sql(f"DELETE FROM {table}")
            sql(
                f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE"
                f" SELECT {columns} FROM shuffled ORDER BY md5(shuffled::text)"
            )
        assert digests() == before

    @pytest.mark.parametrize(
        ("zone", "seed"), [("UTC", "0"), ("America/New_York", "1"), ("Asia/Shanghai", "4242")]
    )
    def test_processes_and_servers_live_in_another_time_zone(
        self, before: dict[str, str], tmp_path: Path, zone: str, seed: str
    ) -> None:
        database = connection.ops.quote_name(connection.settings_dict["NAME"])
        sql(f"ALTER DATABASE {database} SET timezone = '{zone}'")
        try:
            found = made_elsewhere(tmp_path, TZ=zone, PGTZ=zone, PYTHONHASHSEED=seed)
        finally:
            sql(f"ALTER DATABASE {database} RESET ALL")
        assert found["files"] == before

    def test_a_dump_is_restored(
        self, before: dict[str, str], tmp_path: Path, restored: str
    ) -> None:
        found = made_elsewhere(tmp_path, "verify", database=restored)
        assert found == {"files": before, "wrong": []}

    @pytest.fixture
    def restored(self, before: dict[str, str]) -> Iterator[str]:
        """A copy of the database, out of a dump."""
        name, copy = connection.settings_dict["NAME"], f"{connection.settings_dict['NAME']}_copy"
        binaries = Servers(Path(os.environ["DATA_DIR"]), durable=False).postgres.bin
        if not (binaries / "pg_dump").exists():
            pytest.skip("no pg_dump beside the server")
        address = urlsplit(os.environ["DATABASE_URL"])
        login = ["--host", unquote(address.netloc.rpartition("@")[2]), "--username", "haowu"]
        sql(f'DROP DATABASE IF EXISTS "{copy}"')
        sql(f'CREATE DATABASE "{copy}" TEMPLATE template0')
        try:
            dump = subprocess.run(
                [binaries / "pg_dump", *login, "--exclude-schema", "migrated", name],
                capture_output=True, check=True,
            ).stdout  # fmt: skip
            restored = subprocess.run(
                [binaries / "psql", *login, "--quiet", "--set", "ON_ERROR_STOP=1", copy],
                input=dump, capture_output=True, check=False,
            )  # fmt: skip
            assert restored.returncode == 0, restored.stderr
            yield copy
        finally:
            sql(f'DROP DATABASE "{copy}" WITH (FORCE)')


class TestLater:
    """What is renamed, taken back or added afterwards is not of the closed month."""

    @pytest.mark.parametrize("rows", [Supplier, Category, Buyer, Division])
    def test_names_change(self, before: dict[str, str], rows: Any) -> None:
        rows.objects.update(name="改名")
        assert digests() == before

    def test_categories_are_put_in_another_order(self, before: dict[str, str]) -> None:
        Category.objects.filter(code="eggs").update(position=99)
        assert digests() == before

    def test_those_who_closed_it_marry_and_move(self, before: dict[str, str]) -> None:
        User.objects.update(last_name="欧阳", division="440100")
        assert digests() == before

    def test_goods_are_refunded(self, before: dict[str, str], delivery: Delivery) -> None:
        settle(delivery, "100.00", line1="1")
        roll_up(now=NOW)
        assert digests() == before

    def test_evidence_comes_in(self, before: dict[str, str], delivery: Delivery) -> None:
        invoice(delivery, "10800")
        assert LedgerEntry.objects.filter(source="regrade").exists()
        roll_up(now=NOW)
        assert digests() == before

    def test_sales_of_the_month_are_declared_late(self, before: dict[str, str]) -> None:
        late = declare(text({"document_no": "LATE"}), is_late=True)
        assert late.status == Declaration.Status.BOOKED
        roll_up(now=NOW)
        assert digests() == before

    def test_declared_sales_are_taken_back(self, before: dict[str, str]) -> None:
        revoke(Declaration.objects.get())
        roll_up(now=NOW)
        assert digests() == before

    def test_earlier_months_that_are_open_gain_and_lose(self, before: dict[str, str]) -> None:
        book(
            in_month(9, amount="1000.00"),
            in_month(1, amount="-1.00", pair_district_code="440112"),
            entry("5.00", booked_at=NOW - timedelta(days=400)),
        )
        roll_up(now=NOW)
        assert digests() == before
