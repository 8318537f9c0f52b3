"""A declared file is booked whole, once, and can be taken back."""

import csv
import gzip
import io
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, Pairing, User
from reports.models import (
    ContributionKind,
    Declaration,
    DeclarationRow,
    Grade,
    LedgerEntry,
    Month,
    PendingTotal,
)
from reports.services.declarations import loading, receiving
from reports.services.declarations.answering import describe
from reports.services.declarations.columns import COLUMNS
from reports.services.declarations.refusals import (
    AlreadyImported,
    DeclarationInWrongState,
    UnknownReporter,
)

from .ledger import rule

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=SHANGHAI)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"

ROW = {
    "sold_on": "2026-10-05",
    "document_no": "D-1",
    "line_no": "1",
    "product_name": "长顺绿壳鸡蛋",
    "category": "eggs",
    "county_code": "522729",
    "supplier_code": "S01",
    "buyer_code": "B01",
    "buyer_name": "广州某超市",
    "buyer_region": "440105",
    "buyer_kind": "supermarket",
    "channel": "offline",
    "quantity": "10",
    "unit": "箱",
    "amount": "720.00",
    "fapiao_no": "",
    "note": "",
}


def text(*rows, header=tuple(ROW)):
    """Return a CSV file of ROW with each of `rows` changed into it."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, header, extrasaction="ignore")
    writer.writeheader()
    for number, changes in enumerate(rows, start=1):
        writer.writerow({**ROW, "line_no": str(number), **changes})
    return file.getvalue()


def receive(content, *, reporter="522700", is_late=False, now=NOW, name="sales.csv"):
    content = content if isinstance(content, bytes) else content.encode()
    return receiving.receive_declaration(
        [content], file_name=name, reporter=reporter, is_late=is_late, by=None, now=now
    )


def check(content, **options):
    """Take in a file and let it be checked."""
    declaration = receive(content, **options)
    receiving.work_through(declaration.pk, now=options.get("now", NOW))
    declaration.refresh_from_db()
    return declaration


def book(content, **options):
    """Take in a file, commit it, and let it be booked."""
    declaration = receive(content, **options)
    receiving.commit_declaration(declaration.pk, by=None, now=NOW)
    receiving.work_through(declaration.pk, now=options.get("now", NOW))
    declaration.refresh_from_db()
    return declaration


def revoke(declaration, *, now=NOW, reason="误报"):
    receiving.revoke_declaration(declaration.pk, reason=reason, by=None, now=now)
    receiving.work_through(declaration.pk, now=now)
    declaration.refresh_from_db()


def problems(declaration):
    return list(declaration.problems.values_list("row", "column", "code"))


def copy_of(entry):
    entry.pk = None
    entry._state.adding = True
    entry.save()
    return entry


def close(month):
    """Close a month as if two people had; how that is done is tested elsewhere."""
    Month.objects.update_or_create(
        month=month,
        defaults={
            "status": Month.Status.CLOSED,
            "closed_at": NOW,
            "entries": 0,
            "amount": 0,
            "sha256": "0" * 64,
        },
    )


def pending():
    """Return what the totals have to gain, by month."""
    return {
        row["month"]: row["total"]
        for row in PendingTotal.objects.values("month").annotate(total=Sum("amount"))
        if row["total"]
    }


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.mark.django_db
class TestBooking:
    def test_turns_a_row_into_an_entry_of_the_month_of_its_sale(self):
        declaration = book(text({"quantity": "5", "unit": "斤", "amount": "36.50"}))
        assert declaration.status == Declaration.Status.BOOKED
        entry = LedgerEntry.objects.get()
        assert entry.source == LedgerEntry.Source.DECLARATION
        assert entry.booked_at == datetime(2026, 10, 5, tzinfo=SHANGHAI)
        assert (entry.month, entry.occurred_on) == (date(2026, 10, 1), date(2026, 10, 5))
        assert entry.corrects_month is None
        assert (entry.quantity, entry.weight_kg, entry.amount) == (
            5,
            Decimal("2.5"),
            Decimal("36.5"),
        )
        assert (entry.kind, entry.grade) == (ContributionKind.HELPED_SELL, Grade.E0)
        assert entry.rule_id == 1
        assert "supermarket" in entry.reason
        assert not entry.is_recognised
        assert entry.declared_row.declaration == declaration
        assert entry.declared_row.buyer_name == "广州某超市"

    @pytest.mark.parametrize("day", ["2026-10-31", "2026-11-01", "2010-01-01", "2024-02-29"])
    def test_counts_a_day_in_its_own_month_in_shanghai(self, day):
        book(text({"sold_on": day}))
        assert LedgerEntry.objects.get().month == date.fromisoformat(day).replace(day=1)

    @pytest.mark.parametrize(
        ("buyer_kind", "kind"),
        [("canteen", "procured"), ("食堂", "procured"), ("商超", "helped_sell")],
    )
    def test_derives_the_contribution_by_the_rule(self, buyer_kind, kind):
        book(text({"buyer_kind": buyer_kind}))
        assert LedgerEntry.objects.get().kind == kind

    def test_takes_the_approved_rule_of_the_day_and_says_what_it_counts(self):
        rule(2, in_force_from=date(2026, 10, 15), only_recognised=True)
        rule(3, in_force_from=date(2026, 10, 16), approved=False)
        book(text({"sold_on": "2026-10-14"}, {"sold_on": "2026-10-20"}))
        assert list(LedgerEntry.objects.order_by("occurred_on").values_list("rule", "reason")) == [
            (1, "declared; counts: buyer kind supermarket is helped_sell (rule 1)"),
            (
                2,
                "declared; does not count, not recognised: "
                "buyer kind supermarket is procured (rule 2)",
            ),
        ]

    @pytest.mark.parametrize(
        ("unit", "quantity", "weight"),
        [("公斤", "3", "3"), ("KG", "3", "3"), ("千克", "3", "3"), ("斤", "0.001", "0.001"),
         ("吨", "1.5", "1500"), ("箱", "3", "0"), ("斤", "-3", "-1.5")],
    )  # fmt: skip
    def test_weighs_what_is_sold_by_weight(self, unit, quantity, weight):
        book(text({"unit": unit, "quantity": quantity, "amount": "-1" if "-" in quantity else "1"}))
        assert LedgerEntry.objects.get().weight_kg == Decimal(weight)

    def test_uses_the_pairing_in_force_on_the_day(self):
        Pairing.objects.filter(district_id="440105").update(
            valid_from=date(2026, 10, 1), valid_to=date(2026, 10, 31)
        )
        county = {"county_code": "522725", "buyer_region": "440105"}
        book(
            text(
                {**county, "sold_on": "2026-09-30"},
                {**county, "sold_on": "2026-10-01"},
                {**county, "sold_on": "2026-10-31"},
                {**county, "sold_on": "2026-11-01"},
                {**county, "sold_on": "2026-10-31", "county_code": "522701"},
            )
        )
        pairs = LedgerEntry.objects.order_by("id").values_list("pair_district_code", flat=True)
        assert list(pairs) == ["", "440105", "440105", "", ""]

    def test_takes_names_for_codes_and_keeps_codes_it_does_not_know(self):
        book(
            text(
                {"category": "水果", "county_code": "三都水族自治县", "buyer_region": "海珠区",
                 "channel": "直播"},
                {"category": "K7", "county_code": "惠水", "buyer_region": "999999",
                 "supplier_code": "X9", "buyer_code": "Y9"},
                {"buyer_region": "", "supplier_code": "", "buyer_code": ""},
            )
        )  # fmt: skip
        entries = LedgerEntry.objects.order_by("id").values_list(
            "category_code", "county_code", "region_code", "supplier_code", "buyer_code", "channel"
        )
        assert list(entries) == [
            ("fruit", "522732", "440105", "S01", "B01", "live"),
            ("K7", "522731", "999999", "X9", "Y9", "offline"),
            ("eggs", "522729", "", "", "", "offline"),
        ]

    def test_books_a_return_as_less(self):
        book(text({}, {"quantity": "-2", "amount": "-144.00"}))
        assert pending() == {date(2026, 10, 1): Decimal("576.00")}

    def test_books_nothing_when_one_row_is_bad(self):
        declaration = book(text(*[{} for _ in range(50)], {"amount": "1.005"}))
        assert declaration.status == Declaration.Status.BAD
        assert (declaration.rows, declaration.bad_rows) == (51, 1)
        assert problems(declaration) == [(52, "amount", "too_many_decimals")]
        assert not LedgerEntry.objects.exists()
        assert not DeclarationRow.objects.exists()
        assert not PendingTotal.objects.exists()

    def test_finds_the_bad_rows_among_good_ones_whichever_are_checked_together(self, monkeypatch):
        changes = [{"amount": "1.005"} if number in (3, 4, 8) else {} for number in range(10)]
        for rows in range(1, 12):
            monkeypatch.setattr(loading, "BATCH", rows * len(COLUMNS))
            declaration = check(text(*changes, {"document_no": f"D-{rows}"}))
            assert (declaration.rows, declaration.bad_rows) == (11, 3)
            assert problems(declaration) == [
                (row, "amount", "too_many_decimals") for row in (5, 6, 10)
            ]
            assert declaration.amount == 8 * Decimal("720.00")

    def test_reads_a_row_that_ends_early_beside_one_that_does_not(self):
        whole, early = text({"note": "整"}, {}).rstrip(",\r\n").rsplit("\r\n", 1)
        declaration = book(f"{whole}\r\n{early.rstrip(',')}\r\n")
        assert declaration.status == Declaration.Status.BOOKED
        rows = DeclarationRow.objects.order_by("row").values_list("row", "note")
        assert list(rows) == [(2, "整"), (3, "")]

    def test_checking_books_nothing(self):
        declaration = check(text({}, {}))
        assert declaration.status == Declaration.Status.VALID
        assert not LedgerEntry.objects.exists()
        assert describe(declaration)["preview"]["months"] == [
            {"month": "2026-10", "rows": 2, "amount": "1440.00"}
        ]
        assert describe(declaration)["preview"]["counties"] == [
            {"county": "522729", "rows": 2, "amount": "1440.00"}
        ]
        assert describe(declaration)["preview"]["first_rows"][0]["document_no"] == "D-1"

    def test_can_be_committed_before_or_after_it_was_checked(self):
        declaration = check(text({}))
        receiving.commit_declaration(declaration.pk, by=None, now=NOW)
        receiving.work_through(declaration.pk, now=NOW)
        declaration.refresh_from_db()
        assert declaration.status == Declaration.Status.BOOKED
        assert LedgerEntry.objects.count() == 1

    def test_is_booked_once_however_often_it_is_committed_and_worked_on(self):
        declaration = book(text({}))
        receiving.commit_declaration(declaration.pk, by=None, now=NOW)
        assert receiving.work_through(declaration.pk, now=NOW) is None
        assert LedgerEntry.objects.count() == 1

    def test_refuses_to_commit_a_bad_file(self):
        declaration = check(text({"amount": "x"}))
        with pytest.raises(DeclarationInWrongState):
            receiving.commit_declaration(declaration.pk, by=None, now=NOW)

    def test_finds_what_became_wrong_after_the_check(self):
        declaration = check(text({}))
        close(date(2026, 10, 1))
        receiving.commit_declaration(declaration.pk, by=None, now=NOW)
        receiving.work_through(declaration.pk, now=NOW)
        declaration.refresh_from_db()
        assert problems(declaration) == [(2, "sold_on", "month_closed")]
        assert not LedgerEntry.objects.exists()

    def test_needs_as_many_queries_for_one_row_as_for_many(self):
        counts = []
        for content in (text({}), text(*({"document_no": f"M{n}"} for n in range(200)))):
            declaration = receive(content)
            receiving.commit_declaration(declaration.pk, by=None, now=NOW)
            with CaptureQueriesContext(connection) as queries:
                receiving.work_through(declaration.pk, now=NOW)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_leaves_an_audit_trail(self):
        user = User.objects.create(username="office", role="office")
        declaration = receiving.receive_declaration(
            [text({}).encode()],
            file_name="a.csv",
            reporter="522700",
            is_late=False,
            by=user,
            now=NOW,
        )
        receiving.commit_declaration(declaration.pk, by=user, now=NOW)
        receiving.work_through(declaration.pk, now=NOW)
        trail = AuditEntry.objects.filter(subject=str(declaration.pk)).order_by("id")
        assert list(trail.values_list("action", "by__username")) == [
            ("receive_declaration", "office"),
            ("committing_declaration", "office"),
            ("declaration_booked", None),
        ]


@pytest.mark.django_db
class TestIdentity:
    def test_refuses_the_same_content_twice(self):
        book(text({}))
        with pytest.raises(AlreadyImported):
            receive(text({}), name="renamed.csv")
        with pytest.raises(AlreadyImported):
            receive(text({}), reporter="440100")
        assert LedgerEntry.objects.count() == 1

    def test_takes_content_again_that_was_not_booked(self):
        first = check(text({"amount": "x"}))
        again = check(text({"amount": "x"}))
        assert again.pk == first.pk
        assert problems(again) == [(2, "amount", "bad_number")]

    def test_takes_content_again_after_its_revocation(self):
        first = book(text({}))
        revoke(first)
        second = book(text({}))
        assert second.pk != first.pk
        assert second.status == Declaration.Status.BOOKED
        assert pending() == {date(2026, 10, 1): Decimal("720.00")}

    def test_lets_only_one_of_two_reporters_commit_the_same_content(self):
        one, other = check(text({})), check(text({}), reporter="440100")
        assert one.pk != other.pk
        receiving.commit_declaration(one.pk, by=None, now=NOW)
        with pytest.raises(AlreadyImported):
            receiving.commit_declaration(other.pk, by=None, now=NOW)

    @pytest.mark.parametrize("reporter", ["", "000000", "5227", "522700 ", "黔南"])
    def test_refuses_a_reporter_that_is_no_division(self, reporter):
        with pytest.raises(UnknownReporter):
            receive(text({}), reporter=reporter)

    def test_refuses_a_line_of_a_document_that_was_declared_before(self):
        book(text({"document_no": "A"}))
        declaration = book(text({"document_no": "B"}, {"document_no": "A", "line_no": "1"}))
        assert problems(declaration) == [(3, "document_no", "already_declared")]

    def test_takes_further_lines_of_a_document_and_other_reporters_documents(self):
        book(text({"document_no": "A", "line_no": "1"}))
        assert book(text({"document_no": "A", "line_no": "2"})).bad_rows == 0
        assert book(text({"document_no": "A", "amount": "1"}), reporter="440100").bad_rows == 0

    def test_refuses_a_sale_that_another_reporter_declared_without_a_fapiao(self):
        book(text({"line_no": "1"}))
        declaration = book(text({"line_no": "7"}, {"document_no": "B"}), reporter="440100")
        assert problems(declaration) == [(2, "document_no", "already_declared")]

    @pytest.mark.parametrize("declared", [0, 1])
    def test_takes_it_for_the_same_sale_when_only_one_of_them_names_its_fapiao(self, declared):
        fapiaos = [self.FAPIAO, ""]
        book(text({"fapiao_no": fapiaos[declared]}))
        again = book(text({"fapiao_no": fapiaos[1 - declared]}), reporter="440100")
        assert problems(again) == [(2, "document_no", "already_declared")]

    def test_names_a_row_once_that_equals_several_of_another_reporter(self):
        book(text({}, {}))
        declaration = book(text({"line_no": ""}), reporter="440100")
        assert problems(declaration) == [(2, "document_no", "already_declared")]

    @pytest.mark.parametrize(
        "changes",
        [{"sold_on": "2026-10-06"}, {"document_no": "E"}, {"product_name": "刺梨汁"},
         {"supplier_code": "S02"}, {"buyer_code": "B02"}, {"quantity": "11"}, {"unit": "件"},
         {"amount": "720.01"}],
    )  # fmt: skip
    def test_takes_a_sale_that_differs_from_another_reporters(self, changes):
        book(text({}))
        assert book(text(changes), reporter="440100").bad_rows == 0

    @pytest.mark.parametrize("side", ["supplier_code", "buyer_code"])
    def test_never_takes_rows_without_both_sides_for_the_same_sale(self, side):
        book(text({side: ""}))
        assert book(text({side: "", "line_no": "2"}), reporter="440100").bad_rows == 0

    def test_takes_equal_lines_of_one_reporter(self):
        book(text({}, {}))
        assert book(text({"line_no": "3"}, {"line_no": "4"})).bad_rows == 0

    def test_takes_two_fapiaos_for_two_sales_whoever_declares_them(self):
        book(text({"fapiao_no": self.FAPIAO}))
        other = {"fapiao_no": self.FAPIAO[::-1]}
        assert book(text(other), reporter="440100").bad_rows == 0

    def test_takes_a_sale_whose_other_declaration_was_revoked(self):
        revoke(book(text({})))
        assert book(text({"line_no": "2"}), reporter="440100").bad_rows == 0

    def test_refuses_a_document_and_line_twice_in_a_file(self):
        declaration = check(
            text({"line_no": ""}, {"line_no": ""}, {"document_no": "Ｄ-1", "line_no": ""}, {})
        )
        assert problems(declaration) == [
            (3, "document_no", "duplicate_line"),
            (4, "document_no", "duplicate_line"),
        ]

    FAPIAO = "24522000000012345678"

    def test_refuses_a_fapiao_that_another_reporter_declared(self):
        book(text({"fapiao_no": self.FAPIAO}))
        again = {"document_no": "OTHER", "fapiao_no": self.FAPIAO}
        declaration = book(text(again), reporter="440100")
        assert problems(declaration) == [(2, "fapiao_no", "duplicate_fapiao")]
        same_number = {"document_no": "D-1", "line_no": "9", "fapiao_no": self.FAPIAO}
        assert problems(book(text(same_number), reporter="440100")) == [
            (2, "fapiao_no", "duplicate_fapiao")
        ]

    def test_refuses_a_fapiao_under_two_documents_of_one_file(self):
        declaration = check(
            text({"fapiao_no": self.FAPIAO}, {"document_no": "E", "fapiao_no": self.FAPIAO})
        )
        assert problems(declaration) == [(3, "fapiao_no", "duplicate_fapiao")]

    def test_takes_a_fapiao_for_several_lines_of_one_document(self):
        book(text({"fapiao_no": self.FAPIAO}, {"fapiao_no": self.FAPIAO}))
        more = book(text({"line_no": "3", "fapiao_no": self.FAPIAO}))
        assert more.status == Declaration.Status.BOOKED

    def test_takes_a_number_that_another_seller_or_buyer_used(self):
        book(text({"fapiao_no": "12345678"}))
        for changes in ({"supplier_code": "S02"}, {"buyer_code": "B02"}):
            other = {"document_no": f"X{changes}"[:20], "fapiao_no": "12345678", **changes}
            assert book(text(other)).status == Declaration.Status.BOOKED

    def test_takes_a_fapiao_again_after_its_revocation(self):
        revoke(book(text({"fapiao_no": self.FAPIAO})))
        again = text({"document_no": "E", "fapiao_no": self.FAPIAO})
        assert book(again, reporter="440100").status == Declaration.Status.BOOKED


@pytest.mark.django_db
class TestClosedMonths:
    def test_refuses_rows_of_a_closed_month(self):
        close(date(2026, 9, 1))
        declaration = book(text({}, {"sold_on": "2026-09-30"}))
        assert problems(declaration) == [(3, "sold_on", "month_closed")]

    def test_books_late_rows_now_and_points_back(self):
        close(date(2026, 9, 1))
        book(text({}, {"sold_on": "2026-09-30"}), is_late=True)
        entries = LedgerEntry.objects.order_by("occurred_on").values_list(
            "month", "occurred_on", "corrects_month"
        )
        assert list(entries) == [
            (date(2026, 11, 1), date(2026, 9, 30), date(2026, 9, 1)),
            (date(2026, 10, 1), date(2026, 10, 5), None),
        ]

    def test_refuses_late_rows_when_this_month_is_closed_too(self):
        close(date(2026, 9, 1))
        close(date(2026, 11, 1))
        declaration = book(text({"sold_on": "2026-09-30"}), is_late=True)
        assert problems(declaration) == [(2, "sold_on", "month_closed")]

    def test_a_refused_file_can_be_sent_again_as_late(self):
        close(date(2026, 9, 1))
        content = text({"sold_on": "2026-09-30"})
        assert book(content).status == Declaration.Status.BAD
        assert book(content, is_late=True).status == Declaration.Status.BOOKED


@pytest.mark.django_db
class TestRevoking:
    def test_takes_exactly_its_part_back(self):
        book(text({"document_no": "KEPT", "amount": "100.01"}))
        before = pending()
        declaration = book(text({}, {"sold_on": "2026-11-01", "amount": "5.55"}))
        assert pending() != before
        revoke(declaration)
        assert declaration.status == Declaration.Status.REVOKED
        assert pending() == before
        corrections = LedgerEntry.objects.filter(source="correction")
        assert {entry.corrects.declared_row.declaration_id for entry in corrections} == {
            declaration.pk
        }
        assert {entry.reason for entry in corrections} == {"误报"}
        cells = PendingTotal.objects.values("month", "county_code", "region_code", "buyer_kind")
        assert sorted(cells.annotate(left=Sum("amount")).values_list("left", flat=True)) == [
            0,
            Decimal("100.01"),
        ]

    def test_takes_back_from_the_open_month_what_a_closed_one_holds(self):
        declaration = book(text({}))
        close(date(2026, 10, 1))
        revoke(declaration)
        correction = LedgerEntry.objects.get(source="correction")
        assert (correction.month, correction.corrects_month) == (
            date(2026, 11, 1),
            date(2026, 10, 1),
        )
        assert correction.amount == Decimal("-720.00")

    def test_a_late_row_still_points_to_its_own_month(self):
        close(date(2026, 9, 1))
        declaration = book(text({"sold_on": "2026-09-30"}), is_late=True)
        close(date(2026, 11, 1))
        revoke(declaration, now=datetime(2026, 12, 2, tzinfo=SHANGHAI))
        correction = LedgerEntry.objects.get(source="correction")
        assert (correction.month, correction.corrects_month) == (
            date(2026, 12, 1),
            date(2026, 9, 1),
        )

    def test_happens_once(self):
        declaration = book(text({}))
        revoke(declaration)
        revoke(declaration)
        assert LedgerEntry.objects.count() == 2

    @pytest.mark.parametrize("amount", ["720.00", "x"])
    def test_refuses_what_is_not_booked(self, amount):
        declaration = check(text({"amount": amount}))
        with pytest.raises(DeclarationInWrongState):
            receiving.revoke_declaration(declaration.pk, reason="误报", by=None, now=NOW)


@pytest.mark.django_db
class TestGuards:
    @pytest.mark.parametrize(
        "sql",
        [
            "DELETE FROM reports_declarationrow",
            "UPDATE reports_declarationrow SET document_no = 'X'",
            "UPDATE reports_declarationrow SET is_revoked = true, note = 'X'",
            "DELETE FROM reports_declaration",
            "TRUNCATE reports_declarationrow",
            "UPDATE reports_declaration SET status = 'received'",
            "UPDATE reports_declaration SET status = 'revoked'",
            "INSERT INTO reports_declarationrow SELECT 0, reporter_code, 2, 'Z', '', '', '', '',"
            " false, declaration_id FROM reports_declarationrow",
        ],
    )
    def test_what_was_booked_stays(self, sql):
        book(text({}))
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)

    def test_a_document_line_is_unique_even_without_the_service(self):
        book(text({}))
        again = Declaration.objects.create(
            reporter_id="522700", file_name="", format="csv", size=0, sha256="", uploaded_at=NOW
        )
        with pytest.raises(IntegrityError, match="document_line_declared_once"):
            DeclarationRow.objects.create(
                entry=copy_of(LedgerEntry.objects.get()),
                declaration=again,
                reporter_code="522700",
                row=2,
                document_no="D-1",
                line_no="1",
            )


@pytest.mark.django_db
class TestWorking:
    def test_gives_up_on_a_file_that_breaks_its_worker(self):
        declaration = receive(text({}))
        Declaration.objects.filter(pk=declaration.pk).update(attempts=receiving.MAX_ATTEMPTS)
        assert receiving.work_through(declaration.pk, now=NOW) is None
        declaration.refresh_from_db()
        assert (declaration.status, declaration.failure) == (Declaration.Status.REFUSED, "gave_up")

    def test_leaves_everything_as_it_was_when_it_breaks_off(self):
        declaration = receive(text({}))
        receiving.commit_declaration(declaration.pk, by=None, now=NOW)
        declaration.path.rename(declaration.path.with_suffix(".gone"))
        with pytest.raises(FileNotFoundError):
            receiving.work_through(declaration.pk, now=NOW)
        declaration.refresh_from_db()
        assert (declaration.status, declaration.attempts) == (Declaration.Status.COMMITTING, 1)
        assert not LedgerEntry.objects.exists()
        declaration.path.with_suffix(".gone").rename(declaration.path)
        receiving.work_through(declaration.pk, now=NOW)
        assert LedgerEntry.objects.count() == 1

    def test_refuses_a_file_that_changed_on_disk(self):
        declaration = receive(text({}))
        declaration.path.write_text(text({"amount": "99999999"}))
        receiving.work_through(declaration.pk, now=NOW)
        declaration.refresh_from_db()
        assert (declaration.status, declaration.failure) == (Declaration.Status.REFUSED, "altered")

    def test_keeps_only_the_file_itself(self, settings):
        declaration = receive(text({}), name="../../x\r\ny.csv")
        assert declaration.file_name == "xy.csv"
        assert [path.name for path in (settings.MEDIA_ROOT / "declarations").iterdir()] == [
            f"{declaration.pk}.csv"
        ]


def converted(month):
    """Return the goods lines of a month of the shared data, mapped as its README says."""
    with (SHARED / "regions.csv").open(encoding="utf-8", newline="") as file:
        divisions = list(csv.DictReader(file))
    counties = sorted(row["code"] for row in divisions if row["parent_code"] == "522700")
    parents = {row["parent_code"] for row in divisions}
    districts = sorted(
        row["code"]
        for row in divisions
        if row["code"] not in counties and row["code"] not in parents and row["level"] != "province"
    )
    assert len(districts) == 76
    rows = []
    name = f"online-retail-{month}.csv.gz"
    with gzip.open(SHARED / "uci-online-retail" / name, "rt", encoding="utf-8", newline="") as file:
        for number, line in enumerate(csv.DictReader(file)):
            price, code = Decimal(line["UnitPrice"]), line["StockCode"][:5]
            if (
                not price
                or line["InvoiceNo"].startswith("A")
                or not code.isdigit()
                or len(code) < 5
            ):
                continue
            s = int(code)
            customer = line["CustomerID"].partition(".")[0]
            rows.append(
                {
                    "sold_on": line["InvoiceDate"][:10],
                    "document_no": line["InvoiceNo"],
                    "line_no": str(number),
                    "product_name": line["Description"],
                    "category": f"K{s // 10 % 8}",
                    "county_code": counties[s % 12],
                    "supplier_code": f"S{s % 97:02d}",
                    "buyer_code": customer,
                    "buyer_region": districts[int(customer) % 76] if customer else "",
                    "quantity": line["Quantity"],
                    "amount": f"{Decimal(line['Quantity']) * price:.2f}",
                }
            )
    return text(*rows)


def reference(label, month):
    """Return lines, net and quantity by label, computed elsewhere from the same lines."""
    with (SHARED / "reference-totals" / f"mapped-monthly-{label}.csv").open(newline="") as file:
        return {
            row.get(label, ""): (int(row["lines"]), Decimal(row["net"]), Decimal(row["net_qty"]))
            for row in csv.DictReader(file)
            if row["month"] == month
        }


@pytest.mark.skipif(not SHARED.exists(), reason="shared data absent")
@pytest.mark.django_db
class TestRealLines:
    LABELS = {
        "category": "category_code",
        "county": "county_code",
        "district": "region_code",
        "supplier": "supplier_code",
    }

    @pytest.mark.parametrize(
        "month",
        ["2011-02", *(pytest.param(m, marks=pytest.mark.long) for m in ("2010-12", "2011-11"))],
    )
    def test_add_up_to_the_reference_to_the_last_digit(self, month):
        declaration = book(converted(month))
        assert declaration.bad_rows == 0
        entries = LedgerEntry.objects.filter(month=date.fromisoformat(f"{month}-01"))
        sums = {"lines": Count("id"), "net": Sum("amount"), "net_qty": Sum("quantity")}
        whole = reference("total-goods", month)[""]
        assert tuple(entries.aggregate(**sums).values()) == whole
        for label, column in self.LABELS.items():
            found = defaultdict(tuple)
            for row in entries.values(column).annotate(**sums):
                found[row[column]] = (row["lines"], row["net"], row["net_qty"])
            assert found == reference(label, month)
        totals = PendingTotal.objects.aggregate(amount=Sum("amount"), entries=Sum("entries"))
        assert (totals["entries"], totals["amount"]) == whole[:2]
        revoke(declaration)
        assert not pending()


def test_the_columns_are_those_of_the_contract():
    assert [column.identifier for column in COLUMNS] == list(ROW)
