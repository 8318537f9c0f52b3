"""In the admin, suppliers submit and the selection centre decides; the old keeps selling."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from shop.models import SKU, ListingVersion, PriceTier, Product, Stock
from shop.services.reviewing import submit_version
from suppliers.models import Supplier, SupplierMember

from .conftest import MakeProduct

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def member(supplier: Supplier, name: str = "sam") -> User:
    user = User.objects.create_user(name, password="a-long-secret", is_staff=True)
    SupplierMember.objects.create(supplier=supplier, user=user)
    return user


def signed_in(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def rows(prefix: str, *forms: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    """Return the fields of an inline."""
    return {
        f"{prefix}-TOTAL_FORMS": len(forms),
        f"{prefix}-INITIAL_FORMS": initial,
        **{f"{prefix}-{n}-{name}": v for n, form in enumerate(forms) for name, v in form.items()},
    }


def pack(**fields: Any) -> dict[str, Any]:
    return {
        "code": "NEW-10", "name": "10千克/箱", "unit": "carton", "net_weight_kg": "10",
        "minimum": "1", "multiple": "1", "tax_treatment": "exempt", "tax_rate": "0",
        "tax_basis": "农产品", "is_active": "on", **fields,
    }  # fmt: skip


def product_form(product: Product | None = None, **fields: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "code": "NEW", "name": "惠水鲟鱼段", "summary": "-", "category": "aquatic",
        "county": "522731", "storage": "frozen", "species": "杂交鲟",
        **rows("skus"), **rows("seasons"), **rows("images"), **rows("recognitions"),
    }  # fmt: skip
    if product:
        given |= {
            "name": product.name,
            "producer": product.producer_id,
            **rows("skus", *(pack_of(sku) for sku in product.skus.all()), initial=1),
        }
    return {**given, **fields}


def pack_of(sku: SKU) -> dict[str, Any]:
    return pack(id=sku.pk, product=sku.product_id, code=sku.code, name=sku.name, unit=sku.unit)


def price_form(sku: SKU, price: str) -> dict[str, Any]:
    tier = sku.tiers.get()
    row = {
        "id": tier.pk, "sku": sku.pk, "from_quantity": "0", "unit_price": price,
        "sold_from": "2020-01-01", "sold_until": "",
    }  # fmt: skip
    fields = {k: v for k, v in pack_of(sku).items() if k not in {"code", "id", "product"}}
    return {"tolerance_percent": "0", **fields, **rows("tiers", row, initial=1)}


@pytest.mark.django_db
class TestSupplier:
    def test_writes_a_draft_and_submits_it(
        self, supplier: Supplier, make_product: MakeProduct
    ) -> None:
        client = signed_in(member(supplier))
        producer = make_product().producer
        form = product_form(producer=producer.pk, **rows("skus", pack()))
        answer = client.post("/admin/shop/product/add/", form)
        assert answer.status_code == 302, answer.context["errors"]
        product = Product.objects.get(code="NEW")
        assert (product.status, product.supplier) == ("draft", supplier)
        sku = product.skus.get()
        page = f"/admin/shop/product/{product.pk}/change/"
        submitted = {**product_form(product), "code": "", "submit_for_review": "1"}
        assert (
            "还没有任何规格设定价格" in client.post(page, submitted, follow=True).content.decode()
        )
        PriceTier.objects.create(
            sku=sku, from_quantity=0, unit_price=50, sold_from=date(2020, 1, 1)
        )
        client.post(page, submitted)
        product.refresh_from_db()
        assert product.status == "submitted"
        assert ListingVersion.objects.get().content["name"] == "惠水鲟鱼段"

    def test_changes_a_price_that_waits(
        self, supplier: Supplier, make_product: MakeProduct
    ) -> None:
        client = signed_in(member(supplier))
        sku = make_product(price="44").skus.get()
        page = f"/admin/shop/sku/{sku.pk}/change/"
        answer = client.post(page, price_form(sku, "50"))
        version = ListingVersion.objects.get()
        assert answer["Location"] == f"/admin/shop/listingversion/{version.pk}/change/"
        assert sku.tiers.get().unit_price == 44
        assert version.content["skus"][sku.code]["prices"][0]["unit_price"] == "50"
        # While it waits the page is only read.
        assert client.post(page, price_form(sku, "60")).status_code == 403
        assert ListingVersion.objects.count() == 1

    def test_changes_texts_and_packs_that_wait(
        self, supplier: Supplier, make_product: MakeProduct
    ) -> None:
        client = signed_in(member(supplier))
        product = make_product()
        form = product_form(
            product,
            name="惠水鲟鱼（新）",
            **rows("skus", pack_of(product.skus.get()), pack(product=product.pk), initial=1),
        )
        client.post(f"/admin/shop/product/{product.pk}/change/", form)
        content = ListingVersion.objects.get().content
        assert content["name"] == "惠水鲟鱼（新）"
        assert set(content["skus"]) == {"P1-KG", "NEW-10"}
        product.refresh_from_db()
        assert product.name == "惠水鲟鱼"
        assert not SKU.objects.filter(code="NEW-10").exists()

    def test_is_told_when_nothing_changed(
        self, supplier: Supplier, make_product: MakeProduct
    ) -> None:
        client = signed_in(member(supplier))
        sku = make_product(price="44").skus.get()
        client.post(f"/admin/shop/sku/{sku.pk}/change/", price_form(sku, "44"))
        client.post(f"/admin/shop/sku/{sku.pk}/change/", price_form(sku, "50"))
        kept = client.post(f"/admin/shop/sku/{sku.pk}/change/", price_form(sku, "44"))
        assert kept.status_code == 403

    def test_counts_stock_without_review(
        self, supplier: Supplier, make_product: MakeProduct
    ) -> None:
        client = signed_in(member(supplier))
        sku = make_product(on_hand="5").skus.get()
        page = f"/admin/shop/stock/{sku.pk}/change/"
        client.post(page, {"on_hand": "7"})
        assert Stock.objects.get().on_hand == 7
        Stock.objects.update(reserved=3)
        answer = client.post(page, {"on_hand": "2"}, follow=True)
        assert "已有订单占用" in answer.content.decode() or Stock.objects.get().on_hand == 7
        assert Stock.objects.get().on_hand == 7

    def test_withdraws(self, supplier: Supplier, make_product: MakeProduct) -> None:
        sam = member(supplier)
        version = submit_version(make_product(status="draft"), by=sam, now=NOW)
        page = f"/admin/shop/listingversion/{version.pk}/decide"
        assert signed_in(sam).post(f"{page}/withdraw/").status_code == 302
        version.refresh_from_db()
        assert version.status == "withdrawn"


@pytest.mark.django_db
class TestReviewer:
    @pytest.fixture
    def version(self, supplier: Supplier, make_product: MakeProduct) -> ListingVersion:
        return submit_version(make_product(status="draft"), by=member(supplier), now=NOW)

    def test_decides_on_the_page(self, version: ListingVersion, reviewer: User) -> None:
        page = f"/admin/shop/listingversion/{version.pk}/decide"
        client = signed_in(reviewer)
        for step in ("take", "approve"):
            assert client.post(f"{page}/{step}/", {"note": "可"}).status_code == 302
        version.refresh_from_db()
        assert (version.status, version.seconded_by) == ("in_review", reviewer)
        second = User.objects.create_user("second", role="reviewer")
        signed_in(second).post(f"{page}/approve/")
        assert Product.objects.get().status == "listed"

    def test_returns_with_a_reason_only(self, version: ListingVersion, reviewer: User) -> None:
        page = f"/admin/shop/listingversion/{version.pk}/decide/return/"
        client = signed_in(reviewer)
        client.post(page, {"note": "x"})
        version.refresh_from_db()
        assert version.status == "submitted"
        client.post(page, {"reason": "text", "note": "请写明规格"})
        version.refresh_from_db()
        assert (version.status, version.note) == ("returned", "请写明规格")

    def test_sees_price_documents_and_doubles(
        self, version: ListingVersion, reviewer: User, make_product: MakeProduct
    ) -> None:
        make_product("P2", price="22", name="惠水鲟鱼王")
        page = f"/admin/shop/listingversion/{version.pk}/change/"
        content = signed_in(reviewer).get(page).content.decode()
        for shown in ("与同类价格比较", "+100%", "P2 惠水鲟鱼王", "名称相近", "证照核对"):
            assert shown in content, shown

    def test_only_posts_decide(self, version: ListingVersion, reviewer: User) -> None:
        page = f"/admin/shop/listingversion/{version.pk}/decide/approve/"
        assert signed_in(reviewer).get(page).status_code == 405

    @pytest.mark.parametrize("role", ["office", "auditor"])
    def test_alone_decides(self, version: ListingVersion, role: str) -> None:
        client = signed_in(User.objects.create_user("other", role=role))
        client.post(f"/admin/shop/listingversion/{version.pk}/decide/approve/")
        version.refresh_from_db()
        assert (version.status, version.seconded_by) == ("submitted", None)

    def test_others_suppliers_find_nothing(
        self, version: ListingVersion, make_supplier: Callable[..., Supplier]
    ) -> None:
        client = signed_in(member(make_supplier("other"), "stella"))
        page = f"/admin/shop/listingversion/{version.pk}"
        assert client.get(f"{page}/change/").status_code == 302
        client.post(f"{page}/decide/withdraw/")
        version.refresh_from_db()
        assert version.status == "submitted"

    def test_asks_as_often_for_one_as_for_twenty(
        self, supplier: Supplier, make_product: MakeProduct, reviewer: User,
        django_assert_max_num_queries: Any,
    ) -> None:  # fmt: skip
        sam, client = member(supplier), signed_in(reviewer)
        for number in range(20):
            submit_version(make_product(f"Q{number}", status="draft"), by=sam, now=NOW)
            if number in (0, 19):
                with django_assert_max_num_queries(12):
                    client.get("/admin/shop/listingversion/")
