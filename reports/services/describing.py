"""
What an anomaly is about and what was found, in the reader's words.

Both are kept as codes and figures, by which a rule knows again what it has found.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Division, name_field
from orders.models import Buyer
from reports.models import Anomaly, AnomalyRule
from shop.models import SKU, Category
from suppliers.models import Supplier

Code = AnomalyRule.Code

PAIR = r"(?P<buyer>\S+) (?P<supplier>\S+)"
#: How each rule in `anomalies.py` names what it is about.
SUBJECTS = {
    Code.LATE_RETURNS: PAIR,
    Code.ROUND_TRIP: rf"{PAIR} (?P<product>.+) (?P<entry>\d+)",
    Code.SAME_CONTACT: PAIR,
    # What was declared may have no supplier.
    Code.FAR_PRICE: (
        r"(?:(?P<supplier>\S+) )??(?P<category>{categories}) (?P<product>.+) (?P<unit>\S+)"
    ),
    Code.OVER_YIELD: r"(?P<supplier>\S+) (?P<category>{categories})",
    Code.SPLIT_SALES: rf"{PAIR} (?P<limit>[\d.]+)",
    Code.END_SPIKE: r"(?P<county>\d{6})",
}

#: What the figures of evidence and the measures of rules are called.
LABELS = {
    "amount": gettext_lazy("amount from"),
    "area_mu": gettext_lazy("land (mu)"),
    "below": gettext_lazy("just under (yuan)"),
    "days": gettext_lazy("days"),
    "entries": gettext_lazy("ledger entries"),
    "factor": gettext_lazy("factor"),
    "first_days": gettext_lazy("first days"),
    "highest": gettext_lazy("highest price"),
    "kg_per_mu": gettext_lazy("yield (kg per mu)"),
    "last_days": gettext_lazy("last days"),
    "lowest": gettext_lazy("lowest price"),
    "margin": gettext_lazy("margin"),
    "median": gettext_lazy("median price"),
    "returned": gettext_lazy("returned (yuan)"),
    "returned_on": gettext_lazy("returned on"),
    "round_amount": gettext_lazy("round amount"),
    "sales": gettext_lazy("sales"),
    "share": gettext_lazy("share"),
    "shared": gettext_lazy("shared"),
    "sold": gettext_lazy("sold (yuan)"),
    "sold_kg": gettext_lazy("sold (kg)"),
    "sold_on": gettext_lazy("sold on"),
    "usual_share": gettext_lazy("usual share"),
}
SHARED = {
    "uscc": gettext_lazy("credit code"),
    "phone": gettext_lazy("phone"),
    "contact": gettext_lazy("contact"),
}


def described(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    """Return them with what each is `about`; what no longer has a name keeps its code."""
    anomalies = list(anomalies)
    categories = dict(Category.objects.values_list("code", name_field()))
    alternatives = "|".join(map(re.escape, categories))
    parts_by_key = {}
    for anomaly in anomalies:
        pattern = SUBJECTS[Code(anomaly.rule_id)].replace("{categories}", alternatives)
        found = re.fullmatch(pattern, anomaly.subject)
        parts_by_key[anomaly.pk] = found.groupdict() if found else {"": anomaly.subject}

    def codes(kind: str) -> set[str]:
        # Never empty: the number of queries does not depend on what there is.
        return {parts.get(kind) or "" for parts in parts_by_key.values()} | {""}

    names: dict[str, Mapping[str, Any]] = {
        "buyer": dict(Buyer.objects.filter(code__in=codes("buyer")).values_list("code", "name")),
        "supplier": dict(
            Supplier.objects.filter(code__in=codes("supplier")).values_list("code", "name")
        ),
        "county": dict(
            Division.objects.filter(code__in=codes("county")).values_list("code", name_field())
        ),
        "category": categories,
        "unit": dict(SKU.Unit.choices),
    }
    for anomaly in anomalies:
        anomaly.about = " · ".join(
            _named(kind, code, names.get(kind, {}))
            for kind, code in parts_by_key[anomaly.pk].items()
            if code
        )
    return anomalies


def facts_in_words(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield each figure of an anomaly's evidence, or measure of a rule, with what it is."""
    for name, value in facts.items():
        if name == "shared":
            value = _(", ").join(str(SHARED.get(one, one)) for one in value)
        elif isinstance(value, list):
            value = _(", ").join(map(str, value))
        yield _("%(name)s: %(value)s") % {"name": LABELS.get(name, name), "value": value}


def _named(kind: str, code: str, names: Mapping[str, Any]) -> str:
    if kind == "entry":
        return _("ledger entry %(number)s") % {"number": code}
    if kind == "limit":
        return _("just under %(amount)s yuan") % {"amount": code}
    return str(names.get(code, code))
