"""Clear away what uploads left that were undone, or looked at and never taken over."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from accounts.rows import rows_of
from shop.models import ProductImage

FOLDER = "products"
#: How long a preview can be taken over; an upload that is still on its way is younger.
KEPT = timedelta(days=1)

# What was on sale once, or was asked for and returned, can still be looked at.
OF_VERSIONS = """
    SELECT DISTINCT image ->> 'file' AS file
    FROM shop_listingversion, LATERAL (
        VALUES (content -> 'images'), (before -> 'images')
    ) AS shown (images), jsonb_array_elements(images) AS image
"""


def clear_pictures(*, now: datetime) -> int:
    """
    Delete the pictures that no product and no version has; return how many.

    A form or a ZIP writes them before its transaction ends, and that may be undone.
    """
    old = {f"{FOLDER}/{file.name}" for file in _old(Path(default_storage.path(FOLDER)), now)}
    left = old - set(ProductImage.objects.values_list("file", flat=True))
    if left:
        left -= {row["file"] for row in rows_of(OF_VERSIONS, {})}
    for name in left:
        default_storage.delete(name)
    return len(left)


def sheets_folder() -> Path:
    """Return where workbooks lie while their previews are looked at."""
    return Path(settings.DATA_DIR) / "sheets"


def clear_sheets(*, now: datetime) -> int:
    """Delete the workbooks whose previews are too old to be taken over; return how many."""
    old = list(_old(sheets_folder(), now))
    for file in old:
        file.unlink(missing_ok=True)
    return len(old)


def _old(folder: Path, now: datetime) -> Iterator[Path]:
    before = (now - KEPT).timestamp()
    for file in folder.iterdir() if folder.exists() else ():
        if file.is_file() and file.stat().st_mtime < before:
            yield file
