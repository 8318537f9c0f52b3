"""
Half a million real invoice lines, declared to the running product: `make load`.

The reference totals were computed elsewhere from the same lines.
"""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.reports.test_declarations import SHARED, converted, reference

from .running import Product, ask, connected

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not SHARED.exists(), reason="shared data absent"),
]

MONTHS = ["2010-12", *(f"2011-{month:02}" for month in range(1, 13))]
LABELS = ("category", "county", "district", "supplier")


def test_add_up_to_the_reference_in_every_month_and_label(product: Product, tmp_path: Path) -> None:
    office = next(p["key"] for p in product.people["staff"] if p["role"] == "office")
    declared = {}
    for month in MONTHS:
        file = tmp_path / f"{month}.csv"
        file.write_text(converted(month), encoding="utf-8")
        answer = product.manage(
            "import_declarations", str(file), "--reporter", "440100", "--commit", "--json"
        )
        declared[month] = json.loads(answer)
        assert (declared[month]["status"], declared[month]["bad_rows"]) == ("booked", 0)
    product.manage("roll_up")
    for label in LABELS:
        found = totals(office, by=f"month,{label}")
        for month in MONTHS:
            expected = {code: row[:2] for code, row in reference(label, month).items()}
            assert found[month] == expected, (month, label)
    assert sum(answer["rows"] for answer in declared.values()) > 500_000

    before = totals(office, by="month,county")
    again = tmp_path / "2011-02.csv"
    with pytest.raises(AssertionError, match="already_imported"):
        product.manage("import_declarations", str(again), "--reporter", "440100", "--commit")
    assert totals(office, by="month,county") == before

    path = f"/api/v1/declarations/{declared['2011-02']['id']}/revoke/"
    headers = {"Authorization": f"Bearer {office}", "Content-Type": "application/json"}
    with connected() as connection:
        status, _answer = ask(connection, "POST", path, body={"reason": "重报"}, **headers)
    assert status == 202
    product.wait_for(lambda: _status(office, declared["2011-02"]["id"]) == "revoked")
    product.manage("roll_up")
    after = totals(office, by="month,county")
    assert all(amount == 0 for _rows, amount in after.pop("2011-02").values())
    before.pop("2011-02")
    assert after == before
    product.manage("verify")


def totals(key: str, *, by: str) -> dict[str, dict[str, tuple[int, Decimal]]]:
    """Return entries and amount of the real lines by month and code, as the API says them."""
    query = urlencode({"by": by, "from": MONTHS[0], "until": MONTHS[-1]})
    answer = _get(key, f"/api/v1/totals/?{query}")
    found: dict[str, dict[str, tuple[int, Decimal]]] = defaultdict(dict)
    for group in answer["groups"]:
        code = group[by.partition(",")[2]]["code"]
        code = "" if code in ("unassigned", "unnamed") else code
        found[group["month"]][code] = (group["entries"], Decimal(group["amount"]))
    return dict(found)


def _status(key: str, declaration: str) -> str:
    return str(_get(key, f"/api/v1/declarations/{declaration}/")["status"])


def _get(key: str, path: str) -> Any:
    with connected() as connection:
        status, answer = ask(connection, "GET", path, Authorization=f"Bearer {key}")
    assert status == 200, answer
    return json.loads(answer)
