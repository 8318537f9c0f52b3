"""Anybody may read where a batch is from and where it went, and nothing about persons."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from orders.models import Address, Buyer, LineBatch, Order, OrderLine
from shop.models import Batch, BatchDocument
from shop.services.batches import recall_batch, save_document
from suppliers.models import Base, Certificate
from tests.factories import BatchFactory, SupplierMemberFactory, UserFactory
from tests.files import picture

from .deliveries import shipped

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def batch() -> Batch:
    """A batch of the eggs of the first of twenty lines, with a base."""
    line = shipped(*[{}] * 20).lines[0]
    product = line.sku.product
    base = Base.objects.create(
        supplier=product.supplier, code="b", name="林下基地", county_id="522729", area_mu=9,
        is_vegetable_basket=True,
    )  # fmt: skip
    batch = BatchFactory(product=product, code="B-1", base=base, trace_code="ABCDEFGH2345")
    sent = line.shipments.get().shipment
    LineBatch.objects.create(shipment=sent, line=line, batch=batch, quantity=10, drawn=10)
    return batch


def document_of(batch: Batch, *, content: bytes = b"", number: str = "T-1", **fields: Any) -> Any:
    file = ContentFile(content, name=f"{number}.png") if content else ""
    given = {"kind": "test_report", "issuer": "州检测院", "issued_on": date(2026, 11, 1)}
    return save_document(
        BatchDocument(batch=batch, number=number, file=file, **(given | fields)),
        by=SupplierMemberFactory(supplier=batch.supplier).user,
        now=timezone.now(),
    )


def page(
    client: Client, code: str = "ABCDEFGH2345", status: int = 200, language: str = "en"
) -> str:
    answer = client.get(f"/trace/{code}/", headers={"Accept-Language": language})
    assert answer.status_code == status
    return answer.content.decode()


def recall(batch: Batch) -> None:
    by = UserFactory(role=User.Role.REVIEWER, last_name="王审")
    recall_batch(batch, reason="农残<超标>", by=by, now=timezone.now())


class TestPage:
    def test_says_where_it_is_from_and_where_it_went(self, client: Client, batch: Batch) -> None:
        document_of(batch)
        shown = page(client, language="zh-CN")
        for text in (
            "长顺绿壳鸡蛋", "黔南布依族苗族自治州长顺县", "林下基地", "菜篮子基地",
            "B-1", "2026-11-01", "检测报告", "T-1", "州检测院",
            "广州市海珠区", "10 件", "<svg",
        ):  # fmt: skip
            assert text in shown, text

    def test_names_no_person_and_no_buyer(self, client: Client, batch: Batch) -> None:
        recall(batch)
        Buyer.objects.update(name="机关食堂", code="BUY-1")
        Address.objects.update(consignee="陈小明", phone="13812341234", street="新港东路1号")
        shown = page(client)
        number = Order.objects.get().number
        for secret in (
            "机关食堂", "BUY-1", "陈小明", "13812341234", "新港东路", "王审", number,
        ):  # fmt: skip
            assert secret not in shown, secret

    @pytest.mark.parametrize("typed", ["abcdefgh2345", "ABCD-EFGH-2345", "abcd efgh 2345"])
    def test_is_found_however_the_code_is_typed(
        self, client: Client, batch: Batch, typed: str
    ) -> None:
        assert "B-1" in page(client, typed)

    @pytest.mark.parametrize("code", ["ABCDEFGH2346", "1", "B-1", "<script>", "é" * 100])
    def test_of_no_batch_is_a_friendly_refusal(
        self, client: Client, batch: Batch, code: str
    ) -> None:
        shown = page(client, code, status=404)
        assert "Trace code not found" in shown
        assert "<script>" not in shown.partition("<main>")[2]

    def test_leaves_the_auditors_page_alone(self, client: Client, batch: Batch) -> None:
        assert client.get("/trace/").status_code == 302

    @pytest.mark.parametrize(
        ("language", "text"),
        [("zh-CN", "该批次已召回"), ("zh-HK", "該批次已召回"), ("en", "This batch is recalled")],
    )
    def test_warns_of_a_recall(
        self, client: Client, batch: Batch, language: str, text: str
    ) -> None:
        assert text not in page(client, language=language)
        recall(batch)
        shown = page(client, language=language)
        assert text in shown
        assert "农残&lt;超标&gt;" in shown
        assert text in client.get(
            "/trace/ABCDEFGH2345/label/", headers={"Accept-Language": language}
        ).content.decode()  # fmt: skip

    def test_says_that_it_expired(self, client: Client, batch: Batch) -> None:
        assert "It was good until" not in page(client)
        Batch.objects.update(expires_on=date(2026, 11, 2))
        assert "It was good until 2026-11-02." in page(client)

    def test_shows_certificates_that_are_valid(self, client: Client, batch: Batch) -> None:
        for number, valid_until in (("GI-1", None), ("OLD-1", date(2021, 1, 1))):
            certificate = Certificate.objects.create(
                supplier=batch.supplier, kind="gi", number=number, issuer="-",
                valid_from=date(2020, 1, 1), valid_until=valid_until,
            )  # fmt: skip
            batch.product.certificates.add(certificate)
        shown = page(client)
        assert "GI-1" in shown
        assert "OLD-1" not in shown

    def test_asks_as_often_for_twenty_of_each_as_for_one(
        self, client: Client, batch: Batch
    ) -> None:
        document_of(batch)

        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                page(client)
            return len(queries)

        before = asked()
        for line in OrderLine.objects.filter(batches=None):
            document_of(batch, number=f"T-{line.number}")
            sent = line.shipments.get().shipment
            LineBatch.objects.create(shipment=sent, line=line, batch=batch, quantity=1, drawn=1)
        assert asked() == before
        assert page(client).count('<td class="number">') == 20

    def test_is_read_only_so_often_in_a_minute(
        self, client: Client, batch: Batch, settings: Any
    ) -> None:
        settings.THROTTLE_ENABLED = True
        settings.THROTTLE_PER_MINUTE = {"address_read": 2}
        page(client)
        page(client)
        answer = client.get("/trace/ABCDEFGH2345/")
        assert answer.status_code == 429
        assert 1 <= int(answer["Retry-After"]) <= 61
        assert client.get("/trace/ABCDEFGH2345/label/").status_code == 429


class TestDocuments:
    def test_are_handed_out_once_public(self, client: Client, batch: Batch) -> None:
        document = document_of(batch, content=picture("PNG"), is_public=True)
        address = f"/trace/ABCDEFGH2345/documents/{document.pk}/"
        assert address in page(client)
        answer = client.get(address)
        assert b"".join(answer.streaming_content) == picture("PNG")
        assert answer["Content-Disposition"].startswith("attachment")
        assert client.get(f"/trace/ABCDEFGH2346/documents/{document.pk}/").status_code == 404

    def test_stay_inside_otherwise(self, client: Client, batch: Batch) -> None:
        document = document_of(batch, content=picture("PNG"))
        address = f"/trace/ABCDEFGH2345/documents/{document.pk}/"
        assert address not in page(client)
        assert client.get(address).status_code == 404
        without = document_of(batch, number="T-2", is_public=True)
        assert client.get(f"/trace/ABCDEFGH2345/documents/{without.pk}/").status_code == 404
        assert client.get(f"/media/{document.file.name}").status_code == 404

    def test_are_read_by_those_who_see_the_batch(self, client: Client, batch: Batch) -> None:
        document = document_of(batch, content=picture("PNG"))
        assert client.get(document.file.url).status_code == 302
        for user, status in (
            (SupplierMemberFactory(supplier=batch.supplier).user, 200),
            (UserFactory(role=User.Role.OFFICE), 200),
            (SupplierMemberFactory().user, 404),
            (UserFactory(), 404),
        ):
            client.force_login(user)
            answer = client.get(document.file.url)
            assert answer.status_code == status
            # Read to its end, which closes the file and nothing else.
            assert not answer.streaming or answer.getvalue()
            assert client.get("/files/batches/none.png").status_code == 404

    def test_are_never_served_altered(self, client: Client, batch: Batch, tmp_path: Path) -> None:
        document = document_of(batch, content=picture("PNG"), is_public=True)
        (tmp_path / document.file.name).write_bytes(picture("PNG", size=(1, 1)))
        answer = client.get(f"/trace/ABCDEFGH2345/documents/{document.pk}/")
        assert answer.status_code == 409


class TestLabel:
    def test_holds_the_code_and_leads_to_the_page(
        self, client: Client, batch: Batch, settings: Any
    ) -> None:
        settings.PUBLIC_URL = "https://haowu.example"
        answer = client.get("/trace/ABCDEFGH2345/label/")
        assert answer.context["address"] == "https://haowu.example/trace/ABCDEFGH2345/"
        shown = answer.content.decode()
        assert "<svg" in shown
        assert "B-1" in shown

    def test_of_no_batch_is_refused(self, client: Client) -> None:
        assert client.get("/trace/ABCDEFGH2345/label/").status_code == 404
