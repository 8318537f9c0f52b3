"""What suppliers promise by week, and the database's count of what orders draw of it."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

FORWARDS = """
CREATE FUNCTION shop_count_draws() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        UPDATE shop_supplypromise promise SET taken = taken - gone.quantity
        FROM (
            SELECT promise_id, sum(quantity) AS quantity FROM old_rows GROUP BY promise_id
        ) gone
        WHERE promise.id = gone.promise_id;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        UPDATE shop_supplypromise promise SET taken = taken + come.quantity
        FROM (
            SELECT promise_id, sum(quantity) AS quantity FROM new_rows GROUP BY promise_id
        ) come
        WHERE promise.id = come.promise_id;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER promises_count_new_draws AFTER INSERT ON shop_promisedraw
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_draws();
CREATE TRIGGER promises_count_changed_draws AFTER UPDATE ON shop_promisedraw
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_draws();
CREATE TRIGGER promises_count_ended_draws AFTER DELETE ON shop_promisedraw
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_count_draws();
"""

BACKWARDS = """
DROP TRIGGER promises_count_ended_draws ON shop_promisedraw;
DROP TRIGGER promises_count_changed_draws ON shop_promisedraw;
DROP TRIGGER promises_count_new_draws ON shop_promisedraw;
DROP FUNCTION shop_count_draws();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0013_products_name_producers"),
    ]

    operations = [
        migrations.CreateModel(
            name="SupplyPromise",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("week", models.DateField(help_text="Its Monday.", verbose_name="week")),
                (
                    "quantity",
                    models.DecimalField(decimal_places=3, max_digits=14, verbose_name="promised"),
                ),
                (
                    "taken",
                    models.DecimalField(
                        db_default=Decimal("0"),
                        decimal_places=3,
                        default=Decimal("0"),
                        editable=False,
                        max_digits=14,
                        verbose_name="ordered of it",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="promises",
                        to="shop.sku",
                        verbose_name="SKU",
                    ),
                ),
            ],
            options={
                "verbose_name": "supply promise",
                "verbose_name_plural": "supply promises",
                "ordering": ["week", "sku"],
            },
        ),
        migrations.CreateModel(
            name="PromiseDraw",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("line_id", models.BigIntegerField(unique=True, verbose_name="order line")),
                (
                    "quantity",
                    models.DecimalField(decimal_places=3, max_digits=14, verbose_name="quantity"),
                ),
                (
                    "promise",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="draws",
                        to="shop.supplypromise",
                        verbose_name="supply promise",
                    ),
                ),
            ],
            options={
                "verbose_name": "draw on a promise",
                "verbose_name_plural": "draws on promises",
            },
        ),
        migrations.AddConstraint(
            model_name="supplypromise",
            constraint=models.UniqueConstraint(
                fields=("sku", "week"), name="one_promise_per_sku_and_week"
            ),
        ),
        migrations.AddConstraint(
            model_name="supplypromise",
            constraint=models.CheckConstraint(
                condition=models.Q(("week__iso_week_day", 1)), name="promised_week_begins_on_monday"
            ),
        ),
        migrations.AddConstraint(
            model_name="supplypromise",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__range", (Decimal("0.001"), Decimal("99999999999.999")))
                ),
                name="promise_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="supplypromise",
            constraint=models.CheckConstraint(
                condition=models.Q(("taken__gte", 0), ("taken__lte", models.F("quantity"))),
                name="promise_taken_within_quantity",
                violation_error_message="Orders already took more than this.",
            ),
        ),
        migrations.AddConstraint(
            model_name="promisedraw",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("quantity__range", (Decimal("0.001"), Decimal("99999999999.999")))
                ),
                name="promise_draw_positive",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
