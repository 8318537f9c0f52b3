"""JSON is read strictly or not at all."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from accounts.api.parsers import MAX_DEPTH, read_json

CORPUS = Path(__file__).parents[3] / "shared/data/peers/jsontestsuite/test_parsing"

plain_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc"), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


class TestReadJson:
    @given(st.dictionaries(st.text("xyz"), plain_json))
    def test_returns_what_was_written(self, value: object) -> None:
        assert read_json(json.dumps(value).encode()) == value
        assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value

    def test_reads_an_empty_body_as_an_empty_object(self) -> None:
        assert read_json(b"") == {}

    def test_reads_fractions_exactly(self) -> None:
        assert read_json(b'{"a": 0.1}') == {"a": Decimal("0.1")}

    def test_allows_brackets_in_strings_at_any_number(self) -> None:
        assert read_json(b'{"a": "' + b"[" * 500 + b'\\"{"}') == {"a": "[" * 500 + '"{'}

    def test_reads_the_deepest_nesting_allowed(self) -> None:
        assert read_json(nested(MAX_DEPTH))

    @pytest.mark.parametrize(
        "body",
        [
            nested(MAX_DEPTH + 1),
            nested(100_000),
            b"[" * 100_000,
            b'{"a": 1, "a": 2}',
            b'{"a": {"b": 1, "b": 1}}',
            b'{"a": NaN}',
            b'{"a": -Infinity}',
            b'{"a": 1e999}',
            b'{"a": ' + b"9" * 5_000 + b"}",
            b'{"a": "\\u0000"}',
            b'{"\\u0000": 1}',
            b'{"a": "\\ud800"}',
            b'{"a": ["\\udc00\\ud800"]}',
            b'{"a": "\xff"}',
            b"\xef\xbb\xbf{}",
            b'{"a": 1} x',
            b"3",
            b'"text"',
            b"null",
        ],
        ids=lambda body: repr(body[:24]),
    )
    def test_refuses(self, body: bytes) -> None:
        with pytest.raises(ParseError):
            read_json(body)

    @pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")
    @pytest.mark.parametrize("path", sorted(CORPUS.glob("*.json")), ids=lambda path: path.stem)
    def test_refuses_what_is_not_json_and_never_breaks(self, path: Path) -> None:
        body = path.read_bytes()
        try:
            read_json(body)
        except ParseError:
            return
        assert not path.name.startswith("n_") or not body.strip()
