"""Scans attached to a declaration are kept as they are, and hostile ones not at all."""

import io
import resource
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from accounts.models import AuditEntry, User
from accounts.services.uploads import MAX_SIZE
from reports.models import Declaration, DeclarationEvidence
from reports.services.declarations import evidence as evidence_service
from reports.services.declarations.answering import describe
from tests.files import PDF, REMARK, chunk, packed, picture, png_of, with_remarks, zip_bomb

from .ledger import bearer, person
from .test_declarations import receive, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def office() -> User:
    return person("olga")


@pytest.fixture
def declaration() -> Declaration:
    return receive(text({}))


@pytest.fixture
def attach(client: Client, office: User, declaration: Declaration) -> Any:
    """Attach a file as the office, or as somebody else."""
    own = bearer(office)

    def post(
        content: bytes, *, name: str = "scan.png", title: str = "签收单",
        headers: dict[str, str] = own, **more: str,
    ) -> Any:  # fmt: skip
        return client.post(
            f"/api/v1/declarations/{declaration.pk}/evidence/",
            {"file": SimpleUploadedFile(name, content), "title": title, **more},
            headers={**headers, "Accept-Language": "en"},
        )

    return post


def kept(tmp_path: Path) -> list[str]:
    """Return what lies in the folder of evidence."""
    return sorted(path.name for path in (tmp_path / "evidence").glob("**/*"))


def reason(answer: Any) -> tuple[int, str, str]:
    problem = answer.json()
    return answer.status_code, problem["code"], problem["errors"][0]["code"]


class TestAttaching:
    @pytest.mark.parametrize(
        ("content", "media_type", "suffix"),
        [
            (PDF, "application/pdf", "pdf"),
            (picture("PNG"), "image/png", "png"),
            (picture("JPEG"), "image/jpeg", "jpeg"),
        ],
    )
    def test_keeps_a_scan_under_a_name_of_our_own(
        self, client: Client, attach: Any, office: User, tmp_path: Path,
        content: bytes, media_type: str, suffix: str,
    ) -> None:  # fmt: skip
        answer = attach(content, name="骗人的.exe")
        assert answer.status_code == 201
        file = answer.json()
        assert (file["media_type"], file["title"], file["uploaded_by"]) == (
            media_type, "签收单", "olga"
        )  # fmt: skip
        assert kept(tmp_path) == [f"{file['id']}.{suffix}"]
        served = client.get(answer["Location"], headers=bearer(office))
        content = b"".join(served.streaming_content)  # type: ignore[attr-defined]
        assert len(content) == file["size"]
        assert served["Content-Type"] == media_type
        assert served["Content-Disposition"] == f'attachment; filename="{file["id"]}.{suffix}"'
        assert served["X-Content-Type-Options"] == "nosniff"

    @pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
    def test_keeps_of_a_picture_only_the_picture(
        self, attach: Any, tmp_path: Path, file_format: str
    ) -> None:
        content = with_remarks(file_format) + b"<script>alert(1)</script>"
        assert REMARK.encode() in content
        attach(content)
        path = tmp_path / "evidence" / kept(tmp_path)[0]
        for said in (REMARK.encode(), b"GPS", b"Exif", b"script"):
            assert said not in path.read_bytes()
        with Image.open(path) as image:
            assert image.format == file_format
            # It stands upright: what was left is now above.
            assert image.size == (20, 30)
            red, green, _blue = image.convert("RGB").getpixel((10, 5))  # type: ignore[misc]
            assert red > 200 > 100 > green

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
    def test_takes_pictures_of_every_kind_of_pixel(self, attach: Any, mode: str) -> None:
        file = io.BytesIO()
        Image.new(mode, (9, 9)).save(file, "JPEG" if mode == "CMYK" else "PNG")
        assert attach(file.getvalue()).status_code == 201

    def test_is_recorded_and_named_by_the_declaration(
        self, attach: Any, client: Client, office: User, declaration: Declaration
    ) -> None:
        file = attach(picture("PNG")).json()
        record = AuditEntry.objects.get(action="attach_evidence")
        assert (record.subject, record.by) == (str(declaration.pk), office)
        assert record.after is not None
        assert (record.after["evidence"], record.after["sha256"]) == (file["id"], file["sha256"])
        assert [named["id"] for named in describe(declaration)["evidence"]] == [file["id"]]
        headers = bearer(office)
        address = f"/api/v1/declarations/{declaration.pk}/"
        assert client.get(address, headers=headers).json()["evidence"][0]["title"] == "签收单"
        listed = client.get(f"{address}evidence/", headers=headers).json()["results"]
        assert listed == [file]
        traced = client.get(f"/api/v1/trace/?declaration={declaration.pk}", headers=headers).json()
        assert traced["declarations"][0]["evidence"] == [file]

    def test_is_shown_on_the_page_of_the_trace(
        self, attach: Any, client: Client, office: User, declaration: Declaration
    ) -> None:
        sha256 = attach(PDF, title="三月合同").json()["sha256"]
        client.force_login(office)
        page = client.get("/trace/", {"of": "declaration", "key": f"{declaration.pk}"})
        assert "三月合同" in page.content.decode()
        assert sha256 in page.content.decode()

    def test_refuses_the_same_content_twice_but_not_for_another_declaration(
        self, attach: Any, office: User, tmp_path: Path
    ) -> None:
        assert attach(PDF).status_code == 201
        again = attach(PDF, title="另一个名字")
        assert (again.status_code, again.json()["code"]) == (409, "already_attached")
        assert len(kept(tmp_path)) == 1
        other = receive(text({"amount": "1"}))
        evidence_service.attach_evidence(
            other, [PDF], title="合同", by=office, now=other.uploaded_at
        )
        assert len(kept(tmp_path)) == 2

    def test_never_changes(self, attach: Any) -> None:
        attach(PDF)
        for sql in (
            "UPDATE reports_declarationevidence SET title = 'X'",
            "DELETE FROM reports_declarationevidence",
            "SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE reports_declarationevidence",
        ):
            with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql)

    @pytest.mark.parametrize(
        "wrong", [{"title": ""}, {"size": 0}, {"sha256": "X"}, {"media_type": "text/html"}]
    )
    def test_is_whole_even_without_the_service(
        self, declaration: Declaration, office: User, wrong: dict[str, Any]
    ) -> None:
        values = {"title": "合同", "size": 1, "sha256": "0" * 64, "media_type": "image/png"}
        with pytest.raises(IntegrityError, match="evidence_is_whole"):
            DeclarationEvidence.objects.create(
                declaration=declaration, uploaded_by=office,
                uploaded_at=declaration.uploaded_at, **{**values, **wrong},
            )  # fmt: skip

    def test_costs_as_many_queries_to_list_one_as_many(
        self, attach: Any, client: Client, office: User, declaration: Declaration
    ) -> None:
        headers, counts = bearer(office), list[int]()
        client.get("/api/v1/months/", headers=headers)
        for widths in ([10], range(11, 19)):
            for width in widths:
                attach(picture("PNG", size=(width, 5)))
            for address in ("", "evidence/"):
                with CaptureQueriesContext(connection) as queries:
                    client.get(f"/api/v1/declarations/{declaration.pk}/{address}", headers=headers)
                counts.append(len(queries))
        assert counts[:2] == counts[2:]


class TestWhoMay:
    def test_an_auditor_reads_and_does_not_attach(
        self, attach: Any, client: Client, declaration: Declaration
    ) -> None:
        auditor = bearer(person("anna", role="auditor"))
        location = attach(PDF)["Location"]
        served = client.get(location, headers=auditor)
        assert b"".join(served.streaming_content) == PDF  # type: ignore[attr-defined]
        assert attach(picture("PNG"), headers=auditor).status_code == 403

    def test_others_neither_read_nor_attach(self, attach: Any, client: Client) -> None:
        stranger = bearer(person("bob", role=""))
        location = attach(PDF)["Location"]
        collection = location.rsplit("/", 2)[0] + "/"
        for address in (location, collection):
            assert client.get(address, headers=stranger).status_code == 403
            assert client.get(address).status_code == 401
        assert attach(picture("PNG"), headers=stranger).status_code == 403

    def test_a_file_is_found_under_its_own_declaration_only(
        self, attach: Any, client: Client, office: User, declaration: Declaration
    ) -> None:
        other = receive(text({"amount": "1"}))
        location = attach(PDF)["Location"]
        headers = bearer(office)
        for address in (
            location.replace(str(declaration.pk), str(other.pk)),
            f"/api/v1/declarations/{declaration.pk}/evidence/{other.pk}/",
            "/api/v1/declarations/00000000-0000-4000-8000-000000000000/evidence/",
        ):
            assert client.get(address, headers=headers).status_code == 404

    def test_a_damaged_file_is_never_served(
        self, attach: Any, client: Client, office: User, tmp_path: Path
    ) -> None:
        location = attach(PDF)["Location"]
        path = tmp_path / "evidence" / kept(tmp_path)[0]
        path.write_bytes(PDF + b" ")
        headers = bearer(office)
        assert client.get(location, headers=headers).json()["code"] == "evidence_corrupt"
        path.unlink()
        assert client.get(location, headers=headers).status_code == 409

    def test_the_admin_shows_it_and_changes_nothing(self, attach: Any, client: Client) -> None:
        file = attach(PDF).json()
        admin = person("root", role="admin")
        admin.is_staff = True
        admin.save()
        client.force_login(admin)
        address = "/admin/reports/declarationevidence/"
        assert file["title"] in client.get(address).content.decode()
        assert client.get(f"{address}add/").status_code == 403
        assert client.post(f"{address}{file['id']}/change/", {"title": "X"}).status_code == 403
        assert client.get(f"{address}{file['id']}/delete/").status_code == 403


class TestHostile:
    """A clear answer, nothing kept, and never much memory."""

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "unknown_type"),
            (b"<!doctype html><script>alert(1)</script>", "unknown_type"),
            (b"GIF89a/*\x01\x00*/=alert(1)//", "unknown_type"),
            (zip_bomb(), "unknown_type"),
            (b"\n" + PDF, "unknown_type"),
            (b"x", "unknown_type"),
            (picture("PNG", size=(99, 99))[:120], "broken"),
            (picture("JPEG", size=(99, 99))[:400], "broken"),
            (b"\x89PNG\r\n\x1a\n", "broken"),
            (b"\xff\xd8\xff\xe0" + bytes(100), "broken"),
            (png_of(3_000, 3_000, zlib.compress(bytes(100))), "broken"),
            (png_of(60_000, 60_000, zlib.compress(bytes(100))), "too_many_pixels"),
            (png_of(6_001, 6_000), "too_many_pixels"),
            (png_of(12_000, 9_000), "too_many_pixels"),
            (PDF[:-7], "broken"),
            (PDF.replace(b"/Root", b"/Encrypt 2 0 R/Root"), "encrypted"),
            (PDF.replace(b"/Root", b"/Encrypt<</V 5>>/Root"), "encrypted"),
            (PDF.replace(b"/Type", b"/OpenAction<</S/JavaScript/JS(app.alert(1))>>/Type"),
             "active_content"),
            (PDF.replace(b"/Type", b"/AA<</O<</S/J#61va#53cript/JS 9 0 R>>>>/Type"),
             "active_content"),
            (PDF.replace(b"/Type", b"/A<</S/Rendition/JS 9 0 R>>/Type"), "active_content"),
            (PDF.replace(b"/Type", b"/Names<</EmbeddedFiles 3 0 R>>/Type"), "active_content"),
            (PDF.replace(b"/Type", b"/A<</S /Launch/F(cmd.exe)>>/Type"), "active_content"),
        ],
    )  # fmt: skip
    def test_files_are_refused(self, attach: Any, tmp_path: Path, content: bytes, why: str) -> None:
        assert reason(attach(content)) == (400, "file_rejected", why)
        assert kept(tmp_path) == []
        assert not DeclarationEvidence.objects.exists()
        assert not AuditEntry.objects.filter(action="attach_evidence").exists()

    def test_names_that_only_begin_like_a_bad_one_are_none(self, attach: Any) -> None:
        metadata = PDF.replace(b"/Type", b"/EncryptMetadata false/LaunchPad 1/Type")
        assert attach(metadata).status_code == 201

    def test_files_that_are_too_large_are_refused(self, attach: Any, tmp_path: Path) -> None:
        answer = attach(PDF + bytes(MAX_SIZE))
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert kept(tmp_path) == []

    def test_a_name_goes_nowhere(self, attach: Any, tmp_path: Path) -> None:
        names = ["../../../etc/cron.d/x.png", "a\r\nSet-Cookie: x=1.png", "C:\\x"]
        for n, name in enumerate(names):
            file = attach(picture("PNG", size=(10 + n, 10)), name=name)
            assert file.status_code == 201
        assert all(name.endswith(".png") and len(name) == 40 for name in kept(tmp_path))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["declarations", "evidence"]

    @pytest.mark.parametrize("title", ["", " ", "a\r\nSet-Cookie: x=1", "\u202egnp", "x" * 101])
    def test_titles_are_refused_that_nobody_could_read(
        self, attach: Any, tmp_path: Path, title: str
    ) -> None:
        answer = attach(PDF, title=title)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/title"
        assert kept(tmp_path) == []

    def test_unknown_fields_are_refused(self, attach: Any, tmp_path: Path) -> None:
        assert reason(attach(PDF, media_type="text/html"))[2] == "unknown_field"
        assert kept(tmp_path) == []

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (png_of(60_000, 60_000, packed(500)), "too_many_pixels"),
            (png_of(10, 10, more=chunk(b"zTXt", b"Comment\0\0" + packed(500))), "broken"),
            (png_of(10, 10, more=chunk(b"iCCP", b"icc\0\0" + packed(500))), "broken"),
            (PDF[:-7] + b"#41" * 6_000_000 + b"\n%%EOF", ""),
        ],
        ids=["pixels", "remark", "profile", "escapes"],
    )
    def test_bombs_take_no_memory(self, attach: Any, content: bytes, why: str) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        answer = attach(content)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024
        assert answer.status_code == 201 if not why else reason(answer)[2] == why
