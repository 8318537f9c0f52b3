"""Evidence files of declarations, which stay as they were attached; other reporters' documents are found."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE TRIGGER declaration_evidence_stays BEFORE UPDATE OR DELETE ON reports_declarationevidence
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER declaration_evidence_is_never_emptied BEFORE TRUNCATE ON reports_declarationevidence
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER declaration_evidence_is_never_emptied ON reports_declarationevidence;
DROP TRIGGER declaration_evidence_stays ON reports_declarationevidence;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_append_only"),
        ("reports", "0009_scheduled_reports"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeclarationEvidence",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "declaration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="evidence",
                        to="reports.declaration",
                        verbose_name="declaration",
                    ),
                ),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                (
                    "media_type",
                    models.CharField(
                        choices=[
                            ("application/pdf", "PDF"),
                            ("image/png", "PNG"),
                            ("image/jpeg", "JPEG"),
                        ],
                        max_length=15,
                        verbose_name="media type",
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="size (bytes)")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
            ],
            options={
                "verbose_name": "evidence file",
                "verbose_name_plural": "evidence files",
                "ordering": ["uploaded_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("declaration", "sha256"),
                        name="evidence_content_once_per_declaration",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("title", ""), _negated=True),
                            ("sha256__regex", "^[0-9a-f]{64}$"),
                            ("size__gt", 0),
                            ("media_type__in", ["application/pdf", "image/png", "image/jpeg"]),
                        ),
                        name="evidence_is_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        # The same constraint, whose index now begins with what other reporters may share.
        migrations.RemoveConstraint("declarationrow", "document_line_declared_once"),
        migrations.AddConstraint(
            model_name="declarationrow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_revoked", False)),
                fields=("document_no", "line_no", "reporter_code"),
                name="document_line_declared_once",
            ),
        ),
        migrations.AlterField(
            model_name="month",
            name="names",
            field=models.JSONField(
                blank=True,
                help_text="Its form, and what codes were called, as it was closed.",
                null=True,
                verbose_name="names",
            ),
        ),
    ]
