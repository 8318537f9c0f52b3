"""What everybody may see of a supplier, and what nobody may."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from suppliers.models import AssistanceProfile, Base, Certificate, Supplier


@pytest.fixture
def supplier(db: None) -> Supplier:
    return Supplier.objects.create(
        code="egg",
        name="长顺蛋业",
        kind="cooperative",
        uscc="91522731MA6DABCD0F",
        county_id="522729",
        status="approved",
        contact_name="王",
        contact_phone="13800001234",
    )


class TestSuppliers:
    def test_are_listed_without_contact_or_code(self, client: Client, supplier: Supplier) -> None:
        assert client.get("/api/v1/suppliers/").json()["results"] == [
            {
                "code": "egg",
                "name": "长顺蛋业",
                "kind": "cooperative",
                "county": {"code": "522729", "name": "长顺县"},
                "introduction": "",
            }
        ]

    def test_show_their_bases_and_valid_certificates(
        self, client: Client, supplier: Supplier
    ) -> None:
        today = timezone.localdate()
        Base.objects.create(
            supplier=supplier, code="B1", name="基地", county_id="522729", area_mu="12.50"
        )
        AssistanceProfile.objects.create(supplier=supplier, year=2026, households=30)
        for number, valid_until in [("now", today), ("past", today - timedelta(days=1))]:
            Certificate.objects.create(
                supplier=supplier,
                kind="green",
                number=number,
                issuer="中心",
                valid_from=today - timedelta(days=9),
                valid_until=valid_until,
            )
        content = client.get("/api/v1/suppliers/egg/").json()
        assert content["bases"][0]["area_mu"] == "12.5"
        assert [certificate["number"] for certificate in content["certificates"]] == ["now"]
        assert content["profiles"][0]["households"] == 30
        assert not {"uscc", "contact_name", "contact_phone", "status"} & content.keys()

    @pytest.mark.parametrize("status", ["applied", "recommended", "suspended", "rejected"])
    def test_are_hidden_unless_approved(
        self, client: Client, supplier: Supplier, status: str
    ) -> None:
        Supplier.objects.update(status=status)
        assert client.get("/api/v1/suppliers/").json()["results"] == []
        assert client.get("/api/v1/suppliers/egg/").status_code == 404

    def test_can_be_narrowed_to_a_county(self, client: Client, supplier: Supplier) -> None:
        assert len(client.get("/api/v1/suppliers/?county=522729").json()["results"]) == 1
        assert client.get("/api/v1/suppliers/?county=522701").json()["results"] == []
        assert client.get("/api/v1/suppliers/?contact_phone=1").status_code == 400
