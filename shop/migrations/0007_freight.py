"""What suppliers charge for delivery."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_chain"),
        ("shop", "0006_catalogue_version"),
        ("suppliers", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="FreightRate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "per_kg",
                    models.DecimalField(
                        decimal_places=4, max_digits=8, verbose_name="per kg (yuan)"
                    ),
                ),
                (
                    "minimum",
                    models.DecimalField(
                        decimal_places=2,
                        default=Decimal("0"),
                        max_digits=10,
                        verbose_name="at least (yuan)",
                    ),
                ),
                (
                    "free_from",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        help_text="Empty: never free.",
                        max_digits=14,
                        null=True,
                        verbose_name="free from goods worth (yuan)",
                    ),
                ),
                (
                    "destination",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: everywhere else.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.division",
                        verbose_name="destination",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="freight_rates",
                        to="suppliers.supplier",
                        verbose_name="supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "freight rate",
                "verbose_name_plural": "freight rates",
                "ordering": ["supplier", "destination"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("supplier", "destination"),
                        name="one_freight_rate_per_destination",
                        nulls_distinct=False,
                        violation_error_message="There is a rate for this destination already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("minimum__range", (0, 99999999)),
                            ("per_kg__range", (0, Decimal("9999.9999"))),
                        ),
                        name="freight_rate_within_bounds",
                        violation_error_message="Freight cannot be less than nothing.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("free_from__isnull", True),
                            ("free_from__range", (0, 999999999999)),
                            _connector="OR",
                        ),
                        name="freight_free_from_within_bounds",
                        violation_error_message="Freight cannot be less than nothing.",
                    ),
                ],
            },
        ),
    ]
