"""Propose and approve counting rules."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.refusals import ErrorItem, Forbidden, Invalid, NotFound, Refusal
from accounts.services.audit import record
from reports.models import CountingRule, Grade, Month

#: The least evidence that an event leaves.
GRADE_BY_EVENT = {
    CountingRule.Event.ACCEPTED: Grade.E0,
    CountingRule.Event.INVOICED: Grade.E3,
    CountingRule.Event.PAID: Grade.E4,
}


class RuleInWrongState(Refusal):
    """The rule is not in the state from which this step leads on."""


class MonthClosed(Refusal):
    """The rule would begin in or before a month that is closed."""

    code = "month_closed"
    detail = _("A rule begins after the last closed month.")


@transaction.atomic
def propose_rule(
    *,
    in_force_from: date,
    event: str,
    counts_freight: bool,
    refunds: str,
    sectors: Sequence[str],
    least_grade: int,
    only_recognised: bool,
    kind_by_buyer_kind: Mapping[str, str],
    description: str,
    by: User,
    now: datetime,
) -> CountingRule:
    """
    Propose the next version of what counts; nothing is booked by it until two approve.

    Raise Forbidden unless `by` is of the office; Invalid when the least evidence does
    not prove the event; MonthClosed; RuleInWrongState when another rule begins that day.
    """
    if not by.is_office:
        raise Forbidden
    if least_grade < GRADE_BY_EVENT[CountingRule.Event(event)]:
        detail = _("This evidence does not prove the event.")
        raise Invalid(errors=[ErrorItem("/least_grade", "invalid", detail)])
    _refuse_beginning(in_force_from)
    # Rule 1 is always there: its row lets one proposal in at a time.
    CountingRule.objects.select_for_update(no_key=True).get(version=1)
    last: int = CountingRule.objects.aggregate(last=Max("version"))["last"]
    rule = CountingRule.objects.create(
        version=last + 1,
        in_force_from=in_force_from,
        event=event,
        counts_freight=counts_freight,
        refunds=refunds,
        sectors=sorted(set(sectors)),
        least_grade=least_grade,
        only_recognised=only_recognised,
        kind_by_buyer_kind=dict(kind_by_buyer_kind),
        description=description,
    )
    after = {"in_force_from": in_force_from.isoformat()}
    record("propose_rule", rule, by=by, now=now, after=after)
    return rule


@transaction.atomic
def approve_rule(version: int, *, by: User, now: datetime) -> CountingRule:
    """
    Approve a proposed rule, or as a second person put it in force from its day on.

    What is booked already keeps the rule that it carries. Raise Forbidden unless `by` is
    of the office, and for the one who approved it; NotFound; MonthClosed;
    RuleInWrongState when it is approved, or another rule begins that day.
    """
    if not by.is_office:
        raise Forbidden
    rule = CountingRule.objects.select_for_update(no_key=True).filter(version=version).first()
    if rule is None:
        raise NotFound
    if rule.is_approved:
        raise RuleInWrongState(_("The rule is approved already."))
    if rule.approved_by_first_id == by.pk:
        raise Forbidden(_("A second person of the office approves the rule."))
    _refuse_beginning(rule.in_force_from)
    if rule.approved_by_first_id is None:
        rule.approved_by_first = by
    else:
        rule.approved_by_second = by
    rule.save()
    record("approve_rule", rule, by=by, now=now)
    rule.refresh_from_db(fields=["is_approved"])
    return rule


def _refuse_beginning(day: date) -> None:
    """Refuse a day in or before a closed month, or on which another rule begins."""
    # Held, so that none of them is closed before the rule is in force.
    months = Month.objects.select_for_update().filter(month__gte=day.replace(day=1))
    if any(month.is_sealed for month in months.order_by("month")):
        raise MonthClosed
    if CountingRule.objects.approved().filter(in_force_from=day).exists():
        raise RuleInWrongState(_("Another rule begins on that day."))
