"""Attach scans to a declaration: what was claimed there is shown here."""

import hashlib
import re
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from accounts.models import User
from accounts.refusals import ErrorItem, Refusal
from accounts.services.audit import record
from reports.models import Declaration, DeclarationEvidence
from reports.services.disk import settle, take_over

from .uploads import write_upload

MAX_SIZE = 20 * 1024**2
#: A page of A4 at 600 dpi; it takes 140 MB while it is drawn anew.
MAX_PIXELS = 36_000_000

MediaType = DeclarationEvidence.MediaType
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


class EvidenceRejected(Refusal):
    """The file cannot be kept as evidence; `reason` is one of REASONS."""

    code = "file_rejected"
    status = 400
    detail = _("The file cannot be taken as evidence.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(errors=[ErrorItem("/file", reason, REASONS[reason])])


REASONS = {
    "unknown_type": _("Evidence is a PDF, PNG or JPEG file."),
    "broken": _("The file is incomplete or damaged."),
    "too_many_pixels": _("The picture has more than 36 million pixels."),
    "encrypted": _("The PDF is encrypted; save it without a password."),
    "active_content": _("The PDF holds scripts, embedded files or programs; print it anew."),
}


class AlreadyAttached(Refusal):
    """The declaration has this very file already."""

    code = "already_attached"
    detail = _("This file is attached to the declaration already.")


class EvidenceCorrupt(Refusal):
    """The file on disk is missing or not the one that was attached; it is never served."""

    code = "evidence_corrupt"
    detail = _("The evidence file on disk is damaged; an administrator must look.")


def attach_evidence(
    declaration: Declaration, chunks: Iterable[bytes], *, title: str, by: User, now: datetime
) -> DeclarationEvidence:
    """
    Keep a scan as evidence of what `declaration` says, whatever became of that.

    What the file is, its content says, never its name. A picture is drawn anew, so that
    nothing but the picture is kept; of a PDF only what its bytes name openly is known.

    Raise FileTooLarge, EvidenceRejected or AlreadyAttached; then nothing is kept.
    """
    folder = settings.MEDIA_ROOT / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        upload, part = Path(name) / "upload", Path(name) / "part"
        size, uploaded_sha256 = write_upload(chunks, upload, at_most=MAX_SIZE)
        media_type = _media_type_of(upload)
        if media_type == MediaType.PDF:
            _refuse_active(upload)
            part, sha256 = upload, uploaded_sha256
        else:
            _draw_anew(upload, part, media_type)
            size, sha256 = settle(part)
        evidence = DeclarationEvidence(
            declaration=declaration,
            title=title,
            media_type=media_type,
            size=size,
            sha256=sha256,
            uploaded_by=by,
            uploaded_at=now,
        )
        with transaction.atomic():
            try:
                with transaction.atomic():
                    evidence.save(force_insert=True)
            except IntegrityError as error:
                raise AlreadyAttached from error
            after = {
                "evidence": str(evidence.pk),
                "title": title,
                "sha256": sha256,
                "uploaded_sha256": uploaded_sha256,
            }
            record("attach_evidence", declaration, by=by, now=now, after=after)
            take_over(part, evidence.path)
    return evidence


def checked_evidence(evidence: DeclarationEvidence) -> BinaryIO:
    """
    Return the file, open for reading, once it is known to be the one attached.

    Raise EvidenceCorrupt.
    """
    try:
        file = evidence.path.open("rb")
    except FileNotFoundError as error:
        raise EvidenceCorrupt from error
    if hashlib.file_digest(file, "sha256").hexdigest() != evidence.sha256:
        file.close()
        raise EvidenceCorrupt
    file.seek(0)
    return file


def _media_type_of(path: Path) -> DeclarationEvidence.MediaType:
    with path.open("rb") as file:
        head = file.read(8)
    for start, media_type in STARTS.items():
        if head.startswith(start):
            return media_type
    raise EvidenceRejected("unknown_type")


def _refuse_active(path: Path) -> None:
    content = path.read_bytes()
    if b"%%EOF" not in content[-1024:]:
        raise EvidenceRejected("broken")
    if ENCRYPTED.search(content):
        raise EvidenceRejected("encrypted")
    if ACTIVE.search(content):
        raise EvidenceRejected("active_content")


def _draw_anew(upload: Path, part: Path, media_type: DeclarationEvidence.MediaType) -> None:
    """Write the picture alone, turned as its camera noted: no remarks, places or appendices."""
    modes = MODES[media_type]
    try:
        with Image.open(upload, formats=[media_type.label]) as image:
            # Known from its head, before anything is unpacked.
            if image.width * image.height > MAX_PIXELS:
                raise EvidenceRejected("too_many_pixels")
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
            picture = image if image.mode in modes else image.convert(modes[-1])
    except EvidenceRejected:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise EvidenceRejected("too_many_pixels") from error
    except Exception as error:
        # What a decoder makes of hostile bytes is nowhere listed.
        raise EvidenceRejected("broken") from error
    picture.info = {}
    picture.save(part, format=media_type.label, **QUALITY.get(media_type, {}))
