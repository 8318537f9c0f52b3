"""Versions of listings, which wait for the selection centre, and the badge."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_chain"),
        ("shop", "0007_freight"),
        ("suppliers", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Names are compared by the letters that they share, so that doubles are found.
        TrigramExtension(),
        migrations.CreateModel(
            name="Badge",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=30, unique=True, verbose_name="number")),
                ("noticed_from", models.DateField(verbose_name="on public notice from")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_until", models.DateField(verbose_name="valid until")),
                (
                    "withdrawn_on",
                    models.DateField(blank=True, null=True, verbose_name="withdrawn on"),
                ),
                (
                    "withdrawn_reason",
                    models.CharField(blank=True, max_length=500, verbose_name="reason"),
                ),
            ],
            options={
                "verbose_name": "badge",
                "verbose_name_plural": "badges",
                "ordering": ["-valid_from", "-id"],
            },
        ),
        migrations.CreateModel(
            name="ListingVersion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="version")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("submitted", "submitted"),
                            ("in_review", "in review"),
                            ("approved", "approved"),
                            ("returned", "returned"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="submitted",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("is_first", models.BooleanField(verbose_name="first listing")),
                ("content", models.JSONField(verbose_name="content")),
                ("before", models.JSONField(blank=True, null=True, verbose_name="on sale before")),
                ("submitted_at", models.DateTimeField(verbose_name="submitted at")),
                (
                    "decided_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="decided at"),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("documents", "documents missing or expired"),
                            ("origin", "origin not proved"),
                            ("price", "price not explained"),
                            ("text", "text misleading or incomplete"),
                            ("pictures", "pictures unfit"),
                            ("duplicate", "listed already"),
                            ("species", "protected species"),
                            ("other", "other, see the note"),
                        ],
                        max_length=10,
                        verbose_name="reason",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
            ],
            options={
                "verbose_name": "listing version",
                "verbose_name_plural": "listing versions",
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="product",
            name="product_status_is_known",
        ),
        migrations.AlterField(
            model_name="product",
            name="status",
            field=models.CharField(
                choices=[
                    ("draft", "draft"),
                    ("submitted", "submitted"),
                    ("in_review", "in review"),
                    ("listed", "listed"),
                    ("suspended", "suspended"),
                    ("retired", "retired"),
                ],
                default="draft",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AddConstraint(
            model_name="product",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["draft", "submitted", "in_review", "listed", "suspended", "retired"],
                    )
                ),
                name="product_status_is_known",
            ),
        ),
        migrations.AddField(
            model_name="badge",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="badges",
                to="shop.product",
                verbose_name="product",
            ),
        ),
        migrations.AddField(
            model_name="listingversion",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="decided by",
            ),
        ),
        migrations.AddField(
            model_name="listingversion",
            name="product",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="versions",
                to="shop.product",
                verbose_name="product",
            ),
        ),
        migrations.AddField(
            model_name="listingversion",
            name="reviewer",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="reviewer",
            ),
        ),
        migrations.AddField(
            model_name="listingversion",
            name="seconded_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="approved first by",
            ),
        ),
        migrations.AddField(
            model_name="listingversion",
            name="submitted_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="submitted by",
            ),
        ),
        migrations.AddConstraint(
            model_name="badge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("valid_from__gte", models.F("noticed_from")),
                    ("valid_until__gte", models.F("valid_from")),
                ),
                name="badge_days_follow_each_other",
            ),
        ),
        migrations.AddConstraint(
            model_name="badge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_on", None), ("withdrawn_reason", "")),
                    models.Q(
                        ("withdrawn_on__isnull", False),
                        models.Q(("withdrawn_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="badge_withdrawn_for_a_reason",
            ),
        ),
        migrations.AddIndex(
            model_name="listingversion",
            index=models.Index(
                condition=models.Q(("status__in", ["submitted", "in_review"])),
                fields=["submitted_at"],
                name="versions_waiting",
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.UniqueConstraint(
                fields=("product", "number"), name="version_number_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["submitted", "in_review"])),
                fields=("product",),
                name="one_version_waits",
                violation_error_message="A version of this product waits for review already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("reviewer", None), ("status", "submitted")),
                    models.Q(
                        ("decided_at", None), ("reviewer__isnull", False), ("status", "in_review")
                    ),
                    models.Q(("decided_at__isnull", False), ("status", "withdrawn")),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("status__in", ["approved", "returned"]),
                        ("decided_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="version_state_says_who",
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("is_first", True), ("status", "approved"), _negated=True),
                    models.Q(
                        ("seconded_by__isnull", False),
                        models.Q(("seconded_by", models.F("decided_by")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="first_listing_approved_by_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["approved", "returned"]), _negated=True),
                    models.Q(("decided_by", models.F("submitted_by")), _negated=True),
                    _connector="OR",
                ),
                name="nobody_decides_their_own_version",
            ),
        ),
        migrations.AddConstraint(
            model_name="listingversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "returned"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="returned_version_has_a_reason",
            ),
        ),
    ]
