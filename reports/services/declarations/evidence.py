"""Attach scans to a declaration: what was claimed there is shown here."""

from collections.abc import Iterable
from datetime import datetime
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Refusal
from accounts.services.audit import record
from accounts.services.disk import take_over
from accounts.services.uploads import FileCorrupt, checked_upload, opened_as_kept
from reports.models import Declaration, DeclarationEvidence


class AlreadyAttached(Refusal):
    """The declaration has this very file already."""

    code = "already_attached"
    detail = _("This file is attached to the declaration already.")


class EvidenceCorrupt(FileCorrupt):
    """The file on disk is missing or not the one that was attached; it is never served."""

    code = "evidence_corrupt"
    detail = _("The evidence file on disk is damaged; an administrator must look.")


def attach_evidence(
    declaration: Declaration, chunks: Iterable[bytes], *, title: str, by: User, now: datetime
) -> DeclarationEvidence:
    """
    Keep a scan as evidence of what `declaration` says, whatever became of that.

    Raise FileTooLarge, UploadRejected or AlreadyAttached; then nothing is kept.
    """
    folder = settings.MEDIA_ROOT / "evidence"
    folder.mkdir(parents=True, exist_ok=True)
    with checked_upload(chunks, folder=folder) as upload:
        evidence = DeclarationEvidence(
            declaration=declaration,
            title=title,
            media_type=upload.media_type,
            size=upload.size,
            sha256=upload.sha256,
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
                "sha256": upload.sha256,
                "uploaded_sha256": upload.uploaded_sha256,
            }
            record("attach_evidence", declaration, by=by, now=now, after=after)
            take_over(upload.path, evidence.path)
    return evidence


def checked_evidence(evidence: DeclarationEvidence) -> BinaryIO:
    """
    Return the file, open for reading, once it is known to be the one attached.

    Raise EvidenceCorrupt.
    """
    try:
        return opened_as_kept(evidence.path, evidence.sha256)
    except FileCorrupt as error:
        raise EvidenceCorrupt from error
