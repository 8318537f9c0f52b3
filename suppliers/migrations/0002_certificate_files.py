"""Certificates have files, and stay as they are once the selection centre has checked them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import suppliers.models

FORWARDS = """
CREATE TRIGGER certificate_stays_as_checked BEFORE UPDATE ON suppliers_certificate
    FOR EACH ROW WHEN (
        OLD.checked_at IS NOT NULL AND
        (OLD.supplier_id, OLD.kind, OLD.number, OLD.issuer, OLD.valid_from, OLD.valid_until,
         OLD.file, OLD.sha256, OLD.entered_by_id)
        IS DISTINCT FROM
        (NEW.supplier_id, NEW.kind, NEW.number, NEW.issuer, NEW.valid_from, NEW.valid_until,
         NEW.file, NEW.sha256, NEW.entered_by_id)
    ) EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = "DROP TRIGGER certificate_stays_as_checked ON suppliers_certificate;"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_append_only"),
        ("suppliers", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="certificate",
            name="checked_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="checked at"
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="checked_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="checked by",
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="entered_by",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="entered by",
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="file",
            field=models.FileField(
                blank=True,
                db_default="",
                default="",
                help_text="PDF, PNG or JPEG of at most 20 MB; a photo with a phone is enough.",
                storage=suppliers.models.private_files,
                upload_to="certificates/",
                verbose_name="file",
            ),
        ),
        migrations.AddField(
            model_name="certificate",
            name="sha256",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                editable=False,
                max_length=64,
                verbose_name="SHA-256",
            ),
        ),
        migrations.AlterField(
            model_name="certificate",
            name="kind",
            field=models.CharField(
                choices=[
                    ("green", "green food"),
                    ("organic", "organic"),
                    ("gi", "geographical indication"),
                    ("food_licence", "food production licence"),
                    ("breeding_permit", "breeding and use permit"),
                    ("business_licence", "business licence"),
                    ("conformity", "conformity certificate"),
                    ("test_report", "test report"),
                    ("trace_code", "trace code"),
                    ("cold_chain", "cold-chain record"),
                    ("other", "other"),
                ],
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="certificate",
            name="valid_until",
            field=models.DateField(
                blank=True,
                help_text="The last valid day; empty when it does not end.",
                null=True,
                verbose_name="valid until",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("file", ""), ("sha256", "")),
                    models.Q(
                        models.Q(("file", ""), _negated=True), ("sha256__regex", "^[0-9a-f]{64}$")
                    ),
                    _connector="OR",
                ),
                name="certificate_file_has_a_digest",
            ),
        ),
        migrations.AddConstraint(
            model_name="certificate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("checked_at", None), ("checked_by", None)),
                    models.Q(
                        ("checked_at__isnull", False),
                        ("checked_by__isnull", False),
                        models.Q(("file", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="certificate_checked_by_somebody",
            ),
        ),
        migrations.AlterConstraint(
            model_name="certificate",
            name="certificate_entered_once",
            constraint=models.UniqueConstraint(
                fields=("supplier", "kind", "number"),
                name="certificate_entered_once",
                violation_error_message="This certificate is entered already.",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
