"""Where every address leads."""

from csp.decorators import csp_update
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import PasswordResetConfirmView
from django.urls import URLPattern, URLResolver, include, path, reverse_lazy
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from reports.views.batch_page import batch_document, batch_label, batch_page, own_document
from reports.views.dashboard import dashboard
from reports.views.office import office
from reports.views.report_page import report_download, report_page
from reports.views.seals import seal
from reports.views.trace_page import trace_page
from shop.notice import notice, noticed, objected
from suppliers.views import applied, apply, certificate_file

from . import health

api: list[URLPattern | URLResolver] = [
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
    path(
        "docs/",
        csp_update(settings.LOOSER_CSP)(SpectacularSwaggerView.as_view(url_name="schema")),
        name="docs",
    ),
    path("", include("accounts.urls")),
    path("", include("shop.urls")),
    path("", include("orders.urls")),
    path("", include("reports.urls")),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.process_is_up),
    path("readyz", health.parts_are_reachable),
    path("metrics", health.metrics),
    path("api/v1/", include(api)),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("dashboard/", dashboard, name="dashboard"),
    path("office/", office, name="office"),
    path("seal/", seal, name="seal"),
    path("trace/", trace_page, name="trace-page"),
    path("trace/<str:code>/", batch_page, name="batch-page"),
    path("trace/<str:code>/label/", batch_label, name="batch-label"),
    path("trace/<str:code>/documents/<int:pk>/", batch_document, name="batch-document"),
    path("reports/<uuid:pk>/", report_page, name="report-page"),
    path("reports/<uuid:pk>/download/", report_download, name="report-page-download"),
    path("notice/", notice, name="notice"),
    path("notice/<str:number>/", noticed, name="noticed"),
    path("notice/<str:number>/done/", objected, name="objected"),
    path("apply/", apply, name="apply"),
    path("apply/done/", applied, name="applied"),
    path(
        "welcome/<uidb64>/<token>/",
        PasswordResetConfirmView.as_view(
            template_name="accounts/welcome.html", success_url=reverse_lazy("admin:login")
        ),
        name="welcome",
    ),
    path("files/certificates/<str:name>", certificate_file, name="certificate-file"),
    path("files/batches/<str:name>", own_document, name="batch-file"),
    # Only pictures of products are public; other stored files are served by their own views.
    path("media/products/<path:path>", serve, {"document_root": settings.MEDIA_ROOT / "products"}),
]

handler400 = "accounts.api.problems.bad_request"
handler403 = "accounts.api.problems.forbidden"
handler404 = "accounts.api.problems.not_found"
handler500 = "accounts.api.problems.server_error"
