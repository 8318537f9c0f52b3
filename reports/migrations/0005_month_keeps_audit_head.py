"""A closed month keeps the head of the audit trail, in which events of orders are sealed too."""

from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE OR REPLACE FUNCTION reports_guard_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.month = OLD.month THEN
        IF OLD.status IN ('open', 'reviewing') AND NEW.status <> 'published' THEN
            RETURN NEW;
        END IF;
        IF NEW.status IN (OLD.status, 'published')
            AND OLD.status IN ('closed', 'published')
            AND (NEW.closed_at, NEW.entries, NEW.amount, NEW.sha256, NEW.follows_id,
                 NEW.names, NEW.requested_by_id, NEW.confirmed_by_id, NEW.audit_block, NEW.audit_head)
                IS NOT DISTINCT FROM
                (OLD.closed_at, OLD.entries, OLD.amount, OLD.sha256, OLD.follows_id,
                 OLD.names, OLD.requested_by_id, OLD.confirmed_by_id, OLD.audit_block, OLD.audit_head)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'month % is % and stays as it is', to_char(OLD.month, 'YYYY-MM'), OLD.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;

CREATE TRIGGER event_awaits_its_seal AFTER INSERT ON orders_orderevent
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_await_seal('orders.orderevent');
INSERT INTO accounts_unsealedrow (source, key)
SELECT 'orders.orderevent', id FROM orders_orderevent;
CREATE TRIGGER events_are_never_emptied BEFORE TRUNCATE ON orders_orderevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER events_are_never_emptied ON orders_orderevent;
DROP TRIGGER event_awaits_its_seal ON orders_orderevent;
CREATE OR REPLACE FUNCTION reports_guard_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.month = OLD.month THEN
        IF OLD.status IN ('open', 'reviewing') AND NEW.status <> 'published' THEN
            RETURN NEW;
        END IF;
        IF NEW.status IN (OLD.status, 'published')
            AND OLD.status IN ('closed', 'published')
            AND (NEW.closed_at, NEW.entries, NEW.amount, NEW.sha256, NEW.follows_id,
                 NEW.names, NEW.requested_by_id, NEW.confirmed_by_id)
                IS NOT DISTINCT FROM
                (OLD.closed_at, OLD.entries, OLD.amount, OLD.sha256, OLD.follows_id,
                 OLD.names, OLD.requested_by_id, OLD.confirmed_by_id)
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'month % is % and stays as it is', to_char(OLD.month, 'YYYY-MM'), OLD.status
        USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_audit_chain"),
        ("orders", "0002_guards"),
        ("reports", "0004_declarations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="month",
            name="audit_block",
            field=models.PositiveBigIntegerField(blank=True, null=True, verbose_name="audit block"),
        ),
        migrations.AddField(
            model_name="month",
            name="audit_head",
            field=models.CharField(
                blank=True, db_default="", max_length=64, verbose_name="digest of the audit block"
            ),
        ),
        migrations.AddConstraint(
            model_name="month",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("audit_block__isnull", True), ("audit_head", "")),
                    models.Q(
                        ("audit_block__isnull", False), ("audit_head__regex", "^[0-9a-f]{64}$")
                    ),
                    _connector="OR",
                ),
                name="month_keeps_a_whole_audit_head",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
