"""The suppliers that sell here, open to everybody, and the papers that are not."""

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe
from rest_framework import generics
from rest_framework.permissions import AllowAny

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from accounts.services.uploads import FileCorrupt

from .models import Base, Certificate, Supplier
from .serializers import SupplierDetailSerializer, SupplierSerializer
from .services.certificates import file_of


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
                    Certificate.objects.shown().valid(timezone.localdate()),
                    to_attr="valid_certificates",
                ),
                "profiles",
            )
        )


@require_safe
@login_required
def certificate_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """Hand out a certificate's file to those who may see the certificate: only to be saved."""
    seen = Certificate.objects.for_actor(actor(request))
    certificate = seen.filter(file=f"certificates/{name}").first()
    if certificate is None:
        raise Http404
    try:
        file = file_of(certificate)
    except FileCorrupt as refusal:
        return HttpResponse(str(refusal.detail), status=409, content_type="text/plain")
    return FileResponse(
        file,
        as_attachment=True,
        filename=name,
        headers={
            "Cache-Control": "private, no-cache",
            "ETag": f'"{certificate.sha256}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
