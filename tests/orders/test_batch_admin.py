"""Batches in the admin: entered by suppliers, called back by those who may, seen by no stranger."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from orders.models import Address, Buyer
from shop.models import Batch, BatchDocument
from shop.services.batches import recall_batch
from suppliers.models import Base
from tests.factories import BatchFactory, UserFactory
from tests.files import with_remarks

from .market import Market, Person
from .test_batches import confirmed, ship
from .test_queries import statements

LIST = "/admin/shop/batch/"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def batch(market: Market) -> Batch:
    """A batch of which ten cases went to Alice's canteen."""
    batch = BatchFactory(product=market.eggs.product, code="B-1", quantity=500)
    number = confirmed(market, (market.eggs, "10"))
    assert ship(market, number, {"quantity": "10", "batch": "B-1"}).status_code == 200
    batch.refresh_from_db()
    return batch


def page_of(batch: Batch, step: str = "change") -> str:
    return f"{LIST}{batch.pk}/{step}/"


def sign_in(client: Client, person: Person | User) -> None:
    user = person.user if isinstance(person, Person) else person
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.refresh_from_db()
    client.force_login(user)


def form_of(market: Market, **fields: Any) -> dict[str, Any]:
    """Return what a browser sends with the form of a batch and no document."""
    return {
        "code": "B-9",
        "product": market.eggs.product_id,
        "sku": "",
        "base": "",
        "produced_on": timezone.localdate().isoformat(),
        "expires_on": "",
        "quantity": "800",
        "documents-TOTAL_FORMS": "0",
        "documents-INITIAL_FORMS": "0",
        **fields,
    }


def document_form(content: bytes, **fields: Any) -> dict[str, Any]:
    given = {
        "kind": "test_report",
        "number": "T-1",
        "issuer": "州检测院",
        "issued_on": "",
        "valid_until": "",
        "file": SimpleUploadedFile("报告.jpg", content),
    }
    fields = {f"documents-0-{name}": value for name, value in (given | fields).items()}
    return {"documents-TOTAL_FORMS": "1", "documents-INITIAL_FORMS": "0", **fields}


class TestEntering:
    def test_stores_a_batch_with_its_document(
        self, client: Client, market: Market, tmp_path: Path
    ) -> None:
        sign_in(client, market.sam)
        assert client.get(f"{LIST}add/").status_code == 200
        answer = client.post(
            f"{LIST}add/", form_of(market, **document_form(with_remarks("JPEG") + b"<script>"))
        )
        assert answer.status_code == 302
        batch = Batch.objects.get()
        assert (batch.supplier, batch.left) == (market.supplier, 800)
        document = batch.documents.get()
        kept = (tmp_path / document.file.name).read_bytes()
        assert b"script" not in kept
        assert len(document.sha256) == 64
        assert {entry.action for entry in AuditEntry.objects.filter(by=market.sam.user)} >= {
            "enter_batch",
            "enter_batch_document",
        }

    def test_shows_all_that_is_wrong_beside_its_field(self, client: Client, market: Market) -> None:
        sign_in(client, market.sam)
        tomorrow = timezone.localdate() + timedelta(1)
        wrong = form_of(market, produced_on=tomorrow.isoformat(), sku=market.sku().pk)
        answer = client.post(f"{LIST}add/", wrong)
        assert answer.status_code == 200
        assert set(answer.context["adminform"].form.errors) == {"produced_on", "sku"}
        assert not Batch.objects.exists()

    def test_refuses_a_bad_file_by_its_name(self, client: Client, market: Market) -> None:
        sign_in(client, market.sam)
        answer = client.post(f"{LIST}add/", form_of(market, **document_form(b"<svg/>")))
        assert answer.status_code == 200
        assert "报告.jpg：" in answer.content.decode()
        assert not Batch.objects.exists()

    def test_offers_nothing_of_others(self, client: Client, market: Market) -> None:
        foreign = market.sku(product__supplier=market.other_supplier)
        base = Base.objects.create(
            supplier=market.other_supplier, code="b", name="-", county_id="522729", area_mu=1
        )
        sign_in(client, market.sam)
        for field, key in (
            ("product", foreign.product_id),
            ("sku", foreign.pk),
            ("base", base.pk),
        ):
            answer = client.post(f"{LIST}add/", form_of(market, **{field: key}))
            assert set(answer.context["adminform"].form.errors) == {field}
        assert not Batch.objects.exists()

    def test_is_for_suppliers_only(self, client: Client, market: Market, batch: Batch) -> None:
        for role in User.Role:
            sign_in(client, UserFactory(role=role))
            assert client.get(LIST).status_code == 200
            assert client.get(f"{LIST}add/").status_code == 403
            changed = client.post(page_of(batch), form_of(market, quantity="1000"))
            assert changed.status_code == 403
        assert Batch.objects.get().quantity == 500

    def test_corrects_and_records(self, client: Client, market: Market, batch: Batch) -> None:
        sign_in(client, market.sam)
        document = BatchDocument.objects.create(batch=batch, kind="other", number="X", issuer="-")
        fields = {
            "code": "B-1",
            "produced_on": batch.produced_on.isoformat(),
            "expires_on": batch.expires_on.isoformat(),
            "quantity": "600",
            "documents-TOTAL_FORMS": "1",
            "documents-INITIAL_FORMS": "1",
            "documents-0-id": document.pk,
            "documents-0-batch": batch.pk,
            "documents-0-kind": "other",
            "documents-0-number": "X-2",
            "documents-0-issuer": "-",
        }
        answer = client.post(page_of(batch), form_of(market, **fields))
        assert answer.status_code == 302, answer.context["errors"]
        batch.refresh_from_db()
        document.refresh_from_db()
        assert (batch.quantity, batch.left, document.number) == (600, 415, "X-2")

    def test_keeps_what_was_called_back(self, client: Client, market: Market, batch: Batch) -> None:
        recall_batch(batch, reason="-", by=market.sam.user, now=timezone.now())
        sign_in(client, market.sam)
        assert client.get(page_of(batch)).status_code == 200
        assert client.post(page_of(batch), form_of(market)).status_code == 403


class TestStrangers:
    @pytest.mark.parametrize("step", ["change", "recall", "export", "history", "delete"])
    def test_find_what_they_find_where_there_is_nothing(
        self, client: Client, market: Market, batch: Batch, step: str
    ) -> None:
        sign_in(client, market.stella)
        hidden = client.get(page_of(batch, step))
        absent = client.get(f"{LIST}{2**40}/{step}/")
        assert hidden.status_code == absent.status_code
        assert hidden.status_code in (302, 403, 404)
        posted = client.post(page_of(batch, "recall"), {"reason": "-"})
        assert posted.status_code == 404
        assert "B-1" not in client.get(LIST).content.decode()
        assert not Batch.objects.get().is_recalled

    def test_need_to_sign_in(self, client: Client, batch: Batch) -> None:
        for step in ("change", "recall", "export"):
            answer = client.get(page_of(batch, step))
            assert (answer.status_code, "/login/" in answer["Location"]) == (302, True)

    def test_of_buyers_have_no_business_here(
        self, client: Client, market: Market, batch: Batch
    ) -> None:
        sign_in(client, market.alice)
        assert client.get(LIST).status_code == 403
        assert client.get(page_of(batch, "export")).status_code == 404


class TestRecall:
    @pytest.mark.parametrize("role", ["", User.Role.REVIEWER, User.Role.OFFICE, User.Role.ADMIN])
    def test_is_asked_for_a_reason(
        self, client: Client, market: Market, batch: Batch, role: str
    ) -> None:
        sign_in(client, UserFactory(role=role) if role else market.sam)
        assert page_of(batch, "recall") in client.get(page_of(batch)).content.decode()
        assert client.get(page_of(batch, "recall")).status_code == 200
        assert client.post(page_of(batch, "recall"), {"reason": " "}).status_code == 200
        assert not Batch.objects.get().is_recalled
        answer = client.post(page_of(batch, "recall"), {"reason": "农残超标"})
        assert answer["Location"] == page_of(batch)
        shown = client.get(page_of(batch)).content.decode()
        assert "农残超标" in shown
        assert page_of(batch, "recall") not in shown
        # A second time it is refused, and the page says why.
        assert client.post(page_of(batch, "recall"), {"reason": "又"}).status_code == 200
        assert Batch.objects.get().recall_reason == "农残超标"

    def test_is_no_auditors_business(self, client: Client, batch: Batch) -> None:
        sign_in(client, UserFactory(role=User.Role.AUDITOR))
        assert page_of(batch, "recall") not in client.get(page_of(batch)).content.decode()
        assert client.post(page_of(batch, "recall"), {"reason": "-"}).status_code == 403


class TestWhereItWent:
    def lines(self, client: Client, batch: Batch) -> list[list[str]]:
        answer = client.get(page_of(batch, "export"))
        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        return [line.split(",") for line in text.splitlines()]

    def test_names_whom_to_call(self, client: Client, market: Market, batch: Batch) -> None:
        for person in (market.sam, market.olga):
            sign_in(client, person)
            shown = client.get(page_of(batch)).content.decode()
            assert "陈小明 13812341234" in shown
            assert market.buyer.name in shown
            head, line = self.lines(client, batch)
            told = dict(zip(head, line, strict=True))
            assert (told["批次发出数量"], told["采购方"], told["目的地"], told["电话"]) == (
                "10", market.buyer.name, "海珠区", "13812341234"
            )  # fmt: skip
        assert AuditEntry.objects.filter(action="export_batch").count() == 2

    def test_tells_reviewers_no_persons(self, client: Client, batch: Batch) -> None:
        sign_in(client, UserFactory(role=User.Role.REVIEWER))
        shown = client.get(page_of(batch)).content.decode()
        head, line = self.lines(client, batch)
        assert "电话" not in head
        for secret in ("陈小明", "13812341234"):
            assert secret not in shown
            assert secret not in line

    def test_holds_nothing_that_a_spreadsheet_would_run(
        self, client: Client, market: Market, batch: Batch
    ) -> None:
        Buyer.objects.update(name="=1+1")
        Address.objects.update(consignee="@SUM(A1)")
        sign_in(client, market.olga)
        _head, line = self.lines(client, batch)
        assert {"'=1+1", "'@SUM(A1)"} <= set(line)

    def test_asks_as_often_for_twenty_lines_as_for_one(
        self, client: Client, market: Market, batch: Batch
    ) -> None:
        sign_in(client, market.sam)
        client.get(page_of(batch))
        before = statements(lambda: client.get(page_of(batch)))
        others = [market.sku(product=market.eggs.product) for _ in range(15)]
        number = confirmed(market, *[(sku, "1") for sku in others])
        lines = [{"quantity": "1", "batch": "B-1"}] * 15
        assert ship(market, number, *lines).status_code == 200
        assert statements(lambda: client.get(page_of(batch))) == before

    def test_list_asks_as_often_for_twenty_batches_as_for_one(
        self, client: Client, market: Market, batch: Batch
    ) -> None:
        sign_in(client, market.sam)
        client.get(LIST)
        before = statements(lambda: client.get(LIST))
        for _ in range(19):
            BatchFactory(product=market.sku().product, sku=None)
        assert statements(lambda: client.get(LIST)) == before

    @pytest.mark.parametrize(
        ("state", "shown"), [("here", 1), ("expired", 0), ("gone", 0), ("recalled", 0)]
    )
    def test_is_filtered_by_state(
        self, client: Client, market: Market, batch: Batch, state: str, shown: int
    ) -> None:
        sign_in(client, market.sam)
        answer = client.get(LIST, {"state": state})
        assert answer.context["cl"].result_count == shown
