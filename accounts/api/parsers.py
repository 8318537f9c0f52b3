"""JSON, read strictly: what is stored and hashed is exactly what was sent."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any, NoReturn

from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH = 32
MAX_DIGITS = 40

STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
BRACKETS = re.compile(rb"[][{}]")
# JSON may hold these, but PostgreSQL cannot store them and UTF-8 cannot say them.
UNSTORABLE = re.compile("[\0\ud800-\udfff]")


class TooLarge(APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = _("The body is larger than %(mib)d MiB.") % {"mib": MAX_BYTES // 2**20}


class StrictJSONParser(BaseParser):
    """
    Read a JSON object or array.

    Refuse with 400 `malformed`: bytes that are not UTF-8, duplicate keys, NaN,
    NUL, lone surrogates, nesting deeper than 32, and numbers of absurd length.
    An empty body reads as an empty object.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        charset = re.search(r"charset=\s*\"?([^\s;\"]+)", media_type or "", re.IGNORECASE)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type or "")
        body = stream.read(MAX_BYTES + 1)
        if len(body) > MAX_BYTES:
            raise TooLarge
        return read_json(body)


def read_json(body: bytes) -> Any:
    """
    Return what `body` says; floats come as Decimal.

    Raise ParseError for anything that is not strictly JSON.
    """
    if not body.strip():
        return {}
    if _depth(body) > MAX_DEPTH:
        raise ParseError(_("The JSON is nested too deeply."))
    try:
        text = body.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
        )
    except UnicodeDecodeError as error:
        raise ParseError(_("The body is not UTF-8.")) from error
    except (ValueError, RecursionError) as error:
        raise ParseError(_("The body is not valid JSON.")) from error
    if not isinstance(value, (dict, list)):
        raise ParseError(_("The body must be a JSON object."))
    # Unstorable characters can only come from escapes or stand in the text itself.
    if "\\u" in text or "\0" in text:
        _refuse_unstorable(value)
    return value


def _depth(body: bytes) -> int:
    # Counted before parsing: the parser itself would run out of stack.
    deepest = depth = 0
    for bracket in BRACKETS.findall(STRING.sub(b"", body)):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("duplicate key")
    return value


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_DIGITS:
        raise ValueError("number too long")
    value = Decimal(text)
    if value and abs(value.adjusted()) > MAX_DIGITS:
        raise ValueError("exponent too large")
    return value


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("number too long")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, str):
        if UNSTORABLE.search(value):
            raise ParseError(_("The JSON holds characters that cannot be stored."))
    elif isinstance(value, dict):
        for key, inner in value.items():
            _refuse_unstorable(key)
            _refuse_unstorable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unstorable(inner)
