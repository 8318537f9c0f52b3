"""Reminders of papers that end."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0009_required_documents"),
        ("suppliers", "0002_certificate_files"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reminder",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ends_on", models.DateField(verbose_name="last valid day")),
                ("days", models.PositiveSmallIntegerField(verbose_name="days before the end")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                ("tried_at", models.DateTimeField(blank=True, null=True, verbose_name="tried at")),
                ("told_at", models.DateTimeField(blank=True, null=True, verbose_name="told at")),
                (
                    "certificate",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reminders",
                        to="suppliers.certificate",
                        verbose_name="certificate",
                    ),
                ),
                (
                    "recognition",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reminders",
                        to="shop.recognition",
                        verbose_name="recognition",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reminders",
                        to="suppliers.supplier",
                        verbose_name="supplier",
                    ),
                ),
                (
                    "suspended",
                    models.ManyToManyField(
                        blank=True,
                        related_name="+",
                        to="shop.product",
                        verbose_name="taken off sale",
                    ),
                ),
            ],
            options={
                "verbose_name": "reminder",
                "verbose_name_plural": "reminders",
                "ordering": ["-made_at", "-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("told_at__isnull", True)),
                        fields=["supplier"],
                        name="reminders_to_tell",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("certificate", "ends_on", "days"),
                        name="certificate_reminded_once_a_step",
                    ),
                    models.UniqueConstraint(
                        fields=("recognition", "ends_on", "days"),
                        name="recognition_reminded_once_a_step",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("certificate__isnull", False), ("recognition", None)),
                            models.Q(("certificate", None), ("recognition__isnull", False)),
                            _connector="OR",
                        ),
                        name="reminder_is_of_one_document",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("days__in", [30, 7, 1, 0])),
                        name="reminder_step_is_known",
                    ),
                ],
            },
        ),
    ]
