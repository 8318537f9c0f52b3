"""The chain of blocks that the audit trail is sealed into, and what keeps it append-only."""

import django.contrib.postgres.indexes
import django.db.models.deletion
from django.db import migrations, models

# Other tables of the trail use the same function, with their model's name.
FORWARDS = """
CREATE FUNCTION accounts_await_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_unsealedrow (source, key) SELECT TG_ARGV[0], id FROM new_rows;
    RETURN NULL;
END $$;

CREATE TRIGGER audit_awaits_its_seal AFTER INSERT ON accounts_auditentry
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_await_seal('accounts.auditentry');
-- Creating the trigger has waited for all writers, so nothing is left between the two.
INSERT INTO accounts_unsealedrow (source, key)
SELECT 'accounts.auditentry', id FROM accounts_auditentry;

CREATE TRIGGER audit_block_is_append_only BEFORE UPDATE OR DELETE ON accounts_auditblock
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_blocks_are_never_emptied BEFORE TRUNCATE ON accounts_auditblock
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sealed_row_is_append_only BEFORE UPDATE OR DELETE ON accounts_sealedrow
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sealed_rows_are_never_emptied BEFORE TRUNCATE ON accounts_sealedrow
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER sealed_rows_are_never_emptied ON accounts_sealedrow;
DROP TRIGGER sealed_row_is_append_only ON accounts_sealedrow;
DROP TRIGGER audit_blocks_are_never_emptied ON accounts_auditblock;
DROP TRIGGER audit_block_is_append_only ON accounts_auditblock;
DROP TRIGGER audit_awaits_its_seal ON accounts_auditentry;
DROP FUNCTION accounts_await_seal();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_divisions"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditBlock",
            fields=[
                (
                    "number",
                    models.PositiveBigIntegerField(
                        primary_key=True, serialize=False, verbose_name="number"
                    ),
                ),
                ("sealed_at", models.DateTimeField(verbose_name="sealed at")),
                ("entries", models.PositiveIntegerField(verbose_name="entries")),
                (
                    "previous",
                    models.CharField(
                        blank=True, max_length=64, verbose_name="digest of the block before"
                    ),
                ),
                ("sha256", models.CharField(max_length=64, verbose_name="SHA-256")),
            ],
            options={
                "verbose_name": "audit block",
                "verbose_name_plural": "audit blocks",
                "ordering": ["-number"],
                "get_latest_by": "number",
            },
        ),
        migrations.CreateModel(
            name="SealedRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        help_text="A model, such as orders.orderevent.", max_length=40
                    ),
                ),
                ("key", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "sealed row",
                "verbose_name_plural": "sealed rows",
            },
        ),
        migrations.CreateModel(
            name="UnsealedRow",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "source",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("source", models.CharField(max_length=40)),
                ("key", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "unsealed row",
                "verbose_name_plural": "unsealed rows",
            },
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(
                condition=models.Q(("request_id", ""), _negated=True),
                fields=["request_id"],
                name="audit_by_request",
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="audit_by_time"),
        ),
        migrations.AddConstraint(
            model_name="auditblock",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("number", 1), ("previous", "")),
                    models.Q(("number__gt", 1), ("previous__regex", "^[0-9a-f]{64}$")),
                    _connector="OR",
                ),
                name="audit_block_follows_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="auditblock",
            constraint=models.CheckConstraint(
                condition=models.Q(("entries__gt", 0)), name="audit_block_has_entries"
            ),
        ),
        migrations.AddConstraint(
            model_name="auditblock",
            constraint=models.CheckConstraint(
                condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")),
                name="audit_block_has_its_digest",
            ),
        ),
        migrations.AddField(
            model_name="sealedrow",
            name="block",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.auditblock",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
