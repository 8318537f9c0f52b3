"""Promise what can be delivered in which week."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.api.serializers import plain
from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid
from accounts.services.audit import record
from shop.models import SKU, SupplyPromise
from shop.models.promises import name_of_week, week_of

from .listing import lock_stock

#: Draws on promises for each line of `placed_line` whose SKU is promised for the week, in the
#: statement that writes these lines; the caller has locked the stock and compared.
DRAW = """
    INSERT INTO shop_promisedraw (line_id, promise_id, quantity)
    SELECT line.id, promise.id, line.quantity
    FROM placed_line line
    JOIN shop_supplypromise promise
        ON promise.sku_id = line.sku_id AND promise.week = %(week)s::date
"""


@transaction.atomic
def promise_supply(
    sku: SKU, *, quantity_by_week: Mapping[date, Decimal], by: User, now: datetime
) -> None:
    """
    Promise quantities of a SKU, in its own unit, by the Mondays of their weeks.

    Zero takes a promise back. Weeks that are not named stay as they are. Raise Forbidden
    unless `by` works for its supplier, or Invalid with an error for each week that is past
    or of which orders took more, at `/<its Monday>`.
    """
    if not sku.product.supplier.members.filter(user=by).exists():
        raise Forbidden
    lock_stock([sku.pk])
    rows = SupplyPromise.objects.filter(sku=sku, week__in=quantity_by_week)
    known = {promise.week: promise for promise in rows}
    changed = {
        week: quantity
        for week, quantity in quantity_by_week.items()
        if quantity != (known[week].quantity if week in known else 0)
    }
    this_week = week_of(timezone.localdate(now))
    errors = []
    for week, quantity in changed.items():
        taken = known[week].taken if week in known else Decimal(0)
        if week < this_week or week != week_of(week):
            errors.append(ErrorItem(f"/{week}", "invalid", _("This week is past.")))
        elif quantity < taken:
            detail = _("Orders already took %(taken)s.") % {"taken": plain(taken)}
            errors.append(ErrorItem(f"/{week}", "invalid", detail))
    if errors:
        raise Invalid(errors=errors)
    if not changed:
        return
    rows.filter(week__in=[week for week, quantity in changed.items() if not quantity]).delete()
    SupplyPromise.objects.bulk_create(
        (SupplyPromise(sku=sku, week=week, quantity=q) for week, q in changed.items() if q),
        update_conflicts=True,
        unique_fields=["sku", "week"],
        update_fields=["quantity"],
    )
    record(
        "promise_supply",
        sku,
        by=by,
        now=now,
        before={name_of_week(w): plain(known[w].quantity) for w in changed if w in known},
        after={name_of_week(week): plain(quantity) for week, quantity in changed.items()},
    )
