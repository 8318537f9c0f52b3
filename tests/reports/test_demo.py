"""The demo: people who can act, a full catalogue and a plausible past, loaded once."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count, F, Max, Min, Sum
from django.test import override_settings
from django.utils import timezone

from accounts.models import ApiKey, Division, User
from orders.models import (
    Buyer,
    Claim,
    Credit,
    Fapiao,
    Membership,
    Order,
    OrderEvent,
    OrderLine,
    Payment,
)
from reports.demo.loading import load_demo
from reports.models import Anomaly, Declaration, Grade, LedgerEntry, Month, PendingTotal
from reports.services.months import seal_of
from reports.services.targets import targets_of
from shop.models import SKU, Category, PriceTier, Product, ProductImage, Recognition, Reminder
from shop.services.content import content_of
from shop.services.documents import missing_documents
from suppliers.models import Application, Certificate, Supplier
from suppliers.services.certificates import file_of

pytestmark = pytest.mark.django_db


def demo(*arguments: str) -> str:
    output = StringIO()
    call_command("demo", *arguments, stdout=output)
    return output.getvalue()


def keys_in(people: dict[str, Any]) -> list[str]:
    return [
        *(key for buyer in people["buyers"] for key in buyer["keys"].values()),
        *(supplier["key"] for supplier in people["suppliers"]),
        *(person["key"] for person in people["staff"]),
    ]


def owner_of(key: str) -> User:
    return ApiKey.objects.select_related("user").get(digest=ApiKey.digest_of(key)).user


@pytest.fixture(scope="module")
def people(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Load the demo once for all tests of this module, and take it back afterwards."""
    media = override_settings(MEDIA_ROOT=tmp_path_factory.mktemp("media"))
    with django_db_blocker.unblock(), media, transaction.atomic():
        printed = json.loads(demo("--json"))
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        yield printed
        transaction.set_rollback(True)


class TestPeople:
    def test_are_printed_in_the_shape_that_checks_rely_on(self, people: dict[str, Any]) -> None:
        assert set(people) == {"buyers", "suppliers", "staff"}
        for buyer in people["buyers"]:
            assert set(buyer) == {"code", "name", "region", "kind", "keys"}
            assert set(buyer["keys"]) == {"purchaser", "approver", "finance", "viewer"}
        for supplier in people["suppliers"]:
            assert set(supplier) == {"code", "name", "county", "username", "password", "key"}
        for person in people["staff"]:
            assert set(person) == {"username", "password", "role", "key"}

    def test_are_as_varied_as_the_market(self, people: dict[str, Any]) -> None:
        kinds = {buyer["kind"] for buyer in people["buyers"]}
        assert kinds >= {"canteen", "supermarket", "state_firm", "school", "wholesale", "importer"}
        assert {buyer["region"] for buyer in people["buyers"]} >= {
            "440105",
            "440103",
            "440111",
            "440112",
            "441900",
        }
        assert len(people["suppliers"]) >= 10
        assert len({supplier["county"] for supplier in people["suppliers"]}) >= 8
        assert set(Supplier.objects.values_list("kind", flat=True)) == set(Supplier.Kind)
        roles = [person["role"] for person in people["staff"]]
        assert sorted(roles) == ["admin", "auditor", "office", "office", "reviewer"]

    def test_hold_keys_that_act_as_them(self, people: dict[str, Any]) -> None:
        for buyer in people["buyers"]:
            for role, key in buyer["keys"].items():
                membership = owner_of(key).buyer_membership
                assert (membership.buyer.code, membership.role) == (buyer["code"], role)
        for supplier in people["suppliers"]:
            assert owner_of(supplier["key"]).supplier_membership.supplier.code == supplier["code"]
        for person in people["staff"]:
            assert owner_of(person["key"]).role == person["role"]

    def test_have_passwords_that_open_the_admin(self, people: dict[str, Any]) -> None:
        printed = (*people["staff"], *people["suppliers"])
        users = User.objects.filter(username__in=[person["username"] for person in printed])
        assert users.count() == len(printed)
        assert not users.filter(is_staff=False).exists()
        # Checking a password is slow by design; all of them share one hash.
        assert len({user.password for user in users}) == 1
        assert len({person["password"] for person in printed}) == 1
        assert users[0].check_password(printed[0]["password"])

    def test_order_up_to_a_limit_without_approval(self, people: dict[str, Any]) -> None:
        limits = Membership.objects.filter(role="purchaser").values_list(
            "approval_limit", flat=True
        )
        assert set(limits) == {200_000}
        for buyer in Buyer.objects.all():
            assert buyer.credit.limit == 50_000_000
            assert buyer.addresses.filter(code="MAIN").exists()
            assert buyer.addresses.count() == 2

    def test_are_made_up_but_valid(self, people: dict[str, Any]) -> None:
        for organisation in (*Buyer.objects.all(), *Supplier.objects.all()):
            organisation.full_clean()
            assert "示例" in organisation.name
            assert organisation.uscc is None or "DEM" in organisation.uscc
        importer = Buyer.objects.get(kind="importer")
        assert importer.uscc is None
        assert importer.foreign_id
        assert Supplier.objects.get(kind="collective").uscc.startswith("N")


class TestCatalogue:
    def test_fills_every_category(self, people: dict[str, Any]) -> None:
        listed = Product.objects.filter(status="listed")
        assert listed.count() >= 45
        assert set(listed.values_list("category", flat=True)) == set(
            Category.objects.values_list("pk", flat=True)
        )
        assert set(listed.values_list("county", flat=True)) == set(
            Division.objects.counties().values_list("pk", flat=True)
        )

    def test_is_valid_throughout(self, people: dict[str, Any]) -> None:
        for model in (Product, SKU, PriceTier, Certificate, Recognition):
            for row in model.objects.all():
                row.full_clean()

    def test_sells_green_shell_eggs_by_the_case(self, people: dict[str, Any]) -> None:
        eggs = SKU.objects.get(code="CS-EGG-360")
        assert eggs.product.county_id == "522729"
        tiers = dict(eggs.tiers.values_list("from_quantity", "unit_price"))
        assert tiers[1] == 720
        assert min(tiers.values()) < 720
        assert eggs.stock.on_hand >= 1000

    def test_sells_sturgeon_by_weight(self, people: dict[str, Any]) -> None:
        sturgeon = SKU.objects.get(code="HS-STURGEON-LIVE")
        assert sturgeon.is_weighed
        assert (sturgeon.unit, sturgeon.tolerance_percent) == ("kg", 5)

    def test_always_has_something_out_of_season(self, people: dict[str, Any]) -> None:
        today = timezone.localdate()
        seasonal = Product.objects.filter(status="listed", seasons__isnull=False).distinct()
        for day in (today + timedelta(days) for days in range(0, 365, 7)):
            assert any(
                not any(season.includes(day) for season in product.seasons.all())
                for product in seasonal.prefetch_related("seasons")
            )

    def test_also_holds_what_is_not_for_sale(self, people: dict[str, Any]) -> None:
        assert set(Product.objects.values_list("status", flat=True)) == {
            "draft",
            "submitted",
            "listed",
            "suspended",
        }

    def test_names_another_producer_where_an_agent_sells(self, people: dict[str, Any]) -> None:
        agents = Product.objects.filter(supplier__kind="agent")
        assert agents.count() >= 2
        assert not agents.filter(producer__name=F("supplier__name")).exists()
        assert not agents.filter(producer__mandate="").exists()

    def test_invents_no_certificate_that_looks_real(self, people: dict[str, Any]) -> None:
        real = Certificate.objects.exclude(number__startswith="示例-")
        # A licence's number is the credit code, which nobody was ever given.
        assert not real.exclude(kind="business_licence", number__contains="DEM").exists()
        assert not Recognition.objects.exclude(number__startswith="示例-").exists()

    def test_lacks_no_document_on_sale_and_has_some_that_end(self, people: dict[str, Any]) -> None:
        today = timezone.localdate()
        for product in Product.objects.on_sale().select_related("supplier"):
            assert missing_documents(product, content_of(product, day=today), day=today) == []
        ending = Certificate.objects.expiring(today)
        assert {reminder.certificate for reminder in Reminder.objects.all()} == set(ending)
        assert ending.count() >= 2
        for certificate in Certificate.objects.all():
            with file_of(certificate) as file:
                assert file.read(4) == b"\x89PNG"

    def test_has_applications_before_and_after_the_county(self, people: dict[str, Any]) -> None:
        waiting = Application.objects.waiting()
        assert waiting.filter(recommended_at=None).exists()
        assert waiting.filter(recommended_at__isnull=False).exists()

    def test_recognises_most_products_but_not_all(self, people: dict[str, Any]) -> None:
        today = timezone.localdate()
        recognised = Recognition.objects.valid(today).count()
        assert Product.objects.count() / 2 < recognised < Product.objects.count()

    def test_has_a_picture_of_every_product_on_sale(self, people: dict[str, Any]) -> None:
        assert not Product.objects.filter(status="listed", images__isnull=True).exists()
        assert ProductImage.objects.first().file.size > 0


class TestPast:
    def test_spans_last_year_and_this_one(self, people: dict[str, Any]) -> None:
        this_month = timezone.localdate().replace(day=1)
        months = (
            LedgerEntry.objects.filter(month__lt=this_month)
            .values("month")
            .annotate(entries=Count("pk"))
        )
        assert len(months) == 12 + this_month.month - 1
        assert min(row["entries"] for row in months) > 100

    def test_comes_to_a_plausible_yearly_total(self, people: dict[str, Any]) -> None:
        year = LedgerEntry.objects.filter(booked_at__gte=timezone.now() - timedelta(365))
        assert 10_000_000 < year.aggregate(Sum("amount"))["amount__sum"] < 100_000_000

    def test_grows_from_year_to_year(self, people: dict[str, Any]) -> None:
        months = LedgerEntry.objects.aggregate(first=Min("month"))
        first = months["first"]
        amounts = [
            LedgerEntry.objects.filter(month=month).aggregate(Sum("amount"))["amount__sum"]
            for month in (first, first.replace(year=first.year + 1))
        ]
        assert amounts[0] < amounts[1]

    def test_counts_every_accepted_line_once(self, people: dict[str, Any]) -> None:
        lines = OrderLine.objects.filter(accepted_quantity__gt=0)
        entries = LedgerEntry.objects.filter(source="acceptance")
        assert lines.count() == entries.count()
        assert (
            lines.aggregate(Sum("accepted_amount"))["accepted_amount__sum"]
            == entries.aggregate(Sum("amount"))["amount__sum"]
        )

    def test_holds_orders_that_add_up(self, people: dict[str, Any]) -> None:
        orders = Order.objects.annotate(of_lines=Sum("lines__amount"))
        assert not orders.exclude(goods_amount=F("of_lines")).exists()

    def test_has_published_last_year_as_far_as_it_is_due(self, people: dict[str, Any]) -> None:
        today = timezone.localdate()
        published = Month.objects.filter(status="published")
        assert published.count() == (11 if (today.month, today.day) < (1, 6) else 12)
        assert {month.month.year for month in published} == {today.year - 1}
        assert not Month.objects.filter(month__year=today.year).exclude(status="open").exists()
        for month in published:
            assert seal_of(month) == (month.entries, month.amount, month.sha256)

    def test_has_answered_what_looked_wrong_in_the_published_months(
        self, people: dict[str, Any]
    ) -> None:
        assert not Anomaly.objects.unanswered().exists()
        assert not Anomaly.objects.exclude(month__status="published").exists()

    def test_has_targets_for_both_years(self, people: dict[str, Any]) -> None:
        this_year = timezone.localdate().year
        for year in (this_year - 1, this_year):
            standing = targets_of(year, day=timezone.localdate(), published_only=False)
            targets = {
                (one.target.county_id, one.target.district_id): one for one in standing.targets
            }
            assert {county for county, district in targets if not district} == {
                None,
                *Division.objects.counties().values_list("pk", flat=True),
            }
            assert ("522725", "440105") in targets
            assert standing.impact
            least = 90 if year < this_year else 0
            assert least <= targets[None, None].percent < 150

    def test_corrects_months_that_were_closed_by_then(self, people: dict[str, Any]) -> None:
        restating = LedgerEntry.objects.filter(corrects_month__isnull=False)
        assert restating.exists()
        assert not restating.exclude(month__gt=F("corrects_month")).exists()

    def test_is_rolled_up_and_found_sound(self, people: dict[str, Any]) -> None:
        assert not PendingTotal.objects.exists()
        call_command("verify", stdout=StringIO())

    def test_holds_sales_that_both_offices_declared(self, people: dict[str, Any]) -> None:
        declared = Declaration.objects.filter(status="booked")
        assert set(declared.values_list("reporter", flat=True)) == {"522700", "440100"}
        entries = LedgerEntry.objects.filter(source="declaration")
        assert set(entries.values_list("channel", flat=True)) >= {"832", "fair", "offline"}
        assert not entries.exclude(declared_row__note="示例数据").exists()

    def test_books_refunds_in_later_months(self, people: dict[str, Any]) -> None:
        refunds = LedgerEntry.objects.filter(source="claim")
        assert refunds.filter(month__gt=F("corrects__month")).count() >= 5
        assert not refunds.filter(amount__gte=0).exists()
        assert Claim.objects.filter(status="open").exists()
        assert (
            -refunds.aggregate(Sum("amount"))["amount__sum"]
            == OrderLine.objects.aggregate(Sum("refunded_amount"))["refunded_amount__sum"]
        )


class TestEvidence:
    def test_brings_parts_of_the_figure_to_each_grade(self, people: dict[str, Any]) -> None:
        this_year = timezone.localdate().year
        amounts = dict(
            LedgerEntry.objects.filter(month__year__gte=this_year - 1)
            .values_list("grade")
            .annotate(Sum("amount"))
        )
        assert set(amounts) == {Grade.E0, Grade.E2, Grade.E3, Grade.E4}
        assert min(amounts.values()) > sum(amounts.values()) / 50
        assert amounts[Grade.E2] > sum(amounts.values()) / 2

    def test_replaces_one_fapiao_after_its_month_was_closed(self, people: dict[str, Any]) -> None:
        red = Fapiao.objects.get(reverses__isnull=False)
        wrong, replacement = red.consignment.fapiaos.filter(reverses=None).order_by("pk")
        assert red.reverses == wrong
        assert wrong.buyer_title != replacement.buyer_title == red.consignment.order.buyer.name
        lines = red.consignment.lines.all()
        assert LedgerEntry.objects.filter(
            order_line__in=lines, source="regrade", corrects_month__isnull=False
        ).exists()

    def test_leaves_one_consignment_half_paid(self, people: dict[str, Any]) -> None:
        due = Sum(
            F("consignment__lines__accepted_amount") - F("consignment__lines__refunded_amount")
        )
        half = Payment.objects.annotate(due=due).filter(amount__lt=F("due")).get()
        assert abs(half.amount * 2 - half.due) <= Decimal("0.01")

    def test_is_entered_by_sellers_and_by_those_who_pay(self, people: dict[str, Any]) -> None:
        for fapiao in Fapiao.objects.all():
            assert fapiao.entered_by.supplier_membership.supplier == fapiao.consignment.supplier
        for payment in Payment.objects.all():
            membership = payment.entered_by.buyer_membership
            assert membership.role == "finance"
            assert membership.buyer == payment.consignment.order.buyer

    def test_has_numbers_that_no_real_fapiao_has(self, people: dict[str, Any]) -> None:
        assert not Fapiao.objects.exclude(number__startswith="0000").exists()


class TestPresent:
    def test_has_an_order_in_every_state(self, people: dict[str, Any]) -> None:
        assert set(Order.objects.values_list("status", flat=True)) == set(Order.Status)
        assert not Order.objects.filter(is_synthetic=False).exists()

    def test_leaves_room_to_order(self, people: dict[str, Any]) -> None:
        for credit in Credit.objects.all():
            assert credit.used < credit.limit / 10

    def test_happened_before_today(self, people: dict[str, Any]) -> None:
        last = OrderEvent.objects.aggregate(Max("at"))["at__max"]
        assert timezone.localdate(last) < timezone.localdate()


class TestRepeating:
    def test_doubles_nothing(self, people: dict[str, Any]) -> None:
        def rows() -> list[int]:
            models = (User, Buyer, Supplier, Product, SKU, Order, LedgerEntry)
            return [model.objects.count() for model in models]

        before = rows()
        assert not load_demo(now=timezone.now())
        demo()
        assert rows() == before

    def test_prints_the_same_people_with_new_keys_and_keeps_the_old(
        self, people: dict[str, Any]
    ) -> None:
        again = json.loads(demo("--json"))
        old, new = keys_in(people), keys_in(again)
        assert not set(old) & set(new)
        assert [owner_of(key) for key in old] == [owner_of(key) for key in new]

        def without_keys(printed: dict[str, Any]) -> str:
            text = json.dumps(printed)
            for key in keys_in(printed):
                text = text.replace(key, "")
            return text

        assert without_keys(again) == without_keys(people)

    def test_keeps_people_signed_in(self, people: dict[str, Any]) -> None:
        admin = User.objects.get(username="demo-admin")
        demo()
        session = admin.get_session_auth_hash()
        assert User.objects.get(username="demo-admin").get_session_auth_hash() == session

    def test_says_to_a_reader_that_it_is_made_up(self, people: dict[str, Any]) -> None:
        text = demo()
        assert "made up" in text
        assert people["staff"][0]["password"] in text


class TestProduction:
    def test_refuses_the_demo(self, people: dict[str, Any], settings: Any) -> None:
        settings.PRODUCTION = True
        keys = ApiKey.objects.count()
        with pytest.raises(CommandError, match="production"):
            demo("--json")
        assert ApiKey.objects.count() == keys
