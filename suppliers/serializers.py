"""Suppliers as everybody may see them: no contact, no credit code."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import MoneyField, QuantityField

from .models import AssistanceProfile, Base, Certificate, Supplier


class SupplierCountySerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()


class SupplierSerializer(serializers.ModelSerializer[Supplier]):
    county = SupplierCountySerializer()

    class Meta:
        model = Supplier
        fields = ["code", "name", "kind", "county", "introduction"]


class BaseSerializer(serializers.ModelSerializer[Base]):
    county = SupplierCountySerializer()
    area_mu = QuantityField()

    class Meta:
        model = Base
        fields = ["code", "name", "county", "area_mu", "is_vegetable_basket"]


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    class Meta:
        model = Certificate
        fields = ["kind", "number", "issuer", "valid_from", "valid_until"]


class AssistanceProfileSerializer(serializers.ModelSerializer[AssistanceProfile]):
    land_rent = MoneyField()

    class Meta:
        model = AssistanceProfile
        fields = ["year", "households", "jobs", "land_rent"]


class SupplierDetailSerializer(SupplierSerializer):
    """Expects `valid_certificates` to be fetched by the view."""

    bases = BaseSerializer(many=True)
    certificates = CertificateSerializer(many=True, source="valid_certificates")
    profiles = AssistanceProfileSerializer(many=True)

    class Meta(SupplierSerializer.Meta):
        fields = [*SupplierSerializer.Meta.fields, "bases", "certificates", "profiles"]
