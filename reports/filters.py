"""How a question about the figures stands in an address, and what anomalies are narrowed by."""

import re
from datetime import date
from typing import Any

from django import forms
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django_filters import ChoiceFilter, Filter, FilterSet
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request

from accounts.api.filtering import refuse_unknown_parameters
from accounts.api.serializers import read_month
from accounts.models import Division, User
from accounts.refusals import ErrorItem, Forbidden, Invalid
from orders.models import Buyer, Channel
from reports.models import (
    Anomaly,
    AnomalyRule,
    ContributionKind,
    CountingRule,
    Grade,
    Indicator,
    Total,
)
from reports.services.figures import COLUMNS, UNASSIGNED, UNNAMED, UNPAIRED, VIEWS, Question
from shop.models import Category
from suppliers.models import Supplier

PAGING = {"cursor", "page_size"}


class BadValue(ValueError):
    """A parameter's value; the message is for the reader."""

    def __init__(self, detail: str | Promise) -> None:
        super().__init__(detail)
        self.detail = detail


def read_question(
    request: Request, *, paged: bool = False, indicator: Indicator | None = None
) -> Question:
    """
    Return the question that the address asks, of `indicator` or of the official figure.

    Who does not see all figures is answered from published months, never by supplier
    and never restated: a correction is not published before its own month. Raise Invalid
    with a pointer to each parameter that is unknown or wrong.
    """
    known = {"from", "until", "grade", *COLUMNS, *(PAGING if paged else {"by"})}
    if indicator is None:
        known.add("view")
    refuse_unknown_parameters(request, known)
    values: dict[str, Any] = {}
    where: list[tuple[str, Any]] = []
    errors = []
    for name in sorted(known & set(request.query_params) - PAGING):
        try:
            given = request.query_params.getlist(name)
            if len(given) > 1:
                raise BadValue(_("Give this parameter once."))
            if name in COLUMNS:
                where += _conditions(name, given[0])
            else:
                values[name] = READERS[name](given[0])
        except BadValue as error:
            errors.append(ErrorItem(f"/{name}", "invalid", error.detail))
    since, until = values.get("from"), values.get("until")
    if since and until and since > until:
        errors.append(ErrorItem("/until", "invalid", _("It must not lie before “from”.")))
    if errors:
        raise Invalid(errors=errors)
    question = Question(
        by=values.get("by", ()),
        where=tuple(where),
        since=since,
        until=until,
        grade=values.get("grade", 0),
        published_only=not (isinstance(request.user, User) and request.user.sees_all_figures),
        indicator=indicator,
        restated=values.get("view") == "restated",
    )
    by_supplier = "supplier" in question.by or "supplier_code" in dict(where)
    if question.published_only and (by_supplier or question.restated):
        raise Forbidden if request.user.is_authenticated else NotAuthenticated
    return question


def read_rule(request: Request) -> CountingRule:
    """Return the rule whose version the address names. Raise Invalid when there is none."""
    refuse_unknown_parameters(request, {"rule"})
    text = request.query_params.get("rule", "")
    known = text.isascii() and text.isdigit() and len(text) < 5
    rule = CountingRule.objects.filter(version=int(text)).first() if known else None
    if rule is None:
        raise Invalid(errors=[ErrorItem("/rule", "invalid", _("There is no such rule."))])
    return rule


def _month(text: str) -> date:
    try:
        return read_month(text)
    except ValueError as error:
        raise BadValue(_("Enter a month as YYYY-MM.")) from error


def _dimensions(text: str) -> tuple[str, ...]:
    names = tuple(text.split(",")) if text else ()
    if not set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        raise BadValue(_("Name each at most once: %(names)s.") % {"names": ", ".join(COLUMNS)})
    return names


def _grade(text: str) -> int:
    return Grade[_one_of(Grade.names, text)].value


def _view(text: str) -> str:
    return _one_of(VIEWS, text)


READERS: dict[str, Any] = {
    "from": _month,
    "until": _month,
    "by": _dimensions,
    "grade": _grade,
    "view": _view,
}


def _conditions(name: str, text: str) -> list[tuple[str, Any]]:
    """Return the columns, and the values that the filter `name` asks of them."""
    column = COLUMNS[name][0]
    match name:
        case "month":
            value: Any = _month(text)
        case "pair":
            return _pair(text)
        case "county" | "district":
            value = "" if text == UNASSIGNED else _known(Division, text, column)
        case "category":
            value = _known(Category, text, column)
        case "supplier":
            value = "" if text == UNNAMED else _known(Supplier, text, column)
        case "recognised":
            value = _one_of(["true", "false"], text) == "true"
        case "kind":
            value = _one_of(ContributionKind.values, text)
        case "buyer_kind":
            value = _one_of(Buyer.Kind.values, text)
        case "channel":
            value = _one_of(Channel.values, text)
    return [(column, value)]


def _pair(text: str) -> list[tuple[str, str]]:
    if text == UNPAIRED:
        return [("pair_district_code", "")]
    if not re.fullmatch("[0-9]{6}-[0-9]{6}", text, re.ASCII):
        raise BadValue(_("Enter DISTRICT-COUNTY, such as 440105-522725, or unpaired."))
    return list(zip(COLUMNS["pair"], text.split("-"), strict=True))


def _known(model: type[models.Model], code: str, column: str) -> str:
    """Return a code that we have or that was declared; a misspelt one is not silently zero."""
    if not (
        model._default_manager.filter(code=code).exists()
        or (code and Total.objects.filter(**{column: code}).exists())
    ):
        raise BadValue(_("There is no such code."))
    return code


def _one_of(values: list[str], text: str) -> str:
    if text not in values:
        raise BadValue(_("Choose one of: %(values)s.") % {"values": ", ".join(values)})
    return text


class MonthFormField(forms.CharField):
    def clean(self, value: str) -> Any:
        text = super().clean(value)
        try:
            return read_month(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(_("Enter a month as YYYY-MM.")) from error


class MonthFilter(Filter):
    """A month as `YYYY-MM`."""

    field_class = MonthFormField


class AnomalyFilter(FilterSet):
    month = MonthFilter()
    rule = ChoiceFilter(choices=AnomalyRule.Code.choices)
    answered = ChoiceFilter(
        choices=[("true", "true"), ("false", "false")], method="filter_answered"
    )

    class Meta:
        model = Anomaly
        fields = ("month", "rule", "answered")

    def filter_answered(
        self, rows: models.QuerySet[Anomaly], name: str, value: str
    ) -> models.QuerySet[Anomaly]:
        return rows.filter(answered_at__isnull=value == "false")
