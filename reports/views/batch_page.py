"""What anybody may know of a batch: the page behind the code on a box, and the label itself."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.api.authentication import actor
from accounts.api.throttles import throttled_page
from accounts.codes import qr_code
from accounts.refusals import NotFound
from accounts.services.uploads import FileCorrupt
from orders.services.recalling import lines_of_batch
from shop.models import Batch, BatchDocument
from shop.services.batches import file_of
from suppliers.models import Certificate

#: How many shipments the page shows.
SHOWN = 100


@require_safe
@throttled_page
def batch_page(request: HttpRequest, code: str) -> HttpResponse:
    """Show where a batch is from, what proves it and where it went; persons and buyers stay out."""
    try:
        batch = found(code)
    except NotFound:
        return _missing(request, code)
    today = timezone.localdate()
    shipments = list(lines_of_batch(batch).filter(line__shipped_quantity__gt=0)[: SHOWN + 1])
    certificates = Certificate.objects.filter(products=batch.product_id).valid(today)
    context = {
        **_label(batch),
        "has_expired": batch.has_expired(today),
        "documents": list(batch.documents.all()),
        "certificates": list(certificates),
        "shipments": shipments[:SHOWN],
        "has_more": len(shipments) > SHOWN,
    }
    return render(request, "reports/batch.html", context)


@require_safe
@throttled_page
def batch_label(request: HttpRequest, code: str) -> HttpResponse:
    """Show the label of a box, of the size in which it is printed."""
    try:
        batch = found(code)
    except NotFound:
        return _missing(request, code)
    return render(request, "reports/batch_label.html", _label(batch))


@require_safe
@throttled_page
def batch_document(request: HttpRequest, code: str, pk: int) -> HttpResponseBase:
    """Hand out a document that its supplier has made public."""
    document = BatchDocument.objects.filter(
        batch__trace_code=code, pk=pk, is_public=True
    ).exclude(file="").first()  # fmt: skip
    if document is None:
        return _missing(request, code)
    return _file(document)


@require_safe
@login_required
def own_document(request: HttpRequest, name: str) -> HttpResponseBase:
    """Hand out a document to those who may see its batch in the admin, public or not."""
    seen = BatchDocument.objects.for_actor(actor(request))
    document = seen.filter(file=f"batches/{name}").first()
    if document is None:
        raise Http404
    return _file(document)


def found(code: str) -> Batch:
    """Return the batch with this trace code, as somebody may have typed it. Raise NotFound."""
    typed = code.upper().replace("-", "").replace(" ", "")
    batch = (
        Batch.objects.select_related(
            "product__county__parent", "product__producer", "supplier", "base"
        )
        .filter(trace_code=typed)
        .first()
    )
    if batch is None:
        raise NotFound
    return batch


def _file(document: BatchDocument) -> HttpResponseBase:
    try:
        file = file_of(document)
    except FileCorrupt as refusal:
        return HttpResponse(str(refusal.detail), status=409, content_type="text/plain")
    return FileResponse(
        file,
        as_attachment=True,
        filename=Path(document.file.path).name,
        headers={"ETag": f'"{document.sha256}"', "X-Content-Type-Options": "nosniff"},
    )


def _label(batch: Batch) -> dict[str, Any]:
    address = f"{settings.PUBLIC_URL}{reverse('batch-page', args=[batch.trace_code])}"
    return {"batch": batch, "address": address, "code": qr_code(address)}


def _missing(request: HttpRequest, code: str) -> HttpResponse:
    return render(request, "reports/batch_missing.html", {"code": code[:40]}, status=404)
