"""The database keeps each SKU's stock row, and its counter equal to the reservations."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION shop_open_stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO shop_stock (sku_id, on_hand, reserved)
    SELECT id, 0, 0 FROM new_rows ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER sku_has_stock AFTER INSERT ON shop_sku
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_open_stock();

CREATE FUNCTION shop_count_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        UPDATE shop_stock SET reserved = reserved - gone.quantity
        FROM (SELECT sku_id, sum(quantity) AS quantity FROM old_rows GROUP BY sku_id) gone
        WHERE shop_stock.sku_id = gone.sku_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        UPDATE shop_stock SET reserved = reserved + come.quantity
        FROM (SELECT sku_id, sum(quantity) AS quantity FROM new_rows GROUP BY sku_id) come
        WHERE shop_stock.sku_id = come.sku_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER stock_counts_new_reservations AFTER INSERT ON shop_reservation
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_reservations();
CREATE TRIGGER stock_counts_changed_reservations AFTER UPDATE ON shop_reservation
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_reservations();
CREATE TRIGGER stock_counts_ended_reservations AFTER DELETE ON shop_reservation
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_reservations();
"""

BACKWARDS = """
DROP TRIGGER stock_counts_ended_reservations ON shop_reservation;
DROP TRIGGER stock_counts_changed_reservations ON shop_reservation;
DROP TRIGGER stock_counts_new_reservations ON shop_reservation;
DROP FUNCTION shop_count_reservations();
DROP TRIGGER sku_has_stock ON shop_sku;
DROP FUNCTION shop_open_stock();
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0001_initial")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
