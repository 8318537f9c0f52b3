"""
Answers about the catalogue: written once, kept while no listing changes, and filled with
the stock of the moment at each reading.
"""

import hashlib
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response

from .models.listings import Row, read_live
from .serializers import LIVE

#: How many answers a process keeps; a page of twenty has about 20 KB.
MOST = 1_000

_LIVE = orjson.dumps(LIVE)


class Answer(NamedTuple):
    """An answer's JSON, cut where the stock of each of its SKUs goes."""

    version: UUID
    parts: list[bytes]
    sku_ids: list[int]


#: What there is to say, and the listings that it is said of.
Say = Callable[[], tuple[Any, Sequence[Row]]]

_kept: dict[Hashable, Answer] = {}


def answer(request: HttpRequest, key: Hashable | None, say: Say) -> HttpResponseBase:
    """
    Answer with what `say` says, or said before under `key` if no listing has changed since.

    The key names everything that the words depend on besides the listings; without one
    nothing is kept. Costs one statement when the words are.
    """
    if kept := _kept.get(key):
        version, available = read_live(kept.sku_ids)
        if version == kept.version:
            return _filled(request, kept.parts, [available])
    content, listings = say()
    parts = orjson.dumps(content).split(_LIVE)
    if key is not None and listings:
        sku_ids = [sku_id for listing in listings for sku_id in listing.sku_ids]
        if len(_kept) >= MOST:
            _kept.clear()
        _kept[key] = Answer(listings[0].version, parts, sku_ids)
    return _filled(request, parts, [listing.available for listing in listings])


def _filled(
    request: HttpRequest, parts: list[bytes], available: Iterable[str | None]
) -> HttpResponseBase:
    quantities = ",".join(filter(None, available)).encode()
    first, *rest = parts
    # A split nothing is one empty text.
    pairs = zip(quantities.split(b","), rest, strict=True) if rest else ()
    body = first + b"".join([b'"%b"%b' % pair for pair in pairs])
    response = HttpResponse(body, content_type="application/json")
    # Stock moves at any time, so a copy may be kept but is asked about before each use.
    response["Cache-Control"] = "no-cache"
    etag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    response["ETag"] = etag
    return get_conditional_response(request, etag=etag, response=response) or response
