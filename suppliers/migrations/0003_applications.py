"""Applications of those who want to sell here."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("suppliers", "0002_certificate_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Application",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("applied_at", models.DateTimeField(verbose_name="applied at")),
                (
                    "recommended_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="recommended at"),
                ),
                (
                    "recommendation",
                    models.CharField(blank=True, max_length=500, verbose_name="recommendation"),
                ),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("approved", "approved"), ("rejected", "rejected")],
                        max_length=8,
                        verbose_name="decision",
                    ),
                ),
                (
                    "decided_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="decided at"),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("identity", "licence and details do not agree"),
                            ("origin", "sells nothing from Qiannan"),
                            ("documents", "documents missing or expired"),
                            ("other", "other, see the note"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
                ("tried_at", models.DateTimeField(blank=True, null=True, verbose_name="tried at")),
                ("told_at", models.DateTimeField(blank=True, null=True, verbose_name="told at")),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "recommended_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recommended by",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="applications",
                        to="suppliers.supplier",
                        verbose_name="supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "application",
                "verbose_name_plural": "applications",
                "ordering": ["-applied_at", "-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("decided_at__isnull", True)),
                        fields=("supplier",),
                        name="one_application_waits",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("recommended_at", None), ("recommended_by", None)),
                            models.Q(
                                ("recommended_at__isnull", False), ("recommended_by__isnull", False)
                            ),
                            _connector="OR",
                        ),
                        name="application_recommended_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at", None),
                                ("decided_by", None),
                                ("decision", ""),
                                ("reason", ""),
                            ),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(
                                    models.Q(
                                        ("decision", "approved"),
                                        ("reason", ""),
                                        ("recommended_by__isnull", False),
                                    ),
                                    models.Q(
                                        ("decision", "rejected"),
                                        models.Q(("reason", ""), _negated=True),
                                    ),
                                    _connector="OR",
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="application_decision_says_who_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            ("recommended_by", None),
                            models.Q(("decided_by", models.F("recommended_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="application_seen_by_two",
                    ),
                ],
            },
        ),
    ]
