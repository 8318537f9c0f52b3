"""What is kept as codes is read as words: reasons of entries, and what anomalies are about."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import User
from reports.models import Anomaly, AnomalyRule, LedgerEntry, Month
from reports.services.describing import LABELS, SUBJECTS, described, facts_in_words
from reports.services.reasons import in_words
from tests.factories import BuyerFactory, SupplierFactory

from .ledger import NOW, book, entry, person
from .reporting import made, text_of
from .test_months import OCTOBER

pytestmark = pytest.mark.django_db

REASONS = {
    "counts: buyer kind union is procured (rule 1)": "计入：工会，采购（口径 1）",
    "declared; counts: buyer kind union is procured (rule 1)": "申报，计入：工会，采购（口径 1）",
    "does not count below E3: buyer kind union is procured (rule 1)": (
        "不计入（证据低于 E3）：工会，采购（口径 1）"
    ),
    "does not count, sector handicraft: buyer kind union is procured (rule 1)": (
        "不计入（行业：特色手工艺产品）：工会，采购（口径 1）"
    ),
    "does not count, not recognised: buyer kind union is procured (rule 1)": (
        "不计入（未认定）：工会，采购（口径 1）"
    ),
    "evidence: E2 to E4": "证据由 E2 变为 E4",
    "claim: 到货破损": "售后：到货破损",
    # What a person wrote, and what only looks like ours, stays.
    "重复申报": "重复申报",
    "counts: buyer kind": "counts: buyer kind",
}


@pytest.fixture
def office(settings: Any, tmp_path: Path) -> User:
    settings.REPORTS_DIR = tmp_path
    return person("office")


class TestReasons:
    @pytest.mark.parametrize(("kept", "words"), REASONS.items())
    def test_are_read_in_chinese(self, kept: str, words: str) -> None:
        with translation.override("zh-hans"):
            assert in_words(kept) == words

    def test_are_read_in_english(self) -> None:
        with translation.override("en"):
            read = in_words("declared; counts: buyer kind union is procured (rule 1)")
            assert read == "declared; counts: trade union, procured (rule 1)"

    @pytest.mark.django_db(transaction=True)
    def test_are_the_same_words_in_files(self, office: User) -> None:
        book(*(entry(reason=kept, buyer_kind="union", kind="procured") for kept in REASONS))
        rows = csv.DictReader(io.StringIO(text_of(made("ledger", "csv", by=office))))
        assert [row["理由"] for row in rows] == list(REASONS.values())
        # The ledger keeps what its seal is made of.
        assert set(LedgerEntry.objects.values_list("reason", flat=True)) == set(REASONS)

    def test_stand_beside_what_is_kept_in_the_admin(self, client: Client) -> None:
        kept = "counts: buyer kind union is procured (rule 1)"
        book(entry(reason=kept, unit="carton"))
        booked = LedgerEntry.objects.get()
        client.force_login(auditor())
        page = client.get(f"/admin/reports/ledgerentry/{booked.pk}/change/").content.decode()
        assert kept in page
        assert REASONS[kept] in page
        assert "carton" not in page


class TestAnomalies:
    @pytest.mark.parametrize(
        ("rule", "subject", "about"),
        [
            ("late_returns", "B1 S1", "第一食堂 · 第一合作社"),
            ("same_contact", "B1 S1", "第一食堂 · 第一合作社"),
            ("round_trip", "B1 S1 绿壳 鸡蛋 17", "第一食堂 · 第一合作社 · 绿壳 鸡蛋 · 台账条目 17"),
            ("far_price", "S1 eggs 绿壳 鸡蛋 case", "第一合作社 · 禽蛋 · 绿壳 鸡蛋 · 件"),
            ("far_price", "eggs 绿壳 鸡蛋 case", "禽蛋 · 绿壳 鸡蛋 · 件"),
            ("over_yield", "S1 tea", "第一合作社 · 茶叶"),
            ("split_sales", "B1 S1 10000", "第一食堂 · 第一合作社 · 略低于 10000 元"),
            ("end_spike", "522729", "长顺县"),
            # Off-platform buyers and suppliers may have no row; their codes stay.
            ("late_returns", "B9 S9", "B9 · S9"),
            ("end_spike", "everywhere", "everywhere"),
        ],
    )
    def test_are_about_what_has_names(self, rule: str, subject: str, about: str) -> None:
        BuyerFactory.create(code="B1", name="第一食堂")
        SupplierFactory.create(code="S1", name="第一合作社")
        with translation.override("zh-hans"):
            assert described([anomaly(rule, subject)])[0].about == about

    def test_of_every_rule_have_words(self) -> None:
        assert set(SUBJECTS) == set(AnomalyRule.Code)
        for rule in AnomalyRule.objects.all():
            assert set(rule.parameters) <= set(LABELS)

    def test_say_what_was_found(self) -> None:
        facts = {"sold": "100.00", "shared": ["phone", "uscc"], "entries": [1, 2]}
        with translation.override("zh-hans"):
            assert list(facts_in_words(facts)) == [
                "售出（元）：100.00", "相同项：电话、统一社会信用代码", "台账条目：1、2",
            ]  # fmt: skip

    def test_are_listed_by_name_with_as_many_queries_for_twenty_as_for_one(
        self, client: Client
    ) -> None:
        client.force_login(auditor())
        address = "/admin/reports/anomaly/"

        def queries(count: int) -> int:
            for n in range(Anomaly.objects.count(), count):
                BuyerFactory.create(code=f"B{n}", name=f"食堂{n}号")
                SupplierFactory.create(code=f"S{n}")
                anomaly("late_returns", f"B{n} S{n}")
            with CaptureQueriesContext(connection) as captured:
                assert f"食堂{count - 1}号" in client.get(address).content.decode()
            return len(captured)

        queries(1)
        assert queries(1) == queries(20)

    def test_say_so_on_their_own_page_beside_the_codes(self, client: Client) -> None:
        SupplierFactory.create(code="S1", name="第一合作社")
        row = anomaly("over_yield", "S1 tea", sold_kg="900", area_mu="1", kg_per_mu="60")
        client.force_login(auditor())
        page = client.get(f"/admin/reports/anomaly/{row.pk}/change/").content.decode()
        for text in ("第一合作社 · 茶叶", "S1 tea", "售出（千克）：900"):
            assert text in page
        assert "sold_kg" not in page
        assert client.get("/admin/reports/anomaly/999999/change/").status_code == 302

    def test_show_the_measures_of_their_rules(self, client: Client) -> None:
        client.force_login(auditor())
        page = client.get("/admin/reports/anomalyrule/").content.decode()
        assert "天数：" in page
        assert "round_amount" not in page


def auditor() -> Any:
    return User.objects.get_or_create(username="auditor", role="auditor", is_staff=True)[0]


def anomaly(rule: str, subject: str, **evidence: Any) -> Anomaly:
    month, _created = Month.objects.get_or_create(month=OCTOBER)
    return Anomaly.objects.create(
        month=month, rule_id=rule, subject=subject, fingerprint=f"2026-10 {subject}",
        evidence=evidence, found_at=NOW,
    )  # fmt: skip
