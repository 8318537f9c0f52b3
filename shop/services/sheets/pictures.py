"""Take in the pictures of many products at once: a ZIP whose files are named after SKUs."""

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.forms import picture_name
from accounts.models import User
from accounts.refusals import ErrorItem, Invalid
from accounts.services.audit import record
from accounts.services.uploads import PICTURES, FileTooLarge, UploadRejected, checked_upload
from accounts.spreadsheets.refusals import FileRejected
from accounts.spreadsheets.xlsx import UNSOUND, check_directory
from shop.models import SKU, Product
from shop.services.content import contents_of
from suppliers.models import Supplier

from .applying import Outcome, change_products

MAX_PICTURES = 500
MAX_UNPACKED = 400 * 1024**2
CHUNK = 64 * 1024
#: The SKU, and which of its pictures this is: CS-EGG-360.jpg, CS-EGG-360_2.png.
NAME = re.compile(r"^(?P<sku>[-a-zA-Z0-9_]+?)(?:_(?P<place>[0-9]{1,2}))?\.(?:jpe?g|png)$", re.I)


def take_pictures(path: Path, *, supplier: Supplier, by: User, now: datetime) -> Outcome:
    """
    Give products the pictures of the ZIP in place of theirs: drafts at once, others by a version.

    All or nothing. Raise Invalid with an error for each file that is wrong, or what refuses
    a product, which is named then.
    """
    stored: list[str] = []
    try:
        with transaction.atomic():
            return _take(path, stored, supplier, by, now)
    except BaseException:
        for name in stored:
            default_storage.delete(name)
        raise


def _take(path: Path, stored: list[str], supplier: Supplier, by: User, now: datetime) -> Outcome:
    day = timezone.localdate(now)
    own = SKU.objects.filter(product__supplier=supplier).values_list("code", "product__code")
    product_by_sku = dict(own)
    images: dict[str, list[dict[str, str]]] = {}
    errors: list[ErrorItem] = []
    for name, file in _files(path):
        match = NAME.match(name)
        sku = _known(match["sku"] if match else "", product_by_sku)
        if sku is None:
            why = str(
                _("Pictures are named after a SKU of yours: CS-EGG-360.jpg, CS-EGG-360_2.png.")
            )
            errors.append(ErrorItem("/file", "unknown_sku", f"{name}: {why}"))
            continue
        try:
            image = {"file": _kept(file, stored), "caption": ""}
        except (FileTooLarge, UploadRejected, *UNSOUND) as error:
            found = getattr(error, "errors", None)
            why = str(found[0].detail if found else getattr(error, "detail", _("It is damaged.")))
            errors.append(ErrorItem("/file", "bad_picture", f"{name}: {why}"))
            continue
        images.setdefault(product_by_sku[sku], []).append(image)
    if errors:
        raise Invalid(errors=errors)
    code_by_pk = dict(Product.objects.filter(code__in=images).values_list("pk", "code"))
    contents = {
        code_by_pk[pk]: {**content, "images": images[code_by_pk[pk]]}
        for pk, content in contents_of(code_by_pk, day=day).items()
    }
    drafts, versions = change_products(contents, supplier=supplier, by=by, now=now)
    outcome = Outcome(drafts, versions, 0)
    record("take_pictures", supplier, by=by, now=now, after=vars(outcome))
    return outcome


def _files(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the files of the ZIP in the order of their names, whatever folders they lie in."""
    try:
        check_directory(path)
        with zipfile.ZipFile(path) as archive:
            parts = [part for part in archive.infolist() if not part.is_dir()]
            # What macOS adds to every ZIP is nobody's picture.
            parts = [part for part in parts if "__MACOSX" not in part.filename]
            if not 0 < len(parts) <= MAX_PICTURES:
                raise _refusal(_("A ZIP holds 1 to %(most)d pictures.") % {"most": MAX_PICTURES})
            # Pictures are packed already; what unpacks to much more are none.
            if sum(part.file_size for part in parts) > MAX_UNPACKED:
                raise _refusal(_("The ZIP unpacks to more than is allowed."))
            for part in sorted(parts, key=lambda part: part.filename):
                with archive.open(part) as file:
                    yield part.filename.rpartition("/")[2], file
    except (FileRejected, *UNSOUND) as error:
        raise _refusal(_("This is not a sound ZIP file, or it is encrypted.")) from error


def _refusal(detail: str | Promise) -> Invalid:
    return Invalid(errors=[ErrorItem("/file", "invalid", detail)])


def _known(code: str, product_by_sku: dict[str, str]) -> str | None:
    by_upper = {sku.upper(): sku for sku in product_by_sku}
    return by_upper.get(code.upper())


def _kept(file: IO[bytes], stored: list[str]) -> str:
    """Check a picture and store it; only so much is unpacked as a picture may have."""
    with checked_upload(iter(lambda: file.read(CHUNK), b""), accepts=PICTURES) as upload:
        name = default_storage.save(
            f"products/{picture_name(upload)}", ContentFile(upload.path.read_bytes())
        )
    stored.append(name)
    return name
