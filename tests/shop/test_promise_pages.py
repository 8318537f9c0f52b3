"""When what can be delivered: the catalogue's calendar, and the supplier's pages."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from shop.models import SKU, Product, PromiseDraw, Season, SupplyPromise
from shop.models.promises import WEEK, week_of
from suppliers.models import Supplier
from tests.factories import SKUFactory, SupplierMemberFactory, UserFactory

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()
MONDAY = week_of(TODAY) + 2 * WEEK
CALENDAR = "/admin/shop/supplypromise/calendar/"


def weeks_page(sku: SKU) -> str:
    return reverse("admin:shop_supplypromise_weeks", args=[sku.pk])


def signed_in(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def sam(db: None) -> User:
    return SupplierMemberFactory().user


@pytest.fixture
def mine(sam: User) -> SKU:
    return SKUFactory(product__supplier=sam.supplier_membership.supplier, code="MINE")


@pytest.fixture
def theirs(db: None) -> SKU:
    return SKUFactory(code="THEIRS", product__name="别家的")


class TestCalendarOfAProduct:
    def read(self, product: Product) -> Any:
        return Client().get(f"/api/v1/products/{product.code}/calendar/")

    def test_tells_seasons_and_promised_weeks(self, mine: SKU) -> None:
        Season.objects.create(product=mine.product, starts="08-15", ends="02-28")
        promise = SupplyPromise.objects.create(sku=mine, week=MONDAY, quantity=30)
        PromiseDraw.objects.create(promise=promise, line_id=1, quantity=Decimal("2.5"))
        SupplyPromise.objects.create(sku=mine, week=week_of(TODAY) - WEEK, quantity=9)
        SKUFactory(product=mine.product, is_active=False)
        SKUFactory(product=mine.product, code="OTHER")
        year, week, _day = MONDAY.isocalendar()
        assert self.read(mine.product).json() == {
            "code": mine.product.code,
            "name": mine.product.name,
            "seasons": [{"starts": "08-15", "ends": "02-28"}],
            "skus": [
                {
                    "sku": "MINE",
                    "name": mine.name,
                    "unit": "case",
                    "weeks": [
                        {
                            "week": f"{year}-W{week:02}",
                            "from": f"{MONDAY}",
                            "until": f"{MONDAY + timedelta(days=6)}",
                            "promised": "30",
                            "available": "27.5",
                        }
                    ],
                },
                {"sku": "OTHER", "name": mine.name, "unit": "case", "weeks": []},
            ],
        }

    def test_promises_no_more_than_there_is(self, mine: SKU) -> None:
        SupplyPromise.objects.create(sku=mine, week=MONDAY, quantity=3000)
        (week,) = self.read(mine.product).json()["skus"][0]["weeks"]
        assert (week["promised"], week["available"]) == ("3000", "100")

    def test_is_there_for_what_is_on_sale_only(self, mine: SKU, theirs: SKU) -> None:
        Product.objects.filter(pk=mine.product_id).update(status=Product.Status.DRAFT)
        Supplier.objects.filter(products=theirs.product_id).update(status="suspended")
        for product in (mine.product, theirs.product, Product(code="NOWHERE")):
            answer = self.read(product)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_costs_as_much_for_many_as_for_one(self, mine: SKU) -> None:
        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert self.read(mine.product).status_code == 200
            return len(queries)

        SupplyPromise.objects.create(sku=mine, week=MONDAY, quantity=1)
        statements()
        one = statements()
        for _more in range(19):
            sku = SKUFactory(product=mine.product)
            SupplyPromise.objects.create(sku=sku, week=MONDAY, quantity=1)
        assert statements() == one


class TestSeasonCalendar:
    def test_shows_ones_own_products_with_seasons_and_promises(
        self, sam: User, mine: SKU, theirs: SKU
    ) -> None:
        now = f"{TODAY:%m}"
        Season.objects.create(product=mine.product, starts=f"{now}-01", ends=f"{now}-10")
        SupplyPromise.objects.create(sku=mine, week=week_of(TODAY), quantity=30)
        answer = signed_in(sam).get(CALENDAR)
        (page,) = answer.context["pages"]
        (line,) = page.lines
        assert line.sku == mine
        assert [cell.share for cell in line.cells] == ["part"] + [""] * 11
        assert (line.cells[0].promised, line.cells[0].left) == (30, 30)
        assert "别家的" not in answer.content.decode()

    def test_says_that_all_year_is_in_season(self, sam: User, mine: SKU) -> None:
        (page,) = signed_in(sam).get(CALENDAR).context["pages"]
        assert {cell.share for cell in page.lines[0].cells} == {"all"}

    def test_is_friendly_when_there_is_nothing(self, sam: User) -> None:
        assert "no product with a SKU" in signed_in(sam).get(CALENDAR).content.decode()

    def test_shows_the_platform_all(self, mine: SKU, theirs: SKU) -> None:
        pages = signed_in(UserFactory(role="reviewer")).get(CALENDAR).context["pages"]
        assert {page.product for page in pages} == {mine.product, theirs.product}

    def test_is_not_open_to_buyers(self) -> None:
        assert signed_in(UserFactory()).get(CALENDAR).status_code == 403

    def test_costs_as_much_for_many_as_for_one(self, sam: User, mine: SKU) -> None:
        client = signed_in(sam)

        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(CALENDAR).status_code == 200
            return len(queries)

        statements()
        one = statements()
        for _more in range(19):
            sku = SKUFactory(product__supplier=mine.product.supplier)
            Season.objects.create(product=sku.product, starts="01-01", ends="03-01")
            SupplyPromise.objects.create(sku=sku, week=MONDAY, quantity=1)
        assert statements() == one


class TestQuickEntry:
    def test_saves_several_weeks_at_once(self, sam: User, mine: SKU) -> None:
        form = {f"{MONDAY}": "12.5", f"{MONDAY + WEEK}": "7"}
        answer = signed_in(sam).post(weeks_page(mine), form)
        assert answer.status_code == 302
        promised = SupplyPromise.objects.order_by("week").values_list("week", "quantity")
        assert list(promised) == [(MONDAY, Decimal("12.5")), (MONDAY + WEEK, 7)]

    def test_shows_what_is_promised_as_people_write_it(self, sam: User, mine: SKU) -> None:
        SupplyPromise.objects.create(sku=mine, week=MONDAY, quantity=11000)
        page = signed_in(sam).get(weeks_page(mine)).content.decode()
        assert 'value="11000"' in page

    def test_fills_the_weeks_that_are_empty(self, sam: User, mine: SKU) -> None:
        signed_in(sam).post(weeks_page(mine), {"every": "20", f"{MONDAY}": "5"})
        quantities = SupplyPromise.objects.order_by("week").values_list("quantity", flat=True)
        assert list(quantities) == [20, 20, 5] + [20] * 13

    def test_names_the_week_that_orders_took_more_of(self, sam: User, mine: SKU) -> None:
        promise = SupplyPromise.objects.create(sku=mine, week=MONDAY, quantity=10)
        PromiseDraw.objects.create(promise=promise, line_id=1, quantity=4)
        answer = signed_in(sam).post(weeks_page(mine), {f"{MONDAY}": "3"})
        assert answer.context["form"].errors == {f"{MONDAY}": ["Orders already took 4."]}
        assert SupplyPromise.objects.get().quantity == 10

    @pytest.mark.parametrize("quantity", ["-1", "1.0001", "many", "1e20"])
    def test_refuses_what_is_no_quantity(self, sam: User, mine: SKU, quantity: str) -> None:
        answer = signed_in(sam).post(weeks_page(mine), {f"{MONDAY}": quantity})
        assert list(answer.context["form"].errors) == [f"{MONDAY}"]
        assert not SupplyPromise.objects.exists()

    def test_is_ones_own(self, sam: User, theirs: SKU) -> None:
        client = signed_in(sam)
        assert client.get(weeks_page(theirs)).status_code == 404
        assert client.post(weeks_page(theirs), {f"{MONDAY}": "1"}).status_code == 404
        assert not SupplyPromise.objects.exists()

    @pytest.mark.parametrize("role", ["reviewer", "office", "auditor", "admin"])
    def test_is_to_look_at_for_the_platform(self, mine: SKU, role: str) -> None:
        client = signed_in(UserFactory(role=role))
        page = client.get(weeks_page(mine))
        assert page.status_code == 200
        assert "Save the promises" not in page.content.decode()
        assert client.post(weeks_page(mine), {f"{MONDAY}": "1"}).status_code == 403
        assert not SupplyPromise.objects.exists()

    def test_is_not_open_to_buyers(self, mine: SKU) -> None:
        assert signed_in(UserFactory()).get(weeks_page(mine)).status_code == 404


class TestList:
    def test_shows_ones_own_promises(self, sam: User, mine: SKU, theirs: SKU) -> None:
        for sku in (mine, theirs):
            SupplyPromise.objects.create(sku=sku, week=MONDAY, quantity=1)
        page = signed_in(sam).get("/admin/shop/supplypromise/").content.decode()
        assert "MINE" in page
        assert "THEIRS" not in page
        assert f'href="{CALENDAR}"' in page
