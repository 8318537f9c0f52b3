"""Listings go home as a workbook and come back: looked at first, then all of it or nothing."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Refusal
from accounts.spreadsheets.refusals import FileRejected
from shop.models import SKU, ListingVersion, PriceTier, Product, Reservation, Stock
from shop.services.changing import ReservedAlready, set_stocks
from shop.services.sheets.applying import (
    SheetHasProblems,
    SheetSaysOtherwise,
    apply_sheet,
)
from shop.services.sheets.planning import Plan, plan_of
from shop.services.sheets.writing import listings_workbook, marked_workbook
from suppliers.models import Supplier

from .conftest import MakeProduct
from .test_review_pages import member, signed_in

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)
NEW = {
    "商品编码": "NEW", "商品名称": "鲟鱼丸", "品类": "水产", "产地县": "惠水县",
    "生产者": "惠水鲟鱼养殖公司", "储存条件": "frozen", "规格编码": "NEW-5",
    "规格名称": "5千克/箱", "单位": "箱", "净重（千克）": 5, "税务处理": "免税",
    "税务处理依据": "农产品", "单价（元）": 200, "阶梯价": "50:190 200:180", "库存": 30,
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def sam(supplier: Supplier) -> User:
    return member(supplier)


@pytest.fixture
def sheet(tmp_path: Path) -> Callable[..., Path]:
    """Write a file with these rows, each by its headings."""

    def write(*rows: dict[str, Any]) -> Path:
        book = openpyxl.Workbook()
        headings = list(dict.fromkeys(heading for row in rows for heading in row))
        book.active.append(headings)
        for row in rows:
            book.active.append([row.get(heading) for heading in headings])
        path = tmp_path / "sheet.xlsx"
        book.save(path)
        return path

    return write


def downloaded(supplier: Supplier) -> list[dict[str, Any]]:
    book = openpyxl.load_workbook(BytesIO(listings_workbook(supplier, day=DAY)))
    headings, *rows = book.active.values
    return [dict(zip(headings, row, strict=True)) for row in rows]


def take_over(path: Path, supplier: Supplier, by: User) -> Plan:
    plan = plan_of(path, supplier=supplier, day=DAY)
    assert plan.problems == []
    apply_sheet(path, supplier=supplier, digest=plan.digest, by=by, now=NOW)
    return plan


def problems(plan: Plan) -> set[tuple[int, str]]:
    return {(problem.row, problem.column) for problem in plan.problems}


class TestRoundTrip:
    def test_changes_nothing_when_nothing_was_changed(
        self, supplier: Supplier, make_product: MakeProduct, sheet: Any
    ) -> None:
        product = make_product()
        product.seasons.create(starts="06-15", ends="11-30")
        PriceTier.objects.create(
            sku=product.skus.get(), from_quantity=50, unit_price="39.5", sold_from=date(2020, 1, 1)
        )
        (row,) = downloaded(supplier)
        assert row["单价（元）"] == 44
        assert row["阶梯价"] == "50:39.5"
        assert row["品类"] == "水产"
        assert row["在售"] == "是"
        plan = plan_of(sheet(row), supplier=supplier, day=DAY)
        assert (plan.problems, plan.after, plan.stock) == ([], {}, {})

    def test_holds_no_other_suppliers_listings(
        self, supplier: Supplier, make_supplier: Any, make_product: MakeProduct
    ) -> None:
        make_product("OTHER", supplier=make_supplier("other"))
        make_product("MINE")
        assert [row["商品编码"] for row in downloaded(supplier)] == ["MINE"]

    def test_writes_formulas_as_texts(self, supplier: Supplier, make_product: MakeProduct) -> None:
        make_product(summary="=1+1")
        book = openpyxl.load_workbook(BytesIO(listings_workbook(supplier, day=DAY)))
        cell = next(cell for cell in book.active[2] if cell.value == "=1+1")
        assert cell.data_type == "s"


class TestTakeOver:
    def test_makes_a_new_product_a_draft(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product()
        take_over(sheet(NEW), supplier, sam)
        product = Product.objects.get(code="NEW")
        assert (product.status, product.county_id, product.storage) == (
            "draft", "522731", "frozen",
        )  # fmt: skip
        sku = product.skus.get()
        assert sku.stock.on_hand == 30
        tiers = sku.tiers.values_list("from_quantity", "unit_price")
        assert list(tiers) == [(0, 200), (50, 190), (200, 180)]

    def test_sends_changes_of_what_is_listed_to_review(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        sku = make_product(on_hand="5").skus.get()
        row = {**downloaded(supplier)[0], "单价（元）": 50, "库存": 8}
        take_over(sheet(row), supplier, sam)
        assert sku.tiers.get().unit_price == 44
        version = ListingVersion.objects.get()
        assert version.content["skus"][sku.code]["prices"][0]["unit_price"] == "50"
        assert Stock.objects.get().on_hand == 8

    def test_changes_stock_alone_where_only_that_is_in_the_file(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product(on_hand="5")
        plan = take_over(sheet({"规格编码": "P1-KG", "库存": "7.5"}), supplier, sam)
        assert plan.after == {}
        assert Stock.objects.get().on_hand == Decimal("7.5")
        assert not ListingVersion.objects.exists()

    def test_takes_one_changed_row_of_a_product_for_all(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        product = make_product(status="draft")
        pack = product.skus.get()
        pack.pk, pack.code = None, "P1-SECOND"
        pack.save()
        first, second = downloaded(supplier)
        take_over(sheet(first, {**second, "商品名称": "新名"}), supplier, sam)
        product.refresh_from_db()
        assert product.name == "新名"

    def test_is_all_or_nothing(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product(on_hand="5")
        path = sheet({"规格编码": "P1-KG", "库存": 9}, {"规格编码": "NO-SUCH", "库存": 1})
        plan = plan_of(path, supplier=supplier, day=DAY)
        with pytest.raises(SheetHasProblems):
            apply_sheet(path, supplier=supplier, digest=plan.digest, by=sam, now=NOW)
        assert Stock.objects.get().on_hand == 5

    def test_names_the_product_that_is_refused(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product(price="44", species="-")
        path = sheet({"规格编码": "P1-KG", "物种": "中华鲟"})
        plan = plan_of(path, supplier=supplier, day=DAY)
        with pytest.raises(Refusal) as refusal:
            apply_sheet(path, supplier=supplier, digest=plan.digest, by=sam, now=NOW)
        assert str(refusal.value.errors[0].detail).startswith("P1: ")

    def test_refuses_what_was_not_shown(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product(on_hand="5")
        path = sheet({"规格编码": "P1-KG", "单价（元）": 50})
        plan = plan_of(path, supplier=supplier, day=DAY)
        PriceTier.objects.update(unit_price=45)
        with pytest.raises(SheetSaysOtherwise):
            apply_sheet(path, supplier=supplier, digest=plan.digest, by=sam, now=NOW)

    def test_asks_as_often_for_one_row_as_for_twenty(
        self, supplier: Supplier, make_product: MakeProduct, sheet: Any,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        for number in range(20):
            make_product(f"Q{number}")
        rows = downloaded(supplier)
        for path in (sheet(rows[0]), sheet(*rows)):
            with django_assert_max_num_queries(14):
                assert not plan_of(path, supplier=supplier, day=DAY).problems

    @pytest.mark.parametrize("status", ["draft", "listed"])
    def test_takes_over_twenty_rows_in_as_many_statements_as_one(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any, status: str,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        for number in range(21):
            make_product(f"Q{number}", status=status)
        for rows in (downloaded(supplier)[:1], downloaded(supplier)[1:]):
            path = sheet(*({**row, "单价（元）": 50, "库存": 7} for row in rows))
            digest = plan_of(path, supplier=supplier, day=DAY).digest
            with django_assert_max_num_queries(50):
                apply_sheet(path, supplier=supplier, digest=digest, by=sam, now=NOW)
        changed = PriceTier.objects.filter(unit_price=50, sold_from=DAY)
        assert changed.count() == (21 if status == "draft" else 0)
        assert ListingVersion.objects.count() == (0 if status == "draft" else 21)
        assert Stock.objects.filter(on_hand=7).count() == 21
        assert AuditEntry.objects.filter(action="set_stock").count() == 21

    def test_names_the_pack_whose_count_is_refused(
        self, supplier: Supplier, make_product: MakeProduct, sam: User
    ) -> None:
        first, second = (make_product(code).skus.get() for code in ("P1", "P2"))
        Reservation.objects.create(sku=second, line_id=1, quantity=4)
        with pytest.raises(ReservedAlready) as refusal:
            set_stocks({first: Decimal(9), second: Decimal(3)}, by=sam, now=NOW)
        assert refusal.value.about == second.code
        assert not Stock.objects.filter(on_hand=9).exists()


class TestProblems:
    @pytest.mark.parametrize(
        ("cells", "column"),
        [
            ({"单价（元）": "很贵"}, "单价（元）"),
            ({"单价（元）": 0}, "单价（元）"),
            ({"单价（元）": "1.23456"}, "单价（元）"),
            ({"单价（元）": "NaN"}, "单价（元）"),
            ({"库存": -1}, "库存"),
            ({"阶梯价": "便宜"}, "阶梯价"),
            ({"阶梯价": "50:x"}, "阶梯价"),
            ({"时令": "6月"}, "时令"),
            ({"时令": "13-01/14-01"}, "时令"),
            ({"品类": "石头"}, "品类"),
            ({"产地县": "贵阳市"}, "产地县"),
            ({"生产者": "别人"}, "生产者"),
            ({"储存条件": "口袋"}, "储存条件"),
            ({"在售": "也许"}, "在售"),
            ({"税务处理": "应税"}, "税率"),
            ({"税率": "0.09"}, "税率"),
            ({"商品名称": "长" * 101}, "商品名称"),
            ({"摘要": "两\n行"}, "摘要"),
            ({"摘要": "=1+1"}, "摘要"),
            ({"商品编码": "OTHER"}, "商品编码"),
            ({"规格编码": "OTHER-KG"}, "规格编码"),
            ({"规格编码": "有 空格"}, "规格编码"),
            ({"规格编码": ""}, "规格编码"),
        ],
    )
    def test_are_named_by_row_and_column(
        self, supplier: Supplier, make_supplier: Any, make_product: MakeProduct, sheet: Any,
        cells: dict[str, Any], column: str,
    ) -> None:  # fmt: skip
        make_product()
        make_product("OTHER", supplier=make_supplier("other"))
        plan = plan_of(sheet({**downloaded(supplier)[0], **cells}), supplier=supplier, day=DAY)
        assert problems(plan) == {(2, column)}

    def test_of_a_new_product_are_what_it_lacks(self, supplier: Supplier, sheet: Any) -> None:
        plan = plan_of(sheet({"商品编码": "N", "规格编码": "N-1"}), supplier=supplier, day=DAY)
        assert {column for _row, column in problems(plan)} == {
            "商品名称", "品类", "产地县", "生产者", "规格名称", "单位", "净重（千克）", "税务处理",
            "税务处理依据",
        }  # fmt: skip

    def test_of_doubles_and_less_stock_than_is_held(
        self, supplier: Supplier, make_product: MakeProduct, sheet: Any
    ) -> None:
        sku = make_product(on_hand="5").skus.get()
        Reservation.objects.create(sku=sku, line_id=1, quantity=4)
        row = {"规格编码": "P1-KG", "库存": 3}
        plan = plan_of(sheet(row, row), supplier=supplier, day=DAY)
        assert problems(plan) == {(2, "库存"), (3, "规格编码")}

    def test_of_a_product_that_waits(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product()
        path = sheet({"规格编码": "P1-KG", "单价（元）": 50})
        take_over(path, supplier, sam)
        assert problems(plan_of(path, supplier=supplier, day=DAY)) == {(2, "商品编码")}

    def test_of_the_headings(self, supplier: Supplier, sheet: Any) -> None:
        plan = plan_of(sheet({"颜色": "红"}), supplier=supplier, day=DAY)
        assert problems(plan) == {(1, "颜色"), (1, "规格编码")}

    def test_stand_in_a_column_of_the_same_file(
        self, supplier: Supplier, make_product: MakeProduct, sheet: Any
    ) -> None:
        make_product()
        bad = {"规格编码": "P1-KG", "库存": "许多"}
        plan = plan_of(sheet(bad, {"规格编码": "P1-KG"}), supplier=supplier, day=DAY)
        marked = openpyxl.load_workbook(BytesIO(marked_workbook(plan)))
        rows = list(marked.active.values)
        assert rows[0] == ("规格编码", "库存", "错误")
        assert rows[1][:2] == ("P1-KG", "许多")
        assert "库存" in rows[1][2]
        # Corrected, it may come back with that column.
        path = sheet({"规格编码": "P1-KG", "库存": 9, "错误": rows[1][2]})
        assert not plan_of(path, supplier=supplier, day=DAY).problems

    @pytest.mark.parametrize(
        "content",
        [b"", b"\xff\xfe\x00", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b'"a'],
    )
    def test_of_the_file_are_said(self, supplier: Supplier, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "bad"
        path.write_bytes(content)
        with pytest.raises(FileRejected):
            plan_of(path, supplier=supplier, day=DAY)

    def test_of_too_many_rows(self, supplier: Supplier, tmp_path: Path) -> None:
        path = tmp_path / "long.csv"
        path.write_text("规格编码\n" + "X\n" * 10_001)
        with pytest.raises(FileRejected):
            plan_of(path, supplier=supplier, day=DAY)


class TestPages:
    def upload(self, client: Client, path: Path) -> str:
        file = SimpleUploadedFile("商品.xlsx", path.read_bytes())
        return client.post("/admin/shop/product/upload/", {"file": file}).content.decode()

    def test_show_the_change_and_take_it_over(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product(price="44")
        client = signed_in(sam)
        book = client.get("/admin/shop/product/sheet/")
        assert book.content.startswith(b"PK")
        page = self.upload(client, sheet({"规格编码": "P1-KG", "单价（元）": 50}))
        assert "44" in page
        assert "50" in page
        token = re.search(r'name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
        assert not ListingVersion.objects.exists()
        client.post("/admin/shop/product/apply/", {"token": token})
        assert ListingVersion.objects.count() == 1
        # The same preview does nothing twice.
        client.post("/admin/shop/product/apply/", {"token": token})
        assert ListingVersion.objects.count() == 1

    def test_show_what_is_wrong_and_give_it_back(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, sheet: Any
    ) -> None:
        make_product()
        client = signed_in(sam)
        page = self.upload(client, sheet({"规格编码": "P1-KG", "库存": "许多"}))
        token = re.search(r'name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
        assert "许多" not in str(Stock.objects.get().on_hand)
        marked = client.post("/admin/shop/product/marked/", {"token": token})
        assert marked.content.startswith(b"PK")
        client.post("/admin/shop/product/apply/", {"token": token})
        assert Stock.objects.get().on_hand == 100

    def test_are_the_suppliers_own(
        self, supplier: Supplier, make_supplier: Any, make_product: MakeProduct, sam: User,
        reviewer: User, sheet: Any,
    ) -> None:  # fmt: skip
        make_product()
        page = self.upload(signed_in(sam), sheet({"规格编码": "P1-KG", "库存": 9}))
        token = re.search(r'name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
        stella = signed_in(member(make_supplier("other"), "stella"))
        stella.post("/admin/shop/product/apply/", {"token": token})
        stella.post("/admin/shop/product/apply/", {"token": "forged"})
        assert Stock.objects.get().on_hand == 100
        client = signed_in(reviewer)
        for name in ("sheet", "upload", "apply", "marked"):
            assert client.get(f"/admin/shop/product/{name}/").status_code == 403
        assert SKU.objects.count() == 1

    def test_refuse_what_is_too_large(self, sam: User) -> None:
        file = SimpleUploadedFile("big.csv", b"x" * (10 * 1024**2 + 1))
        page = signed_in(sam).post("/admin/shop/product/upload/", {"file": file})
        assert "errorlist" in page.content.decode() or page.context["form"].errors
