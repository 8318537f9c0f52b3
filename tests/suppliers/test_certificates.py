"""Certificates come with their files, which few may read and nobody changes once checked."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden
from suppliers.models import Certificate, Supplier
from suppliers.services.certificates import (
    CertificateChecked,
    NothingToCheck,
    check_certificate,
    enter_certificate,
    uncheck_certificate,
)
from tests.factories import SupplierFactory
from tests.files import PDF, picture, png_of, with_remarks, zip_bomb

from .conftest import MakeUser

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def supplier(db: None) -> Supplier:
    return SupplierFactory()


@pytest.fixture
def sam(make_user: MakeUser, supplier: Supplier) -> User:
    """Sam works for the supplier."""
    return make_user("sam", supplier=supplier)


@pytest.fixture
def certificate(supplier: Supplier, sam: User) -> Certificate:
    """An organic certificate with its file, as Sam entered it."""
    return enter_certificate(
        Certificate(
            supplier=supplier, kind="organic", number="O-1", issuer="中心",
            valid_from=date(2026, 1, 1), file=ContentFile(PDF, name="x.pdf"),
        ),
        by=sam, now=NOW,
    )  # fmt: skip


def post(client: Client, address: str, content: bytes = b"", **fields: Any) -> Any:
    """Send the form of a certificate, with a file if there is one."""
    file = {"file": SimpleUploadedFile("证书.pdf", content)} if content else {}
    values = {"kind": "gi", "number": "G-1", "issuer": "知识产权局", "valid_from": "2026-01-01"}
    return client.post(address, {**values, **file, **fields}, headers={"Accept-Language": "en"})


def address_of(certificate: Certificate, what: str = "change") -> str:
    return f"/admin/suppliers/certificate/{certificate.pk}/{what}/"


ADD = "/admin/suppliers/certificate/add/"


class TestEntering:
    def test_keeps_the_file_under_a_name_of_our_own(
        self, client: Client, sam: User, supplier: Supplier, tmp_path: Path
    ) -> None:
        client.force_login(sam)
        assert post(client, ADD, with_remarks("JPEG"), supplier=supplier.pk).status_code == 302
        certificate = Certificate.objects.get()
        assert certificate.entered_by == sam
        assert certificate.file.name.endswith(".jpeg")
        assert b"GPS" not in (tmp_path / certificate.file.name).read_bytes()
        entry = AuditEntry.objects.get(action="enter_certificate")
        assert entry.after is not None
        assert entry.after["sha256"] == certificate.sha256

    def test_begins_with_the_own_supplier(
        self, client: Client, sam: User, supplier: Supplier
    ) -> None:
        client.force_login(sam)
        assert f'<option value="{supplier.pk}" selected' in client.get(ADD).content.decode()

    @pytest.mark.parametrize(
        "content",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            zip_bomb(),
            png_of(60_000, 60_000),
            PDF + zip_bomb() * 2,
            PDF.replace(b"/Root", b"/AA<</S/JavaScript>>/Root"),
        ],
    )
    def test_refuses_hostile_files_by_name_and_keeps_nothing(
        self, client: Client, sam: User, supplier: Supplier, tmp_path: Path, content: bytes
    ) -> None:
        client.force_login(sam)
        answer = post(client, ADD, content, supplier=supplier.pk)
        assert answer.status_code == 200
        assert "证书.pdf: " in answer.content.decode()
        assert not Certificate.objects.exists()
        assert list(tmp_path.iterdir()) == []

    def test_for_another_supplier_is_refused(self, client: Client, sam: User) -> None:
        client.force_login(sam)
        assert post(client, ADD, PDF, supplier=SupplierFactory().pk).status_code == 200
        assert not Certificate.objects.exists()

    def test_may_be_corrected_until_it_is_checked(
        self, client: Client, sam: User, rita: User, certificate: Certificate, tmp_path: Path,
        django_capture_on_commit_callbacks: Any,
    ) -> None:  # fmt: skip
        client.force_login(sam)
        before = certificate.sha256
        supplier = certificate.supplier_id
        with django_capture_on_commit_callbacks(execute=True):
            answer = post(
                client, address_of(certificate), picture("PNG"), supplier=supplier, number="G-2"
            )
        assert answer.status_code == 302
        certificate.refresh_from_db()
        assert certificate.number == "G-2"
        assert certificate.sha256 != before
        assert len(list((tmp_path / "certificates").iterdir())) == 1
        check_certificate(certificate, by=rita, now=NOW)
        assert post(client, address_of(certificate), number="G-3").status_code == 403
        with pytest.raises(CertificateChecked):
            enter_certificate(certificate, by=sam, now=NOW)

    def test_without_a_new_file_keeps_the_digest_of_the_one_there_is(
        self, sam: User, certificate: Certificate, tmp_path: Path
    ) -> None:
        (tmp_path / certificate.file.name).write_bytes(PDF + b"altered")
        known = Certificate.objects.get()
        known.issuer = "另一机构"
        assert enter_certificate(known, by=sam, now=NOW).sha256 == certificate.sha256


class TestChecking:
    def test_says_who_and_when(self, client: Client, rita: User, certificate: Certificate) -> None:
        client.force_login(rita)
        address = address_of(certificate, "mark_checked")
        assert client.post(address, {"_form_submitted": "on"}).status_code == 302
        certificate.refresh_from_db()
        assert (certificate.checked_by, certificate.is_checked) == (rita, True)
        again = address_of(certificate, "take_check_back")
        assert client.post(again, {"_form_submitted": "on"}).status_code == 200
        client.post(again, {"_form_submitted": "on", "reason": "编号查无此证"})
        certificate.refresh_from_db()
        assert not certificate.is_checked
        entry = AuditEntry.objects.get(action="uncheck_certificate")
        assert (entry.by, entry.reason) == (rita, "编号查无此证")

    @pytest.mark.parametrize("role", ["", "office", "auditor"])
    def test_is_the_reviewers_alone(
        self, client: Client, make_user: MakeUser, certificate: Certificate, role: str
    ) -> None:
        other = make_user("other", role=role, supplier=None if role else certificate.supplier)
        for act in (check_certificate, lambda *a, **k: uncheck_certificate(*a, reason="x", **k)):
            with pytest.raises(Forbidden):
                act(certificate, by=other, now=NOW)
        client.force_login(other)
        address = address_of(certificate, "mark_checked")
        assert client.post(address, {"_form_submitted": "on"}).status_code == 403

    def test_needs_a_file_and_other_eyes(
        self, make_user: MakeUser, rita: User, certificate: Certificate
    ) -> None:
        Certificate.objects.update(entered_by=rita)
        with pytest.raises(Forbidden):
            check_certificate(certificate, by=rita, now=NOW)
        Certificate.objects.update(file="", sha256="", entered_by=None)
        with pytest.raises(NothingToCheck):
            check_certificate(certificate, by=rita, now=NOW)
        with pytest.raises(NothingToCheck):
            uncheck_certificate(certificate, reason="x", by=rita, now=NOW)

    @pytest.mark.parametrize(
        "fields", [{"number": "X"}, {"valid_until": "2030-01-01"}, {"file": "certificates/y.pdf"}]
    )
    def test_makes_it_stay_even_without_the_service(
        self, rita: User, certificate: Certificate, fields: dict[str, str]
    ) -> None:
        check_certificate(certificate, by=rita, now=NOW)
        with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
            Certificate.objects.update(**fields)

    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"sha256": ""}, "has_a_digest"),
            ({"sha256": "x"}, "has_a_digest"),
            ({"file": ""}, "has_a_digest"),
            ({"checked_at": NOW}, "checked_by_somebody"),
        ],
    )
    def test_refuses_what_no_service_would_write(
        self, certificate: Certificate, fields: dict[str, Any], constraint: str
    ) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Certificate.objects.update(**fields)


class TestFiles:
    def test_go_to_those_who_see_the_certificate(
        self, client: Client, sam: User, rita: User, certificate: Certificate
    ) -> None:
        for user in (sam, rita):
            client.force_login(user)
            served = client.get(certificate.file.url)
            assert b"".join(served.streaming_content) == PDF  # type: ignore[attr-defined]
            assert served["Content-Disposition"].startswith("attachment")
            assert served["X-Content-Type-Options"] == "nosniff"

    def test_go_to_nobody_else(
        self, client: Client, make_user: MakeUser, certificate: Certificate
    ) -> None:
        address = certificate.file.url
        assert client.get(address).status_code == 302
        for user in (make_user("stella", supplier=SupplierFactory()), make_user("bob")):
            client.force_login(user)
            assert client.get(address).status_code == 404
        assert client.get(f"/media/{certificate.file.name}").status_code == 404
        assert client.get("/files/certificates/none.pdf").status_code == 404

    def test_are_never_served_damaged(
        self, client: Client, sam: User, certificate: Certificate, tmp_path: Path
    ) -> None:
        client.force_login(sam)
        (tmp_path / certificate.file.name).write_bytes(b"x")
        assert client.get(certificate.file.url).status_code == 409
        (tmp_path / certificate.file.name).unlink()
        assert client.get(certificate.file.url).status_code == 409

    def test_of_business_licences_are_not_announced(
        self, client: Client, certificate: Certificate
    ) -> None:
        Certificate.objects.update(kind="business_licence")
        code = certificate.supplier.code
        assert client.get(f"/api/v1/suppliers/{code}/").json()["certificates"] == []
