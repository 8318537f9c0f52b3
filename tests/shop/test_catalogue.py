"""The catalogue shows what is on sale today, in the shape that was promised."""

import base64
import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from shop import answers
from shop.models import SKU, PriceTier, Product, ProductImage, Season, Stock
from shop.serializers import ProductSerializer, season_dates
from suppliers.models import Certificate, Supplier

from .conftest import MakeProduct


def found(client: Client, **parameters: object) -> list[str]:
    response = client.get("/api/v1/products/", parameters)
    assert response.status_code == 200, response.content
    return [product["code"] for product in response.json()["results"]]


def read(client: Client, code: str = "P1") -> dict[str, Any]:
    response = client.get(f"/api/v1/products/{code}/")
    assert response.status_code == 200, response.content
    content: dict[str, Any] = response.json()
    return content


class TestProduct:
    def test_has_the_promised_shape(self, client: Client, make_product: MakeProduct) -> None:
        product = make_product(shelf_life_days=3, storage="live", on_hand="12.500")
        ProductImage.objects.create(product=product, file="products/鱼.webp", caption="鲟鱼")
        content = read(client)
        updated_at = content.pop("updated_at")
        assert updated_at.endswith("+08:00")
        assert content == {
            "code": "P1",
            "name": "惠水鲟鱼",
            "summary": "",
            "species": "",
            "category": {"code": "aquatic", "name": "水产"},
            "county": {"code": "522731", "name": "惠水县"},
            "supplier": {"code": "fish", "name": "惠水鲟鱼养殖公司"},
            "producer": {
                "name": "惠水鲟鱼养殖公司",
                "county": {"code": "522731", "name": "惠水县"},
            },
            "certificates": [],
            "season": {"from": None, "until": None, "in_season": True},
            "storage": "live",
            "shelf_life_days": 3,
            "badge": None,
            "images": [{"url": "/media/products/%E9%B1%BC.webp", "caption": "鲟鱼"}],
            "skus": [
                {
                    "sku": "P1-KG",
                    "name": "鲜活",
                    "unit": "kg",
                    "net_weight_kg": "1",
                    "is_weighed": False,
                    "tolerance_percent": "0",
                    "minimum": "0.5",
                    "multiple": "1",
                    "available": "12.5",
                    "tiers": [{"from_quantity": "0", "unit_price": "44.00"}],
                    "tax": {"treatment": "exempt", "rate": "0"},
                }
            ],
        }

    def test_has_exactly_the_documented_fields(
        self, client: Client, make_product: MakeProduct
    ) -> None:
        make_product()
        assert list(read(client)) == list(ProductSerializer().fields)
        assert list(read(client)["skus"][0]) == list(
            ProductSerializer().fields["skus"].child.fields
        )
        assert list(read(client)["season"]) == list(ProductSerializer().fields["season"].fields)

    def test_is_the_same_in_the_list(self, client: Client, make_product: MakeProduct) -> None:
        make_product()
        assert client.get("/api/v1/products/").json() == {
            "next": None,
            "previous": None,
            "results": [read(client)],
        }

    @pytest.mark.parametrize("status", ["draft", "submitted", "suspended", "retired"])
    def test_is_hidden_unless_it_is_listed(
        self, client: Client, make_product: MakeProduct, status: str
    ) -> None:
        make_product(status=status)
        assert found(client) == []
        hidden, missing = (client.get(f"/api/v1/products/{c}/") for c in ("P1", "nothing"))
        assert hidden.status_code == missing.status_code == 404
        assert hidden.json()["code"] == missing.json()["code"] == "not_found"

    @pytest.mark.parametrize("status", ["applied", "recommended", "suspended", "rejected"])
    def test_is_hidden_unless_its_supplier_is_approved(
        self, client: Client, make_product: MakeProduct, supplier: Supplier, status: str
    ) -> None:
        make_product()
        Supplier.objects.filter(pk=supplier.pk).update(status=status)
        assert found(client) == []

    def test_is_confirmed_by_its_etag(self, client: Client, make_product: MakeProduct) -> None:
        make_product()
        etag = client.get("/api/v1/products/P1/")["ETag"]
        again = client.get("/api/v1/products/P1/", headers={"If-None-Match": etag})
        assert (again.status_code, again.content) == (304, b"")
        Stock.objects.update(on_hand=3)
        changed = client.get("/api/v1/products/P1/", headers={"If-None-Match": etag})
        assert changed.status_code == 200


class TestListing:
    """Listings follow their sources, whichever way these are changed."""

    def test_follows_names_changed_in_bulk(
        self, client: Client, make_product: MakeProduct, supplier: Supplier
    ) -> None:
        product = make_product()
        Product.objects.update(name="龙里刺梨汁")
        Supplier.objects.update(name="龙里公司")
        product.producer.name = "龙里基地"
        product.producer.save()
        content = read(client)
        assert content["name"] == "龙里刺梨汁"
        assert content["supplier"]["name"] == "龙里公司"
        assert content["producer"]["name"] == "龙里基地"
        assert found(client, q="longlicili") == ["P1"]
        assert found(client, q="惠水鲟鱼") == []

    def test_follows_skus_and_images(self, client: Client, make_product: MakeProduct) -> None:
        product = make_product()
        SKU.objects.update(is_active=False)
        image = ProductImage.objects.create(product=product, file="products/a.webp")
        assert read(client)["skus"] == []
        assert len(read(client)["images"]) == 1
        image.delete()
        assert read(client)["images"] == []

    def test_goes_with_its_product(self, client: Client, make_product: MakeProduct) -> None:
        make_product().skus.all().delete()
        Product.objects.all().delete()
        assert found(client) == []

    def test_shows_the_prices_of_each_day(
        self, client: Client, make_product: MakeProduct, today: date
    ) -> None:
        product = make_product()
        tiers = PriceTier.objects.filter(sku__product=product)
        tiers.update(sold_until=today)
        PriceTier.objects.create(
            sku=product.skus.get(),
            from_quantity=0,
            unit_price=Decimal("50.1234"),
            sold_from=today,
            sold_until=today + timedelta(days=1),
        )
        assert read(client)["skus"][0]["tiers"] == [{"from_quantity": "0", "unit_price": "50.1234"}]
        assert found(client, min_price="50.1234", max_price="50.1234") == ["P1"]

    def test_without_a_price_today_is_shown_and_sorts_last(
        self, client: Client, make_product: MakeProduct, today: date
    ) -> None:
        make_product("A", sold_from=today + timedelta(days=1))
        make_product("B", price="9")
        assert found(client, ordering="price") == ["B", "A"]
        assert found(client, min_price="0") == ["B"]
        assert found(client, max_price="999999999999") == ["B"]
        assert read(client, "A")["skus"][0]["tiers"] == []

    def test_shows_the_certificates_valid_today(
        self, client: Client, make_product: MakeProduct, supplier: Supplier, today: date
    ) -> None:
        product = make_product()
        day = timedelta(days=1)
        for kind, valid_from, valid_until in [
            ("green", today - day, today),
            ("organic", today - day, today - day),
            ("gi", today + day, None),
        ]:
            product.certificates.add(
                Certificate.objects.create(
                    supplier=supplier,
                    kind=kind,
                    number="1",
                    issuer="中心",
                    valid_from=valid_from,
                    valid_until=valid_until,
                )
            )
        assert [c["kind"] for c in read(client)["certificates"]] == ["green"]
        assert found(client, certificate="green") == ["P1"]
        assert found(client, certificate="gi") == []
        Certificate.objects.filter(kind="gi").update(valid_from=today)
        assert found(client, certificate="gi") == ["P1"]
        product.certificates.clear()
        assert found(client, certificate="gi") == []


class TestSeason:
    @pytest.mark.parametrize(
        ("windows", "day", "expected"),
        [
            ([], "2026-11-24", (None, None, True)),
            ([("06-15", "11-30")], "2026-11-24", ("2026-06-15", "2026-11-30", True)),
            ([("06-15", "11-30")], "2026-11-30", ("2026-06-15", "2026-11-30", True)),
            ([("06-15", "11-30")], "2026-12-01", ("2027-06-15", "2027-11-30", False)),
            ([("11-01", "02-29")], "2027-02-28", ("2026-11-01", "2027-02-28", True)),
            ([("11-01", "02-29")], "2027-03-01", ("2027-11-01", "2028-02-29", False)),
            ([("08-01", "09-30"), ("03-01", "04-31")], "2026-05-01",
             ("2026-08-01", "2026-09-30", False)),
        ],
    )  # fmt: skip
    def test_names_the_current_or_next_window(
        self, windows: Any, day: str, expected: tuple[str | None, str | None, bool]
    ) -> None:
        dates = season_dates(windows, day=date.fromisoformat(day))
        assert (dates["from"], dates["until"], dates["in_season"]) == expected

    def test_filters_over_new_year_too(
        self, client: Client, make_product: MakeProduct, today: date
    ) -> None:
        make_product("ALL")
        for code, first, last in [("NOW", 0, 0), ("LONG", -300, 1), ("LATER", 1, 60)]:
            Season.objects.create(
                product=make_product(code),
                starts=f"{today + timedelta(days=first):%m-%d}",
                ends=f"{today + timedelta(days=last):%m-%d}",
            )
        assert set(found(client, in_season="true")) == {"ALL", "NOW", "LONG"}
        assert found(client, in_season="false") == ["LATER"]


class TestFilters:
    def test_keep_what_matches(self, client: Client, make_product: MakeProduct) -> None:
        make_product("A", storage="live", on_hand="0", price="5")
        make_product("B", category_id="tea", county_id="522701", price="50")
        for parameters, expected in [
            ({"category": "tea"}, ["B"]),
            ({"county": "522731"}, ["A"]),
            ({"supplier": "fish"}, ["A", "B"]),
            ({"supplier": "nobody"}, []),
            ({"storage": "live"}, ["A"]),
            ({"in_stock": "true"}, ["B"]),
            ({"in_stock": "false"}, ["A"]),
            ({"min_price": "5.01"}, ["B"]),
            ({"max_price": "49.9999"}, ["A"]),
            ({"category": "tea", "storage": "live"}, []),
            ({"category": ""}, ["A", "B"]),
        ]:
            assert found(client, **parameters) == expected, parameters

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("storage", "warm"),
            ("certificate", "x"),
            ("in_season", "maybe"),
            ("in_stock", "1"),
            ("min_price", "-1"),
            ("max_price", "1e3"),
            ("max_price", "NaN"),
            ("q", "长" * 101),
            ("ordering", "supplier__uscc"),
            ("page_size", "101"),
            ("cursor", "x"),
            ("supplier__uscc", "1"),
        ],
    )
    def test_refuse_what_they_cannot_read(self, client: Client, name: str, value: str) -> None:
        response = client.get("/api/v1/products/", {name: value})
        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == f"/{name}"


class TestPages:
    @pytest.mark.parametrize("position", [["x", "y"], [1, 2], [{"t": "2026-01-01T00:00:00"}, True]])
    def test_refuse_a_cursor_that_somebody_made_up(self, client: Client, position: Any) -> None:
        content = json.dumps(["f", *position]).encode()
        cursor = base64.urlsafe_b64encode(content).decode().rstrip("=")
        response = client.get("/api/v1/products/", {"cursor": cursor})
        assert response.status_code == 400

    @pytest.mark.parametrize(
        "ordering", ["name", "-name", "price", "-price", "updated", "-updated"]
    )
    def test_meet_every_product_once_in_both_directions(
        self, client: Client, make_product: MakeProduct, ordering: str
    ) -> None:
        for number in range(7):
            make_product(f"P{number}", price=str(1 + number % 3), name="茶" if number % 2 else "鱼")
        pages, url = [], f"/api/v1/products/?page_size=3&ordering={ordering}"
        while url:
            page = client.get(url).json()
            pages.append([product["code"] for product in page["results"]])
            last, url = page, page["next"]
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(code for page in pages for code in page) == [
            f"P{number}" for number in range(7)
        ]
        back = client.get(last["previous"]).json()
        assert [product["code"] for product in back["results"]] == pages[1]

    def test_sort_names_by_pinyin(self, client: Client, make_product: MakeProduct) -> None:
        for code, name in [("1", "瓮安白茶"), ("2", "长顺绿壳鸡蛋"), ("3", "都匀毛尖")]:
            make_product(code, name=name)
        found(client, q="茶")
        assert found(client) == ["2", "3", "1"]

    @pytest.mark.parametrize("query", ["", "?q=鱼&in_stock=true&in_season=true"])
    def test_cost_the_same_queries_for_one_and_twenty(
        self,
        client: Client,
        make_product: MakeProduct,
        django_assert_max_num_queries: Any,
        query: str,
    ) -> None:
        for count in (1, 20):
            while Product.objects.count() < count:
                make_product(f"P{Product.objects.count()}")
            found(client, q="鱼")
            with django_assert_max_num_queries(3 if query else 2):
                response = client.get(f"/api/v1/products/{query}")
            assert len(response.json()["results"]) == count


class TestKeptAnswers:
    ADDRESSES = ("/api/v1/products/", "/api/v1/products/?q=鱼", "/api/v1/products/P1/")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_cost_one_query(
        self,
        client: Client,
        make_product: MakeProduct,
        django_assert_num_queries: Any,
        address: str,
    ) -> None:
        make_product(name="鱼")
        # The first search learns how the names are spelled.
        client.get(address)
        before = client.get(address).content
        with django_assert_num_queries(1):
            assert client.get(address).content == before

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_hold_the_stock_of_now(
        self, client: Client, make_product: MakeProduct, address: str
    ) -> None:
        make_product(name="鱼", on_hand="5")
        assert b'"available":"5"' in client.get(address).content
        Stock.objects.update(on_hand=Decimal("4.500"))
        assert b'"available":"4.5"' in client.get(address).content

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_end_when_a_listing_changes(
        self, client: Client, make_product: MakeProduct, address: str
    ) -> None:
        make_product(name="鱼")
        client.get(address)
        Product.objects.update(name="鱼鱼")
        assert "鱼鱼".encode() in client.get(address).content

    def test_end_with_the_day(
        self, client: Client, make_product: MakeProduct, time_machine: Any
    ) -> None:
        Season.objects.create(product=make_product(), starts="06-15", ends="06-30")
        for day, in_season in (("2026-06-30", True), ("2026-07-01", False)):
            time_machine.move_to(datetime.fromisoformat(f"{day}T12:00:00+08:00"))
            assert read(client)["season"]["in_season"] is in_season

    def test_do_not_tell_what_is_in_stock(self, client: Client, make_product: MakeProduct) -> None:
        make_product(on_hand="5")
        assert found(client, in_stock="true") == ["P1"]
        Stock.objects.update(on_hand=0)
        assert found(client, in_stock="true") == []

    def test_are_not_more_than_a_process_can_hold(
        self, client: Client, make_product: MakeProduct, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        make_product()
        monkeypatch.setattr(answers, "MOST", 3)
        for size in range(1, 9):
            found(client, page_size=size)
        assert len(answers._kept) <= 3


class TestOtherLists:
    def test_name_categories_and_counties(self, client: Client) -> None:
        categories = client.get("/api/v1/categories/").json()["results"]
        counties = client.get("/api/v1/counties/").json()["results"]
        assert (len(categories), len(counties)) == (8, 12)
        assert counties[0] == {
            "code": "522701",
            "name": "都匀市",
            "name_en": counties[0]["name_en"],
        }
