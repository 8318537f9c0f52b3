"""The admin's first page tells everybody what waits for them, and nothing of others."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.services.sealing import seal_audit
from orders.models import Order
from reports.models import Target
from reports.services.totals import roll_up
from shop.models import Badge, ListingVersion, Product, Recognition
from shop.services.content import content_of
from shop.services.reviewing import (
    approve_version,
    return_version,
    submit_version,
    take_version,
)
from suppliers.models import Certificate, Supplier
from tests.factories import ProductFactory, SKUFactory, SupplierFactory, UserFactory
from tests.orders.market import Market, Person


@pytest.fixture
def market(db: None) -> Market:
    return Market()


def signed_in(user: User) -> Client:
    user.is_staff = True
    user.save()
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def page_of(user: User) -> Any:
    answer = signed_in(user).get("/admin/")
    assert answer.status_code == 200
    return answer


def cards_of(user: User) -> dict[str, Any]:
    """Return the cards on somebody's home page by their titles."""
    shown = page_of(user).context
    facts = [fact["card"] for fact in shown["facts"]]
    return {card.title: card for card in (*shown["work"], *facts, *shown["done"])}


def text_of(card: Any) -> str:
    return " ".join(f"{row.text} {row.note}" for row in card.rows)


def draft(market: Market, **fields: Any) -> Product:
    """Return a product of Sam's that is not submitted yet."""
    given = {"supplier": market.supplier, "status": Product.Status.DRAFT}
    product = ProductFactory(**(given | fields))
    SKUFactory(product=product)
    return product


def submitted(product: Product, by: Person, **fields: Any) -> ListingVersion:
    version = submit_version(product, by=by.user, now=timezone.now())
    ListingVersion.objects.filter(pk=version.pk).update(**fields)
    return version


def listed_change(market: Market, name: str) -> ListingVersion:
    """Return a change of a listed product that waits."""
    product = market.sku(product__name=name).product
    content = content_of(product, day=timezone.localdate()) | {"name": f"{name}·新"}
    return submit_version(product, content=content, by=market.sam.user, now=timezone.now())


@pytest.fixture
def reviewer(db: None) -> User:
    return UserFactory(role=User.Role.REVIEWER)


class TestSupplier:
    def test_sees_what_to_confirm_and_to_ship(self, market: Market) -> None:
        today = timezone.localdate()
        number = market.placed(delivery_date=f"{today}")["consignments"][0]["number"]
        Order.objects.update(placed_at=timezone.now() - timedelta(days=3))
        shipped = market.confirmed()["consignments"][0]["number"]
        cards = cards_of(market.sam.user)
        (row,) = cards["Consignments to confirm"].rows
        assert number in row.text
        assert row.note == f"3\xa0days ago · due {today:%m-%d}"
        assert row.is_urgent
        (row,) = cards["Consignments to ship"].rows
        assert shipped in row.text
        assert not row.is_urgent

    def test_sees_no_order_that_its_buyer_has_not_approved(self, market: Market) -> None:
        market.placed(by=market.member("purchaser", approval_limit=1))
        assert cards_of(market.sam.user)["Consignments to confirm"].count == 0

    def test_sees_claims(self, market: Market) -> None:
        number = market.accepted()
        market.claimed(number)
        card = cards_of(market.sam.user)["Claims to settle"]
        assert card.count == 1
        assert number in text_of(card)

    def test_sees_returned_versions_until_they_are_submitted_again(
        self, market: Market, reviewer: User
    ) -> None:
        product = draft(market, name="退回的蛋")
        version = submitted(product, market.sam)
        return_version(version, reason="price", note="", by=reviewer, now=timezone.now())
        cards = cards_of(market.sam.user)
        assert "退回的蛋" in text_of(cards["Versions that were returned"])
        assert "price not explained" in text_of(cards["Versions that were returned"])
        # It was seen by the selection centre, so it is no forgotten draft.
        assert cards["Drafts that were never submitted"].count == 0
        submit_version(Product.objects.get(pk=product.pk), by=market.sam.user, now=timezone.now())
        cards = cards_of(market.sam.user)
        assert cards["Versions that were returned"].count == 0
        assert "退回的蛋" in text_of(cards["With the selection centre"])

    def test_sees_drafts(self, market: Market) -> None:
        draft(market, name="忘了提交")
        assert "忘了提交" in text_of(cards_of(market.sam.user)["Drafts that were never submitted"])

    @pytest.mark.parametrize(("days", "count"), [(-1, 0), (0, 1), (30, 1), (31, 0), (None, 0)])
    def test_sees_what_ends_within_thirty_days(
        self, market: Market, days: int | None, count: int
    ) -> None:
        today = timezone.localdate()
        until = None if days is None else today + timedelta(days)
        Certificate.objects.create(
            supplier=market.supplier, kind="green", number="LS-1", issuer="-",
            valid_from=date(2020, 1, 1), valid_until=until,
        )  # fmt: skip
        if until:
            Recognition.objects.create(
                product=market.eggs.product, number="RD-1", valid_from=date(2020, 1, 1),
                valid_until=until,
            )  # fmt: skip
        cards = cards_of(market.sam.user)
        assert cards["Certificates that end soon"].count == count
        assert cards["Recognitions that end soon"].count == count

    def test_sees_its_sales_by_month(self, market: Market) -> None:
        market.accepted()
        roll_up(now=timezone.now())
        card = cards_of(market.sam.user)["Sales of this month"]
        assert card.figure == "0.72 10,000 yuan"
        assert len(card.chart["labels"]) == 12
        assert card.chart["labels"][-1] == f"{timezone.localdate():%Y-%m}"
        assert card.chart["datasets"][0]["data"] == [0.0] * 11 + [0.72]

    def test_reads_that_nothing_waits(self, market: Market) -> None:
        page = page_of(market.sam.user)
        assert "nothing waits today" in page.content.decode()
        assert page.context["work"] == []

    def test_reads_it_in_chinese(self, market: Market) -> None:
        client = signed_in(market.sam.user)
        for language, words in (("zh-hans", "今天没有待办"), ("zh-hant", "今天沒有待辦")):
            page = client.get("/admin/", headers={"accept-language": language})
            assert words in page.content.decode()


class TestRunningLow:
    """Less is available than the smallest order, or than was ordered in the last 14 days."""

    def low(self, market: Market) -> Any:
        return cards_of(market.sam.user)["Stock that runs low"]

    def test_tells_of_less_than_the_smallest_order(self, market: Market) -> None:
        market.sku(code="FEW", on_hand="4", minimum=5)
        market.sku(code="ENOUGH", on_hand="5", minimum=5)
        card = self.low(market)
        assert card.count == 1
        assert "(FEW) 4 left, 5 needed" in text_of(card)

    @pytest.mark.parametrize(("days", "count"), [(13, 1), (15, 0)])
    def test_tells_of_less_than_what_sold_lately(
        self, market: Market, days: int, count: int
    ) -> None:
        market.placed((market.eggs, "60"))
        Order.objects.update(placed_at=timezone.now() - timedelta(days))
        assert self.low(market).count == count

    def test_does_not_count_what_was_cancelled(self, market: Market) -> None:
        market.cancel(market.placed((market.eggs, "60"))["number"])
        market.placed((market.eggs, "40"))
        assert self.low(market).count == 0

    def test_does_not_tell_of_what_is_not_on_sale(self, market: Market) -> None:
        market.sku(on_hand="0", is_active=False)
        market.sku(on_hand="0", product__status=Product.Status.RETIRED)
        assert self.low(market).count == 0


class TestIsolation:
    def test_nothing_of_another_supplier_is_shown(self, market: Market, reviewer: User) -> None:
        """Stella has one of each; Sam's page is as if there were nothing."""
        before = cards_of(market.sam.user)
        theirs = market.sku(
            product__supplier=market.other_supplier, on_hand="12", minimum=10, code="THEIRS"
        )
        market.placed((theirs, "10"))
        for name in ("drafts", "returned", "waiting"):
            product = ProductFactory(
                supplier=market.other_supplier, status=Product.Status.DRAFT, name=name
            )
            SKUFactory(product=product)
            if name != "drafts":
                version = submitted(product, market.stella)
            if name == "returned":
                return_version(version, reason="text", note="", by=reviewer, now=timezone.now())
        soon = timezone.localdate() + timedelta(days=3)
        Certificate.objects.create(
            supplier=market.other_supplier, kind="green", number="LS-9", issuer="-",
            valid_from=date(2020, 1, 1), valid_until=soon,
        )  # fmt: skip
        Recognition.objects.create(
            product=theirs.product, number="RD-9", valid_from=date(2020, 1, 1), valid_until=soon
        )
        hers = cards_of(market.stella.user)
        for title in (
            "Consignments to confirm", "Stock that runs low", "Versions that were returned",
            "Drafts that were never submitted", "Certificates that end soon",
            "Recognitions that end soon", "With the selection centre",
        ):  # fmt: skip
            assert hers[title].count == 1, title
        assert cards_of(market.sam.user) == before

    def test_sales_are_ones_own(self, market: Market) -> None:
        theirs = market.sku(product__supplier=market.other_supplier)
        order = market.placed((theirs, "10"))
        number = order["consignments"][0]["number"]
        market.confirm(number, by=market.stella)
        market.ship(number, "10", by=market.stella)
        market.accept(number, "10")
        roll_up(now=timezone.now())
        assert cards_of(market.sam.user)["Sales of this month"].figure.startswith("0.00")
        assert cards_of(market.stella.user)["Sales of this month"].figure.startswith("0.72")

    def test_suppliers_see_no_work_of_the_platform(self, market: Market) -> None:
        for title in ("First listings to review", "Months to close and publish", "Closed months"):
            assert title not in cards_of(market.sam.user)

    def test_nobody_without_a_part_sees_anything(self, market: Market) -> None:
        assert cards_of(market.alice.user) == {}


class TestReviewer:
    def test_sees_the_queue_with_ages_the_oldest_first(
        self, market: Market, reviewer: User
    ) -> None:
        for name, days in (("新的", 1), ("旧的", 9)):
            then = timezone.now() - timedelta(days)
            submitted(draft(market, name=name), market.sam, submitted_at=then)
        listed_change(market, "改名的")
        cards = cards_of(reviewer)
        assert [row.text for row in cards["First listings to review"].rows] == ["旧的", "新的"]
        assert "1\xa0week ago" in cards["First listings to review"].rows[0].note
        assert [row.text for row in cards["Changes to review"].rows] == ["改名的"]
        assert cards["Reviews that I took up"].count == 0

    def test_sees_what_was_taken_up(self, market: Market, reviewer: User) -> None:
        take_version(
            submitted(draft(market, name="我的"), market.sam), by=reviewer, now=timezone.now()
        )
        assert "我的" in text_of(cards_of(reviewer)["Reviews that I took up"])
        assert cards_of(UserFactory(role="reviewer"))["Reviews that I took up"].count == 0

    def test_sees_badges_on_notice(self, market: Market, reviewer: User) -> None:
        version = submitted(draft(market, name="公示的"), market.sam)
        for by in (reviewer, UserFactory(role=User.Role.REVIEWER)):
            approve_version(version, by=by, now=timezone.now())
        assert "公示的" in text_of(cards_of(reviewer)["Badges on public notice"])
        Badge.objects.update(valid_from=timezone.localdate())
        assert "Badges on public notice" not in cards_of(reviewer)

    def test_sees_suppliers_that_apply(self, market: Market, reviewer: User) -> None:
        SupplierFactory(name="新合作社", status=Supplier.Status.APPLIED)
        SupplierFactory(name="被拒的", status=Supplier.Status.REJECTED)
        assert text_of(cards_of(reviewer)["Suppliers that apply"]).startswith("新合作社")


class TestOffice:
    def test_sees_this_month_beside_the_last_year_and_the_target(self, market: Market) -> None:
        market.accepted()
        roll_up(now=timezone.now())
        year = timezone.localdate().year
        Target.objects.create(year=year, amount=Decimal(14_400))
        card = cards_of(market.olga.user)["Figure of this month"]
        assert card.figure == "0.72 10,000 yuan"
        assert "reached 50.0%" in text_of(card)
        assert [one["label"] for one in card.chart["datasets"]] == [str(year), str(year - 1)]

    def test_sees_nothing_booked_yet(self, market: Market) -> None:
        card = cards_of(market.olga.user)["Figure of this month"]
        assert card.figure == "0.00 10,000 yuan"


class TestAuditor:
    def test_sees_the_head_of_the_chain_and_the_closed_months(self, market: Market) -> None:
        cards = cards_of(UserFactory(role=User.Role.AUDITOR))
        assert "Nothing is sealed yet." in cards["Head of the audit chain"].note
        seal_audit(now=timezone.now())
        cards = cards_of(UserFactory(role=User.Role.AUDITOR))
        assert cards["Head of the audit chain"].figure == "Block 1"
        assert re.fullmatch("[0-9a-f]{64}", cards["Head of the audit chain"].note)
        assert "issue_key" in text_of(cards["Latest in the audit trail"])
        assert cards["Closed months"].figure == "—"


class TestAdministrator:
    def test_sees_how_much_waits_for_everybody(self, market: Market) -> None:
        market.placed()
        submitted(draft(market), market.sam)
        cards = cards_of(UserFactory(role=User.Role.ADMIN))
        assert cards["Consignments to confirm"].count == 1
        assert cards["First listings to review"].count == 1
        assert not cards["Consignments to confirm"].rows
        assert "Figure of this month" in cards
        assert "Head of the audit chain" in cards


class TestCards:
    @pytest.fixture
    def everything(self, market: Market, reviewer: User) -> Callable[[], None]:
        """Add one of whatever the cards count."""

        def add() -> None:
            market.placed((market.eggs, "1"))
            market.claimed(market.accepted((market.eggs, "1")))
            market.confirmed((market.eggs, "1"))
            market.sku(on_hand="0")
            draft(market)
            version = submitted(draft(market), market.sam)
            return_version(version, reason="text", note="", by=reviewer, now=timezone.now())
            take_version(submitted(draft(market), market.sam), by=reviewer, now=timezone.now())
            listed_change(market, "改")
            SupplierFactory(status=Supplier.Status.APPLIED)
            soon = timezone.localdate() + timedelta(days=3)
            number = f"N-{Certificate.objects.count()}"
            Certificate.objects.create(
                supplier=market.supplier, kind="green", number=number, issuer="-",
                valid_from=date(2020, 1, 1), valid_until=soon,
            )  # fmt: skip
            Recognition.objects.create(
                product=market.sku().product, number=number, valid_from=date(2020, 1, 1),
                valid_until=soon,
            )  # fmt: skip
            badged = market.sku().product
            today = timezone.localdate()
            Badge.objects.create(
                product=badged, number=number, noticed_from=today, valid_from=soon,
                valid_until=soon,
            )  # fmt: skip

        return add

    @pytest.mark.parametrize("role", ["supplier", "reviewer", "office", "auditor", "admin"])
    def test_open_the_rows_that_they_count(
        self, market: Market, reviewer: User, everything: Callable[[], None], role: str
    ) -> None:
        everything()
        user = {
            "supplier": market.sam.user,
            "reviewer": reviewer,
            "office": market.olga.user,
        }.get(role) or UserFactory(role=role)
        client = signed_in(user)
        cards = cards_of(user)
        assert len(cards) >= 3
        for card in cards.values():
            for address in (card.address, *(row.address for row in card.rows if row.address)):
                answer = client.get(address)
                assert answer.status_code == 200, (card.title, address)
            listed = client.get(card.address).context
            if card.count is not None and "cl" in listed:
                assert listed["cl"].result_count == card.count, card.title

    @pytest.mark.parametrize("role", ["supplier", "reviewer", "office", "auditor", "admin"])
    def test_cost_as_much_for_many_as_for_one(
        self, market: Market, reviewer: User, everything: Callable[[], None], role: str
    ) -> None:
        user = {
            "supplier": market.sam.user,
            "reviewer": reviewer,
            "office": market.olga.user,
        }.get(role) or UserFactory(role=role)
        client = signed_in(user)

        def statements() -> int:
            with CaptureQueriesContext(connection) as queries:
                assert client.get("/admin/").status_code == 200
            return len(queries)

        everything()
        roll_up(now=timezone.now())
        statements()
        one = statements()
        for _again in range(6):
            everything()
        roll_up(now=timezone.now())
        assert statements() == one
        assert one <= 80
