"""Load Qiannan's counties, the Bay Area's divisions and the pairings that have a source."""

import csv
from pathlib import Path

from django.db import migrations

DIVISIONS = Path(__file__).parent.parent / "data" / "divisions.csv"

ARTICLE = "2024年1月广州—黔南协作十年报道"
PAIRINGS = [
    ("440105", "522725", None, ARTICLE),
    ("440103", "522731", None, ARTICLE),
    ("440103", "522730", None, ARTICLE),
    ("440111", "522727", None, ARTICLE),
    ("440111", "522722", None, ARTICLE),
    ("440111", "522728", None, "广州市人民政府,2023年12月"),
    ("440112", "522726", None, ARTICLE),
    # Only known for the round that ended in 2020; still in force as far as is known.
    ("440112", "522732", None, "2016—2020年结对帮扶"),
]


def load(apps, schema_editor):
    Division = apps.get_model("accounts", "Division")
    Pairing = apps.get_model("accounts", "Pairing")
    with DIVISIONS.open(encoding="utf-8", newline="") as file:
        Division.objects.bulk_create(
            Division(
                code=row["code"],
                name=row["name_zh"],
                name_en=row["name_en"],
                level=row["level"],
                parent_id=row["parent_code"] or None,
            )
            for row in csv.DictReader(file)
        )
    Pairing.objects.bulk_create(
        Pairing(district_id=district, county_id=county, valid_from=valid_from, source=source)
        for district, county, valid_from, source in PAIRINGS
    )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_append_only")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
