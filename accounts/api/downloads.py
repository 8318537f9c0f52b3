"""Answers that are files."""

from collections.abc import Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from rest_framework.renderers import BaseRenderer

CSV = "text/csv; charset=utf-8"


class FileRenderer(BaseRenderer):
    """Lets a download be asked for with any Accept header."""

    media_type = "*/*"
    format = "file"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return b""


def csv_download(parts: Iterable[bytes], name: str) -> StreamingHttpResponse:
    """Return a CSV whose parts are made while they are sent, to be saved under `name`."""
    return StreamingHttpResponse(
        parts,
        content_type=CSV,
        headers={
            "Cache-Control": "private, no-store",
            "Content-Disposition": content_disposition_header(True, name) or "",
            "X-Content-Type-Options": "nosniff",
        },
    )
