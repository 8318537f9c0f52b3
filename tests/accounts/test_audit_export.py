"""Auditors take the audit trail along as CSV, as narrow as they saw it, and leave a row of that."""

import csv
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditBlock, AuditEntry, Division, User
from accounts.services import exporting
from accounts.services.audit import came_in_by, record
from accounts.services.keys import issue_key
from accounts.services.sealing import seal_audit
from tests.orders.market import Market

NOW = datetime.fromisoformat("2026-11-24T12:00:00.000001+08:00")
API = "/api/v1/audit/export/"
PAGE = "/admin/accounts/auditentry/"

pytestmark = pytest.mark.django_db


def person(username: str, role: str = "", **fields: Any) -> User:
    return User.objects.create(username=username, role=role, is_staff=bool(role), **fields)


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_key(user, by=None, now=NOW)}"}


@pytest.fixture
def auditor() -> User:
    return person("anna", "auditor")


@pytest.fixture
def headers(auditor: User) -> dict[str, str]:
    return bearer(auditor)


def act(action: str = "try", *, now: datetime = NOW, **fields: Any) -> AuditEntry:
    """Let something be done to a county that leaves one entry."""
    record(action, Division.objects.get(pk="522729"), by=None, now=now, **fields)
    return AuditEntry.objects.latest("id")


def content(answer: Any) -> str:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def rows(answer: Any) -> list[dict[str, str]]:
    """Return the lines of a whole download by their headings."""
    text = content(answer)
    assert text.startswith("\ufeff")
    *entries, total = csv.DictReader(text[1:].splitlines())
    assert (total["条目号"], total["时间"]) == ("合计", str(len(entries)))
    return entries


def actions(answer: Any) -> list[str]:
    return [row["操作"] for row in rows(answer)]


class TestTheFile:
    def test_says_all_of_each_entry_and_of_the_block_that_seals_it(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        alice = person("alice")
        with came_in_by(AuditEntry.Via.API, request_id="r-1"):
            record("try", alice, by=alice, now=NOW, before={"名": 1}, reason="第一行\n“第二行”,")
        entry = AuditEntry.objects.latest("id")
        seal_audit(now=NOW)
        act("later")
        answer = client.get(API, headers=headers)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer["Content-Disposition"]
        _key, first, second = rows(answer)
        assert first == {
            "条目号": str(entry.pk),
            "时间": "2026-11-24T12:00:00.000001+08:00",
            "操作人": "alice",
            "途径": "api",
            "请求编号": "r-1",
            "操作": "try",
            "对象类型": "accounts.user",
            "对象": entry.subject,
            "变更前": '{"名": 1}',
            "变更后": "",
            "原因": "第一行 “第二行”,",
            "审计区块": "1",
            "区块 SHA-256": AuditBlock.objects.get().sha256,
        }
        assert (second["操作"], second["审计区块"], second["区块 SHA-256"]) == ("later", "", "")

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            (" \t@SUM(1)", "' \t@SUM(1)"),
            ("-1", "'-1"),
            ("＋1", "'＋1"),
            ("91520000123456789X", "91520000123456789X"),
            ("110101199001011234", "110101199001011234\t"),
            ("25522000000123456789", "25522000000123456789\t"),
            ("0042", "0042\t"),
            ("42", "42"),
        ],
    )
    def test_runs_nothing_and_keeps_long_codes(
        self, client: Client, headers: dict[str, str], text: str, shown: str
    ) -> None:
        act(reason=text)
        AuditEntry.objects.bulk_create(
            [AuditEntry(at=NOW, via="command", action="try", subject_type="x", subject=text)]
        )
        *_others, by_reason, by_subject = rows(client.get(API, headers=headers))
        assert (by_reason["原因"], by_subject["对象"]) == (shown, shown)

    def test_holds_every_entry_once_in_order_whatever_the_batch(
        self, client: Client, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(6):
            act(f"step-{number}")
        for size in (1, 2, 7, 8):
            monkeypatch.setattr(exporting, "BATCH", size)
            taken = actions(client.get(API, headers=headers))
            assert taken[:7] == ["issue_key", *(f"step-{number}" for number in range(6))]
            assert set(taken[7:]) <= {"export_audit"}

    def test_ends_with_what_was_there_when_it_was_asked_for(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        act("before")
        answer = client.get(API, headers=headers)
        act("meanwhile")
        assert actions(answer) == ["issue_key", "before"]

    def test_is_read_a_batch_at_a_time(
        self, client: Client, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exporting, "BATCH", 10)
        client.get(API, headers=headers)
        counts = []
        for _more in range(2):
            for _entry in range(20):
                act()
            with CaptureQueriesContext(connection) as queries:
                content(client.get(API, headers=headers))
            counts.append(len(queries))
        # Twenty rows more are two batches more, each of one query for its keys.
        assert counts[1] == counts[0] + 2

    def test_is_recorded_before_the_first_byte(
        self, client: Client, headers: dict[str, str], auditor: User
    ) -> None:
        last = act()
        answer = client.get(API, {"by": "anna"}, headers={**headers, "X-Request-ID": "r-7"})
        taken = AuditEntry.objects.latest("id")
        assert (taken.action, taken.by, taken.via, taken.request_id) == (
            "export_audit", auditor, "api", "r-7"
        )  # fmt: skip
        assert (taken.subject_type, taken.subject) == ("accounts.auditentry", str(last.pk))
        assert taken.after == {"filters": {"by": ["anna"]}}
        answer.close()


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"action": "two"}, ["two"]),
            ({"by": "nobody"}, []),
            ({"subject": "522729", "until": "2026-11-25"}, ["one"]),
            ({"from": "2026-11-25"}, ["two"]),
        ],
    )
    def test_are_those_of_the_list(
        self, client: Client, headers: dict[str, str], query: dict[str, str], found: list[str]
    ) -> None:
        act("one")
        act("two", now=NOW + timedelta(days=1))
        listed = client.get("/api/v1/audit/", query, headers=headers).json()["results"]
        assert actions(client.get(API, query, headers=headers)) == found
        assert [row["action"] for row in listed] == found

    @pytest.mark.parametrize("name", ["user", "cursor", "page_size", "ordering"])
    def test_are_refused_where_there_are_none_of_the_name(
        self, client: Client, headers: dict[str, str], name: str
    ) -> None:
        answer = client.get(API, {name: "csv"}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, f"/{name}")
        assert not AuditEntry.objects.filter(action="export_audit").exists()

    def test_are_refused_where_they_say_nothing(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        answer = client.get(API, {"from": "yesterday"}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert not AuditEntry.objects.filter(action="export_audit").exists()

    def test_are_not_merely_asked_about(self, client: Client, headers: dict[str, str]) -> None:
        assert client.head(API, headers=headers).status_code == 405
        assert not AuditEntry.objects.filter(action="export_audit").exists()


class TestThePage:
    def test_leads_to_the_file_with_its_own_filters(self, client: Client, auditor: User) -> None:
        act("one", reason="here")
        with came_in_by(AuditEntry.Via.TASK):
            act("one")
        act("two")
        client.force_login(auditor)
        page = client.get(
            PAGE, {"q": "one", "via__exact": "command"}, headers={"Accept-Language": "zh-hans"}
        )
        text = page.content.decode()
        assert "导出 CSV" in text
        start = text.index(f"{PAGE}export/?")
        answer = client.get(unescape(text[start : text.index('"', start)]))
        assert [row["原因"] for row in rows(answer)] == ["here"]
        taken = AuditEntry.objects.get(action="export_audit")
        assert (taken.by, taken.via) == (auditor, "admin")
        assert taken.after == {"filters": {"q": ["one"], "via__exact": ["command"]}}

    def test_leads_to_all_without_filters(self, client: Client, auditor: User) -> None:
        for number in range(60):
            act(f"step-{number}")
        client.force_login(auditor)
        assert len(rows(client.get(f"{PAGE}export/?p=2&o=1"))) == 60

    def test_says_what_is_wrong_with_a_filter(self, client: Client, auditor: User) -> None:
        client.force_login(auditor)
        assert client.head(f"{PAGE}export/").status_code == 405
        answer = client.get(f"{PAGE}export/?at__gte=yesterday")
        assert (answer.status_code, answer["Location"]) == (302, "../?at__gte=yesterday")
        assert client.get(f"{PAGE}export/?by__password=x").status_code == 400
        assert not AuditEntry.objects.filter(action="export_audit").exists()


class TestWhoMay:
    @pytest.mark.parametrize("role", ["auditor", "admin"])
    def test_those_who_read_the_trail(self, client: Client, role: str) -> None:
        reader = person("reader", role)
        assert actions(client.get(API, headers=bearer(reader))) == ["issue_key"]
        client.force_login(reader)
        assert actions(client.get(f"{PAGE}export/")) == ["issue_key", "export_audit"]

    def test_nobody_else(self, client: Client) -> None:
        market = Market()
        office, reviewer = person("ophelia", "office"), person("rita", "reviewer")
        market.sam.user.is_staff = True
        market.sam.user.save()
        assert client.get(API).status_code == 401
        for user in (market.alice.user, market.sam.user, office, reviewer):
            answer = client.get(API, headers=bearer(user))
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert client.get(f"{PAGE}export/").status_code == 302
        for user, status in (
            (market.alice.user, 302),
            (market.sam.user, 403),
            (office, 403),
            (reviewer, 403),
        ):
            client.force_login(user)
            assert client.get(f"{PAGE}export/").status_code == status
        assert not AuditEntry.objects.filter(action="export_audit").exists()
