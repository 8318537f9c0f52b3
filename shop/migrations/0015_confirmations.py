"""When suppliers last confirmed their listings."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0014_supply_promises"),
    ]

    operations = [
        migrations.CreateModel(
            name="Confirmation",
            fields=[
                (
                    "product",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="confirmation",
                        serialize=False,
                        to="shop.product",
                        verbose_name="product",
                    ),
                ),
                ("confirmed_at", models.DateTimeField(verbose_name="confirmed at")),
                (
                    "reminded_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="reminded at"),
                ),
                (
                    "suspended_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="off sale since"),
                ),
                ("tried_at", models.DateTimeField(blank=True, null=True, verbose_name="tried at")),
                ("told_at", models.DateTimeField(blank=True, null=True, verbose_name="told at")),
            ],
            options={
                "verbose_name": "confirmation",
                "verbose_name_plural": "confirmations",
                "indexes": [
                    models.Index(
                        condition=models.Q(("reminded_at__isnull", True)),
                        fields=["confirmed_at"],
                        name="confirmations_by_age",
                    ),
                    models.Index(
                        condition=models.Q(("reminded_at__isnull", False)),
                        fields=["reminded_at"],
                        name="confirmations_unanswered",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspended_at", None), ("reminded_at__isnull", False), _connector="OR"
                        ),
                        name="suspended_after_a_reminder",
                    )
                ],
            },
        ),
    ]
