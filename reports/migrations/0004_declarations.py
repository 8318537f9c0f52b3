"""Declarations, and the guard that keeps the rows they booked."""

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A booked row has its entry and its declaration, and only ever loses its claim to its
# document, by a revocation. A declaration is the evidence of its rows and stays.
FORWARDS = """
CREATE FUNCTION reports_require_declared() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM new_rows
        LEFT JOIN reports_ledgerentry entry ON entry.id = new_rows.entry_id
        WHERE entry.source IS DISTINCT FROM 'declaration'
    ) OR EXISTS (
        SELECT 1 FROM (SELECT DISTINCT declaration_id AS id FROM new_rows) AS named
        LEFT JOIN reports_declaration declaration USING (id)
        WHERE declaration.status IS NULL
    ) THEN
        RAISE EXCEPTION 'a declared row has no entry or no declaration'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER declared_row_has_its_entry AFTER INSERT ON reports_declarationrow
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION reports_require_declared();

CREATE TRIGGER declaration_stays BEFORE DELETE ON reports_declaration
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE FUNCTION reports_keep_declared_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.is_revoked AND NOT OLD.is_revoked THEN
        NEW.is_revoked := false;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            NEW.is_revoked := true;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER declared_row_stays BEFORE UPDATE OR DELETE ON reports_declarationrow
    FOR EACH ROW EXECUTE FUNCTION reports_keep_declared_row();
CREATE TRIGGER declared_rows_are_never_emptied BEFORE TRUNCATE ON reports_declarationrow
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER declaration_stays ON reports_declaration;
DROP TRIGGER declared_row_has_its_entry ON reports_declarationrow;
DROP FUNCTION reports_require_declared();
DROP TRIGGER declared_rows_are_never_emptied ON reports_declarationrow;
DROP TRIGGER declared_row_stays ON reports_declarationrow;
DROP FUNCTION reports_keep_declared_row();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_divisions"),
        ("reports", "0003_rule_1"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Declaration",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("file_name", models.CharField(max_length=100, verbose_name="file name")),
                (
                    "format",
                    models.CharField(
                        choices=[("csv", "CSV"), ("xlsx", "XLSX")],
                        max_length=4,
                        verbose_name="format",
                    ),
                ),
                ("size", models.BigIntegerField(verbose_name="size (bytes)")),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
                (
                    "is_late",
                    models.BooleanField(
                        default=False,
                        help_text="Rows of closed months are booked in the open month.",
                        verbose_name="late",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("received", "received"),
                            ("valid", "valid"),
                            ("bad", "has bad rows"),
                            ("refused", "refused"),
                            ("committing", "committing"),
                            ("booked", "booked"),
                            ("revoking", "revoking"),
                            ("revoked", "revoked"),
                        ],
                        default="received",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                (
                    "failure",
                    models.CharField(
                        blank=True,
                        help_text="Why the file was refused.",
                        max_length=40,
                        verbose_name="failure",
                    ),
                ),
                ("rows", models.PositiveIntegerField(blank=True, null=True, verbose_name="rows")),
                (
                    "bad_rows",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="bad rows"),
                ),
                (
                    "amount",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=18,
                        null=True,
                        verbose_name="amount (yuan)",
                    ),
                ),
                ("preview", models.JSONField(blank=True, default=dict, verbose_name="preview")),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
                (
                    "booked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="booked at"),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="revoked at"),
                ),
                (
                    "revoke_reason",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="reason of revocation"
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.division",
                        verbose_name="reporter",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "declaration",
                "verbose_name_plural": "declarations",
                "ordering": ["-uploaded_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="DeclarationProblem",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("row", models.PositiveIntegerField(verbose_name="row")),
                ("column", models.CharField(blank=True, max_length=60, verbose_name="column")),
                ("code", models.CharField(max_length=40, verbose_name="code")),
                (
                    "declaration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="problems",
                        to="reports.declaration",
                        verbose_name="declaration",
                    ),
                ),
            ],
            options={
                "verbose_name": "declaration problem",
                "verbose_name_plural": "declaration problems",
                "ordering": ["row", "id"],
            },
        ),
        migrations.CreateModel(
            name="DeclarationRow",
            fields=[
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="declared_row",
                        serialize=False,
                        to="reports.ledgerentry",
                        verbose_name="ledger entry",
                    ),
                ),
                ("reporter_code", models.CharField(max_length=6, verbose_name="reporter")),
                ("row", models.PositiveIntegerField(verbose_name="row")),
                ("document_no", models.CharField(max_length=60, verbose_name="document")),
                ("line_no", models.CharField(blank=True, max_length=20, verbose_name="line")),
                ("fapiao_no", models.CharField(blank=True, max_length=20, verbose_name="fapiao")),
                (
                    "buyer_name",
                    models.CharField(blank=True, max_length=200, verbose_name="buyer's name"),
                ),
                ("note", models.CharField(blank=True, max_length=500, verbose_name="note")),
                ("is_revoked", models.BooleanField(default=False, verbose_name="revoked")),
                (
                    "declaration",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="booked_rows",
                        to="reports.declaration",
                        verbose_name="declaration",
                    ),
                ),
            ],
            options={
                "verbose_name": "declared row",
                "verbose_name_plural": "declared rows",
            },
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["committing", "booked", "revoking"])),
                fields=("sha256",),
                name="declaration_content_booked_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "revoked"), _negated=True),
                fields=("reporter", "sha256"),
                name="declaration_content_once_per_reporter",
            ),
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("booked_at__isnull", False),
                        ("status__in", ["booked", "revoking", "revoked"]),
                    ),
                    models.Q(
                        ("booked_at__isnull", True),
                        ("status__in", ["received", "valid", "bad", "refused", "committing"]),
                    ),
                    _connector="OR",
                ),
                name="booked_declaration_has_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("revoked_at__isnull", False),
                        ("status", "revoked"),
                        models.Q(("revoke_reason", ""), _negated=True),
                    ),
                    models.Q(
                        ("revoked_at__isnull", True),
                        ("status", "revoking"),
                        models.Q(("revoke_reason", ""), _negated=True),
                    ),
                    models.Q(
                        models.Q(("status__in", ["revoking", "revoked"]), _negated=True),
                        ("revoke_reason", ""),
                        ("revoked_at__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="revoked_declaration_has_its_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="declaration",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status__in", ["valid", "booked", "revoking", "revoked"]), _negated=True
                    ),
                    models.Q(("amount__isnull", False), ("bad_rows", 0), ("rows__gt", 0)),
                    _connector="OR",
                ),
                name="valid_declaration_has_no_bad_rows",
            ),
        ),
        migrations.AddIndex(
            model_name="declarationrow",
            index=models.Index(
                condition=models.Q(
                    ("is_revoked", False), models.Q(("fapiao_no", ""), _negated=True)
                ),
                fields=["fapiao_no"],
                name="declared_row_by_fapiao",
            ),
        ),
        migrations.AddConstraint(
            model_name="declarationrow",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_revoked", False)),
                fields=("reporter_code", "document_no", "line_no"),
                name="document_line_declared_once",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
