"""What an upload left that was undone is cleared away; what anything shows stays."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client

from accounts.forms import PictureField
from shop.models import ListingVersion, Product, ProductImage
from shop.services.content import content_of
from shop.services.leftovers import clear_pictures
from shop.services.reviewing import submit_version
from shop.tasks import clear_leftovers
from tests.files import picture

from .conftest import MakeProduct
from .test_review_pages import member

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = settings.DATA_DIR = tmp_path


def age(name: str, **by: float) -> None:
    """Let a file be this much older than NOW."""
    moment = (NOW - timedelta(**by)).timestamp()
    os.utime(default_storage.path(name), (moment, moment))


def stored() -> str:
    return default_storage.save("products/x.png", ContentFile(b"x"))


@pytest.fixture
def undone(make_product: MakeProduct) -> str:
    """A picture that a form wrote before its transaction was rolled back."""
    product = make_product("DRAFT", status="draft")
    with transaction.atomic():
        file = PictureField().clean(SimpleUploadedFile("图.png", picture("PNG")))
        name = ProductImage.objects.create(product=product, file=file).file.name
        transaction.set_rollback(True)
    assert not ProductImage.objects.exists()
    return name


class TestClearPictures:
    def test_takes_what_was_undone_a_day_ago(self, undone: str) -> None:
        age(undone, hours=23)
        assert clear_pictures(now=NOW) == 0
        assert default_storage.exists(undone)
        age(undone, hours=25)
        assert clear_pictures(now=NOW) == 1
        assert not default_storage.exists(undone)

    def test_leaves_what_a_product_shows(self, make_product: MakeProduct, undone: str) -> None:
        shown = ProductImage.objects.create(product=make_product(), file=stored()).file.name
        for name in (shown, undone):
            age(name, days=2)
        assert clear_pictures(now=NOW) == 1
        assert default_storage.exists(shown)

    @pytest.mark.parametrize("status", ["submitted", "returned", "approved"])
    def test_leaves_what_a_version_shows_or_showed(
        self, make_product: MakeProduct, status: str
    ) -> None:
        product: Product = make_product()
        wanted, before = stored(), stored()
        content = content_of(product, day=date(2026, 11, 24))
        images = [{"file": wanted, "caption": ""}]
        version = submit_version(
            product, content={**content, "images": images}, by=member(product.supplier), now=NOW
        )
        decided = {"decided_by": version.submitted_by, "decided_at": NOW}
        ListingVersion.objects.filter(pk=version.pk).update(
            before={**content, "images": [{"file": before, "caption": ""}]}
        )
        if status != "submitted":
            somebody = member(product.supplier, "other")
            decided["decided_by"] = somebody
            reason = "price" if status == "returned" else ""
            ListingVersion.objects.filter(pk=version.pk).update(
                status=status, reason=reason, **decided
            )
        for name in (wanted, before):
            age(name, days=9)
        assert clear_pictures(now=NOW) == 0
        assert default_storage.exists(wanted)
        assert default_storage.exists(before)

    def test_runs_by_itself_and_where_there_is_nothing(self, undone: str, tmp_path: Path) -> None:
        path = Path(default_storage.path(undone))
        os.utime(path, (0, 0))
        clear_leftovers()
        assert not path.exists()
        path.parent.rmdir()
        clear_leftovers()


class TestClearSheets:
    def test_takes_previews_that_nobody_took_over(
        self, make_product: MakeProduct, client: Client, tmp_path: Path
    ) -> None:
        client.force_login(member(make_product().supplier))
        for _ in range(2):
            sent = SimpleUploadedFile("表.csv", "规格编码,库存\nP1-KG,9\n".encode())
            client.post("/admin/shop/product/upload/", {"file": sent})
        young, old = (tmp_path / "sheets").iterdir()
        os.utime(old, (0, 0))
        clear_leftovers()
        assert list((tmp_path / "sheets").iterdir()) == [young]
