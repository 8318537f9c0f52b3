"""Enter certificates with their files, and check them for the selection centre."""

import hashlib
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import Forbidden, Refusal
from accounts.services.audit import record
from accounts.services.uploads import opened_as_kept
from suppliers.models import Certificate


class CertificateChecked(Refusal):
    """What was checked stays as it is."""

    detail = _("The selection centre has checked this certificate; enter its successor anew.")


class NothingToCheck(Refusal):
    """The certificate has no file, or nobody checked it."""

    detail = _("Without a file there is nothing to check.")


@transaction.atomic
def enter_certificate(certificate: Certificate, *, by: User | None, now: datetime) -> Certificate:
    """
    Store a certificate that is new or corrected, with the digest of its file.

    Its file has passed `accounts.forms.UploadField`. Raise CertificateChecked when it was
    checked.
    """
    known = Certificate.objects.select_for_update().filter(pk=certificate.pk).first()
    if known and known.is_checked:
        raise CertificateChecked
    certificate.entered_by = by
    if not certificate.file:
        certificate.sha256 = ""
    elif known is None or certificate.file != known.file:
        with certificate.file.open() as file:
            certificate.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    certificate.save()
    after = {
        "certificate": str(certificate),
        "valid_from": certificate.valid_from.isoformat(),
        "valid_until": certificate.valid_until and certificate.valid_until.isoformat(),
        "sha256": certificate.sha256,
    }
    action = "correct_certificate" if known else "enter_certificate"
    record(action, certificate, by=by, now=now, after=after)
    if known and known.file and certificate.file != known.file:
        transaction.on_commit(partial(known.file.storage.delete, known.file.name))
    return certificate


@transaction.atomic
def check_certificate(certificate: Certificate, *, by: User, now: datetime) -> Certificate:
    """
    Say for the selection centre that a certificate is what its file shows.

    Raise Forbidden unless `by` is a reviewer and not who entered it, NothingToCheck without
    a file. One that is checked stays as it is.
    """
    certificate = _locked(certificate, by=by)
    if certificate.is_checked:
        return certificate
    if certificate.entered_by_id == by.pk:
        raise Forbidden(_("Nobody checks what they entered themselves."))
    if not certificate.file:
        raise NothingToCheck
    certificate.checked_by, certificate.checked_at = by, now
    certificate.save(update_fields=["checked_by", "checked_at"])
    after = {"certificate": str(certificate), "sha256": certificate.sha256}
    record("check_certificate", certificate, by=by, now=now, after=after)
    return certificate


@transaction.atomic
def uncheck_certificate(
    certificate: Certificate, *, reason: str, by: User, now: datetime
) -> Certificate:
    """Take the check of a certificate back. Raise Forbidden, or NothingToCheck without one."""
    certificate = _locked(certificate, by=by)
    if not certificate.is_checked:
        raise NothingToCheck(_("Nobody has checked this certificate."))
    certificate.checked_by = certificate.checked_at = None
    certificate.save(update_fields=["checked_by", "checked_at"])
    record("uncheck_certificate", certificate, by=by, now=now, reason=reason)
    return certificate


def file_of(certificate: Certificate) -> BinaryIO:
    """Return its file, open for reading, as it was taken in. Raise FileCorrupt."""
    return opened_as_kept(Path(certificate.file.path), certificate.sha256)


def _locked(certificate: Certificate, *, by: User) -> Certificate:
    if not by.is_reviewer:
        raise Forbidden
    return Certificate.objects.select_for_update(of=("self",)).get(pk=certificate.pk)
