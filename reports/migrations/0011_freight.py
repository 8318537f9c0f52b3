"""Freight, which the ledger and the totals keep beside the goods."""

from decimal import Decimal

from django.db import migrations, models

BOOK = """
CREATE OR REPLACE FUNCTION reports_book_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date;
BEGIN
    INSERT INTO reports_month (month, status, sha256)
    SELECT DISTINCT month, 'open', '' FROM new_rows ORDER BY month
    ON CONFLICT DO NOTHING;

    -- Closing takes these rows FOR UPDATE, so it waits for writers and they for it.
    PERFORM 1 FROM reports_month
    WHERE month IN (SELECT DISTINCT month FROM new_rows) ORDER BY month FOR SHARE;
    SELECT min(month) INTO closed FROM reports_month
    WHERE month IN (SELECT DISTINCT month FROM new_rows) AND status IN ('closed', 'published');
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'month % is closed', to_char(closed, 'YYYY-MM')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_month_is_open',
                  TABLE = TG_TABLE_NAME;
    END IF;

    INSERT INTO reports_pendingtotal (
        month, grade, rule_id, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised, amount,{} weight_kg, entries)
    SELECT month, grade, rule_id, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised,
        sum(amount),{} sum(weight_kg), count(*)
    FROM new_rows
    GROUP BY month, grade, rule_id, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised;
    RETURN NULL;
END $$;
"""

DESCRIBE = """
UPDATE reports_indicator SET description = '官方口径的货款，与其运费合计。'
WHERE code = 'goods-and-services'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_freight"),
        ("reports", "0010_declaration_evidence"),
    ]

    operations = [
        migrations.RunSQL(DESCRIBE, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="entry_amounts_within_bounds",
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="freight",
            field=models.DecimalField(
                default=Decimal("0"),
                db_default=Decimal("0"),
                decimal_places=2,
                max_digits=14,
                verbose_name="freight (yuan)",
            ),
        ),
        migrations.AddField(
            model_name="pendingtotal",
            name="freight",
            field=models.DecimalField(
                default=Decimal("0"), db_default=Decimal("0"), decimal_places=2, max_digits=18
            ),
        ),
        migrations.AddField(
            model_name="total",
            name="freight",
            field=models.DecimalField(
                default=Decimal("0"), db_default=Decimal("0"), decimal_places=2, max_digits=18
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__range", (Decimal("-999999999999.99"), Decimal("999999999999.99"))),
                    ("freight__range", (Decimal("-999999999999.99"), Decimal("999999999999.99"))),
                    ("quantity__range", (Decimal("-99999999999"), Decimal("99999999999"))),
                    ("weight_kg__range", (Decimal("-99999999999"), Decimal("99999999999"))),
                ),
                name="entry_amounts_within_bounds",
            ),
        ),
        migrations.RunSQL(BOOK.format(" freight,", " sum(freight),"), BOOK.format("", "")),
    ]
