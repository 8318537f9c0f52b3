"""Pictures of products come in through the admin, redrawn, or not at all."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.forms import Form
from django.test import Client

from accounts.models import User
from shop.models import Product, ProductImage
from suppliers.models import SupplierMember
from tests.files import picture, png_of, with_remarks

from .conftest import MakeProduct


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def product(make_product: MakeProduct, client: Client) -> Product:
    """A draft, whose supplier's person is signed in."""
    product = make_product(status="draft")
    sam = User.objects.create_user("sam", is_staff=True)
    SupplierMember.objects.create(supplier=product.supplier, user=sam)
    client.force_login(sam)
    return product


def add(client: Client, product: Product, content: bytes, name: str = "鲟鱼.png") -> Any:
    """Save the product's page as it stands, with one more picture."""
    address = f"/admin/shop/product/{product.pk}/change/"
    page = client.get(address)
    values: dict[str, Any] = {}
    forms: list[Form] = [page.context["adminform"].form]
    for inline in page.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            values[field.html_name] = "" if value is None else value
    values |= {
        "images-TOTAL_FORMS": "1",
        "images-0-id": "",
        "images-0-product": product.pk,
        "images-0-caption": "",
        "images-0-position": "0",
        "images-0-file": SimpleUploadedFile(name, content),
    }
    return client.post(address, values)


class TestPictures:
    def test_are_drawn_anew_under_a_name_of_our_own(
        self, client: Client, product: Product, tmp_path: Path
    ) -> None:
        answer = add(client, product, with_remarks("JPEG") + b"<script>")
        assert answer.status_code == 302
        image = ProductImage.objects.get()
        assert image.file.name.startswith("products/")
        assert image.file.name.endswith(".jpeg")
        kept = (tmp_path / image.file.name).read_bytes()
        assert b"script" not in kept
        assert b"GPS" not in kept

    @pytest.mark.parametrize(
        "content",
        [b"<svg xmlns='http://www.w3.org/2000/svg'/>", png_of(60_000, 60_000), picture("PNG")[:60]],
    )
    def test_are_refused_by_name_and_nothing_is_kept(
        self, client: Client, product: Product, tmp_path: Path, content: bytes
    ) -> None:
        answer = add(client, product, content)
        assert answer.status_code == 200
        assert "鲟鱼.png：" in answer.content.decode()
        assert not ProductImage.objects.exists()
        assert not (tmp_path / "products").exists()
