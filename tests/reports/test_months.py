"""A month is closed by two people, sealed, and never changes again."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditBlock, AuditEntry
from accounts.refusals import Forbidden
from reports.models import Anomaly, Declaration, LedgerEntry, Month, PendingTotal, Total
from reports.services.anomalies import answer_anomaly, examine
from reports.services.months import (
    AnomaliesUnanswered,
    DeclarationsUnderWay,
    MonthInWrongState,
    MonthNotOver,
    TotalsDiffer,
    close_month,
    publish_month,
    seal_of,
)
from reports.services.totals import roll_up

from .ledger import NOW, SHANGHAI, bearer, book, entry, in_month, insert, person
from .test_totals import blocked_by, other_session, wait_until

OCTOBER = date(2026, 10, 1)


def post(client: Client, address: str, headers: dict[str, str]) -> Any:
    return client.post(address, content_type="application/json", headers=headers)


def close(month: date = OCTOBER) -> Month:
    """Close a month as two people do."""
    known = Month.objects.filter(requested_by__isnull=False).first()
    first = known.requested_by if known else person("first")
    second = known.confirmed_by if known else person("second")
    close_month(month, by=first, now=NOW)
    return close_month(month, by=second, now=NOW)


def sold_and_returned() -> list[LedgerEntry]:
    """Return an unsaved sale of the end of October and its return two days later."""
    back = datetime(2026, 11, 2, tzinfo=SHANGHAI)
    return [
        entry("20000.00", occurred_on=date(2026, 10, 31)),
        entry("-20000.00", quantity=Decimal(-2), booked_at=back, occurred_on=back.date()),
    ]


def an_anomaly() -> Anomaly:
    """Let October be examined after a sale at its end came back: a round trip, and at once."""
    book(*sold_and_returned())
    examine(Month.objects.get(month=OCTOBER), by=None, now=NOW)
    return Anomaly.objects.all()[0]


def a_declaration(status: str, *, months: list[str]) -> Declaration:
    """Store a declaration with rows of `months`; of no months, one that nobody has read."""
    return Declaration.objects.create(
        reporter_id="522700", file_name="a.csv", format="csv", size=1, sha256="0" * 64,
        uploaded_at=NOW, status=status, rows=1, bad_rows=0, amount=1,
        preview={"months": [{"month": month} for month in months]} if months else {},
        booked_at=NOW if status in ("booked", "revoking") else None,
        revoke_reason="误报" if status == "revoking" else "",
    )  # fmt: skip


@pytest.mark.django_db
class TestCloseMonth:
    def test_takes_two_people_and_seals_what_was_booked(self) -> None:
        book(entry("10.00"), entry("2.50"))
        asked = close_month(OCTOBER, by=person("first"), now=NOW)
        assert (asked.status, asked.sha256, asked.closed_at) == ("reviewing", "", None)
        closed = close_month(OCTOBER, by=person("second"), now=NOW)
        assert (closed.status, closed.entries, closed.amount) == ("closed", 2, Decimal("12.50"))
        assert len(closed.sha256) == 64
        assert not PendingTotal.objects.exists()
        assert list(
            AuditEntry.objects.order_by("id").values_list("action", "by__username", "subject")
        ) == [
            ("request_close", "first", "2026-10-01"),
            ("close_month", "second", "2026-10-01"),
        ]

    def test_works_while_statements_are_logged(self) -> None:
        book()
        with CaptureQueriesContext(connection):
            assert close().is_sealed

    def test_refuses_the_same_person_twice(self) -> None:
        book()
        one = person("first")
        close_month(OCTOBER, by=one, now=NOW)
        with pytest.raises(Forbidden):
            close_month(OCTOBER, by=one, now=NOW)
        assert Month.objects.get().status == "reviewing"

    @pytest.mark.parametrize("role", ["auditor", "reviewer", ""])
    def test_refuses_people_of_other_roles(self, role: str) -> None:
        with pytest.raises(Forbidden):
            close_month(OCTOBER, by=person("other", role), now=NOW)

    def test_refuses_a_month_that_is_not_over_in_shanghai(self) -> None:
        last = datetime(2026, 10, 31, 23, 59, 59, tzinfo=SHANGHAI)
        with pytest.raises(MonthNotOver):
            close_month(OCTOBER, by=person("first"), now=last)
        close_month(OCTOBER, by=person("second"), now=last + timedelta(seconds=1))

    def test_refuses_a_closed_month(self) -> None:
        book()
        close()
        with pytest.raises(MonthInWrongState):
            close_month(OCTOBER, by=person("third"), now=NOW)

    def test_refuses_while_the_totals_differ_from_the_ledger(self) -> None:
        book()
        roll_up(now=NOW)
        Total.objects.update(amount=1)
        with pytest.raises(TotalsDiffer):
            close()
        assert Month.objects.get().status == "reviewing"

    def test_seals_the_audit_trail_and_keeps_its_head(self) -> None:
        book()
        closed = close()
        head = AuditBlock.objects.get()
        assert (closed.audit_block, closed.audit_head) == (head.number, head.sha256)
        # The request is in it; the close itself, which names it, comes after.
        assert [entry.action for entry in AuditEntry.objects.with_block().filter(block=1)] == [
            "request_close"
        ]
        with pytest.raises(IntegrityError), transaction.atomic():
            Month.objects.create(month=date(2026, 9, 1), audit_block=1)

    def test_refuses_while_an_anomaly_that_was_found_has_no_answer(self) -> None:
        anomaly, first, second = an_anomaly(), person("first"), person("second")
        close_month(OCTOBER, by=first, now=NOW)
        with pytest.raises(AnomaliesUnanswered) as refusal:
            close_month(OCTOBER, by=second, now=NOW)
        assert "2" in str(refusal.value.detail)
        for pk in Anomaly.objects.values_list("pk", flat=True):
            answer_anomaly(pk, verdict="explained", answer="说明", by=first, now=NOW)
        assert close_month(OCTOBER, by=second, now=NOW).status == "closed"
        assert anomaly.month_id == OCTOBER

    def test_examines_nothing_by_itself(self) -> None:
        book(*sold_and_returned())
        assert close().status == "closed"
        assert not Anomaly.objects.exists()

    @pytest.mark.parametrize("status", ["committing", "revoking"])
    def test_refuses_while_a_declaration_of_the_month_waits(self, status: str) -> None:
        declaration = a_declaration(status, months=["2026-09", "2026-10"])
        with pytest.raises(DeclarationsUnderWay):
            close()
        declaration.preview = {"months": [{"month": "2026-09"}]}
        declaration.save()
        assert close_month(OCTOBER, by=person("third"), now=NOW).status == "closed"

    def test_refuses_while_it_is_not_known_what_a_declaration_brings(self) -> None:
        a_declaration("committing", months=[])
        with pytest.raises(DeclarationsUnderWay):
            close()

    @pytest.mark.parametrize("status", ["received", "valid", "booked"])
    def test_waits_for_no_other_declaration(self, status: str) -> None:
        a_declaration(status, months=["2026-10"])
        assert close().status == "closed"

    def test_closes_a_month_without_entries(self) -> None:
        assert close().entries == 0

    def test_chains_the_months_in_the_order_in_which_they_were_closed(self) -> None:
        book(in_month(8), in_month(9), in_month(10))
        second, first, third = (close(date(2026, month, 1)) for month in (10, 8, 9))
        assert (second.follows, first.follows, third.follows) == (None, second, first)


@pytest.mark.django_db
class TestClosedMonth:
    def test_refuses_entries_even_by_sql(self) -> None:
        book()
        close()
        with pytest.raises(IntegrityError, match="2026-10 is closed"), transaction.atomic():
            book()
        with (
            pytest.raises(IntegrityError, match="2026-10 is closed"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            insert(cursor, entry())
        book(in_month(11))

    @pytest.mark.parametrize(
        "change",
        [
            {"status": "open", "sha256": "", "closed_at": None},
            {"amount": 1},
            {"sha256": "0" * 64},
            {"confirmed_by": None},
            {"audit_block": 2},
            {"audit_head": "0" * 64},
            {"audit_block": None, "audit_head": ""},
        ],
    )
    def test_stays_as_it_is(self, change: dict[str, Any]) -> None:
        book()
        close()
        with pytest.raises(IntegrityError), transaction.atomic():
            Month.objects.update(**change)
        with pytest.raises(IntegrityError), transaction.atomic():
            Month.objects.all().delete()

    def test_is_corrected_by_an_entry_of_the_open_month_that_points_back(self) -> None:
        book(entry("10.00"))
        closed = close()
        original = LedgerEntry.objects.get()
        book(
            in_month(11, amount="-4.00", source="correction", corrects=original,
                     corrects_month=OCTOBER)
        )  # fmt: skip
        roll_up(now=NOW)
        october = Month.objects.get(month=OCTOBER)
        assert seal_of(october) == (1, Decimal("10.00"), closed.sha256)
        assert october.amount + LedgerEntry.objects.get(corrects=original).amount == 6

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
    def test_has_one_digest_under_every_session(self, zone: str) -> None:
        book(entry("10.00"), entry("-2.50", supplier_code="", region_code=""))
        closed = close()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
            cursor.execute("SET LOCAL DateStyle = 'German'")
            cursor.execute("SET LOCAL enable_indexscan = off")
        assert seal_of(closed).sha256 == closed.sha256

    def test_is_published_by_the_office_once(self) -> None:
        book()
        with pytest.raises(MonthInWrongState):
            publish_month(Month.objects.get(), by=person("office"), now=NOW)
        month = close()
        with pytest.raises(Forbidden):
            publish_month(month, by=person("auditor", "auditor"), now=NOW)
        assert publish_month(month, by=person("third"), now=NOW).status == "published"
        with pytest.raises(MonthInWrongState):
            publish_month(month, by=person("fourth"), now=NOW)

    def test_is_not_published_before_what_looks_wrong_is_answered(self) -> None:
        book(*sold_and_returned())
        month, office = close(), person("office")
        with pytest.raises(AnomaliesUnanswered):
            publish_month(month, by=office, now=NOW)
        found = Anomaly.objects.values_list("pk", flat=True)
        assert len(found) == 2, "what was found is kept"
        for pk in found:
            answer_anomaly(pk, verdict="explained", answer="说明", by=office, now=NOW)
        assert publish_month(month, by=office, now=NOW).status == "published"

    def test_is_examined_only_once_it_is_closed(self) -> None:
        book(*sold_and_returned())
        with pytest.raises(MonthInWrongState):
            publish_month(Month.objects.get(month=OCTOBER), by=person("office"), now=NOW)
        assert not Anomaly.objects.exists()


@pytest.fixture
def session(transactional_db: None) -> Iterator[psycopg.Connection[Any]]:
    with other_session() as one:
        yield one


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_a_close_waits_for_who_is_still_writing_to_the_month(
        self, session: psycopg.Connection[Any]
    ) -> None:
        book(entry("10.00"))
        close_month(OCTOBER, by=person("first"), now=NOW)
        second = person("second")
        insert(session, entry("5.00"))
        closed: list[Month] = []

        def work() -> None:
            closed.append(close_month(OCTOBER, by=second, now=NOW))
            connection.close()

        thread = threading.Thread(target=work)
        thread.start()
        wait_until(lambda: blocked_by(session.info.backend_pid))
        assert not closed
        session.commit()
        thread.join()
        assert closed[0].entries == 2
        assert closed[0].amount == Decimal("15.00")

    def test_who_writes_during_a_close_is_refused_when_it_is_done(
        self, session: psycopg.Connection[Any]
    ) -> None:
        book(entry("10.00"))
        close_month(OCTOBER, by=person("first"), now=NOW)
        refused: list[Exception] = []

        def work() -> None:
            try:
                insert(session, entry("5.00"))
            except psycopg.errors.CheckViolation as error:
                refused.append(error)

        thread = threading.Thread(target=work)
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (mine,) = cursor.fetchone()
            close_month(OCTOBER, by=person("second"), now=NOW)
            thread.start()
            wait_until(lambda: blocked_by(mine))
        thread.join()
        assert len(refused) == 1
        assert Month.objects.get().entries == 1

    def test_two_closes_at_once_make_one_seal(self) -> None:
        book(entry("10.00"))
        close_month(OCTOBER, by=person("first"), now=NOW)
        people = [person("second"), person("third")]
        outcomes: list[str] = []

        def work(by: Any) -> None:
            try:
                outcomes.append(close_month(OCTOBER, by=by, now=NOW).status)
            except MonthInWrongState:
                outcomes.append("refused")
            connection.close()

        threads = [threading.Thread(target=work, args=[by]) for by in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["closed", "refused"]


@pytest.mark.django_db
class TestMonthsOverHTTP:
    def test_two_people_close_it_with_the_same_call(self, client: Client) -> None:
        book(entry("10.00"))
        roll_up(now=NOW)
        first, second = bearer(person("first")), bearer(person("second"))
        seen = client.get("/api/v1/months/2026-10/", headers=first).json()
        assert seen["status"] == "open"
        assert (seen["entries"], seen["amount"], seen["sha256"]) == (1, "10.00", "")
        answers = [
            post(client, "/api/v1/months/2026-10/close/", who)
            for who in (first, first, second, second)
        ]
        assert [answer.status_code for answer in answers] == [200, 403, 200, 409]
        assert answers[1].json()["code"] == "forbidden"
        assert answers[2].json()["status"] == "closed"
        assert answers[3].json()["code"] == "wrong_state"
        assert answers[2].json()["audit_head"] == AuditBlock.objects.latest().sha256
        published = post(client, "/api/v1/months/2026-10/publish/", first)
        assert published.json()["status"] == "published"
        assert client.get("/api/v1/months/2026-10/").json() == published.json()

    def test_a_month_that_is_not_over_is_wrong_state(self, client: Client) -> None:
        answer = post(client, "/api/v1/months/2999-01/close/", bearer(person("first")))
        assert (answer.status_code, answer.json()["code"]) == (409, "wrong_state")

    @pytest.mark.parametrize("step", ["close", "publish"])
    def test_is_the_offices_alone(self, client: Client, step: str) -> None:
        book()
        address = f"/api/v1/months/2026-10/{step}/"
        assert client.post(address).status_code == 401
        for role in ("auditor", "reviewer", ""):
            headers = bearer(person(f"one-{role}", role))
            assert client.post(address, headers=headers).status_code == 403
        assert Month.objects.get().status == "open"

    @pytest.mark.parametrize("month", ["2026-13", "2026-1", "october", "2026-09"])
    def test_has_nothing_at_other_addresses(self, client: Client, month: str) -> None:
        book()
        answer = client.get(f"/api/v1/months/{month}/", headers=bearer(person("one")))
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    def test_shows_the_public_only_what_is_published(self, client: Client) -> None:
        book(in_month(9), in_month(10))
        published = close(date(2026, 9, 1))
        publish_month(published, by=person("third"), now=NOW)
        close(OCTOBER)
        assert client.get("/api/v1/months/2026-10/").status_code == 404
        shown = client.get("/api/v1/months/").json()["results"]
        assert [month["month"] for month in shown] == ["2026-09"]
        everything = client.get("/api/v1/months/", headers=bearer(person("a", "auditor"))).json()
        assert [month["month"] for month in everything["results"]] == ["2026-10", "2026-09"]

    def test_takes_as_many_queries_for_one_month_as_for_twelve(
        self, client: Client, django_assert_num_queries: Any
    ) -> None:
        headers = bearer(person("office"))
        client.get("/api/v1/months/", headers=headers)
        for months in (range(1, 2), range(1, 13)):
            book(*(in_month(month) for month in months))
            with django_assert_num_queries(3):
                client.get("/api/v1/months/", headers=headers)


@pytest.mark.django_db
class TestCommand:
    def test_closes_a_month_for_two_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        book(entry("10.00"))
        person("first"), person("second")
        call_command("close_month", "2026-10", by="first", second="second")
        assert "1 entries, 10.00 yuan" in capsys.readouterr().out
        assert Month.objects.get().status == "closed"

    def test_leaves_the_month_open_when_the_second_is_the_first(self) -> None:
        book()
        person("first")
        with pytest.raises(CommandError, match="forbidden"):
            call_command("close_month", "2026-10", by="first", second="first")
        assert Month.objects.get().status == "open"

    def test_only_needs_the_second_where_the_close_was_asked_for(self) -> None:
        book()
        close_month(OCTOBER, by=person("first"), now=NOW)
        person("second")
        call_command("close_month", "2026-10", by="first", second="second")
        assert Month.objects.get().status == "closed"

    def test_refuses_people_it_does_not_know(self) -> None:
        with pytest.raises(CommandError, match="no active user"):
            call_command("close_month", "2026-10", by="nobody", second="second")
