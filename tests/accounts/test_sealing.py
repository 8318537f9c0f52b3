"""The audit trail is sealed block by block, whoever commits when, and auditors can read it."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import AuditBlock, AuditEntry, Division, SealedRow, UnsealedRow, User
from accounts.services import sealing
from accounts.services.audit import came_in_by, record
from accounts.services.heads import keep_heads, kept_heads
from accounts.services.keys import issue_key
from accounts.services.sealing import (
    broken_blocks,
    late_rows,
    lost_heads,
    seal_audit,
    stray_rows,
)
from accounts.tasks import seal_audit as seal_audit_task
from orders.models import OrderEvent
from tests.orders.market import Market
from tests.sessions import held_open, in_own_session

NOW = datetime.fromisoformat("2026-11-24T12:00:00+08:00")

pytestmark = pytest.mark.django_db


@pytest.fixture
def market(db: None) -> Market:
    return Market()


def act(name: str = "somebody") -> AuditEntry:
    """Let something be done that leaves one entry."""
    user = User.objects.create(username=name)
    record("try", user, by=user, now=NOW, after={"名": name}, reason="第一行\n“第二行”\\")
    return AuditEntry.objects.latest("id")


def blocks() -> list[tuple[int, int]]:
    return list(AuditBlock.objects.order_by("number").values_list("number", "entries"))


def flaws() -> list[dict[str, Any]]:
    return broken_blocks() + stray_rows() + late_rows()


class TestSealAudit:
    def test_seals_everything_once(self) -> None:
        act("a"), act("b")
        seal_audit(now=NOW)
        seal_audit(now=NOW)
        assert blocks() == [(1, 2)]
        act("c")
        seal_audit(now=NOW)
        assert blocks() == [(1, 2), (2, 1)]
        assert not UnsealedRow.objects.exists()
        assert flaws() == []

    def test_makes_no_block_of_nothing(self) -> None:
        seal_audit(now=NOW)
        assert blocks() == []
        assert flaws() == []

    def test_chains_each_block_to_the_one_before(self) -> None:
        for name in "abc":
            act(name)
            seal_audit(now=NOW)
        first, second, third = AuditBlock.objects.order_by("number")
        assert first.previous == ""
        assert (second.previous, third.previous) == (first.sha256, second.sha256)

    def test_takes_many_rows_in_several_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sealing, "BATCH", 3)
        for number in range(7):
            act(f"user-{number}")
        seal_audit(now=NOW)
        assert blocks() == [(1, 3), (2, 3), (3, 1)]
        assert flaws() == []

    def test_is_not_held_up_by_who_names_a_sealed_row_again(self) -> None:
        act("a")
        seal_audit(now=NOW)
        UnsealedRow.objects.create(source="accounts.auditentry", key=SealedRow.objects.get().key)
        act("b")
        seal_audit(now=NOW)
        assert blocks() == [(1, 1), (2, 1)]
        assert flaws() == []

    def test_takes_as_many_statements_for_one_row_as_for_fifty(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for rows in (1, 50):
            for number in range(rows):
                act(f"user-{rows}-{number}")
            with django_assert_num_queries(12):
                seal_audit(now=NOW)

    def test_seals_the_steps_of_orders_with_the_rest(self, market: Market) -> None:
        number = market.accepted()
        market.settle(market.claimed(number), "10")
        seal_audit(now=NOW)
        rows = SealedRow.objects.filter(source="orders.orderevent")
        assert set(rows.values_list("key", flat=True)) == set(
            OrderEvent.objects.values_list("pk", flat=True)
        )
        assert set(OrderEvent.objects.values_list("kind", flat=True)) == {
            "placed", "confirmed", "shipped", "accepted", "claimed", "settled",
        }  # fmt: skip
        assert flaws() == []

    @pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Shanghai"])
    def test_has_one_digest_under_every_session(self, zone: str) -> None:
        act()
        seal_audit(now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('TimeZone', %s, true)", [zone])
            cursor.execute("SET LOCAL DateStyle = 'German'")
            cursor.execute("SET LOCAL bytea_output = 'escape'")
            cursor.execute("SET LOCAL enable_indexscan = off")
        assert flaws() == []

    @pytest.mark.parametrize("model", [AuditBlock, SealedRow])
    def test_leaves_rows_that_nobody_changes(self, model: Any) -> None:
        act()
        seal_audit(now=NOW)
        table = model._meta.db_table
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for sql in (
                f"UPDATE {table} SET {model._meta.concrete_fields[0].column} = '2'",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
            ):
                with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
                    cursor.execute(sql)

    @pytest.mark.parametrize(
        "wrong",
        [
            {"number": 2, "previous": ""},
            {"number": 1, "previous": "0" * 64},
            {"number": 0, "previous": ""},
            {"entries": 0},
            {"sha256": "x"},
        ],
    )
    def test_cannot_store_a_block_that_is_none(self, wrong: dict[str, Any]) -> None:
        right = {"number": 1, "sealed_at": NOW, "entries": 1, "previous": "", "sha256": "0" * 64}
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditBlock.objects.create(**{**right, **wrong})


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_who_commits_late_is_sealed_by_the_next_block(self) -> None:
        with transaction.atomic():
            late = act("late")
            other = threading.Thread(
                target=in_own_session(lambda: (act("early"), seal_audit(now=NOW)))
            )
            other.start()
            other.join()
        early = SealedRow.objects.get(block_id=1)
        assert early.key > late.pk
        seal_audit(now=NOW)
        assert SealedRow.objects.get(block_id=2).key == late.pk
        assert flaws() == []

    def test_two_that_seal_at_once_make_one_chain(self) -> None:
        act("a")
        with held_open(lambda: (act("c"), seal_audit(now=NOW))):
            act("b")
            seal_audit(now=NOW)
        assert blocks() == [(1, 2), (2, 1)]
        assert flaws() == []

    def test_what_is_rolled_back_is_neither_sealed_nor_awaited(self) -> None:
        with transaction.atomic():
            act()
            seal_audit(now=NOW)
            transaction.set_rollback(True)
        assert not UnsealedRow.objects.exists()
        act("other")
        seal_audit(now=NOW)
        assert blocks() == [(1, 1)]


@pytest.fixture
def heads_file(settings: Settings, tmp_path: Path) -> Path:
    settings.AUDIT_HEADS_FILE = tmp_path / "heads" / "audit-heads.log"
    return settings.AUDIT_HEADS_FILE


class TestHeads:
    def test_are_kept_once_each_by_the_task(self, heads_file: Path) -> None:
        act("a")
        seal_audit_task()
        act("b")
        seal_audit_task()
        seal_audit_task()
        kept = list(kept_heads())
        assert [(number, sha256) for _where, number, sha256 in kept] == list(
            AuditBlock.objects.order_by("number").values_list("number", "sha256")
        )
        assert len(kept) == 2
        assert lost_heads(kept) == []

    def test_catch_up_with_blocks_that_others_sealed(self, heads_file: Path) -> None:
        for name in "abc":
            act(name)
            seal_audit(now=NOW)
        keep_heads()
        assert heads_file.read_text().count("\n") == 3

    def test_lose_a_line_that_was_half_written(self, heads_file: Path) -> None:
        for name in "ab":
            act(name)
            seal_audit(now=NOW)
        keep_heads()
        whole = heads_file.read_bytes()
        for length in range(len(whole)):
            heads_file.write_bytes(whole[:length])
            keep_heads()
            assert heads_file.read_bytes() == whole

    def test_are_missed_where_the_chain_no_longer_has_them(self, heads_file: Path) -> None:
        act()
        seal_audit(now=NOW)
        keep_heads()
        line = heads_file.read_text()
        for other in (line.replace("1 ", "7 ", 1), line.replace(line[2:66], "0" * 64), "?\n"):
            heads_file.write_text(line + other)
            (lost,) = lost_heads(kept_heads())
            assert "line 2" in lost["wrong"]

    def test_are_none_without_a_file(self, heads_file: Path) -> None:
        assert list(kept_heads()) == []


@pytest.fixture
def auditor() -> User:
    return User.objects.create(username="auditor", role=User.Role.AUDITOR)


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {issue_key(user, by=None, now=NOW)}"}


@pytest.fixture
def headers(auditor: User) -> dict[str, str]:
    return bearer(auditor)


ADDRESSES = ["/api/v1/audit/", "/api/v1/audit/blocks/"]


class TestReading:
    def test_names_each_entrys_block_and_none_before(
        self, client: Client, headers: dict[str, str]
    ) -> None:
        seal_audit(now=NOW)
        entry = act("alice")
        first, second = client.get("/api/v1/audit/", headers=headers).json()["results"]
        assert first == {
            "id": entry.pk,
            "at": "2026-11-24T12:00:00+08:00",
            "by": "alice",
            "via": "command",
            "request_id": "",
            "action": "try",
            "subject_type": "accounts.user",
            "subject": entry.subject,
            "before": None,
            "after": {"名": "alice"},
            "reason": "第一行\n“第二行”\\",
            "block": None,
        }
        assert (second["action"], second["by"], second["block"]) == ("issue_key", None, 1)

    def test_shows_the_chain_from_its_head(self, client: Client, headers: dict[str, str]) -> None:
        for name in "abc":
            act(name)
            seal_audit(now=NOW)
        page = client.get("/api/v1/audit/blocks/", {"page_size": 2}, headers=headers).json()
        assert [block["number"] for block in page["results"]] == [3, 2]
        head, before = page["results"]
        assert head["previous"] == before["sha256"]
        assert (before["entries"], before["sealed_at"]) == (1, "2026-11-24T12:00:00+08:00")
        rest = client.get(page["next"], headers=headers).json()
        assert [(block["number"], block["previous"]) for block in rest["results"]] == [(1, "")]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"by": "a"}, ["one"]),
            ({"by": "nobody"}, []),
            ({"action": "two"}, ["two"]),
            ({"subject_type": "accounts.division"}, ["two"]),
            ({"subject": "522729"}, ["two"]),
            ({"request_id": "r-1"}, ["one"]),
            ({"from": "2026-11-25"}, ["two"]),
            ({"until": "2026-11-25"}, ["one", "issue_key"]),
            ({"from": "2026-11-24T12:00:00+08:00", "until": "2026-11-24T12:00:00+08:00"}, []),
        ],
    )
    def test_is_narrowed(
        self, client: Client, headers: dict[str, str], query: dict[str, str], found: list[str]
    ) -> None:
        first = User.objects.create(username="a")
        with came_in_by(AuditEntry.Via.API, request_id="r-1"):
            record("one", first, by=first, now=NOW)
        second = User.objects.create(username="b")
        record("two", Division.objects.get(pk="522729"), by=second, now=NOW + timedelta(days=1))
        rows = client.get("/api/v1/audit/", query, headers=headers).json()["results"]
        assert [row["action"] for row in rows] == found

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_refuses_filters_that_it_does_not_have(
        self, client: Client, headers: dict[str, str], address: str
    ) -> None:
        answer = client.get(address, {"user": "a"}, headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/user")

    @pytest.mark.parametrize("query", [{"from": "yesterday"}, {"until": "2026-13-01"}])
    def test_refuses_moments_that_are_none(
        self, client: Client, headers: dict[str, str], query: dict[str, str]
    ) -> None:
        assert client.get("/api/v1/audit/", query, headers=headers).status_code == 400

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("role", [User.Role.OFFICE, User.Role.REVIEWER])
    def test_is_closed_to_the_platforms_other_people(
        self, client: Client, address: str, role: str
    ) -> None:
        answer = client.get(address, headers=bearer(User.objects.create(username="o", role=role)))
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_is_closed_to_buyers_suppliers_and_the_public(
        self, client: Client, market: Market, address: str
    ) -> None:
        for person in (market.alice, market.ada, market.fay, market.vic, market.sam):
            assert person.get(address.removeprefix("/api/v1")).status_code == 403
        assert client.get(address).status_code == 401

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_is_open_to_administrators_and_to_nobodys_pen(
        self, client: Client, address: str
    ) -> None:
        headers = bearer(User.objects.create(username="root", role=User.Role.ADMIN))
        assert client.get(address, headers=headers).status_code == 200
        for method in ("post", "put", "patch", "delete"):
            assert getattr(client, method)(address, headers=headers).status_code == 405

    def test_takes_as_many_queries_for_one_entry_as_for_twenty(
        self,
        client: Client,
        headers: dict[str, str],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        client.get("/api/v1/audit/", headers=headers)
        for entries in (1, 20):
            for number in range(entries):
                act(f"user-{entries}-{number}")
            seal_audit(now=NOW)
            for address in ADDRESSES:
                with django_assert_num_queries(2):
                    client.get(address, headers=headers)


class TestAdmin:
    def page(self, client: Client, role: str, path: str = "") -> Any:
        user = User.objects.create(username=f"{role}-1", role=role, is_staff=True)
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client.get(f"/admin/accounts/auditblock/{path}")

    @pytest.mark.parametrize("role", [User.Role.AUDITOR, User.Role.ADMIN])
    def test_shows_the_blocks(self, client: Client, role: str) -> None:
        act()
        seal_audit(now=NOW)
        assert AuditBlock.objects.get().sha256 in self.page(client, role, "?q=1").text
        assert client.get("/admin/accounts/auditblock/1/change/").status_code == 200
        for path in ("add/", "1/delete/"):
            assert client.get(f"/admin/accounts/auditblock/{path}").status_code == 403
        assert client.post("/admin/accounts/auditblock/1/change/", {}).status_code == 403

    @pytest.mark.parametrize("role", [User.Role.OFFICE, User.Role.REVIEWER])
    def test_shows_others_nothing(self, client: Client, role: str) -> None:
        assert self.page(client, role).status_code == 403
