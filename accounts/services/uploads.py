"""Take in what somebody sends: what a file is, its content says, and pictures are drawn anew."""

import hashlib
import os
import re
import tempfile
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from accounts.models import MediaType
from accounts.refusals import ErrorItem, Refusal

from .disk import settle

MAX_SIZE = 20 * 1024**2
#: A page of A4 at 600 dpi; it takes 140 MB while it is drawn anew.
MAX_PIXELS = 36_000_000

PICTURES = (MediaType.PNG, MediaType.JPEG)
STARTS = {
    b"%PDF-": MediaType.PDF,
    b"\x89PNG\r\n\x1a\n": MediaType.PNG,
    b"\xff\xd8\xff": MediaType.JPEG,
}
#: How the pixels of each format are kept; others are turned into the last of these.
MODES = {MediaType.PNG: ("1", "L", "I;16", "RGB", "RGBA"), MediaType.JPEG: ("L", "CMYK", "RGB")}
QUALITY = {MediaType.JPEG: {"quality": 95}}


def _spelled(*names: str) -> re.Pattern[bytes]:
    """Return what finds these names of a PDF, also with escapes: /J#61vaScript."""
    letters = ["".join(f"(?:{c}|(?i:#{ord(c):02x}))" for c in name) for name in names]
    return re.compile(f"/(?:{'|'.join(letters)})(?![0-9A-Za-z#])".encode())


ENCRYPTED = _spelled("Encrypt")
# Every action that runs a script names it so; a mere /JS occurs by chance in compressed scans.
ACTIVE = _spelled("JavaScript", "Rendition", "Launch", "EmbeddedFile", "EmbeddedFiles", "RichMedia")


class FileTooLarge(Refusal):
    """The file is larger than is allowed."""

    code = "too_large"
    status = 413
    detail = _("The file is larger than is allowed.")


class UploadRejected(Refusal):
    """The file cannot be kept; `reason` is one of REASONS."""

    code = "file_rejected"
    status = 400
    detail = _("The file cannot be taken.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(errors=[ErrorItem("/file", reason, REASONS[reason])])


REASONS = {
    "unknown_type": _("Only PDF, PNG and JPEG files are taken."),
    "no_picture": _("Only PNG and JPEG pictures are taken."),
    "broken": _("The file is incomplete or damaged."),
    "too_many_pixels": _("The picture has more than 36 million pixels."),
    "encrypted": _("The PDF is encrypted; save it without a password."),
    "active_content": _("The PDF holds scripts, embedded files or programs; print it anew."),
}


class FileCorrupt(Refusal):
    """The file on disk is missing or not the one that was taken in; it is never served."""

    code = "file_corrupt"
    detail = _("The file on disk is damaged; an administrator must look.")


class Upload(NamedTuple):
    """A file that may be kept, and the digest of what was sent."""

    path: Path
    media_type: MediaType
    size: int
    sha256: str
    uploaded_sha256: str


@contextmanager
def checked_upload(
    chunks: Iterable[bytes],
    *,
    accepts: Collection[MediaType] = tuple(MediaType),
    folder: Path | None = None,
) -> Iterator[Upload]:
    """
    Write what comes in, check it and hand out what may be kept of it, until the block ends.

    A picture is drawn anew, so that nothing but the picture is kept; of a PDF only what its
    bytes name openly is known. `folder` is where it lies meanwhile.

    Raise FileTooLarge or UploadRejected; then nothing is left.
    """
    with tempfile.TemporaryDirectory(dir=folder) as name:
        upload, part = Path(name) / "upload", Path(name) / "part"
        size, uploaded_sha256 = write_upload(chunks, upload, at_most=MAX_SIZE)
        media_type = _media_type_of(upload)
        if media_type is None or media_type not in accepts:
            raise UploadRejected("unknown_type" if MediaType.PDF in accepts else "no_picture")
        if media_type == MediaType.PDF:
            _refuse_active(upload)
            yield Upload(upload, media_type, size, uploaded_sha256, uploaded_sha256)
        else:
            _draw_anew(upload, part, media_type)
            yield Upload(part, media_type, *settle(part), uploaded_sha256)


def write_upload(chunks: Iterable[bytes], path: Path, *, at_most: int) -> tuple[int, str]:
    """Write what comes in; return its size and digest. Raise FileTooLarge over `at_most` bytes."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            file.write(chunk)
            if file.tell() > at_most:
                raise FileTooLarge
        file.flush()
        os.fsync(file.fileno())
        return file.tell(), digest.hexdigest()


def opened_as_kept(path: Path, sha256: str) -> BinaryIO:
    """
    Return a file, open for reading, once it is known to have this digest.

    Raise FileCorrupt.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise FileCorrupt from error
    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
        file.close()
        raise FileCorrupt
    file.seek(0)
    return file


def _media_type_of(path: Path) -> MediaType | None:
    with path.open("rb") as file:
        head = file.read(8)
    return next((kind for start, kind in STARTS.items() if head.startswith(start)), None)


def _refuse_active(path: Path) -> None:
    content = path.read_bytes()
    if b"%%EOF" not in content[-1024:]:
        raise UploadRejected("broken")
    if ENCRYPTED.search(content):
        raise UploadRejected("encrypted")
    if ACTIVE.search(content):
        raise UploadRejected("active_content")


def _draw_anew(upload: Path, part: Path, media_type: MediaType) -> None:
    """Write the picture alone, turned as its camera noted: no remarks, places or appendices."""
    modes = MODES[media_type]
    try:
        with Image.open(upload, formats=[media_type.label]) as image:
            # Known from its head, before anything is unpacked.
            if image.width * image.height > MAX_PIXELS:
                raise UploadRejected("too_many_pixels")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            picture = image if image.mode in modes else image.convert(modes[-1])
    except UploadRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UploadRejected("too_many_pixels") from error
    except Exception as error:
        # What a decoder makes of hostile bytes is nowhere listed.
        raise UploadRejected("broken") from error
    picture.info = {}
    picture.save(part, format=media_type.label, **QUALITY.get(media_type, {}))
