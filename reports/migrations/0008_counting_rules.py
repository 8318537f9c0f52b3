"""
Counting rules that two people approve, indicators, and totals that know their rule.

What a rule says never changes: of a proposal only the approvals are filled in. A total
tells the rules of its entries apart, so that each entry counts by the rule that it carries,
a correction by that of what it corrects.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import reports.models.rules

# Every entry so far carries rule 1: there was no way to make another.
KEY = """
ALTER TABLE reports_total DROP CONSTRAINT reports_total_pkey,
    ADD CONSTRAINT reports_total_pkey PRIMARY KEY (grain, month, grade, rule_id, county_code,
        region_code, pair_district_code, category_code, supplier_code, kind, buyer_kind,
        channel, is_recognised);
"""

KEY_WITHOUT_RULE = """
ALTER TABLE reports_total DROP CONSTRAINT reports_total_pkey,
    ADD CONSTRAINT reports_total_pkey PRIMARY KEY (grain, month, grade, county_code,
        region_code, pair_district_code, category_code, supplier_code, kind, buyer_kind,
        channel, is_recognised);
"""

FORWARDS = """
CREATE FUNCTION reports_keep_rule() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    without_approvals reports_countingrule;
BEGIN
    IF TG_OP = 'UPDATE' AND NOT OLD.is_approved
        AND (OLD.approved_by_first_id IS NULL
            OR OLD.approved_by_first_id = NEW.approved_by_first_id)
    THEN
        without_approvals := NEW;
        without_approvals.approved_by_first_id := OLD.approved_by_first_id;
        without_approvals.approved_by_second_id := OLD.approved_by_second_id;
        without_approvals.is_approved := OLD.is_approved;
        IF without_approvals IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'counting rule % stays as it is', OLD.version
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER counting_rule_stays BEFORE UPDATE OR DELETE ON reports_countingrule
    FOR EACH ROW EXECUTE FUNCTION reports_keep_rule();
"""

BACKWARDS = """
DROP TRIGGER counting_rule_stays ON reports_countingrule;
DROP FUNCTION reports_keep_rule();
"""

# As in 0002_ledger_guards, and each pending row knows its rule.
BOOK_BY_RULE = """
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
        supplier_code, kind, buyer_kind, channel, is_recognised, amount, weight_kg, entries)
    SELECT month, grade, rule_id, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised,
        sum(amount), sum(weight_kg), count(*)
    FROM new_rows
    GROUP BY month, grade, rule_id, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised;
    RETURN NULL;
END $$;
"""

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
        month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised, amount, weight_kg, entries)
    SELECT month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised,
        sum(amount), sum(weight_kg), count(*)
    FROM new_rows
    GROUP BY month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised;
    RETURN NULL;
END $$;
"""

INDICATORS = [
    {
        "code": "goods",
        "name": "货物销售额（官方口径）",
        "name_en": "Goods (official figure)",
        "description": "按生效口径计入的全部农畜牧产品和特色手工艺产品的含税货款，不含运费。",
        "follows_rule": True,
    },
    {
        "code": "goods-and-services",
        "name": "货物及服务",
        "name_en": "Goods and services",
        "description": "官方口径的货款，另加运费；运费单列，不并入货款。平台订单的运费目前为零，"
        "故两者金额相同。",
        "counts_freight": True,
        "follows_rule": True,
    },
    {
        "code": "recognised",
        "name": "认定产品",
        "name_en": "Recognised products",
        "description": "官方口径中，销售时持有效消费帮扶产品认定的部分。",
        "only_recognised": True,
        "follows_rule": True,
    },
    {
        "code": "platform-832",
        "name": "832平台报表",
        "name_en": "832 platform form",
        "description": "台账中渠道为832平台的全部销售。",
        "channels": ["832"],
        "follows_rule": False,
    },
    {
        "code": "provincial",
        "name": "省级报表",
        "name_en": "Provincial form",
        "description": "台账中证据等级不低于E2（交货与验收）的全部销售。",
        "least_grade": 2,
        "follows_rule": False,
    },
]


def load(apps, schema_editor):
    Indicator = apps.get_model("reports", "Indicator")
    Indicator.objects.bulk_create(Indicator(**values) for values in INDICATORS)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0002_guards"),
        ("reports", "0007_anomalies_and_targets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Indicator",
            fields=[
                (
                    "sectors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("farm", "farm and livestock products"),
                                ("handicraft", "characteristic handicrafts"),
                            ],
                            max_length=10,
                        ),
                        default=reports.models.rules.all_sectors,
                        size=None,
                        verbose_name="sectors",
                    ),
                ),
                (
                    "only_recognised",
                    models.BooleanField(default=False, verbose_name="recognised products only"),
                ),
                (
                    "least_grade",
                    models.PositiveSmallIntegerField(
                        choices=[
                            (0, "E0 declared only"),
                            (1, "E1 order and contract"),
                            (2, "E2 delivery and acceptance"),
                            (3, "E3 fapiao"),
                            (4, "E4 payment"),
                        ],
                        default=0,
                        verbose_name="least evidence",
                    ),
                ),
                (
                    "counts_freight",
                    models.BooleanField(default=False, verbose_name="counts freight"),
                ),
                (
                    "code",
                    models.SlugField(
                        max_length=40, primary_key=True, serialize=False, verbose_name="code"
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("name_en", models.CharField(max_length=80, verbose_name="English name")),
                ("description", models.TextField(verbose_name="description")),
                (
                    "channels",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("platform", "this platform"),
                                ("832", "832 platform"),
                                ("counter", "counter"),
                                ("hall", "hall"),
                                ("zone", "zone"),
                                ("train", "train"),
                                ("station", "station"),
                                ("fair", "fair"),
                                ("live", "live stream"),
                                ("offline", "offline"),
                                ("export", "export"),
                            ],
                            max_length=10,
                        ),
                        blank=True,
                        default=list,
                        help_text="None: all.",
                        size=None,
                        verbose_name="channels",
                    ),
                ),
                ("follows_rule", models.BooleanField(verbose_name="follows the counting rule")),
            ],
            options={
                "verbose_name": "indicator",
                "verbose_name_plural": "indicators",
                "ordering": ["code"],
            },
        ),
        migrations.AddField(
            model_name="countingrule",
            name="approved_by_first",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="approved by",
            ),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="approved_by_second",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="approved by, second",
            ),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="counts_freight",
            field=models.BooleanField(default=False, verbose_name="counts freight"),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="event",
            field=models.CharField(
                choices=[("accepted", "acceptance"), ("invoiced", "fapiao"), ("paid", "payment")],
                default="accepted",
                max_length=10,
                verbose_name="counts at",
            ),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="least_grade",
            field=models.PositiveSmallIntegerField(
                choices=[
                    (0, "E0 declared only"),
                    (1, "E1 order and contract"),
                    (2, "E2 delivery and acceptance"),
                    (3, "E3 fapiao"),
                    (4, "E4 payment"),
                ],
                default=0,
                verbose_name="least evidence",
            ),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="only_recognised",
            field=models.BooleanField(default=False, verbose_name="recognised products only"),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="refunds",
            field=models.CharField(
                choices=[
                    ("settlement_month", "in the month of settlement"),
                    ("sale_month", "in the month of the sale"),
                ],
                default="settlement_month",
                max_length=20,
                verbose_name="refunds count",
            ),
        ),
        migrations.AddField(
            model_name="countingrule",
            name="sectors",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("farm", "farm and livestock products"),
                        ("handicraft", "characteristic handicrafts"),
                    ],
                    max_length=10,
                ),
                default=reports.models.rules.all_sectors,
                size=None,
                verbose_name="sectors",
            ),
        ),
        migrations.AddField(
            model_name="pendingtotal",
            name="rule_id",
            field=models.PositiveSmallIntegerField(default=1),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="total",
            name="rule_id",
            field=models.PositiveSmallIntegerField(default=1),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="countingrule",
            name="in_force_from",
            field=models.DateField(verbose_name="in force from"),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField(
                    model_name="total",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "grain",
                        "month",
                        "grade",
                        "rule_id",
                        "county_code",
                        "region_code",
                        "pair_district_code",
                        "category_code",
                        "supplier_code",
                        "kind",
                        "buyer_kind",
                        "channel",
                        "is_recognised",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
            database_operations=[migrations.RunSQL(KEY, KEY_WITHOUT_RULE)],
        ),
        migrations.AddField(
            model_name="countingrule",
            name="is_approved",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.ExpressionWrapper(
                    models.Q(
                        ("version", 1),
                        models.Q(
                            ("approved_by_first__isnull", False),
                            ("approved_by_second__isnull", False),
                        ),
                        _connector="OR",
                    ),
                    output_field=models.BooleanField(),
                ),
                output_field=models.BooleanField(),
                verbose_name="approved",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("corrects_month__isnull", False)),
                fields=["corrects_month"],
                name="ledger_by_corrected_month",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sectors__contained_by", ["farm", "handicraft"]), ("sectors__len__gt", 0)
                ),
                name="countingrule_sectors_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("least_grade__range", (0, 4))),
                name="countingrule_grade_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_approved", True)),
                fields=("in_force_from",),
                name="one_rule_begins_on_a_day",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("approved_by_second__isnull", True),
                    models.Q(
                        ("approved_by_first__isnull", False),
                        models.Q(
                            ("approved_by_second", models.F("approved_by_first")), _negated=True
                        ),
                    ),
                    _connector="OR",
                ),
                name="rule_approved_by_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("event", "accepted"),
                    models.Q(("event", "invoiced"), ("least_grade__gte", 3)),
                    models.Q(("event", "paid"), ("least_grade__gte", 4)),
                    _connector="OR",
                ),
                name="rule_grade_proves_its_event",
            ),
        ),
        migrations.AddConstraint(
            model_name="countingrule",
            constraint=models.CheckConstraint(
                condition=models.Q(("refunds__in", ["settlement_month", "sale_month"])),
                name="rule_refunds_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="indicator",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("sectors__contained_by", ["farm", "handicraft"]), ("sectors__len__gt", 0)
                ),
                name="indicator_sectors_are_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="indicator",
            constraint=models.CheckConstraint(
                condition=models.Q(("least_grade__range", (0, 4))), name="indicator_grade_is_known"
            ),
        ),
        migrations.RunSQL(BOOK_BY_RULE, BOOK),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.RunPython(load, migrations.RunPython.noop),
    ]
