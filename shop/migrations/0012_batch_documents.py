"""What proves something of a batch."""

import django.db.models.deletion
from django.db import migrations, models

import suppliers.models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0011_batches"),
    ]

    operations = [
        migrations.CreateModel(
            name="BatchDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("conformity", "conformity certificate"),
                            ("test_report", "test report"),
                            ("cold_chain", "cold-chain record"),
                            ("other", "other"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.CharField(max_length=60, verbose_name="number")),
                ("issuer", models.CharField(max_length=100, verbose_name="issuer")),
                (
                    "issued_on",
                    models.DateField(blank=True, null=True, verbose_name="date of issue"),
                ),
                (
                    "valid_until",
                    models.DateField(
                        blank=True,
                        help_text="The last valid day.",
                        null=True,
                        verbose_name="valid until",
                    ),
                ),
                (
                    "file",
                    models.FileField(
                        blank=True,
                        help_text="PDF, PNG or JPEG of at most 20 MB; a photo with a phone is enough.",
                        storage=suppliers.models.private_files,
                        upload_to="batches/",
                        verbose_name="file",
                    ),
                ),
                (
                    "sha256",
                    models.CharField(
                        blank=True, editable=False, max_length=64, verbose_name="SHA-256"
                    ),
                ),
                (
                    "is_public",
                    models.BooleanField(
                        default=False,
                        help_text="Whoever scans the box may read the file.",
                        verbose_name="file is public",
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="shop.batch",
                        verbose_name="batch",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch document",
                "verbose_name_plural": "batch documents",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("batch", "kind", "number"),
                        name="batch_document_entered_once",
                        violation_error_message="This document is entered already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("file", ""), ("sha256", "")),
                            models.Q(
                                models.Q(("file", ""), _negated=True),
                                ("sha256__regex", "^[0-9a-f]{64}$"),
                            ),
                            _connector="OR",
                        ),
                        name="batch_document_has_a_digest",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("issued_on", None),
                            ("valid_until", None),
                            ("valid_until__gte", models.F("issued_on")),
                            _connector="OR",
                        ),
                        name="batch_document_ends_after_it_starts",
                        violation_error_message="A document cannot end before it is issued.",
                    ),
                ],
            },
        ),
    ]
