"""What the home page shows of suppliers: who applies, and which certificates end."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admin import SUPPLIER
from accounts.home import Card, Row, age_of, counted, list_of, page_of
from accounts.models import User

from .models import SOON, Certificate, Supplier


def cards(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    """Yield what suppliers have for who stands under `heading`."""
    day = timezone.localdate(now)
    if heading == User.Role.REVIEWER:
        yield counted(
            _("Suppliers that apply"),
            "storefront",
            Supplier.objects.applying().order_by("created_at"),
            lambda supplier: Row(
                supplier.name,
                page_of(supplier),
                f"{supplier.get_status_display()} · {age_of(supplier.created_at, now=now)}",
            ),
            address=list_of(Supplier, status__in=",".join(Supplier.APPLYING)),
        )
    if heading == SUPPLIER:
        yield counted(
            _("Certificates that end soon"),
            "workspace_premium",
            Certificate.objects.for_actor(user).expiring(day),
            lambda certificate: Row(
                str(certificate),
                page_of(certificate),
                f"{certificate.valid_until:%Y-%m-%d}",
                is_urgent=certificate.valid_until <= day + SOON / 4,
            ),
            address=list_of(Certificate, valid_until__gte=day, valid_until__lte=day + SOON),
            note=_("Within 30 days."),
        )
