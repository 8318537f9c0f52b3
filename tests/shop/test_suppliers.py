"""Who sells names who produces, and goes off sale with everything when suspended."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Invalid
from shop.models import Product
from shop.services.reviewing import submit_version
from suppliers.models import Producer, Supplier, SupplierMember

from .conftest import MakeProduct

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MakeSupplier = Callable[..., Supplier]


@pytest.fixture
def submitted(make_supplier: MakeSupplier, make_product: MakeProduct) -> Callable[..., Any]:
    """Submit a draft of a supplier of a kind, whose producer is as given."""

    def submit(kind: str, **producer: str) -> Any:
        supplier = make_supplier("seller", kind=kind, name="某公司")
        product = make_product(status="draft", supplier=supplier)
        Producer.objects.filter(pk=product.producer_id).update(**producer)
        user = User.objects.create_user("sam")
        SupplierMember.objects.create(supplier=supplier, user=user)
        return submit_version(product, by=user, now=NOW)

    return submit


class TestProducer:
    @pytest.mark.parametrize(
        ("kind", "producer"),
        [
            ("agent", {"name": "某村集体", "mandate": "委托-7"}),
            ("company", {"name": "某公司"}),
            ("company", {"name": "某公司二厂", "uscc": "USCC-seller"}),
            ("cooperative", {"name": "社员张三"}),
        ],
    )
    def test_is_named_rightly(
        self, submitted: Callable[..., Any], kind: str, producer: dict[str, str]
    ) -> None:
        assert submitted(kind, **producer).status == "submitted"

    @pytest.mark.parametrize(
        ("kind", "producer"),
        [
            ("agent", {"name": "某村集体", "mandate": ""}),
            ("agent", {"name": "某公司", "mandate": "委托-7"}),
            ("agent", {"name": "某分公司", "mandate": "委托-7", "uscc": "USCC-seller"}),
            ("company", {"name": "某村集体"}),
        ],
    )
    def test_is_refused(
        self, submitted: Callable[..., Any], kind: str, producer: dict[str, str]
    ) -> None:
        with pytest.raises(Invalid) as refusal:
            submitted(kind, **producer)
        assert refusal.value.errors[0].pointer == "/producer"

    def test_that_is_unknown_is_refused(self, submitted: Callable[..., Any]) -> None:
        version = submitted("company")
        content = {**version.content, "producer": "无此人"}
        version.product.versions.all().delete()
        Product.objects.update(status="draft")
        with pytest.raises(Invalid):
            submit_version(version.product, content=content, by=version.submitted_by, now=NOW)

    @pytest.mark.parametrize("fields", [{"mandate": ""}, {"name": "某公司"}])
    def test_of_an_agent_is_guarded_by_the_database(
        self, make_supplier: MakeSupplier, make_product: MakeProduct, fields: dict[str, str]
    ) -> None:
        agent = make_supplier("agent", kind="agent", name="某公司")
        product = make_product(status="draft", supplier=agent)
        Producer.objects.filter(pk=product.producer_id).update(**fields)
        with pytest.raises(IntegrityError, match="who produces"), transaction.atomic():
            Product.objects.filter(pk=product.pk).update(status="listed")

    def test_of_another_supplier_is_never_named(
        self, make_supplier: MakeSupplier, make_product: MakeProduct
    ) -> None:
        product = make_product()
        other = make_product("P2", supplier=make_supplier("other")).producer
        with pytest.raises(IntegrityError, match="who produces"), transaction.atomic():
            Product.objects.filter(pk=product.pk).update(producer=other)


class TestAddingASupplier:
    @pytest.mark.parametrize("role", ["reviewer", "admin"])
    def test_leaves_its_status_to_the_county_and_the_centre(
        self, client: Client, db: None, role: str
    ) -> None:
        client.force_login(User.objects.create_user("r", role=role, is_staff=True))
        inlines = {
            f"{name}-{part}": "0"
            for name in ("profiles", "members")
            for part in ("TOTAL_FORMS", "INITIAL_FORMS")
        }
        given = {
            "code": "new", "name": "某合作社", "kind": "cooperative",
            "uscc": "91522701MA6DK0000M", "county": "522731", "status": "approved",
        }  # fmt: skip
        answer = client.post("/admin/suppliers/supplier/add/", {**given, **inlines})
        assert answer.status_code == 302
        supplier = Supplier.objects.get()
        assert supplier.status == "applied"
        assert supplier.applications.waiting().count() == 1
        assert AuditEntry.objects.get(action="apply_to_sell").by.role == role


class TestSuspendingASupplier:
    def press(self, client: Client, supplier: Supplier, button: str, reason: str = "抽检") -> int:
        address = f"/admin/suppliers/supplier/{supplier.pk}/{button}/"
        return client.post(address, {"_form_submitted": "on", "reason": reason}).status_code

    def test_takes_everything_off_sale_at_once_and_brings_it_back(
        self, client: Client, make_product: MakeProduct, reviewer: User
    ) -> None:
        supplier = make_product().supplier
        User.objects.update(is_staff=True)
        client.force_login(reviewer)
        assert client.get("/api/v1/products/P1/").status_code == 200
        assert self.press(client, supplier, "suspend") == 302
        assert client.get("/api/v1/products/P1/").status_code == 404
        entry = AuditEntry.objects.get(action="supplier_suspended")
        assert (entry.by, entry.reason, entry.via) == (reviewer, "抽检", "admin")
        assert self.press(client, supplier, "suspend") == 403
        assert self.press(client, supplier, "reinstate") == 302
        assert client.get("/api/v1/products/P1/").status_code == 200

    def test_needs_a_reason(self, client: Client, supplier: Supplier, reviewer: User) -> None:
        User.objects.update(is_staff=True)
        client.force_login(reviewer)
        assert self.press(client, supplier, "suspend", reason="") == 200
        supplier.refresh_from_db()
        assert supplier.status == "approved"

    @pytest.mark.parametrize("role", ["", "office", "auditor"])
    def test_is_of_the_reviewers_alone(self, client: Client, supplier: Supplier, role: str) -> None:
        other = User.objects.create_user("o", role=role, is_staff=True)
        if not role:
            SupplierMember.objects.create(supplier=supplier, user=other)
        client.force_login(other)
        assert self.press(client, supplier, "suspend") == 403
        supplier.refresh_from_db()
        assert supplier.status == "approved"
