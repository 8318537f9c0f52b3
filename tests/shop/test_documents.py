"""A listing needs the papers that the table asks for, and no others."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.refusals import Invalid
from shop.models import Product, RequiredDocument
from shop.services.content import content_of
from shop.services.documents import check_documents, missing_documents
from shop.services.reviewing import approve_version, submit_version
from suppliers.models import Certificate, SupplierMember

from .conftest import MakeProduct

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)


def certify(product: Product, kind: str = "food_licence", **fields: Any) -> Certificate:
    """Give a product a certificate that is valid on the day."""
    given = {"number": "1", "issuer": "-", "valid_from": DAY, "valid_until": DAY}
    certificate = Certificate.objects.create(
        supplier=product.supplier, kind=kind, **{**given, **fields}
    )
    product.certificates.add(certificate)
    return certificate


def missing(product: Product, day: date = DAY) -> list[str]:
    return [row.kind for row in missing_documents(product, content_of(product, day=day), day=day)]


@pytest.fixture
def sam(make_product: MakeProduct) -> User:
    """Sam works for the supplier."""
    return User.objects.create_user("sam")


@pytest.fixture
def processed(make_product: MakeProduct, sam: User) -> Product:
    product = make_product(status="draft", is_processed=True)
    SupplierMember.objects.create(supplier=product.supplier, user=sam)
    return product


class TestSeed:
    def test_asks_no_quarantine_certificate_of_fish_and_eggs(
        self, make_product: MakeProduct
    ) -> None:
        assert missing(make_product("F", category_id="aquatic", storage="live")) == []
        assert missing(make_product("E", category_id="eggs", storage="cool")) == []

    def test_asks_papers_of_batches_when_these_are_shipped(self) -> None:
        asked = RequiredDocument.objects.asked_of(
            category="vegetables", forms=["cool", "unprocessed"], destination="hk_macau"
        )
        told = {(row.kind, row.held_by, row.from_basket_base) for row in asked}
        assert told == {
            ("conformity", "batch", False),
            ("cold_chain", "batch", False),
            ("test_report", "batch", True),
            ("trace_code", "batch", True),
        }
        assert not asked.of_listings().exists()

    def test_asks_nothing_of_handicrafts(self, make_product: MakeProduct) -> None:
        assert missing(make_product(category_id="handicraft")) == []


class TestListing:
    def test_of_processed_food_needs_the_licence(self, processed: Product, sam: User) -> None:
        with pytest.raises(Invalid) as refusal:
            submit_version(processed, by=sam, now=NOW)
        (error,) = refusal.value.errors
        assert (error.pointer, error.code) == ("/certificates", "document_missing")
        assert "食品生产许可证" in str(error.detail)
        assert processed.versions.count() == 0
        certify(processed)
        assert submit_version(processed, by=sam, now=NOW).status == "submitted"

    def test_names_everything_that_is_missing(self, processed: Product, sam: User) -> None:
        RequiredDocument.objects.create(kind="test_report", category_id="aquatic")
        RequiredDocument.objects.create(kind="green", destination="export")
        with pytest.raises(Invalid) as refusal:
            submit_version(processed, by=sam, now=NOW)
        assert len(refusal.value.errors) == 2

    @pytest.mark.parametrize(
        "fields",
        [
            {"valid_from": DAY - timedelta(9), "valid_until": DAY - timedelta(1)},
            {"valid_from": DAY + timedelta(1), "valid_until": None},
            {"kind": "green"},
        ],
    )
    def test_is_not_helped_by_another_paper_or_another_time(
        self, processed: Product, fields: dict[str, Any]
    ) -> None:
        certify(processed, **fields)
        assert missing(processed) == ["food_licence"]

    def test_is_helped_by_what_the_supplier_holds_only_where_that_is_asked(
        self, processed: Product
    ) -> None:
        certify(processed)
        processed.certificates.clear()
        assert missing(processed) == ["food_licence"]
        RequiredDocument.objects.filter(kind="food_licence").update(held_by="supplier")
        assert missing(processed) == []

    def test_is_not_approved_once_a_paper_has_ended(
        self, processed: Product, sam: User, reviewer: User
    ) -> None:
        certify(processed)
        version = submit_version(processed, by=sam, now=NOW)
        with pytest.raises(Invalid):
            approve_version(version, by=reviewer, now=NOW + timedelta(1))

    def test_is_told_by_the_certificate_that_says_most(self, processed: Product) -> None:
        certify(processed)
        last = certify(processed, number="2", valid_until=None)
        (check,) = check_documents(processed, content_of(processed, day=DAY), day=DAY)
        assert check.certificate == last


class TestTable:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"kind": "food_licence", "form": "processed"}, "document_required_once"),
            ({"kind": "trace_code", "from_basket_base": True}, "only_batches"),
        ],
    )
    def test_refuses_rows_that_say_nothing_new_or_nothing(
        self, db: None, fields: dict[str, Any], constraint: str
    ) -> None:
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            RequiredDocument.objects.create(**fields)

    @pytest.mark.parametrize(
        ("role", "status"), [("reviewer", 302), ("admin", 302), ("office", 403), ("", 403)]
    )
    def test_is_edited_by_the_selection_centre(
        self, client: Client, processed: Product, sam: User, role: str, status: int
    ) -> None:
        User.objects.filter(pk=sam.pk).update(role=role, is_staff=True)
        client.force_login(sam)
        values = {"kind": "organic", "held_by": "product", "category": "tea"}
        answer = client.post("/admin/shop/requireddocument/add/", values)
        assert answer.status_code == status
        assert RequiredDocument.objects.filter(kind="organic").exists() is (status == 302)
