"""What the home page shows of orders: what suppliers have to confirm, ship and settle."""

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admin import SUPPLIER
from accounts.api.serializers import plain
from accounts.home import SHOWN, Card, Row, age_of, counted, list_of, page_of
from accounts.models import User
from shop.models import Stock

from .models import Claim, Consignment
from .services.supply import running_low

#: So many SKUs fit into an address.
MOST = 100


def cards(user: User, heading: str, *, now: datetime) -> Iterator[Card]:
    """Yield what orders have for who stands under `heading`."""
    if heading == SUPPLIER:
        yield from _consignments(user, now=now)
        yield counted(
            _("Claims to settle"),
            "assignment_late",
            Claim.objects.for_actor(user)
            .filter(status=Claim.Status.OPEN)
            .select_related("consignment")
            .order_by("opened_at"),
            lambda claim: Row(
                str(claim.consignment), page_of(claim), age_of(claim.opened_at, now=now)
            ),
            address=list_of(Claim, status__exact=Claim.Status.OPEN),
        )
        if not user.role:
            yield _running_low(user, now=now)


def _consignments(user: User, *, now: datetime) -> Iterator[Card]:
    day = timezone.localdate(now)
    consignments = Consignment.objects.for_actor(user).select_related("order__buyer")

    def row(consignment: Consignment, since: datetime) -> Row:
        due = consignment.order.delivery_date
        said = [age_of(since, now=now)]
        if due:
            said.append(_("due %(day)s") % {"day": f"{due:%m-%d}"})
        return Row(
            f"{consignment.number} {consignment.order.buyer.name}",
            page_of(consignment),
            " · ".join(said),
            is_urgent=bool(due and due <= day),
        )

    yield counted(
        _("Consignments to confirm"),
        "fact_check",
        consignments.filter(status=Consignment.Status.PLACED).order_by("order__placed_at", "pk"),
        lambda consignment: row(consignment, consignment.order.placed_at),
        address=list_of(Consignment, status__exact=Consignment.Status.PLACED),
    )
    yield counted(
        _("Consignments to ship"),
        "local_shipping",
        consignments.filter(status=Consignment.Status.CONFIRMED).order_by("confirmed_at", "pk"),
        lambda consignment: row(consignment, consignment.confirmed_at),
        address=list_of(Consignment, status__exact=Consignment.Status.CONFIRMED),
    )


def _running_low(user: User, *, now: datetime) -> Card:
    low = running_low(user, now=now)
    shown = ",".join(str(one.sku_id) for one in low[:MOST])
    return Card(
        _("Stock that runs low"),
        "production_quantity_limits",
        list_of(Stock, sku__in=shown),
        count=len(low),
        note=_("Less than the smallest order, or than was ordered in the last 14 days."),
        rows=[
            Row(
                f"{one.name} ({one.code})",
                list_of(Stock, sku__in=one.sku_id),
                _("%(available)s left, %(needed)s needed")
                % {"available": plain(one.available), "needed": plain(one.needed)},
                is_urgent=not one.available,
            )
            for one in low[:SHOWN]
        ],
        waits=True,
    )
