"""
The ledger's guards, in the database so that no path goes round them.

Entries are only added, and only to months that are not closed; each statement
that adds some leaves what the totals still have to gain; an accepted line has
its entry by the end of the transaction; a closed month stays as it is.
"""

from django.db import migrations

FORWARDS = """
CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON reports_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_is_never_emptied BEFORE TRUNCATE ON reports_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE FUNCTION reports_book_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closed date;
BEGIN
    INSERT INTO reports_month (month, status, sha256)
    SELECT DISTINCT month, 'open', '' FROM new_rows ORDER BY month
    ON CONFLICT DO NOTHING;

    -- Closing takes these rows FOR UPDATE, so it waits for writers and they for it.
    PERFORM 1 FROM reports_month
    WHERE month IN (SELECT DISTINCT month FROM new_rows) ORDER BY month FOR SHARE;
    SELECT min(month) INTO closed FROM reports_month
    WHERE month IN (SELECT DISTINCT month FROM new_rows) AND status IN ('closed', 'published');
    IF closed IS NOT NULL THEN
        RAISE EXCEPTION 'month % is closed', to_char(closed, 'YYYY-MM')
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_month_is_open',
                  TABLE = TG_TABLE_NAME;
    END IF;

    INSERT INTO reports_pendingtotal (
        month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised, amount, weight_kg, entries)
    SELECT month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised,
        sum(amount), sum(weight_kg), count(*)
    FROM new_rows
    GROUP BY month, grade, county_code, region_code, pair_district_code, category_code,
        supplier_code, kind, buyer_kind, channel, is_recognised;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_books_entries AFTER INSERT ON reports_ledgerentry
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION reports_book_entries();

CREATE FUNCTION reports_require_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM reports_ledgerentry
        WHERE order_line_id = NEW.id AND source = 'acceptance'
    ) THEN
        RAISE EXCEPTION 'order line % was accepted without a ledger entry', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER accepted_line_has_entry AFTER UPDATE ON orders_orderline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (OLD.accepted_quantity IS NULL AND NEW.accepted_quantity > 0)
    EXECUTE FUNCTION reports_require_entry();

CREATE FUNCTION reports_guard_month() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE TRIGGER closed_month_stays BEFORE UPDATE OR DELETE ON reports_month
    FOR EACH ROW EXECUTE FUNCTION reports_guard_month();
"""

BACKWARDS = """
DROP TRIGGER closed_month_stays ON reports_month;
DROP FUNCTION reports_guard_month();
DROP TRIGGER accepted_line_has_entry ON orders_orderline;
DROP FUNCTION reports_require_entry();
DROP TRIGGER ledger_books_entries ON reports_ledgerentry;
DROP FUNCTION reports_book_entries();
DROP TRIGGER ledger_is_never_emptied ON reports_ledgerentry;
DROP TRIGGER ledger_is_append_only ON reports_ledgerentry;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0001_initial"),
        ("orders", "0002_guards"),
        ("accounts", "0002_append_only"),
    ]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
