"""Pictures come in by the ZIP, each named after a SKU: all of them or none."""

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.refusals import Invalid
from shop.models import ListingVersion, Product, ProductImage
from shop.services.hints import twins_of
from shop.services.reviewing import submit_version
from shop.services.sheets.pictures import take_pictures
from suppliers.models import Supplier
from tests.files import packed, picture, png_of

from .conftest import MakeProduct
from .test_review_pages import member, signed_in

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def sam(supplier: Supplier) -> User:
    return member(supplier)


def zipped(tmp_path: Path, **content_by_name: bytes) -> Path:
    path = tmp_path / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in content_by_name.items():
            archive.writestr(name, content)
    return path


def stored(settings: Any) -> list[Path]:
    return [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


class TestTakePictures:
    def test_gives_a_draft_its_pictures_in_order(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path
    ) -> None:
        make_product(status="draft")
        path = zipped(
            tmp_path,
            **{"图/p1-kg_2.png": picture("PNG"), "图/P1-KG.jpg": picture("JPEG")},
        )
        take_pictures(path, supplier=supplier, by=sam, now=NOW)
        files = ProductImage.objects.order_by("position").values_list("file", flat=True)
        assert [name.rpartition(".")[2] for name in files] == ["jpeg", "png"]

    def test_sends_a_listed_products_pictures_to_review(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path
    ) -> None:
        make_product()
        take_pictures(
            zipped(tmp_path, **{"P1-KG.png": picture("PNG")}), supplier=supplier, by=sam, now=NOW
        )
        assert not ProductImage.objects.exists()
        assert len(ListingVersion.objects.get().content["images"]) == 1

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("P1-KG.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            ("P1-KG.png", png_of(60_000, 60_000)),
            ("P1-KG.png", packed(30)),
            ("P1-KG.png", b""),
            ("NO-SUCH.png", picture("PNG")),
            ("OTHER-KG.png", picture("PNG")),
            ("readme.txt", b"x"),
        ],
    )
    def test_takes_none_when_one_is_wrong(
        self, supplier: Supplier, make_supplier: Any, make_product: MakeProduct, sam: User,
        tmp_path: Path, settings: Any, name: str, content: bytes,
    ) -> None:  # fmt: skip
        make_product(status="draft")
        make_product("OTHER", supplier=make_supplier("other"))
        path = zipped(tmp_path, **{"P1-KG_1.jpg": picture("JPEG"), name: content})
        with pytest.raises(Invalid) as refusal:
            take_pictures(path, supplier=supplier, by=sam, now=NOW)
        assert str(refusal.value.errors[0].detail).startswith(f"{name}: ")
        assert not ProductImage.objects.exists()
        assert stored(settings) == []

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", picture("PNG")])
    def test_refuses_what_is_no_zip(
        self, supplier: Supplier, sam: User, tmp_path: Path, content: bytes
    ) -> None:
        path = tmp_path / "bad.zip"
        path.write_bytes(content)
        with pytest.raises(Invalid):
            take_pictures(path, supplier=supplier, by=sam, now=NOW)

    def test_unpacks_no_more_than_a_picture_may_have(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path
    ) -> None:
        make_product(status="draft")
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("P1-KG.png", bytes(200 * 1024**2))
        with pytest.raises(Invalid):
            take_pictures(path, supplier=supplier, by=sam, now=NOW)

    def test_makes_the_same_picture_known_again(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path
    ) -> None:
        make_product("P1", status="draft", name="鲜鱼")
        make_product("P2", status="draft", name="红米酒")
        same = picture("PNG")
        path = zipped(tmp_path, **{"P1-KG.png": same, "P2-KG.png": same})
        take_pictures(path, supplier=supplier, by=sam, now=NOW)
        version = submit_version(Product.objects.get(code="P1"), by=sam, now=NOW)
        (twin,) = twins_of(version)
        assert (twin.code, twin.same_image, twin.same_name) == ("P2", True, False)


class TestPage:
    def test_takes_a_zip(self, supplier: Supplier, make_product: MakeProduct, sam: User) -> None:
        make_product(status="draft")
        file = BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("P1-KG.png", picture("PNG"))
        sent = {"pictures-file": SimpleUploadedFile("图片.zip", file.getvalue())}
        signed_in(sam).post("/admin/shop/product/pictures/", sent)
        assert ProductImage.objects.count() == 1

    def test_says_which_file_is_wrong(self, supplier: Supplier, sam: User) -> None:
        file = BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("X.png", picture("PNG"))
        sent = {"pictures-file": SimpleUploadedFile("图片.zip", file.getvalue())}
        page = signed_in(sam).post("/admin/shop/product/pictures/", sent, follow=True)
        assert "X.png" in page.content.decode()
