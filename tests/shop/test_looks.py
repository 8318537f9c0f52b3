"""A picture is known again when it was scaled, brightened or saved anew."""

import io
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image, ImageEnhance

from shop.models import Product, ProductImage
from shop.services.content import apply_content, content_of
from shop.services.hints import NEAR, Twin, twins_of
from shop.services.looks import BLANK, look_of
from shop.services.reviewing import submit_version
from shop.tasks import look_at_pictures
from tests.files import picture

from .conftest import MakeProduct
from .test_review_pages import member

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


def photo(seed: int) -> Image.Image:
    """Return a picture with light and shade, another one for each seed."""
    shades = random.Random(seed).randbytes(3 * 6 * 5)
    return Image.frombytes("RGB", (6, 5), shades).resize((600, 500), Image.Resampling.BICUBIC)


def stored(image: Image.Image, file_format: str = "JPEG", **options: Any) -> str:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return default_storage.save(f"products/x.{file_format.lower()}", ContentFile(file.getvalue()))


def distance(one: str, other: str) -> int:
    return ((look_of(one) ^ look_of(other)) & (2**64 - 1)).bit_count()


class TestLookOf:
    @pytest.mark.parametrize("seed", range(5))
    def test_stays_near_when_a_picture_is_scaled_brightened_or_saved_anew(self, seed: int) -> None:
        image = photo(seed)
        first = stored(image, quality=95)
        for other in (
            stored(image, quality=30),
            stored(image, "PNG"),
            stored(image.resize((150, 125))),
            stored(image.resize((1_500, 1_250)), "PNG"),
            stored(image.convert("L")),
            stored(image.convert("CMYK")),
            stored(image.convert("RGBA"), "PNG"),
            stored(ImageEnhance.Brightness(image).enhance(0.9)),
            stored(image.crop((6, 5, 594, 495))),
        ):
            assert distance(first, other) <= NEAR

    def test_tells_pictures_apart(self) -> None:
        names = [stored(photo(seed)) for seed in range(20)]
        far = [distance(one, other) for one in names for other in names if one < other]
        assert min(far) > NEAR

    def test_is_blank_where_nothing_is_seen(self) -> None:
        assert look_of(stored(Image.new("RGB", (300, 200), "white"))) == BLANK
        damaged = default_storage.save("products/y.png", ContentFile(picture("PNG")[:60]))
        assert look_of(damaged) == BLANK
        assert look_of("products/missing.png") == BLANK


class TestTask:
    def test_looks_at_each_picture_once(
        self, make_product: MakeProduct, django_assert_num_queries: Any
    ) -> None:
        product = make_product()
        name = stored(photo(1))
        for file in (name, "products/missing.png"):
            ProductImage.objects.create(product=product, file=file)
        look_at_pictures()
        assert set(ProductImage.objects.values_list("look", flat=True)) == {look_of(name), BLANK}
        with django_assert_num_queries(1):
            look_at_pictures()

    def test_does_not_look_again_when_a_version_keeps_a_picture(
        self, make_product: MakeProduct
    ) -> None:
        product = make_product()
        ProductImage.objects.create(product=product, file=stored(photo(1)), look=7)
        content = content_of(product, day=DAY)
        content["images"].append({"file": stored(photo(2)), "caption": ""})
        apply_content(product, content, day=DAY)
        assert list(product.images.values_list("look", flat=True)) == [7, None]


class TestHint:
    @pytest.fixture
    def twins(self, make_product: MakeProduct, make_supplier: Any) -> Any:
        """Ask what looks like a draft with this picture, beside another supplier's product."""
        other = make_product("P2", supplier=make_supplier("other", name="某合作社"), name="红米酒")
        image = ProductImage.objects.create(product=other, file=stored(photo(1)))

        def ask(name: str) -> list[Twin]:
            look_at_pictures()
            product: Product = make_product("P1", status="draft")
            ProductImage.objects.create(product=product, file=name)
            version = submit_version(product, by=member(product.supplier), now=NOW)
            return twins_of(version)

        ask.image = image  # type: ignore[attr-defined]
        return ask

    def test_names_the_product_and_supplier_of_a_like_picture(self, twins: Any) -> None:
        (twin,) = twins(stored(photo(1).resize((300, 250)), quality=40))
        assert (twin.code, twin.supplier) == ("P2", "某合作社")
        assert (twin.like_image, twin.same_image, twin.same_name) == (True, False, False)

    def test_says_nothing_of_another_picture(self, twins: Any) -> None:
        assert twins(stored(photo(2))) == []

    @pytest.mark.parametrize("corner", [0, 20])
    def test_says_nothing_of_pictures_without_a_look(self, twins: Any, corner: int) -> None:
        blank = stored(Image.new("RGB", (80, 80), "black"))
        ProductImage.objects.filter(pk=twins.image.pk).update(file=blank)
        nearly = Image.new("RGB", (80, 80), "black")
        nearly.paste("white", (0, 0, corner, corner))
        assert twins(stored(nearly, "PNG")) == []
