"""What deliveries cost, agreed with each consignment and shared by its accepted lines."""

from decimal import Decimal

from django.db import migrations, models

GUARD = """
CREATE OR REPLACE TRIGGER line_keeps_what_was_agreed BEFORE UPDATE ON orders_orderline
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
        (OLD.shipped_quantity, OLD.accepted_quantity, OLD.accepted_amount{})
        IS DISTINCT FROM
        (NEW.shipped_quantity, NEW.accepted_quantity, NEW.accepted_amount{})
    ) EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0004_event_kinds"),
        ("shop", "0006_catalogue_version"),
        ("suppliers", "0001_initial"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="consignment",
            name="consignment_amount_within_bounds",
        ),
        migrations.AddField(
            model_name="consignment",
            name="freight_amount",
            field=models.DecimalField(
                default=Decimal("0"),
                db_default=Decimal("0"),
                decimal_places=2,
                max_digits=14,
                verbose_name="freight (yuan)",
            ),
        ),
        migrations.AddField(
            model_name="orderline",
            name="accepted_freight",
            field=models.DecimalField(
                default=Decimal("0"),
                db_default=Decimal("0"),
                decimal_places=2,
                max_digits=14,
                verbose_name="share of the freight (yuan)",
            ),
        ),
        migrations.AddConstraint(
            model_name="consignment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("freight_amount__range", (0, Decimal("999999999999.99"))),
                    ("goods_amount__range", (0, Decimal("999999999999.99"))),
                ),
                name="consignment_amounts_within_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="orderline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("accepted_freight", 0),
                    models.Q(
                        ("accepted_freight__range", (0, Decimal("999999999999.99"))),
                        ("accepted_quantity__gt", 0),
                        ("accepted_quantity__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="line_bears_freight_once_accepted",
            ),
        ),
        migrations.RunSQL(
            GUARD.format(", OLD.accepted_freight", ", NEW.accepted_freight"), GUARD.format("", "")
        ),
    ]
