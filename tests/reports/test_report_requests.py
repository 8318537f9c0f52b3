"""Who may ask for which report, follow it and download it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, User
from reports.models import Report
from reports.services.files.keeping import path_of
from reports.services.files.making import make_next_report

from .deliveries import Delivery, shipped
from .ledger import NOW, bearer, book, entry, person
from .reporting import made

REPORTS = "/api/v1/reports/"


@pytest.fixture(autouse=True)
def _a_day_in_november(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.REPORTS_DIR = tmp_path
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def delivery(transactional_db: None) -> Delivery:
    """A buyer and a supplier, and an entry between them."""
    delivery = shipped()
    line = delivery.lines[0]
    book(
        entry(
            "7200.00",
            supplier_code=line.consignment.supplier.code,
            buyer_code=line.order.buyer.code,
        )
    )
    return delivery


def supplier_code(delivery: Delivery) -> str:
    return delivery.lines[0].consignment.supplier.code


def buyer_code(delivery: Delivery) -> str:
    return delivery.lines[0].order.buyer.code


def ask(client: Client, user: User, **body: str) -> Any:
    body = {"kind": "monthly", "month": "2026-10", "format": "csv", **body}
    return client.post(REPORTS, body, content_type="application/json", headers=bearer(user))


def get(client: Client, address: str, user: User, **headers: str) -> Any:
    answer = client.get(address, headers={**bearer(user), **headers})
    if answer.streaming:
        answer.body = answer.getvalue()
    answer.close()
    return answer


def refused(answer: Any) -> tuple[int, str, list[str]]:
    problem = answer.json()
    return answer.status_code, problem["code"], [e["pointer"] for e in problem["errors"]]


@pytest.mark.django_db(transaction=True)
class TestAskForReport:
    def test_is_made_and_downloaded(self, client: Client) -> None:
        office = person("office")
        book(entry("12.30"))
        answer = ask(client, office)
        assert answer.status_code == 202
        assert answer.json()["status"] == "queued"
        assert answer.json()["download"] is None
        address = answer.headers["Location"]
        assert address == f"{REPORTS}{answer.json()['id']}/"
        assert make_next_report(now=NOW)
        report = get(client, address, office).json()
        assert (report["status"], report["progress"]) == ("ready", 100)
        download = get(client, report["download"], office)
        content = download.body
        assert len(content) == report["size"]
        assert content.startswith(b"\xef\xbb\xbf")
        assert [r["id"] for r in get(client, REPORTS, office).json()["results"]] == [report["id"]]
        assert AuditEntry.objects.get(action="request_report").by == office

    @pytest.mark.parametrize("role", ["office", "auditor", "admin"])
    @pytest.mark.parametrize("kind", ["monthly", "ledger"])
    def test_counters_may_have_every_figure(self, client: Client, role: str, kind: str) -> None:
        assert ask(client, person("someone", role), kind=kind).status_code == 202

    @pytest.mark.parametrize(
        "kind", ["monthly", "ledger", "supplier_statement", "buyer_certificate"]
    )
    @pytest.mark.parametrize("role", ["", "reviewer"])
    def test_others_may_not(self, client: Client, kind: str, role: str) -> None:
        assert refused(ask(client, person("someone", role), kind=kind))[:2] == (403, "forbidden")
        assert not Report.objects.exists()

    def test_needs_a_key(self, client: Client) -> None:
        assert client.post(REPORTS, {}, content_type="application/json").status_code == 401
        assert client.get(REPORTS).status_code == 401

    @pytest.mark.parametrize("kind", ["monthly", "ledger"])
    def test_members_may_not_have_what_concerns_others(
        self, client: Client, delivery: Delivery, kind: str
    ) -> None:
        for user in (delivery.buyer, delivery.supplier):
            assert refused(ask(client, user, kind=kind))[:2] == (403, "forbidden")

    def test_members_get_their_own(self, client: Client, delivery: Delivery) -> None:
        answer = ask(client, delivery.supplier, kind="supplier_statement")
        assert answer.json()["supplier"] == supplier_code(delivery)
        answer = ask(client, delivery.buyer, kind="buyer_certificate", buyer=buyer_code(delivery))
        assert answer.json()["buyer"] == buyer_code(delivery)

    def test_members_get_no_one_elses(self, client: Client, delivery: Delivery) -> None:
        other = shipped()
        answers = [
            ask(client, delivery.supplier, kind="supplier_statement", supplier=code)
            for code in (supplier_code(other), "no-such")
        ]
        assert [refused(a) for a in answers] == [(400, "invalid", ["/supplier"])] * 2
        answers = [
            ask(client, delivery.buyer, kind="buyer_certificate", buyer=code)
            for code in (buyer_code(other), "no-such")
        ]
        assert [refused(a) for a in answers] == [(400, "invalid", ["/buyer"])] * 2
        assert ask(client, delivery.buyer, kind="supplier_statement").status_code == 403

    def test_the_office_names_whom_it_is_for(self, client: Client, delivery: Delivery) -> None:
        office = person("office")
        statement = {"kind": "supplier_statement"}
        assert refused(ask(client, office, **statement)) == (400, "invalid", ["/supplier"])
        code = supplier_code(delivery)
        assert ask(client, office, **statement, supplier=code).status_code == 202

    @pytest.mark.parametrize(
        ("body", "code", "pointer"),
        [
            ({"kind": "ledger", "format": "pdf"}, "invalid", "/format"),
            ({"kind": "yearly"}, "invalid", "/kind"),
            ({"format": "docx"}, "invalid", "/format"),
            ({"month": "2026-13"}, "invalid", "/month"),
            ({"month": "2026-12"}, "invalid", "/month"),
            ({"month": "2009-12"}, "invalid", "/month"),
            ({"month": "0001-01"}, "invalid", "/month"),
            ({"supplier": "X"}, "invalid", "/supplier"),
            ({"kind": "supplier_statement", "buyer": "X"}, "invalid", "/buyer"),
            ({"colour": "red"}, "unknown_field", "/colour"),
        ],
    )
    def test_names_what_is_wrong(
        self, client: Client, body: dict[str, str], code: str, pointer: str
    ) -> None:
        assert refused(ask(client, person("office"), **body)) == (400, code, [pointer])
        assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestFollowReport:
    def test_strangers_find_nothing(self, client: Client, delivery: Delivery) -> None:
        other = shipped()
        statement = made("supplier_statement", "csv", by=delivery.supplier)
        certificate = made("buyer_certificate", "csv", by=delivery.buyer)
        form = made("monthly", "csv", by=person("office"))
        strangers = {
            statement: [delivery.buyer, other.supplier, person("nobody", "")],
            certificate: [delivery.supplier, other.buyer, person("reviewer", "reviewer")],
            form: [delivery.supplier, delivery.buyer],
        }
        missing = refused(get(client, f"{REPORTS}{uuid4()}/", other.buyer))
        for report, people in strangers.items():
            for user in people:
                address = f"{REPORTS}{report.pk}/"
                answers = [get(client, address, user), get(client, f"{address}download/", user)]
                answers += [
                    client.post(
                        f"{address}{verb}/", content_type="application/json", headers=bearer(user)
                    )
                    for verb in ("cancel", "retry")
                ]
                assert [refused(a) for a in answers] == [missing] * 4
                listed = get(client, REPORTS, user).json()["results"]
                assert str(report.pk) not in {r["id"] for r in listed}

    @pytest.mark.parametrize("path", ["..%2f..%2fsecret_key", "%00", "x.xlsx"])
    def test_files_are_known_by_their_report_only(self, client: Client, path: str) -> None:
        office = person("office")
        for address in (f"{REPORTS}{path}/", f"{REPORTS}{path}/download/"):
            assert get(client, address, office).status_code in (400, 404)

    def test_colleagues_see_each_others(self, client: Client, delivery: Delivery) -> None:
        statement = made("supplier_statement", "csv", by=delivery.supplier)
        assert (
            get(client, f"{REPORTS}{statement.pk}/download/", person("office")).status_code == 200
        )

    def test_costs_the_same_for_one_and_for_twenty(self, client: Client) -> None:
        office = person("office")
        headers = bearer(office)
        counts = []
        for n in (1, 20):
            while Report.objects.count() < n:
                ask(client, office)
            # The first one notes that the key was used.
            client.get(REPORTS, headers=headers)
            with CaptureQueriesContext(connection) as queries:
                assert len(client.get(REPORTS, headers=headers).json()["results"]) == n
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_cancels_and_tries_again(self, client: Client) -> None:
        office = person("office")
        report = ask(client, office).json()
        address = f"{REPORTS}{report['id']}"

        def post(verb: str) -> Any:
            return client.post(
                f"{address}/{verb}/", content_type="application/json", headers=bearer(office)
            )

        assert refused(get(client, f"{address}/download/", office))[:2] == (409, "wrong_state")
        assert refused(post("retry"))[:2] == (409, "wrong_state")
        assert (post("cancel").json()["status"], post("cancel").status_code) == ("failed", 409)
        assert not make_next_report(now=NOW)
        assert post("retry").json()["status"] == "queued"
        assert make_next_report(now=NOW)
        assert get(client, f"{address}/", office).json()["status"] == "ready"
        assert refused(post("retry"))[:2] == (409, "wrong_state")


@pytest.fixture
def ready(transactional_db: None) -> Report:
    book(*(entry(f"{n}.00") for n in range(1, 50)))
    return made("ledger", "csv", by=person("office"))


@pytest.mark.django_db(transaction=True)
class TestDownload:
    def download(self, client: Client, report: Report, **headers: str) -> Any:
        office = User.objects.get(username="office")
        return get(client, f"{REPORTS}{report.pk}/download/", office, **headers)

    def test_says_what_it_is(self, client: Client, ready: Report) -> None:
        answer = self.download(client, ready)
        assert answer.body == path_of(ready).read_bytes()
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["ETag"] == f'"{ready.sha256}"'
        assert answer.headers["Content-Disposition"] == (
            "attachment; filename*=utf-8''"
            "%E6%B6%88%E8%B4%B9%E5%B8%AE%E6%89%B6%E5%8F%B0%E8%B4%A6-2026-10.csv"
        )

    @pytest.mark.parametrize(
        ("asked", "start", "end"),
        [
            ("bytes=0-9", 0, 10),
            ("bytes=10-", 10, None),
            ("bytes=-7", -7, None),
            ("bytes=-999999", 0, None),
            ("bytes=5-999999", 5, None),
        ],
    )
    def test_gives_a_part(
        self, client: Client, ready: Report, asked: str, start: int, end: int | None
    ) -> None:
        whole = path_of(ready).read_bytes()
        answer = self.download(client, ready, Range=asked)
        part = whole[start:end]
        first = len(whole) - len(part) if end is None else start
        assert (answer.status_code, answer.body) == (206, part)
        assert answer.headers["Content-Length"] == str(len(part))
        assert answer.headers["Content-Range"] == (
            f"bytes {first}-{first + len(part) - 1}/{len(whole)}"
        )

    @pytest.mark.parametrize("asked", ["bytes=999999-", "bytes=5-4", "bytes=-0", "bytes=-"])
    def test_refuses_a_part_that_is_not_there(
        self, client: Client, ready: Report, asked: str
    ) -> None:
        answer = self.download(client, ready, Range=asked)
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == f"bytes */{ready.size}"

    @pytest.mark.parametrize("asked", ["lines=1-2", "bytes=a-b", "bytes=0-1,3-4", "bytes=٣-٤"])
    def test_gives_all_when_it_does_not_understand(
        self, client: Client, ready: Report, asked: str
    ) -> None:
        answer = self.download(client, ready, Range=asked.encode().decode("latin-1"))
        assert (answer.status_code, len(answer.body)) == (200, ready.size)

    def test_gives_no_part_of_another_file(self, client: Client, ready: Report) -> None:
        same = {"Range": "bytes=0-3", "If-Range": f'"{ready.sha256}"'}
        assert self.download(client, ready, **same).status_code == 206
        other = {"Range": "bytes=0-3", "If-Range": '"other"'}
        assert self.download(client, ready, **other).status_code == 200

    def test_ends_with_the_right_to_it(
        self, client: Client, ready: Report, delivery: Delivery
    ) -> None:
        statement = made("supplier_statement", "csv", by=delivery.supplier)
        address = f"{REPORTS}{statement.pk}/download/"
        assert get(client, address, delivery.supplier).status_code == 200
        delivery.lines[0].consignment.supplier.members.all().delete()
        assert get(client, address, delivery.supplier).status_code == 404
        User.objects.filter(username="office").update(role="")
        assert self.download(client, ready).status_code == 404


@pytest.mark.django_db(transaction=True)
class TestDamagedFile:
    def download(self, client: Client, report: Report) -> Any:
        return get(client, f"{REPORTS}{report.pk}/download/", User.objects.get(username="office"))

    @pytest.mark.parametrize("knows_it", [True, False])
    def test_is_never_served(self, client: Client, ready: Report, knows_it: bool) -> None:
        path = path_of(ready)
        if knows_it:
            assert self.download(client, ready).status_code == 200
        before = path.stat()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        # Whoever alters a file can set its times back.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert refused(self.download(client, ready))[:2] == (409, "report_corrupt")

    def test_is_made_again_the_same(self, client: Client, ready: Report) -> None:
        path_of(ready).unlink()
        assert refused(self.download(client, ready))[:2] == (409, "report_corrupt")
        office = User.objects.get(username="office")
        retry = f"{REPORTS}{ready.pk}/retry/"
        client.post(retry, content_type="application/json", headers=bearer(office))
        assert make_next_report(now=NOW)
        digest = ready.sha256
        ready.refresh_from_db()
        assert (ready.status, ready.sha256) == ("ready", digest)
        assert self.download(client, ready).status_code == 200
