"""The suppliers that sell here, open to everybody."""

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from rest_framework import generics
from rest_framework.permissions import AllowAny

from accounts.api.filtering import StrictFilterBackend

from .models import Base, Certificate, Supplier
from .serializers import SupplierDetailSerializer, SupplierSerializer


class SupplierListView(generics.ListAPIView[Supplier]):
    """List the suppliers whose products can be bought."""

    permission_classes = [AllowAny]
    queryset = Supplier.objects.selling().select_related("county")
    serializer_class = SupplierSerializer
    filter_backends = [StrictFilterBackend]
    filterset_fields = ["county", "kind"]
    ordering = ("code",)


class SupplierView(generics.RetrieveAPIView[Supplier]):
    """Read one supplier, with its bases, the certificates valid today and what it does locally."""

    permission_classes = [AllowAny]
    serializer_class = SupplierDetailSerializer
    lookup_field = "code"

    def get_queryset(self) -> QuerySet[Supplier]:
        return (
            Supplier.objects.selling()
            .select_related("county")
            .prefetch_related(
                Prefetch("bases", Base.objects.select_related("county")),
                Prefetch(
                    "certificates",
                    Certificate.objects.valid(timezone.localdate()),
                    to_attr="valid_certificates",
                ),
                "profiles",
            )
        )
