"""Which batches lines left from, which stays; a line may name several."""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION orders_guard_line_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM orders_orderline line
        JOIN shop_sku sku ON sku.id = line.sku_id
        JOIN shop_batch batch ON batch.product_id = sku.product_id
        WHERE line.id = NEW.line_id AND batch.id = NEW.batch_id
            AND coalesce(batch.sku_id, sku.id) = sku.id AND batch.recalled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'line % cannot be of batch %', NEW.line_id, NEW.batch_id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER line_is_of_its_products_batch BEFORE INSERT ON orders_linebatch
    FOR EACH ROW EXECUTE FUNCTION orders_guard_line_batch();
CREATE TRIGGER batches_of_lines_stay BEFORE UPDATE OR DELETE ON orders_linebatch
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER batches_of_lines_stay ON orders_linebatch;
DROP TRIGGER line_is_of_its_products_batch ON orders_linebatch;
DROP FUNCTION orders_guard_line_batch();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0005_freight"),
        ("shop", "0011_batches"),
    ]

    operations = [
        migrations.AlterField(
            model_name="orderline",
            name="batch",
            field=models.CharField(
                blank=True,
                help_text="As the supplier named it.",
                max_length=500,
                verbose_name="batch",
            ),
        ),
        migrations.CreateModel(
            name="LineBatch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "quantity",
                    models.DecimalField(decimal_places=3, max_digits=12, verbose_name="quantity"),
                ),
                (
                    "drawn",
                    models.DecimalField(
                        decimal_places=3, max_digits=14, verbose_name="taken from the batch"
                    ),
                ),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shipped",
                        to="shop.batch",
                        verbose_name="batch",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="orders.orderline",
                        verbose_name="order line",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch of a line",
                "verbose_name_plural": "batches of lines",
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("line", "batch"), name="line_names_a_batch_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("drawn__gte", 0), ("quantity__range", ("0.001", 999999999))
                        ),
                        name="line_batch_within_bounds",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
