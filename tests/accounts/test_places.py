"""Places and categories are named in the reader's language."""

from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from opencc import OpenCC

from accounts.models import Division, Pairing, name_field
from shop.models import Category
from tests.factories import SupplierFactory, UserFactory

pytestmark = pytest.mark.django_db


class TestLocalName:
    @pytest.mark.parametrize(
        ("language", "name"),
        [
            ("zh-hans", "瓮安县"),
            ("zh-hant", "甕安縣"),
            ("en", "Weng'an County"),
            # A language that nothing is named in reads as the default one does.
            ("fr", "瓮安县"),
        ],
    )
    def test_is_the_readers(self, language: str, name: str) -> None:
        with translation.override(language):
            division = Division.objects.get(code="522725")
            assert division.local_name == name
            assert str(division) == f"{name} 522725"
            assert Division.objects.values_list(name_field(), flat=True).get(pk="522725") == name

    def test_of_both_sides_names_a_pairing(self) -> None:
        pairing = Pairing.objects.get(district="440105", county="522725")
        with translation.override("zh-hant"):
            assert str(pairing) == "海珠區 – 甕安縣"

    @pytest.mark.parametrize("model", [Division, Category])
    def test_of_all_that_ships_is_as_the_catalogues_convert(self, model: Any) -> None:
        convert = OpenCC("s2hk").convert
        rows = list(model.objects.values_list("name", "name_hant"))
        assert rows
        assert [hant for _, hant in rows] == [convert(name) for name, _ in rows]


class TestPages:
    @pytest.mark.parametrize(
        ("language", "name"), [("zh-hans", "长顺县"), ("zh-hant", "長順縣"), ("en", "Changshun")]
    )
    def test_let_applicants_choose_their_county_by_its_local_name(
        self, client: Client, language: str, name: str
    ) -> None:
        page = client.get("/apply/", headers={"Accept-Language": language}).content.decode()
        assert f">{name}" in page

    def test_list_suppliers_with_their_county_by_its_local_name(self, client: Client) -> None:
        SupplierFactory.create()
        client.force_login(UserFactory.create(role="reviewer", is_staff=True))
        page = client.get("/admin/suppliers/supplier/", headers={"Accept-Language": "zh-hant"})
        assert "長順縣" in page.content.decode()
        assert "长顺县" not in page.content.decode()
