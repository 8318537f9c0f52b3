"""Counting rule 1, in force from 2010-01-01."""

from datetime import date

from django.db import migrations

KIND_BY_BUYER_KIND = {
    "canteen": "procured",
    "budget_unit": "procured",
    "union": "procured",
    "state_firm": "procured",
    "school": "procured",
    "hospital": "procured",
    "company": "procured",
    "caterer": "procured",
    "supermarket": "helped_sell",
    "wholesale": "helped_sell",
    "ecommerce": "helped_sell",
    "importer": "helped_sell",
}

DESCRIPTION = (
    "按买方验收计入，月份以 Asia/Shanghai 为准；金额为验收数量的含税货款（扣除折扣，运费另计）；"
    "退货与理赔在结算当月记负数，已封账月份不再变动；买方为最终使用者的计入采购，"
    "买方再次销售的计入帮助销售；每行只在首次销售给东部买方时计一次。"
)


def load(apps, schema_editor):
    apps.get_model("reports", "CountingRule").objects.create(
        version=1,
        in_force_from=date(2010, 1, 1),
        kind_by_buyer_kind=KIND_BY_BUYER_KIND,
        description=DESCRIPTION,
    )


class Migration(migrations.Migration):
    dependencies = [("reports", "0002_ledger_guards")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
