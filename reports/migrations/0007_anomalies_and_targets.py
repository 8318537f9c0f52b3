"""Anomalies with their rules and yields, and targets; an answered anomaly stays as it is."""

from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RULES = {
    "late_returns": {"last_days": 5, "first_days": 5, "share": 0.5, "amount": 10_000},
    "round_trip": {"days": 15, "amount": 10_000},
    "same_contact": {},
    "far_price": {"factor": 8, "entries": 20},
    "over_yield": {"factor": 1},
    "split_sales": {"round_amount": 10_000, "margin": 500, "sales": 3, "days": 7},
    "end_spike": {"days": 2, "share": 0.25, "factor": 3, "amount": 100_000},
}

# Rough upper bounds of good land, to be replaced by the county's own; what grows on no land has
# none.
KG_PER_MU = {"fruit": 3_000, "roxburgh": 1_500, "tea": 200, "grain": 600, "vegetables": 5_000}

FORWARDS = """
CREATE TRIGGER answered_anomaly_stays BEFORE UPDATE ON reports_anomaly
    FOR EACH ROW WHEN (OLD.answered_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER anomaly_is_never_deleted BEFORE DELETE ON reports_anomaly
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER anomaly_is_never_deleted ON reports_anomaly;
DROP TRIGGER answered_anomaly_stays ON reports_anomaly;
"""


def load(apps, schema_editor):
    AnomalyRule = apps.get_model("reports", "AnomalyRule")
    AnomalyRule.objects.bulk_create(
        AnomalyRule(code=code, parameters=parameters) for code, parameters in RULES.items()
    )
    Yield = apps.get_model("reports", "Yield")
    Yield.objects.bulk_create(
        Yield(category_id=category, kg_per_mu=kg) for category, kg in KG_PER_MU.items()
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_divisions"),
        ("reports", "0006_regrading"),
        ("shop", "0006_catalogue_version"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnomalyRule",
            fields=[
                (
                    "code",
                    models.CharField(
                        choices=[
                            (
                                "late_returns",
                                "Much of what was sold at the end of the month came back right after it.",
                            ),
                            ("round_trip", "A sale came back in full within days."),
                            (
                                "same_contact",
                                "Buyer and supplier share a phone number, a contact or a credit code.",
                            ),
                            (
                                "far_price",
                                "The price is far from the median of its category and unit.",
                            ),
                            (
                                "over_yield",
                                "More was sold this year than the supplier's bases can grow.",
                            ),
                            (
                                "split_sales",
                                "Several sales lie just under the same round amount within days.",
                            ),
                            ("end_spike", "The last days make up an unusual share of the month."),
                        ],
                        max_length=20,
                        primary_key=True,
                        serialize=False,
                        verbose_name="rule",
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "parameters",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="Numbers by name: days, shares, factors, amounts in yuan.",
                        verbose_name="parameters",
                    ),
                ),
            ],
            options={
                "verbose_name": "anomaly rule",
                "verbose_name_plural": "anomaly rules",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Yield",
            fields=[
                (
                    "category",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="shop.category",
                        verbose_name="category",
                    ),
                ),
                (
                    "kg_per_mu",
                    models.DecimalField(
                        decimal_places=2, max_digits=10, verbose_name="kg per mu and year"
                    ),
                ),
            ],
            options={
                "verbose_name": "yield",
                "verbose_name_plural": "yields",
                "ordering": ["category"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kg_per_mu__range", (Decimal("0.01"), Decimal("99999999.99")))
                        ),
                        name="yield_is_positive",
                        violation_error_message="A yield is more than zero.",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Anomaly",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "fingerprint",
                    models.CharField(
                        help_text="The month and the subject, by their codes.",
                        max_length=400,
                        verbose_name="fingerprint",
                    ),
                ),
                ("subject", models.CharField(max_length=400, verbose_name="subject")),
                (
                    "evidence",
                    models.JSONField(
                        help_text="Figures, and keys of ledger entries; no personal data.",
                        verbose_name="evidence",
                    ),
                ),
                ("found_at", models.DateTimeField(verbose_name="found at")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[("explained", "explained"), ("corrected", "corrected")],
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="answer")),
                (
                    "answered_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="answered at"),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="answered by",
                    ),
                ),
                (
                    "month",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="anomalies",
                        to="reports.month",
                        verbose_name="month",
                    ),
                ),
                (
                    "rule",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="anomalies",
                        to="reports.anomalyrule",
                        verbose_name="rule",
                    ),
                ),
            ],
            options={
                "verbose_name": "anomaly",
                "verbose_name_plural": "anomalies",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("answered_at__isnull", True)),
                        fields=["month"],
                        name="anomalies_to_answer",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("rule", "fingerprint"), name="anomaly_found_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer", ""),
                                ("answered_at__isnull", True),
                                ("answered_by__isnull", True),
                                ("verdict", ""),
                            ),
                            models.Q(
                                models.Q(("answer", ""), _negated=True),
                                ("answered_at__isnull", False),
                                ("answered_by__isnull", False),
                                ("verdict__in", ["explained", "corrected"]),
                            ),
                            _connector="OR",
                        ),
                        name="anomaly_answered_by_somebody_with_a_verdict",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Target",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("year", models.PositiveSmallIntegerField(verbose_name="year")),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, max_digits=18, verbose_name="amount (yuan)"
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all counties.",
                        limit_choices_to={"parent_id": "522700"},
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.division",
                        verbose_name="county",
                    ),
                ),
                (
                    "district",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: all buyers.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.division",
                        verbose_name="paired district",
                    ),
                ),
            ],
            options={
                "verbose_name": "target",
                "verbose_name_plural": "targets",
                "ordering": ["-year", "county_id", "district_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("year", "county", "district"),
                        name="target_set_once",
                        nulls_distinct=False,
                        violation_error_message="This target is set already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("amount__range", (Decimal("0.01"), Decimal("9999999999999999.99")))
                        ),
                        name="target_is_positive",
                        violation_error_message="A target is more than zero.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("year__range", (2010, 2999))),
                        name="target_year_within_bounds",
                        violation_error_message="The year lies between 2010 and 2999.",
                    ),
                ],
            },
        ),
        migrations.RunPython(load, migrations.RunPython.noop),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
