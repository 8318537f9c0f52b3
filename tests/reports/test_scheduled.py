"""The monthly form comes by itself, once, and whoever it is for is told of it."""

import threading
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from smtplib import SMTPException
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends import locmem
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from reports.models import Report
from reports.services.files.asking import request_report
from reports.services.files.keeping import clear_expired, path_of
from reports.services.files.making import make_next_report
from reports.services.files.scheduling import claim_telling, request_monthly_reports
from reports.tasks import request_monthly_reports as request_task
from reports.tasks import tell_of_reports

from .deliveries import shipped
from .ledger import NOW, SHANGHAI, bearer, book, entry, person
from .reporting import OCTOBER, made
from .test_totals import blocked_by, other_session, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

ENGLISH = {"Accept-Language": "en"}
DUE = datetime(2026, 11, 3, 8, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def _a_day_in_november(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REPORTS_DIR = tmp_path
    with time_machine.travel(NOW):
        yield


def reader(username: str = "alice", role: str = "office", **fields: Any) -> User:
    """Store a person with an e-mail address."""
    return User.objects.create(
        **{"username": username, "role": role, "email": f"{username}@office.example", **fields}
    )


@pytest.fixture
def alice() -> User:
    return reader()


@pytest.fixture
def ready(alice: User) -> Report:
    """A report that came by itself and is made."""
    book(entry("12.30"))
    (report,) = request_monthly_reports(now=NOW)
    assert make_next_report(now=NOW)
    report.refresh_from_db()
    assert report.status == "ready"
    return report


class TestRequestMonthlyReports:
    def test_asks_for_the_month_before_for_each_of_the_office_by_mail(self, alice: User) -> None:
        bob = reader("bob")
        person("without-address")
        reader("gone", is_active=False)
        for role in ("auditor", "reviewer", "admin", ""):
            reader(f"no-{role}", role)
        request_task()
        assert [
            (r.requested_by, r.kind, r.month, r.format, r.status, r.is_scheduled)
            for r in Report.objects.order_by("requested_by")
        ] == [(user, "monthly", OCTOBER, "xlsx", "queued", True) for user in (alice, bob)]
        entries = AuditEntry.objects.filter(action="request_report").order_by("id")
        assert [(e.by, e.via, e.after["for"]) for e in entries] == [
            (None, "task", "alice"),
            (None, "task", "bob"),
        ]

    def test_changes_nothing_when_it_is_repeated(self, alice: User) -> None:
        assert len(request_monthly_reports(now=DUE)) == 1
        for later in (timedelta(0), timedelta(minutes=10), timedelta(days=20)):
            assert request_monthly_reports(now=DUE + later) == []
        assert Report.objects.count() == 1

    def test_waits_for_the_morning_of_its_day(self, alice: User, settings: Any) -> None:
        assert request_monthly_reports(now=DUE - timedelta(seconds=1)) == []
        settings.MONTHLY_REPORT_DAY = 5
        assert request_monthly_reports(now=DUE + timedelta(days=1)) == []
        assert len(request_monthly_reports(now=DUE + timedelta(days=2))) == 1

    @pytest.mark.parametrize("day", [3, 4, 15, 30])
    def test_makes_up_for_days_on_which_nothing_ran(self, alice: User, day: int) -> None:
        (report,) = request_monthly_reports(now=DUE.replace(day=day))
        assert report.month == OCTOBER

    def test_makes_up_for_the_latest_month_only(self, alice: User) -> None:
        request_monthly_reports(now=DUE)
        later = request_monthly_reports(now=datetime(2027, 2, 10, tzinfo=SHANGHAI))
        assert [report.month for report in later] == [date(2027, 1, 1)]

    def test_finds_who_joined_since(self, alice: User) -> None:
        request_monthly_reports(now=DUE)
        bob = reader("bob")
        assert [r.requested_by for r in request_monthly_reports(now=NOW)] == [bob]

    def test_does_not_take_what_somebody_asked_for_for_its_own(self, alice: User) -> None:
        request_report("monthly", OCTOBER, "xlsx", by=alice, now=NOW)
        request_report("monthly", OCTOBER, "xlsx", by=alice, now=NOW)
        assert len(request_monthly_reports(now=NOW)) == 1

    def test_asks_nothing_before_any_rule(self, alice: User) -> None:
        assert request_monthly_reports(now=datetime(2010, 1, 5, tzinfo=SHANGHAI)) == []

    def test_asks_once_when_two_run_at_the_same_time(self, alice: User) -> None:
        found: list[int] = []

        def run() -> None:
            found.append(len(request_monthly_reports(now=NOW)))
            connection.close()

        with other_session() as session:
            session.execute("SELECT 1 FROM accounts_user FOR NO KEY UPDATE")
            threads = [threading.Thread(target=run) for _ in range(2)]
            for thread in threads:
                thread.start()
            wait_until(lambda: blocked_by(session.info.backend_pid))
        for thread in threads:
            thread.join()
        assert sorted(found) == [0, 1]

    def test_reads_as_often_for_one_as_for_twenty(self, alice: User) -> None:
        counts = []
        for n in (1, 20):
            for number in range(n):
                reader(f"reader-{n}-{number}")
            request_monthly_reports(now=NOW)
            with CaptureQueriesContext(connection) as queries:
                request_monthly_reports(now=NOW)
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_is_held_by_the_database(self, alice: User) -> None:
        (report,) = request_monthly_reports(now=NOW)
        with pytest.raises(IntegrityError, match="comes_by_itself_once"), transaction.atomic():
            Report.objects.create(
                kind="monthly", month=OCTOBER, format="xlsx", requested_by=alice,
                requested_at=NOW, is_scheduled=True,
            )  # fmt: skip
        with pytest.raises(IntegrityError, match="only_scheduled"), transaction.atomic():
            Report.objects.filter(pk=report.pk).update(is_scheduled=False, told_at=NOW)


class TestTellOfReports:
    def test_mails_the_link_once(self, ready: Report) -> None:
        tell_of_reports()
        tell_of_reports()
        (message,) = mail.outbox
        assert message.to == ["alice@office.example"]
        assert message.subject == "黔南好物：2026年10月消费帮扶月报已生成"
        assert f"http://127.0.0.1:8000/reports/{ready.pk}/\n" in message.body
        assert ready.sha256 in message.body
        ready.refresh_from_db()
        assert ready.told_at

    def test_says_nothing_before_it_is_made(self, alice: User) -> None:
        request_monthly_reports(now=NOW)
        tell_of_reports()
        assert mail.outbox == []

    def test_says_nothing_of_what_somebody_asked_for(self, alice: User) -> None:
        made(by=alice)
        tell_of_reports()
        assert mail.outbox == []

    @pytest.mark.parametrize(
        "fields", [{"is_active": False}, {"role": "reviewer"}, {"role": ""}, {"email": ""}]
    )
    def test_says_nothing_to_who_left_meanwhile(
        self, ready: Report, fields: dict[str, Any]
    ) -> None:
        User.objects.filter(username="alice").update(**fields)
        tell_of_reports()
        assert mail.outbox == []

    def test_says_nothing_of_what_is_expired(self, ready: Report) -> None:
        Report.objects.update(requested_at=NOW - timedelta(days=31))
        tell_of_reports()
        assert mail.outbox == []

    def test_sends_nothing_without_a_host_and_all_of_it_later(
        self, ready: Report, settings: Any
    ) -> None:
        settings.SENDS_MAIL = False
        tell_of_reports()
        ready.refresh_from_db()
        assert (mail.outbox, ready.told_at, ready.tried_at) == ([], None, None)
        settings.SENDS_MAIL = True
        tell_of_reports()
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize("failure", [SMTPException("no"), ConnectionRefusedError(), OSError()])
    def test_tries_again_later_what_could_not_be_sent(
        self, ready: Report, monkeypatch: pytest.MonkeyPatch, failure: Exception
    ) -> None:
        with monkeypatch.context() as broken:
            broken.setattr(locmem.EmailBackend, "send_messages", _failing(failure))
            tell_of_reports()
        ready.refresh_from_db()
        assert (ready.told_at, ready.tried_at is None) == (None, False)
        tell_of_reports()
        assert mail.outbox == []
        with time_machine.travel(NOW + timedelta(minutes=16)):
            tell_of_reports()
        assert len(mail.outbox) == 1

    def test_keeps_nobody_waiting_for_an_address_that_does_not_work(self, alice: User) -> None:
        reader("mallory", email="x@y\nBcc: z@y")
        reader("bob")
        request_monthly_reports(now=NOW)
        while make_next_report(now=NOW):
            pass
        tell_of_reports()
        assert sorted(m.to[0] for m in mail.outbox) == [
            "alice@office.example",
            "bob@office.example",
        ]

    def test_is_claimed_by_one(self, ready: Report) -> None:
        assert claim_telling(ready.pk, now=NOW) == ready
        assert claim_telling(ready.pk, now=NOW) is None
        tell_of_reports()
        assert mail.outbox == []

    def test_comes_back_when_whoever_claimed_it_died(self, ready: Report) -> None:
        claim_telling(ready.pk, now=NOW)
        with time_machine.travel(NOW + timedelta(minutes=16)):
            tell_of_reports()
        assert len(mail.outbox) == 1


def _failing(failure: Exception) -> Any:
    def send_messages(*args: object) -> None:
        raise failure

    return send_messages


class TestExpiry:
    def test_does_not_make_it_come_again(self, ready: Report, settings: Any) -> None:
        settings.REPORTS_KEPT_DAYS = 2
        later = NOW + timedelta(days=3)
        assert clear_expired(now=later) == 0
        assert not path_of(ready).exists()
        assert request_monthly_reports(now=later) == []

    def test_leaves_nothing_when_the_next_month_has_come(
        self, ready: Report, settings: Any
    ) -> None:
        settings.REPORTS_KEPT_DAYS = 2
        assert clear_expired(now=NOW + timedelta(days=10)) == 1
        assert not Report.objects.exists()


class TestReportPage:
    def page(self, client: Client, report: Report, user: User | None, **headers: str) -> Any:
        if user:
            client.force_login(user)
        return client.get(f"/reports/{report.pk}/", headers={**ENGLISH, **headers})

    def test_shows_what_the_file_is(self, client: Client, ready: Report, alice: User) -> None:
        answer = self.page(client, ready, alice)
        shown = answer.content.decode()
        for part in ("Monthly form", "2026-10", "XLSX", "ready", ready.sha256, "Download"):
            assert part in shown
        assert f'href="/reports/{ready.pk}/download/"' in shown
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy

    @pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "en"])
    def test_speaks_the_readers_language(
        self, client: Client, ready: Report, alice: User, language: str
    ) -> None:
        answer = self.page(client, ready, alice, **{"Accept-Language": language})
        assert f'<html lang="{language.lower()}">' in answer.content.decode()

    def test_gives_the_file_whole_and_in_part(
        self, client: Client, ready: Report, alice: User
    ) -> None:
        client.force_login(alice)
        address = f"/reports/{ready.pk}/download/"
        content = path_of(ready).read_bytes()
        answer = client.get(address)
        assert (answer.status_code, answer.getvalue()) == (200, content)
        assert answer.headers["ETag"] == f'"{ready.sha256}"'
        part = client.get(address, headers={"Range": "bytes=3-9"})
        assert (part.status_code, part.getvalue()) == (206, content[3:10])
        assert client.get(address, headers={"Range": "bytes=999999999-"}).status_code == 416

    def test_asks_to_sign_in_first(self, client: Client, ready: Report) -> None:
        key = bearer(person("key"))
        for address in (f"/reports/{ready.pk}/", f"/reports/{ready.pk}/download/"):
            answer = client.get(address)
            assert answer.status_code == 302
            assert answer.headers["Location"] == f"/admin/login/?next={address}"
            assert client.get(address, headers=key).status_code == 302

    def test_does_not_exist_for_strangers(self, client: Client, ready: Report) -> None:
        delivery = shipped()
        for user in (reader("r", "reviewer"), reader("n", ""), delivery.buyer, delivery.supplier):
            client.force_login(user)
            for address in (f"/reports/{ready.pk}/", f"/reports/{uuid4()}/"):
                assert client.get(address).status_code == 404
                assert client.get(f"{address}download/").status_code == 404

    def test_shows_a_supplier_its_own_statement_only(self, client: Client) -> None:
        delivery, other = shipped(), shipped()
        statement = made("supplier_statement", "csv", by=delivery.supplier)
        assert self.page(client, statement, delivery.supplier).status_code == 200
        assert self.page(client, statement, other.supplier).status_code == 404

    def test_ends_with_the_right_to_it(self, client: Client, ready: Report, alice: User) -> None:
        client.force_login(alice)
        address = f"/reports/{ready.pk}/download/"
        answer = client.get(address, headers={"Range": "bytes=0-3"})
        assert (answer.status_code, len(answer.getvalue())) == (206, 4)
        User.objects.update(role="")
        assert client.get(address, headers={"Range": "bytes=4-9"}).status_code == 404

    def test_ends_when_the_file_is_not_kept_any_longer(
        self, client: Client, ready: Report, alice: User
    ) -> None:
        Report.objects.update(requested_at=NOW - timedelta(days=30, seconds=1))
        assert self.page(client, ready, alice).status_code == 404
        assert client.get(f"/reports/{ready.pk}/download/").status_code == 404
        api = f"/api/v1/reports/{ready.pk}/"
        assert client.get(api, headers=bearer(alice)).status_code == 404

    def test_offers_no_file_that_is_not_there_or_damaged(
        self, client: Client, ready: Report, alice: User
    ) -> None:
        path_of(ready).write_bytes(b"other")
        waiting = request_report("monthly", OCTOBER, "csv", by=alice, now=NOW)
        assert "Download" not in self.page(client, waiting, alice).content.decode()
        for report, message in ((ready, "damaged"), (waiting, "not ready")):
            answer = client.get(f"/reports/{report.pk}/download/", headers=ENGLISH)
            assert (answer.status_code, message in answer.content.decode()) == (409, True)

    def test_only_reads(self, client: Client, ready: Report, alice: User) -> None:
        client.force_login(alice)
        assert client.post(f"/reports/{ready.pk}/").status_code == 405
        assert client.post(f"/reports/{ready.pk}/download/").status_code == 405
