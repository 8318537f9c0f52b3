"""Verifying reads the files on disk, and names those that are gone or not the ones kept."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from accounts.forms import PictureField
from accounts.models import User
from accounts.services.disk import settle
from reports.models import Declaration, DeclarationEvidence, Report
from reports.services import verifying
from reports.services.declarations.evidence import attach_evidence
from reports.services.files.asking import request_report
from reports.services.files.keeping import clear_expired, path_of
from reports.services.totals import roll_up
from shop.models import Batch, BatchDocument, ProductImage
from shop.services.batches import save_batch, save_document
from suppliers.models import Certificate, SupplierMember
from suppliers.services.certificates import enter_certificate
from tests.factories import SKUFactory, SupplierFactory
from tests.files import PDF, picture

from .ledger import NOW, book, entry, person
from .reporting import OCTOBER
from .test_declarations import book as declare
from .test_declarations import revoke, text
from .test_verify import tamper

pytestmark = pytest.mark.django_db

EVIDENCE = "evidence files are as they were attached"
DECLARED = "declared files are as they were received"
REPORTS = "report files are as they were made"
SEPTEMBER = OCTOBER.replace(month=9)

Kept = tuple[DeclarationEvidence, Declaration, Report]


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT, settings.REPORTS_DIR = tmp_path / "media", tmp_path / "files"


def found(**options: Any) -> dict[str, list[dict[str, Any]]]:
    checks = verifying.verify(**{"now": NOW, **options})
    return {check.name: check.findings for check in checks if check.findings}


@pytest.fixture
def kept() -> Kept:
    """A file of each kind, all of October."""
    office = person("olga")
    declaration = declare(text({}))
    evidence = attach_evidence(declaration, [PDF], title="合同", by=office, now=NOW)
    attach_evidence(declaration, [picture("PNG")], title="签收单", by=office, now=NOW)
    book(entry("10.00"))
    roll_up(now=NOW)
    return evidence, declaration, ready(by=office)


def ready(*, by: User) -> Report:
    """Return a report with its file, as a worker leaves both."""
    report = request_report("ledger", OCTOBER, "csv", by=by, now=NOW)
    file = path_of(report)
    file.parent.mkdir()
    file.write_text("表")
    report.size, report.sha256 = settle(file)
    report.status, report.rows = Report.Status.READY, 1
    report.save()
    return report


def path(row: DeclarationEvidence | Declaration | Report) -> Path:
    return path_of(row) if isinstance(row, Report) else row.path


KINDS = pytest.mark.parametrize(
    ("kind", "check"),
    [(0, EVIDENCE), (1, DECLARED), (2, REPORTS)],
    ids=["scan", "upload", "report"],
)


class TestFiles:
    def test_are_all_in_order(self, kept: Kept) -> None:
        assert found() == {}
        assert found(month=OCTOBER) == {}

    @KINDS
    def test_are_missed(self, kept: Kept, kind: int, check: str) -> None:
        path(kept[kind]).unlink()
        ((name, [finding]),) = found().items()
        assert name == check
        assert kept[kind].pk in finding.values()
        assert finding["wrong"] == "cannot be read: No such file or directory"
        with pytest.raises(CommandError):
            call_command("verify")

    @KINDS
    def test_are_known_again_when_a_byte_of_them_changes(
        self, kept: Kept, kind: int, check: str
    ) -> None:
        file = path(kept[kind])
        content = file.read_bytes()
        for other in (content[:-1], content + b"\n", bytes([content[0] ^ 1]) + content[1:]):
            file.write_bytes(other)
            ((name, [finding]),) = found().items()
            assert name == check
            assert finding["wrong"].startswith(f"is another file: {len(other)} bytes, ")
        file.write_bytes(content)
        assert found() == {}

    @KINDS
    def test_have_the_size_that_their_row_says(self, kept: Kept, kind: int, check: str) -> None:
        row = kept[kind]
        tamper(f"UPDATE {row._meta.db_table} SET size = size + 1 WHERE id = '{row.pk}'")
        assert list(found()) == [check]

    @KINDS
    def test_are_files(self, kept: Kept, kind: int, check: str) -> None:
        path(kept[kind]).unlink()
        path(kept[kind]).mkdir()
        assert found()[check][0]["wrong"] == "cannot be read: Is a directory"

    @KINDS
    def test_are_looked_at_by_month(self, kept: Kept, kind: int, check: str) -> None:
        path(kept[kind]).unlink()
        assert list(found(month=OCTOBER)) == [check]
        assert found(month=SEPTEMBER) == {}

    def test_are_listed_up_to_a_limit(self, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
        _evidence, declaration, _report = kept
        for row in declaration.evidence.all():
            path(row).unlink()
        assert len(found()[EVIDENCE]) == 2
        monkeypatch.setattr(verifying, "LISTED", 1)
        (first,) = found()[EVIDENCE]
        assert first["evidence"] in set(declaration.evidence.values_list("pk", flat=True))


class TestEvidence:
    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE reports_declarationevidence SET title = '别的' WHERE id = '{}'",
            "UPDATE reports_declarationevidence SET uploaded_at = now() WHERE id = '{}'",
            "DELETE FROM reports_declarationevidence WHERE id = '{}'",
        ],
    )
    def test_is_what_the_audit_trail_says(self, kept: Kept, sql: str) -> None:
        evidence = kept[0]
        tamper(sql.format(evidence.pk))
        finding = {"evidence": str(evidence.pk), "wrong": "is not as the audit trail says"}
        assert found() == {EVIDENCE: [finding]}
        assert found(month=OCTOBER) == {EVIDENCE: [finding]}
        assert found(month=SEPTEMBER) == {}

    def test_cannot_be_swapped_together_with_its_row(self, kept: Kept) -> None:
        _evidence, declaration, _report = kept
        first, second = declaration.evidence.order_by("media_type")
        first.path.write_bytes(second.path.read_bytes())
        tamper(
            "UPDATE reports_declarationevidence SET declaration_id = other.id FROM"
            " (SELECT gen_random_uuid() AS id) other WHERE media_type = 'image/png'"
        )
        tamper(
            f"UPDATE reports_declarationevidence SET (size, sha256) = ({second.size},"
            f" '{second.sha256}') WHERE id = '{first.pk}'"
        )
        wrong = {str(row["evidence"]) for row in found()[EVIDENCE]}
        assert wrong == {str(first.pk), str(second.pk)}

    def test_is_read_also_when_the_declaration_was_revoked(self, kept: Kept) -> None:
        evidence, declaration, _report = kept
        revoke(declaration)
        roll_up(now=NOW)
        assert found() == {}
        path(evidence).unlink()
        path(declaration).unlink()
        assert list(found()) == [EVIDENCE, DECLARED]


class TestReports:
    def test_that_are_not_ready_or_gone_by_right_are_no_finding(
        self, kept: Kept, settings: Any
    ) -> None:
        path(kept[2]).unlink()
        Report.objects.update(status="queued")
        assert found() == {}
        Report.objects.update(status="ready")
        later = NOW + timedelta(days=settings.REPORTS_KEPT_DAYS)
        assert found(now=later) == {}
        clear_expired(now=later + timedelta(days=1))
        assert found(now=later + timedelta(days=1)) == {}


CERTIFICATES = "certificate files are as they were entered"
DOCUMENTS = "batch documents are as they were entered"
PICTURES = "pictures are as they were drawn"


def certificate() -> Certificate:
    return enter_certificate(
        Certificate(
            supplier=SupplierFactory(), kind="gi", number="1", issuer="-",
            valid_from=OCTOBER, file=ContentFile(PDF, name="x.pdf"),
        ),
        by=None, now=NOW,
    )  # fmt: skip


def batch_document() -> BatchDocument:
    product = SKUFactory().product
    sam = User.objects.create_user("sam", is_staff=True)
    SupplierMember.objects.create(supplier=product.supplier, user=sam)
    batch = Batch(product=product, code="B1", produced_on=OCTOBER, quantity=1)
    return save_document(
        BatchDocument(
            batch=save_batch(batch, by=sam, now=NOW), kind="conformity", number="1", issuer="-",
            file=ContentFile(PDF, name="x.pdf"),
        ),
        by=sam, now=NOW,
    )  # fmt: skip


def product_picture() -> ProductImage:
    file = PictureField().clean(SimpleUploadedFile("图.png", picture("PNG")))
    return ProductImage.objects.create(product=SKUFactory().product, file=file)


class TestFilesOfSuppliers:
    """They are of no month; what an applicant sends is a certificate."""

    @pytest.mark.parametrize(
        ("enter", "check", "kind"),
        [
            (certificate, CERTIFICATES, "certificate"),
            (batch_document, DOCUMENTS, "batch_document"),
            (product_picture, PICTURES, "picture"),
        ],
    )
    def test_are_read_too(self, enter: Callable[[], Any], check: str, kind: str) -> None:
        row = enter()
        assert found() == {}
        path = Path(row.file.path)
        damaged = {kind: row.pk, "wrong": "is missing or another file"}
        path.write_bytes(path.read_bytes() + b" ")
        assert found() == {check: [damaged]}
        assert found(month=OCTOBER) == {}
        path.unlink()
        assert found() == {check: [damaged]}
        path.mkdir()
        assert found() == {check: [damaged]}

    def test_are_read_also_where_a_picture_was_stored_twice(self) -> None:
        first, second = product_picture(), product_picture()
        assert first.file.name != second.file.name
        assert found() == {}
        Path(second.file.path).write_bytes(b"")
        assert [row["picture"] for row in found()[PICTURES]] == [second.pk]
