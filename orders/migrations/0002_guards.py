"""
Orders are numbered; a consignment moves only along its legal ways; what a line agreed to
stays; events stay.
"""

from django.db import migrations

FORWARDS = """
CREATE SEQUENCE orders_number;

CREATE FUNCTION orders_guard_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) NOT IN (
        ('pending_approval', 'placed'), ('pending_approval', 'cancelled'),
        ('placed', 'confirmed'), ('placed', 'declined'), ('placed', 'cancelled'),
        ('confirmed', 'shipped'), ('confirmed', 'cancelled'),
        ('shipped', 'accepted')
    ) THEN
        RAISE EXCEPTION 'consignment % cannot go from % to %', OLD.number, OLD.status, NEW.status
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER consignment_moves_legally BEFORE UPDATE OF status ON orders_consignment
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION orders_guard_moves();

CREATE TRIGGER line_keeps_what_was_agreed BEFORE UPDATE ON orders_orderline
    FOR EACH ROW WHEN (
        (OLD.order_id, OLD.consignment_id, OLD.number, OLD.sku_id, OLD.sku_code, OLD.name,
         OLD.category_code, OLD.county_code, OLD.pair_district_code, OLD.is_recognised,
         OLD.unit, OLD.net_weight_kg, OLD.is_weighed, OLD.tolerance_percent,
         OLD.tax_treatment, OLD.tax_rate, OLD.unit_price, OLD.quantity, OLD.amount)
        IS DISTINCT FROM
        (NEW.order_id, NEW.consignment_id, NEW.number, NEW.sku_id, NEW.sku_code, NEW.name,
         NEW.category_code, NEW.county_code, NEW.pair_district_code, NEW.is_recognised,
         NEW.unit, NEW.net_weight_kg, NEW.is_weighed, NEW.tolerance_percent,
         NEW.tax_treatment, NEW.tax_rate, NEW.unit_price, NEW.quantity, NEW.amount)
        OR OLD.accepted_quantity IS NOT NULL AND
        (OLD.shipped_quantity, OLD.accepted_quantity, OLD.accepted_amount)
        IS DISTINCT FROM
        (NEW.shipped_quantity, NEW.accepted_quantity, NEW.accepted_amount)
    ) EXECUTE FUNCTION refuse_change();

CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON orders_orderevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER events_are_append_only ON orders_orderevent;
DROP TRIGGER line_keeps_what_was_agreed ON orders_orderline;
DROP TRIGGER consignment_moves_legally ON orders_consignment;
DROP FUNCTION orders_guard_moves();
DROP SEQUENCE orders_number;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial"), ("accounts", "0002_append_only")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
