"""What every request passes before it reaches a domain."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis

from accounts.api import parsers, throttles
from accounts.models import ApiKey, AuditEntry, Division, User
from accounts.services.keys import issue_key, revoke_key

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.accounts.urls")]

BODY = {"name": "x", "lines": [{"quantity": "1"}]}


@pytest.fixture
def user() -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def key(user: User) -> str:
    return issue_key(user, by=None, now=timezone.now())


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def post(client: Client, body: Any, key: str, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    # The test client would re-encode the body by the charset that is being tested.
    return client.generic(
        "POST",
        "/api/echo/",
        content,
        content_type=headers.pop("content_type", "application/json"),
        headers={"Authorization": f"Bearer {key}", **headers},
    )


def get(client: Client, path: str, **headers: str) -> Any:
    return client.get(path, headers=headers)


class TestKeys:
    def test_open_the_door_with_one_query(
        self, client: Client, key: str, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        get(client, "/api/echo/", Authorization=f"Bearer {key}")
        with django_assert_num_queries(1):
            answer = get(client, "/api/echo/", Authorization=f"Bearer {key}")
        assert answer.json() == {"user": "alice"}

    def test_are_not_stored(self, key: str) -> None:
        row = ApiKey.objects.get()
        assert key not in (row.digest, row.prefix)
        assert key.startswith(row.prefix)

    def test_note_their_use_once_an_hour(self, client: Client, key: str) -> None:
        get(client, "/api/echo/", Authorization=f"Bearer {key}")
        first = ApiKey.objects.get().last_used_at
        get(client, "/api/echo/", Authorization=f"Bearer {key}")
        assert ApiKey.objects.get().last_used_at == first
        ApiKey.objects.update(last_used_at=timezone.now() - timedelta(hours=2))
        get(client, "/api/echo/", Authorization=f"Bearer {key}")
        assert ApiKey.objects.get().last_used_at > first

    def test_close_at_once_when_revoked(self, client: Client, key: str) -> None:
        revoke_key(ApiKey.objects.get(), by=None, now=timezone.now())
        answer = get(client, "/api/echo/", Authorization=f"Bearer {key}")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert AuditEntry.objects.filter(action="revoke_key").count() == 1

    def test_close_when_their_person_leaves(self, client: Client, key: str) -> None:
        User.objects.update(is_active=False)
        assert get(client, "/api/echo/", Authorization=f"Bearer {key}").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer ", "Bearer nonsense", "Basic YTpi", "Bearer é", "x" * 9_000]
    )
    def test_refuse_anything_else(self, client: Client, key: str, header: str) -> None:
        answer = get(client, "/api/echo/", Authorization=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
        assert answer["WWW-Authenticate"].startswith("Bearer")

    def test_are_asked_for(self, client: Client) -> None:
        answer = get(client, "/api/echo/")
        assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")


class TestProblems:
    def test_point_to_each_wrong_field(self, client: Client, key: str) -> None:
        answer = post(client, {"name": "", "lines": [{"quantity": "1"}, {"quantity": "x"}]}, key)
        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["code"] == "invalid"
        assert [e["pointer"] for e in problem["errors"]] == ["/name", "/lines/1/quantity"]
        assert problem["request_id"] == answer["X-Request-ID"]
        assert {"type", "title", "status", "detail"} <= problem.keys()

    def test_name_unknown_fields(self, client: Client, key: str) -> None:
        answer = post(client, {**BODY, "a/b": 1}, key)
        assert (answer.status_code, answer.json()["code"]) == (400, "unknown_field")
        assert answer.json()["errors"][0]["pointer"] == "/a~1b"

    @pytest.mark.parametrize("body", [b"{", b'{"a":1,"a":2}', b'{"name": "\\ud800"}', b"\xff"])
    def test_refuse_what_cannot_be_read(self, client: Client, key: str, body: bytes) -> None:
        answer = post(client, body, key)
        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")

    def test_refuse_other_content_types(self, client: Client, key: str) -> None:
        answer = post(client, b"a=1", key, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize("charset", ["latin-1", "bz2_codec", "nope"])
    def test_refuse_other_charsets(self, client: Client, key: str, charset: str) -> None:
        answer = post(client, BODY, key, content_type=f"application/json; charset={charset}")
        assert answer.status_code == 415

    def test_refuse_large_bodies(
        self, client: Client, key: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(parsers, "MAX_BYTES", 100)
        answer = post(client, {"name": "x" * 200}, key)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def test_carry_what_a_service_refuses(self, client: Client) -> None:
        answer = get(client, "/api/failing/refusal/")
        assert answer.status_code == 409
        assert answer.json()["errors"] == [
            {"pointer": "/lines/0", "code": "short", "detail": "short", "available": "3"}
        ]

    def test_ask_to_try_again_when_somebody_else_holds_a_row(self, client: Client) -> None:
        answer = get(client, "/api/failing/busy/")
        assert (answer.status_code, answer.json()["code"]) == (409, "in_flight")
        assert answer["Retry-After"]

    def test_say_when_the_database_is_away(self, client: Client) -> None:
        answer = get(client, "/api/failing/gone/")
        assert (answer.status_code, answer["Retry-After"]) == (503, "2")

    def test_keep_the_inside_inside(self, client: Client) -> None:
        answer = get(client, "/api/failing/bug/")
        assert (answer.status_code, answer.json()["code"]) == (500, "server_error")
        assert "hunter2" not in answer.content.decode()

    @pytest.mark.parametrize(
        ("path", "status", "code"),
        [
            ("/api/nothing/", 404, "not_found"),
            ("/api/divisions/?a=%00", 400, "malformed"),
            ("/api/divisions/%00/", 400, "malformed"),
            ("/api/divisions/?a=%ff", 400, "malformed"),
        ],
    )
    def test_stand_for_djangos_own_pages(
        self, client: Client, path: str, status: int, code: str
    ) -> None:
        answer = get(client, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    def test_refuse_an_unknown_host(self, client: Client) -> None:
        answer = client.get("/api/divisions/", headers={"Host": "evil.test"})
        assert answer.status_code == 400

    def test_refuse_methods_and_formats_that_are_not_offered(
        self, client: Client, key: str
    ) -> None:
        bearer = {"Authorization": f"Bearer {key}"}
        answer = client.delete("/api/echo/", headers=bearer)
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
        answer = client.get("/api/echo/", headers={**bearer, "Accept": "text/csv"})
        assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")

    @pytest.mark.parametrize(
        ("given", "kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False), ("é", False)]
    )
    def test_take_a_sane_request_id(self, client: Client, given: str, kept: bool) -> None:
        answer = client.get("/api/nothing/", headers={"X-Request-ID": given})
        assert (answer["X-Request-ID"] == given) is kept


class TestPages:
    def walk(self, client: Client, size: int) -> tuple[list[str], list[str]]:
        forward, backward = [], []
        url = f"/api/divisions/?page_size={size}"
        while url:
            page = get(client, url).json()
            forward += [row["code"] for row in page["results"]]
            last, url = page, page["next"]
        page = last
        backward = [row["code"] for row in page["results"]]
        while page["previous"]:
            page = get(client, page["previous"]).json()
            backward = [row["code"] for row in page["results"]] + backward
        return forward, backward

    @pytest.mark.parametrize("size", [1, 7, 99, 100])
    def test_add_up_to_the_list_in_both_directions(self, client: Client, size: int) -> None:
        expected = list(
            Division.objects.order_by("level", "-name_en", "code").values_list("code", flat=True)
        )
        assert self.walk(client, size) == (expected, expected)

    def test_do_not_shift_when_rows_come(self, client: Client) -> None:
        first = get(client, "/api/divisions/?page_size=5").json()
        Division.objects.create(code="110000", name="北京市", name_en="Zz", level="county")
        again = get(client, first["next"]).json()
        seen = {row["code"] for row in first["results"]}
        assert not seen & {row["code"] for row in again["results"]}

    @pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1e1", "９", "9" * 30])
    def test_refuse_other_sizes(self, client: Client, size: str) -> None:
        answer = get(client, f"/api/divisions/?page_size={size}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/page_size")

    @pytest.mark.parametrize(
        "cursor",
        ["x", "e30", "WyJmIl0", "WyJmIixudWxsLG51bGwsbnVsbF0", "W1tbW10", "%C3%A9", "A" * 4_000,
         "WyJmIix7ImQiOiJOYU4ifSwxLDJd", "WyJmIixbXSxbXSxbXV0"],
    )  # fmt: skip
    def test_refuse_other_cursors(self, client: Client, cursor: str) -> None:
        answer = get(client, f"/api/divisions/?cursor={cursor}")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/cursor")


class TestThrottles:
    def test_count_reads_and_writes_of_a_key_apart(
        self, client: Client, key: str, settings: Settings
    ) -> None:
        cache.clear()
        settings.THROTTLE_ENABLED = True
        settings.THROTTLE_PER_MINUTE = {"key_write": 2, "key_read": 3, "address_read": 1}
        assert [post(client, BODY, key).status_code for _ in range(3)] == [200, 200, 429]
        bearer = {"Authorization": f"Bearer {key}"}
        reads = [client.get("/api/echo/", headers=bearer) for _ in range(4)]
        assert [answer.status_code for answer in reads] == [200, 200, 200, 429]
        assert reads[-1].json()["code"] == "throttled"
        assert int(reads[-1]["Retry-After"]) >= 1

    def test_let_everything_pass_while_there_is_nothing_to_count_with(
        self, client: Client, key: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        settings.THROTTLE_ENABLED = True
        settings.THROTTLE_PER_MINUTE = {"key_write": 0, "key_read": 0, "address_read": 0}
        nowhere = Redis(unix_socket_path="/nonexistent")
        monkeypatch.setattr(throttles, "_counters", lambda: nowhere)
        assert post(client, BODY, key).status_code == 200

    def test_do_not_believe_forwarded_addresses(self, client: Client, settings: Settings) -> None:
        cache.clear()
        settings.THROTTLE_ENABLED = True
        settings.THROTTLE_PER_MINUTE = {"key_write": 1, "key_read": 1, "address_read": 1}
        answers = [
            client.get("/api/divisions/", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code
            for n in range(3)
        ]
        assert answers == [200, 429, 429]


class TestLanguages:
    @pytest.mark.parametrize(
        ("language", "title"),
        [("en", "Not found"), ("zh-Hans", "未找到"), ("zh-Hant", "未找到"), ("zh-CN", "未找到")],
    )
    def test_follow_the_reader(self, client: Client, language: str, title: str) -> None:
        answer = client.get("/api/nothing/", headers={"Accept-Language": language})
        assert answer.json()["title"] == title
