"""The JSON test suite against the endpoint that orders: what is no JSON is malformed."""

from pathlib import Path

import pytest

from .market import Market, Person, nothing_was_written, refused

SUITE = Path(__file__).parents[3] / "shared/data/peers/jsontestsuite/test_parsing"


@pytest.mark.skipif(not SUITE.exists(), reason="shared data absent")
class TestJSONTestSuite:
    def test_is_read_strictly(self, market: Market) -> None:
        for file in sorted(SUITE.glob("*.json")):
            answer = sent(market.alice, file.read_bytes())
            assert answer.status_code == 400, (file.name, answer.content)
            if file.name.startswith("n_"):
                # An empty body is an empty object, and lacks every field.
                empty = not file.read_bytes().strip()
                assert answer.json()["code"] == ("invalid" if empty else "malformed"), file.name
        assert nothing_was_written()


class TestBodies:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"address": "MAIN", "address": "MAIN", "lines": []}',
            b'{"note": "\\u0000"}',
            b'{"note": "\x00"}',
            b'{"note": "\\ud800"}',
            b'{"note": NaN}',
            b'{"note": Infinity}',
            b"[" * 100_000,
            b'{"a":' * 33 + b"1" + b"}" * 33,
            b'"text"',
            b"null",
            b"1",
            b'\xef\xbb\xbf{"address": "MAIN"}',
            '{"address": "MAIN"}'.encode("utf-16"),
            b'{"quantity": ' + b"9" * 41 + b"}",
            b'{"quantity": 1e999999999}',
        ],
    )
    def test_that_are_malformed(self, market: Market, body: bytes) -> None:
        refused(sent(market.alice, body), 400, "malformed")

    @pytest.mark.parametrize("body", [b"[]", b"[1]", b"{}", b"", b" "])
    def test_that_are_no_order(self, market: Market, body: bytes) -> None:
        refused(sent(market.alice, body), 400, "invalid")

    def test_that_are_too_large(self, market: Market) -> None:
        body = b'{"note": "' + b"x" * (5 * 2**20) + b'"}'
        refused(sent(market.alice, body), 413, "too_large")

    def test_of_other_types(self, market: Market) -> None:
        answer = market.alice.client.post(
            "/api/v1/orders/",
            {"address": "MAIN"},
            headers={"Authorization": f"Bearer {market.alice.key}", "Idempotency-Key": "k"},
        )
        refused(answer, 415, "unsupported_media_type")


def sent(person: Person, body: bytes) -> object:
    return person.post("/orders/", body, **{"Idempotency-Key": "k"})
