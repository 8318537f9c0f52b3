"""Take in a declaration file and lead it through its steps."""

import hashlib
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePath
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import Division, User
from accounts.services.audit import record
from accounts.services.disk import take_over
from accounts.services.uploads import write_upload
from accounts.spreadsheets.reading import format_of
from accounts.spreadsheets.refusals import FileRejected
from reports.models import Declaration

from .answering import write_errors
from .booking import book, unbook
from .loading import load
from .refusals import (
    AlreadyImported,
    DeclarationInWrongState,
    UnknownReporter,
)

MAX_SIZE = 256 * 1024**2
MAX_ATTEMPTS = 3

Status = Declaration.Status


def receive_declaration(
    chunks: Iterable[bytes],
    *,
    file_name: str,
    reporter: str,
    is_late: bool,
    by: User | None,
    now: datetime,
) -> Declaration:
    """
    Keep a file, so that a worker checks its rows; nothing is booked yet.

    The same content that is not booked is the same declaration, to be checked again.

    Raise UnknownReporter, FileTooLarge, FileRejected when it is no sound CSV or XLSX
    file, and AlreadyImported.
    """
    if not Division.objects.filter(code=reporter).exists():
        raise UnknownReporter
    folder = settings.MEDIA_ROOT / "declarations"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
        part = Path(file.name)
    try:
        size, sha256 = write_upload(chunks, part, at_most=MAX_SIZE)
        declaration = Declaration(
            reporter_id=reporter,
            # Only shown: the file is kept under a name of our own.
            file_name="".join(c for c in PurePath(file_name).name if c.isprintable())[-100:],
            format=format_of(part),
            size=size,
            sha256=sha256,
            is_late=is_late,
            uploaded_by=by,
            uploaded_at=now,
        )
        _keep(declaration, part, by=by, now=now)
    finally:
        part.unlink(missing_ok=True)
    return declaration


@transaction.atomic
def _keep(declaration: Declaration, part: Path, *, by: User | None, now: datetime) -> None:
    """Store the declaration and its file; known content stays the declaration it is."""
    same = Declaration.objects.filter(sha256=declaration.sha256)
    if same.filter(status__in=Declaration.HOLDING).exists():
        raise AlreadyImported
    earlier = (
        same.filter(reporter=declaration.reporter_id)
        .exclude(status=Status.REVOKED)
        .select_for_update()
        .first()
    )
    if earlier is not None:
        earlier.problems.all().delete()
        declaration.pk = earlier.pk
        declaration._state.adding = False
    try:
        with transaction.atomic():
            declaration.save()
    except IntegrityError as error:
        # The same content came in twice at this moment.
        raise AlreadyImported from error
    record("receive_declaration", declaration, by=by, now=now, after={"sha256": declaration.sha256})
    take_over(part, declaration.path)


def commit_declaration(pk: UUID, *, by: User | None, now: datetime) -> Declaration:
    """
    Ask for a declaration to be booked if all its rows are good; safe to repeat.

    Raise DeclarationInWrongState, and AlreadyImported when its content is on its way
    in from another reporter.
    """
    return _advance(pk, since=(Status.RECEIVED, Status.VALID), to=Status.COMMITTING, by=by, now=now)


def revoke_declaration(pk: UUID, *, reason: str, by: User | None, now: datetime) -> Declaration:
    """
    Ask for the opposite entries of a booked declaration; safe to repeat.

    Raise DeclarationInWrongState.
    """
    return _advance(pk, since=(Status.BOOKED,), to=Status.REVOKING, by=by, now=now, reason=reason)


#: What a declaration has become once a worker took it out of a status.
DONE = {Status.COMMITTING: Status.BOOKED, Status.REVOKING: Status.REVOKED}


@transaction.atomic
def _advance(
    pk: UUID,
    *,
    since: tuple[Status, ...],
    to: Status,
    by: User | None,
    now: datetime,
    reason: str = "",
) -> Declaration:
    # Waits a moment for the worker that has the row.
    declaration = Declaration.objects.select_for_update().get(pk=pk)
    before = declaration.status
    if before in (to, DONE[to]):
        return declaration
    if before not in since:
        raise DeclarationInWrongState
    declaration.status, declaration.attempts, declaration.revoke_reason = to, 0, reason
    try:
        with transaction.atomic():
            declaration.save()
    except IntegrityError as error:
        raise AlreadyImported from error
    record(
        f"{to.value}_declaration",
        declaration,
        by=by,
        now=now,
        before={"status": before},
        after={"status": to},
        reason=reason,
    )
    return declaration


def work_through(pk: UUID, *, now: datetime) -> Declaration | None:
    """
    Take a declaration's next step: check, book or revoke, in one transaction.

    Whoever is killed on the way leaves everything as it was, and the declaration due.
    Return nothing when it is not due or another worker has it.
    """
    if not _count_attempt(pk):
        return None
    with transaction.atomic():
        declaration = (
            Declaration.objects.due().select_for_update(skip_locked=True).filter(pk=pk).first()
        )
        if declaration is None:
            return None
        _take_time()
        if declaration.status == Status.REVOKING:
            unbook(declaration, now=now)
            declaration.status, declaration.revoked_at = Status.REVOKED, now
        else:
            _check_and_book(declaration, now=now)
        declaration.save()
        record(f"declaration_{declaration.status}", declaration, by=None, now=now)
    return declaration


@transaction.atomic
def _count_attempt(pk: UUID) -> bool:
    """Note that work starts, so that a file that kills its worker does not do so for ever."""
    declaration = (
        Declaration.objects.due().select_for_update(skip_locked=True).filter(pk=pk).first()
    )
    if declaration is None:
        return False
    if declaration.attempts >= MAX_ATTEMPTS and declaration.status != Status.REVOKING:
        declaration.status, declaration.failure = Status.REFUSED, "gave_up"
    declaration.attempts += 1
    declaration.save()
    return declaration.status != Status.REFUSED


def _take_time() -> None:
    """Lift the limits that keep web requests short, for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10min'; "
            "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL work_mem = '64MB'"
        )


def _check_and_book(declaration: Declaration, *, now: datetime) -> None:
    is_committing = declaration.status == Status.COMMITTING
    if is_committing:
        # One booking at a time, or two could each miss the other's documents and fapiaos.
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('book declarations'))")
    try:
        with declaration.path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != declaration.sha256:
                raise FileRejected("altered")
        load(declaration, now=now)
    except FileRejected as refusal:
        declaration.status, declaration.failure = Status.REFUSED, refusal.reason
        return
    if declaration.bad_rows:
        declaration.status = Status.BAD
        write_errors(declaration)
    elif is_committing:
        book(declaration, now=now)
        declaration.status, declaration.booked_at = Status.BOOKED, now
    else:
        declaration.status = Status.VALID
