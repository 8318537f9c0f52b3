"""A product names a producer of its supplier; an agent's one that is not itself, with a mandate."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION shop_guard_producer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM suppliers_producer producer
        JOIN suppliers_supplier supplier ON supplier.id = NEW.supplier_id
        WHERE producer.id = NEW.producer_id AND producer.supplier_id = NEW.supplier_id
            AND (supplier.kind <> 'agent' OR NEW.status = 'draft'
                OR producer.mandate <> '' AND producer.name <> supplier.name
                    AND producer.uscc <> supplier.uscc)
    ) THEN
        RAISE EXCEPTION 'product % does not name who produces it', NEW.code
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER product_names_its_producer
    BEFORE INSERT OR UPDATE OF supplier_id, producer_id, status ON shop_product
    FOR EACH ROW EXECUTE FUNCTION shop_guard_producer();
"""

BACKWARDS = """
DROP TRIGGER product_names_its_producer ON shop_product;
DROP FUNCTION shop_guard_producer();
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0012_batch_documents"), ("suppliers", "0003_applications")]

    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
