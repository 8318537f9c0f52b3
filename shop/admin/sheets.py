"""Taking listings home as a workbook, and bringing it back."""

import tempfile
import uuid
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from accounts.admin import SUPPLIER, actor_of
from accounts.api.authentication import actor
from accounts.dialogs import tell
from accounts.refusals import Refusal
from shop.services.leftovers import KEPT, sheets_folder
from shop.services.sheets.applying import Outcome, apply_sheet, named
from shop.services.sheets.pictures import take_pictures
from shop.services.sheets.planning import Plan, plan_of
from shop.services.sheets.writing import listings_workbook, marked_workbook
from suppliers.models import Supplier

MAX_SIZE = 10 * 1024**2
#: Of a ZIP of pictures.
MAX_ZIP = 200 * 1024**2
#: How many products and problems the preview shows.
SHOWN = 200
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class SentForm(forms.Form):
    """A form with one file, of at most `most` bytes."""

    most: int

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > self.most:
            raise forms.ValidationError(_("The file is larger than is allowed."))
        return file


class SheetForm(SentForm):
    most = MAX_SIZE
    file = forms.FileField(label=_("Workbook or CSV"), widget=UnfoldAdminFileFieldWidget)


class PicturesForm(SentForm):
    most = MAX_ZIP
    file = forms.FileField(label=_("ZIP of pictures"), widget=UnfoldAdminFileFieldWidget)


class SheetPages:
    """The pages of the workbook, on the list of products."""

    admin_site: Any
    opts: Any

    def get_urls(self) -> list[URLPattern]:
        pages = [
            path("sheet/", self.admin_site.admin_view(self.download), name="shop_product_sheet"),
            path("upload/", self.admin_site.admin_view(self.upload), name="shop_product_upload"),
            path("apply/", self.admin_site.admin_view(self.apply), name="shop_product_apply"),
            path(
                "pictures/", self.admin_site.admin_view(self.pictures), name="shop_product_pictures"
            ),
            path("marked/", self.admin_site.admin_view(self.marked), name="shop_product_marked"),
        ]
        return [*pages, *super().get_urls()]  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {**(extra_context or {}), "has_sheet": actor_of(request) == SUPPLIER}
        return super().changelist_view(request, context)  # type: ignore[misc,no-any-return]

    def download(self, request: HttpRequest) -> HttpResponse:
        supplier = _supplier(request)
        content = listings_workbook(supplier, day=timezone.localdate())
        return _workbook(content, f"{supplier.code}-{timezone.localdate()}.xlsx")

    def upload(self, request: HttpRequest) -> HttpResponse:
        """Show the form, or what the file that comes with it would change."""
        supplier, plan, token = _supplier(request), None, ""
        form = SheetForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            kept = _keep(form.cleaned_data["file"])
            try:
                plan = plan_of(kept, supplier=supplier, day=timezone.localdate())
            except Refusal as refusal:
                kept.unlink()
                refusal.about = form.cleaned_data["file"].name
                tell(request, named(refusal))
            else:
                digest = "" if plan.problems else plan.digest
                given = {"file": kept.name, "supplier": supplier.pk, "digest": digest}
                token = signing.dumps(given, salt="sheet")
        return TemplateResponse(
            request,
            "admin/shop/product/upload.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": _("Upload listings"),
                "form": form,
                "pictures_form": PicturesForm(prefix="pictures"),
                "token": token,
                **(_shown(plan) if plan else {}),
            },
        )

    def apply(self, request: HttpRequest) -> HttpResponse:
        supplier = _supplier(request)
        given = _given(request, supplier)
        if given is None or not given["digest"]:
            messages.error(request, _("The preview is too old; please upload the file again."))
            return redirect("admin:shop_product_upload")
        file = _folder() / given["file"]
        try:
            outcome = apply_sheet(
                file, supplier=supplier, digest=given["digest"], by=actor(request),
                now=timezone.now(),
            )  # fmt: skip
        except Refusal as refusal:
            tell(request, refusal)
            return redirect("admin:shop_product_upload")
        except FileNotFoundError:
            # Sent twice: it was taken over while this one waited.
            messages.error(request, _("The preview is too old; please upload the file again."))
            return redirect("admin:shop_product_upload")
        file.unlink(missing_ok=True)
        return _done(request, outcome)

    def pictures(self, request: HttpRequest) -> HttpResponse:
        """Take over the pictures of a ZIP."""
        supplier = _supplier(request)
        form = PicturesForm(request.POST, request.FILES, prefix="pictures")
        if not form.is_valid():
            messages.error(request, str(form.errors["file"][0]))
            return redirect("admin:shop_product_upload")
        kept = _keep(form.cleaned_data["file"])
        try:
            outcome = take_pictures(kept, supplier=supplier, by=actor(request), now=timezone.now())
        except Refusal as refusal:
            tell(request, refusal)
            return redirect("admin:shop_product_upload")
        finally:
            kept.unlink(missing_ok=True)
        return _done(request, outcome)

    def marked(self, request: HttpRequest) -> HttpResponse:
        """Return the file that was uploaded, with a column that says what is wrong."""
        supplier = _supplier(request)
        given = _given(request, supplier)
        if given is None:
            messages.error(request, _("The preview is too old; please upload the file again."))
            return redirect("admin:shop_product_upload")
        plan = plan_of(_folder() / given["file"], supplier=supplier, day=timezone.localdate())
        return _workbook(marked_workbook(plan), f"{supplier.code}-errors.xlsx")


def _supplier(request: HttpRequest) -> Supplier:
    if actor_of(request) != SUPPLIER:
        raise PermissionDenied
    supplier: Supplier = actor(request).supplier_membership.supplier
    return supplier


def _done(request: HttpRequest, outcome: Outcome) -> HttpResponse:
    said = _(
        "Taken over: %(drafts)d drafts, %(versions)d listings sent to review, "
        "stock of %(stock)d packs."
    )
    messages.success(request, said % vars(outcome))
    return redirect("admin:shop_product_changelist")


def _given(request: HttpRequest, supplier: Supplier) -> dict[str, Any] | None:
    """Return what the preview signed, if it is of this supplier and its file is still there."""
    try:
        given = signing.loads(request.POST.get("token", ""), salt="sheet", max_age=KEPT)
    except signing.BadSignature:
        return None
    is_ours = given["supplier"] == supplier.pk and (_folder() / given["file"]).exists()
    return given if is_ours else None


def _folder() -> Path:
    folder = sheets_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _keep(file: Any) -> Path:
    """Write an upload where only its preview leads; what is not taken over is cleared away."""
    folder = _folder()
    kept = folder / uuid.uuid4().hex
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as part:
        for chunk in file.chunks():
            part.write(chunk)
    Path(part.name).rename(kept)
    return kept


def _workbook(content: bytes, name: str) -> HttpResponse:
    disposition = content_disposition_header(True, name) or ""
    return HttpResponse(content, XLSX, headers={"Content-Disposition": disposition})


def _shown(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan,
        "problems": plan.problems[:SHOWN],
        "changes": [
            (code, code in plan.before, plan.differences(code)) for code in list(plan.after)[:SHOWN]
        ],
        "stock": [(code, *values) for code, values in list(plan.stock.items())[:SHOWN]],
        "shown": SHOWN,
    }
