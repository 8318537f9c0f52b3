"""Freight stands beside the goods, and is counted only where a rule or an indicator says so."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from orders.models import Consignment
from reports.models import CountingRule, LedgerEntry, Month
from reports.services.comparing import compare
from reports.services.figures import Question, answer
from reports.services.grading import enter_payment
from reports.services.months import close_month, seal_of
from reports.services.totals import rebuild, roll_up

from .deliveries import Delivery, shipped
from .ledger import NOW, bearer, book, in_month, person, rule
from .reporting import made, opened
from .test_booking import accept, assert_nothing_differs, settle
from .test_grading import invoice

pytestmark = pytest.mark.django_db


def delivered(freight: str = "300.00") -> Delivery:
    """Return an accepted delivery of two lines, of 7,200 and 14,400 yuan."""
    delivery = shipped({}, {"quantity": Decimal(20), "amount": Decimal(14400)})
    Consignment.objects.filter(number=delivery.number).update(freight_amount=Decimal(freight))
    accept(delivery)
    return delivery


def sums(**asked: Any) -> tuple[Decimal, Decimal]:
    """Return amount and freight of the figure."""
    roll_up(now=NOW)
    (group,) = answer(Question(**asked), day=NOW.date()).groups
    return group["amount"], group["freight"]


class TestBooking:
    def test_enters_each_lines_share_beside_its_goods(self) -> None:
        delivered()
        entered = LedgerEntry.objects.order_by("id").values_list("amount", "freight")
        assert list(entered) == [(7200, 100), (14400, 200)]
        assert sums() == (21600, 300)
        assert_nothing_differs()

    def test_refunds_goods_and_no_freight(self) -> None:
        delivery = delivered()
        settle(delivery, "7200.00", line1="10")
        assert sums() == (14400, 300)
        assert_nothing_differs()

    def test_moves_freight_with_its_goods_between_grades(self) -> None:
        delivery = delivered()
        invoice(delivery, "21600.00")
        assert sums(grade=3) == (0, 0)
        invoice(delivery, "300.00")
        assert sums(grade=3) == (21600, 300)
        enter_payment(
            delivery.number, amount=Decimal("21900.00"), paid_on=date(2026, 11, 1),
            reference="R1", by=delivery.buyer, now=NOW,
        )  # fmt: skip
        assert sums(grade=4) == (21600, 300)
        assert sums(grade=3) == sums(grade=0)
        assert_nothing_differs()

    def test_is_the_same_when_all_totals_are_made_anew(self) -> None:
        delivered()
        rebuild(now=NOW)
        assert sums() == (21600, 300)
        assert_nothing_differs()

    def test_is_told_to_whoever_opens_the_figure(self, client: Client) -> None:
        delivered()
        roll_up(now=NOW)
        office = bearer(person("office"))
        total = client.get("/api/v1/totals/", headers=office).json()["total"]
        assert (total["amount"], total["freight"]) == ("21600.00", "300.00")
        entries = client.get("/api/v1/totals/entries/", headers=office).json()["results"]
        assert [entry["freight"] for entry in entries] == ["200.00", "100.00"]


class TestCounting:
    def test_leaves_freight_out_by_rule_1_and_in_by_a_rule_that_counts_it(self) -> None:
        rule(counts_freight=True)
        book(in_month(10, amount="10.00", freight=Decimal("1.00")))
        book(in_month(10, amount="20.00", freight=Decimal("2.00"), rule_id=2))
        assert sums() == (32, 3)
        assert sums(restated=True) == (32, 3)

    def test_compares_a_month_with_and_without_freight(self) -> None:
        counting = rule(counts_freight=True, approved=False)
        book(in_month(10, amount="10.00", freight=Decimal("1.00")))
        compared = compare(date(2026, 10, 1), rule=counting).total
        assert (compared.official, compared.recomputed) == (10, 11)
        back = compare(date(2026, 10, 1), rule=CountingRule.objects.get(version=1)).total
        assert (back.official, back.recomputed) == (10, 10)

    def test_adds_freight_in_the_indicator_of_goods_and_services(self, client: Client) -> None:
        book(in_month(10, amount="10.00", freight=Decimal("1.00")))
        roll_up(now=NOW)
        office = bearer(person("office"))
        amounts = {
            code: client.get(f"/api/v1/indicators/{code}/", headers=office).json()["total"]
            for code in ("goods", "goods-and-services")
        }
        assert amounts["goods"]["amount"] == "10.00"
        assert amounts["goods-and-services"]["amount"] == "11.00"
        assert amounts["goods"]["freight"] == amounts["goods-and-services"]["freight"] == "1.00"


class TestSeal:
    def test_holds_freight_too(self) -> None:
        book(in_month(10, amount="10.00"))
        without = seal_of(Month.objects.get())
        LedgerEntry.objects.bulk_create([in_month(9, amount="10.00", freight=Decimal("0.01"))])
        LedgerEntry.objects.bulk_create([in_month(8, amount="10.00")])
        seals = {month.month.month: seal_of(month).sha256 for month in Month.objects.all()}
        assert seals[10] == without.sha256
        assert len(set(seals.values())) == 3
        assert LedgerEntry.objects.aggregate(Sum("freight"))["freight__sum"] == Decimal("0.01")


@pytest.mark.django_db(transaction=True)
class TestReports:
    def test_say_how_much_freight_there_was_and_that_it_is_not_counted(self) -> None:
        office = person("office")
        assert "运费" not in str(list(opened(made(by=office))["1 分县"].values))
        book(in_month(10, amount="10.00", freight=Decimal("1234.50")))
        roll_up(now=NOW)
        sheet = opened(made(by=office))["1 分县"]
        assert "本月另有运费 1,234.50 元，未计入以上金额。" in str(list(sheet.values))
        assert made(file_format="pdf", by=office).size > 10_000

    def test_say_so_of_a_closed_month_too(self) -> None:
        first, second = person("first"), person("second")
        book(in_month(10, amount="10.00", freight=Decimal("1.00")))
        close_month(date(2026, 10, 1), by=first, now=NOW)
        close_month(date(2026, 10, 1), by=second, now=NOW)
        assert "另有运费 1.00 元" in str(list(opened(made(by=first))["1 分县"].values))

    def test_add_freight_to_what_a_supplier_gets(self) -> None:
        delivery = delivered()
        for file_format in ("xlsx", "pdf"):
            statement = made(
                "supplier_statement", file_format, by=delivery.supplier, month=date(2026, 11, 1)
            )
            if file_format == "xlsx":
                totals = [(row[0], row[3]) for row in list(opened(statement)["汇总"].values)[-3:]]
                assert totals == [("货款合计", 21600), ("运费", 300), ("合计", 21900)]
