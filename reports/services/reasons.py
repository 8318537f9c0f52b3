"""
Why an entry stands in the ledger: kept as codes that never change, read as words.

The reason is part of a month's seal, so what is kept stays as it is; pages and files say
it in their language.
"""

import re

from django.utils.translation import gettext as _

from orders.models import Buyer
from reports.models import ContributionKind
from shop.models import Category

BOOKED = re.compile(
    r"(?P<declared>declared; )?"
    r"(?:counts|does not count(?: below (?P<grade>E\d)|, sector (?P<sector>\w+)|, not recognised))"
    r": buyer kind (?P<buyer_kind>\w+) is (?P<kind>\w+) \(rule (?P<rule>\d+)\)"
)
REGRADED = re.compile(r"evidence: (?P<before>E\d) to (?P<after>E\d)")
CLAIMED = re.compile(r"claim: (?P<said>.*)", re.DOTALL)


def why_booked(*, grade: str, recognised: str, buyer_kind: str) -> str:
    """
    Return the SQL of an entry's reason, given the SQL of three of its columns.

    It says whether the entry counts by the rows `rule` and `category`, as `Scope.counts`
    says it to queries.
    """
    return f"""
    CASE WHEN {grade} < rule.least_grade THEN 'does not count below E' || rule.least_grade
        WHEN category.sector <> ALL (rule.sectors)
            THEN 'does not count, sector ' || category.sector
        WHEN rule.only_recognised AND NOT {recognised} THEN 'does not count, not recognised'
        ELSE 'counts'
    END || ': buyer kind ' || {buyer_kind} || ' is '
        || (rule.kind_by_buyer_kind ->> {buyer_kind}) || ' (rule ' || rule.version || ')'"""


def in_words(reason: str) -> str:
    """Return a kept reason in the reader's language; what a person wrote stays as it is."""
    if booked := BOOKED.fullmatch(reason):
        return _("%(verdict)s: %(buyer_kind)s, %(kind)s (rule %(rule)s)") % {
            "verdict": _verdict(booked),
            "buyer_kind": _label(Buyer.Kind, booked["buyer_kind"]),
            "kind": _label(ContributionKind, booked["kind"]),
            "rule": booked["rule"],
        }
    if regraded := REGRADED.fullmatch(reason):
        return _("Evidence changed from %(before)s to %(after)s") % regraded.groupdict()
    if claimed := CLAIMED.fullmatch(reason):
        return _("Claim: %(said)s") % claimed.groupdict()
    return reason


def _verdict(booked: re.Match[str]) -> str:
    """Say whether a fact counts, and if it does not, why."""
    if booked["grade"]:
        verdict = _("does not count with evidence below %(grade)s") % booked.groupdict()
    elif booked["sector"]:
        sector = _label(Category.Sector, booked["sector"])
        verdict = _("does not count in the sector %(sector)s") % {"sector": sector}
    elif "not recognised" in booked[0]:
        verdict = _("does not count without recognition")
    else:
        verdict = _("counts")
    return _("declared; %(verdict)s") % {"verdict": verdict} if booked["declared"] else verdict


def _label(choices: type[Buyer.Kind | ContributionKind | Category.Sector], code: str) -> str:
    return str(dict(choices.choices).get(code, code))
