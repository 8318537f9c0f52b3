"""The suppliers that sell here, open to everybody, and the papers that are not."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework import generics
from rest_framework.permissions import AllowAny

from accounts.api.authentication import actor
from accounts.api.filtering import StrictFilterBackend
from accounts.api.throttles import FormThrottle
from accounts.services.uploads import MAX_SIZE, FileCorrupt

from .forms import ApplicationForm
from .models import Base, Certificate, Supplier
from .serializers import SupplierDetailSerializer, SupplierSerializer
from .services.applying import AlreadyKnown, apply_to_sell
from .services.certificates import file_of

#: The form around the file takes next to nothing.
MAX_APPLICATION = MAX_SIZE + 1024**2


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


# Looked at before the body is read, which the protection against forgery needs.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest) -> HttpResponse:
    """The page on which anybody applies to sell here."""
    if request.method != "POST":
        return _application_page(request, ApplicationForm())
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_APPLICATION:
        message = _("The file is larger than is allowed.")
        return _application_page(request, ApplicationForm(), message=message, status=413)
    # A county's office may apply for its co-operatives one after another.
    throttle = FormThrottle("application", per_hour=settings.APPLICATIONS_PER_HOUR)
    if not throttle.takes(request):
        message = _("Too many applications came from your address. Please try again in an hour.")
        page = _application_page(request, ApplicationForm(), message=message, status=429)
        page["Retry-After"] = str(round(throttle.wait()))
        return page
    return _take_application(request)


@require_safe
def applied(request: HttpRequest) -> HttpResponse:
    """Thank the applicant, and say what happens next."""
    return render(request, "suppliers/apply.html", {"done": True})


@csrf_protect
def _take_application(request: HttpRequest) -> HttpResponse:
    form = ApplicationForm(request.POST, request.FILES)
    if form.is_of_a_program:
        return redirect("applied")
    if not form.is_valid():
        return _application_page(request, form, status=400)
    try:
        apply_to_sell(
            form.supplier(),
            licence=form.business_licence(),
            email=form.cleaned_data["email"],
            now=timezone.now(),
        )
    except AlreadyKnown as refusal:
        form.add_error("uscc", str(refusal.detail))
        return _application_page(request, form, status=409)
    return redirect("applied")


def _application_page(
    request: HttpRequest, form: ApplicationForm, *, message: str = "", status: int = 200
) -> HttpResponse:
    context = {"form": form, "message": message}
    return render(request, "suppliers/apply.html", context, status=status)
