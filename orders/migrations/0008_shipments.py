"""A consignment may leave in several shipments; what left until now left in one."""

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
INSERT INTO orders_shipment (consignment_id, number, carrier, tracking, shipped_at)
SELECT id, 1, carrier, tracking, shipped_at FROM orders_consignment WHERE shipped_at IS NOT NULL;

INSERT INTO orders_shipmentline (shipment_id, line_id, quantity, batch)
SELECT shipment.id, line.id, line.shipped_quantity, line.batch
FROM orders_shipment shipment
JOIN orders_orderline line ON line.consignment_id = shipment.consignment_id
WHERE line.shipped_quantity > 0;

ALTER TABLE orders_linebatch DISABLE TRIGGER batches_of_lines_stay;
UPDATE orders_linebatch link SET shipment_id = sent.shipment_id
FROM orders_shipmentline sent WHERE sent.line_id = link.line_id;
ALTER TABLE orders_linebatch ENABLE TRIGGER batches_of_lines_stay;

CREATE FUNCTION orders_guard_shipment_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM new_rows
        JOIN orders_shipment shipment ON shipment.id = new_rows.shipment_id
        JOIN orders_orderline line ON line.id = new_rows.line_id
        WHERE line.consignment_id <> shipment.consignment_id
    ) THEN
        RAISE EXCEPTION 'a shipment has only lines of its own consignment'
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER shipment_has_lines_of_its_consignment AFTER INSERT ON orders_shipmentline
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION orders_guard_shipment_lines();
CREATE TRIGGER shipments_stay BEFORE UPDATE OR DELETE ON orders_shipment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lines_of_shipments_stay BEFORE UPDATE OR DELETE ON orders_shipmentline
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER lines_of_shipments_stay ON orders_shipmentline;
DROP TRIGGER shipments_stay ON orders_shipment;
DROP TRIGGER shipment_has_lines_of_its_consignment ON orders_shipmentline;
DROP FUNCTION orders_guard_shipment_lines();
"""

GUARD = """
CREATE OR REPLACE FUNCTION orders_guard_line_batch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM orders_orderline line
        {}
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
"""
OF_SHIPMENT = (
    "JOIN orders_shipmentline sent ON (sent.shipment_id, sent.line_id) = (NEW.shipment_id, line.id)"
)


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_temperature_readings"),
        ("shop", "0015_confirmations"),
        ("suppliers", "0003_applications"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shipment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "number",
                    models.PositiveSmallIntegerField(help_text="From 1 on.", verbose_name="number"),
                ),
                (
                    "carrier",
                    models.CharField(blank=True, max_length=60, verbose_name="carrier"),
                ),
                (
                    "tracking",
                    models.CharField(blank=True, max_length=60, verbose_name="tracking number"),
                ),
                ("shipped_at", models.DateTimeField(verbose_name="shipped at")),
                (
                    "consignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shipments",
                        to="orders.consignment",
                        verbose_name="consignment",
                    ),
                ),
            ],
            options={
                "verbose_name": "shipment",
                "verbose_name_plural": "shipments",
                "ordering": ["consignment", "number"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("consignment", "number"),
                        name="shipment_number_once_per_consignment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gte", 1)), name="shipments_count_from_one"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShipmentLine",
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
                    "batch",
                    models.CharField(
                        blank=True,
                        help_text="As the supplier named it.",
                        max_length=500,
                        verbose_name="batch",
                    ),
                ),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="shipments",
                        to="orders.orderline",
                        verbose_name="order line",
                    ),
                ),
                (
                    "shipment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="lines",
                        to="orders.shipment",
                        verbose_name="shipment",
                    ),
                ),
            ],
            options={
                "verbose_name": "line of a shipment",
                "verbose_name_plural": "lines of shipments",
                "ordering": ["shipment", "line"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("batch", ""), _negated=True),
                        fields=["batch"],
                        name="shipped_lines_by_batch",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("shipment", "line"), name="shipment_has_a_line_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("quantity__range", ("0.001", 999999999))),
                        name="shipment_line_within_bounds",
                    ),
                ],
            },
        ),
        migrations.RemoveIndex(model_name="orderline", name="lines_by_batch"),
        migrations.RemoveConstraint(model_name="linebatch", name="line_names_a_batch_once"),
        migrations.AddField(
            model_name="linebatch",
            name="shipment",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="orders.shipment",
                verbose_name="shipment",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
        migrations.RunSQL(GUARD.format(OF_SHIPMENT), GUARD.format("")),
        migrations.AlterField(
            model_name="linebatch",
            name="shipment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="orders.shipment",
                verbose_name="shipment",
            ),
        ),
        migrations.AddConstraint(
            model_name="linebatch",
            constraint=models.UniqueConstraint(
                fields=("shipment", "line", "batch"), name="shipment_names_a_batch_once_per_line"
            ),
        ),
        migrations.AddConstraint(
            model_name="consignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("shipped_at__isnull", True),
                    ("status__in", ["confirmed", "shipped", "accepted"]),
                    _connector="OR",
                ),
                name="what_left_is_not_called_off",
            ),
        ),
        migrations.AlterField(
            model_name="orderevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("placed", "placed"),
                    ("approved", "approved"),
                    ("rejected", "rejected"),
                    ("cancelled", "cancelled"),
                    ("confirmed", "confirmed"),
                    ("declined", "declined"),
                    ("part_shipped", "shipped in part"),
                    ("shipped", "shipped"),
                    ("accepted", "accepted"),
                    ("claimed", "claimed"),
                    ("settled", "settled"),
                    ("invoiced", "fapiao entered"),
                    ("invoice_reversed", "fapiao reversed"),
                    ("paid", "payment entered"),
                    ("payment_reversed", "payment reversed"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
    ]
