"""Batches, each of one supplier with its product, pack and base; what was recalled stays so."""

from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import shop.models.batches

FORWARDS = """
ALTER TABLE shop_product ADD CONSTRAINT product_and_supplier UNIQUE (id, supplier_id);
ALTER TABLE shop_sku ADD CONSTRAINT sku_and_product UNIQUE (id, product_id);
ALTER TABLE suppliers_base ADD CONSTRAINT base_and_supplier UNIQUE (id, supplier_id);
ALTER TABLE shop_batch
    ADD CONSTRAINT batch_of_own_product FOREIGN KEY (product_id, supplier_id)
        REFERENCES shop_product (id, supplier_id),
    ADD CONSTRAINT batch_of_own_sku FOREIGN KEY (sku_id, product_id)
        REFERENCES shop_sku (id, product_id),
    ADD CONSTRAINT batch_of_own_base FOREIGN KEY (base_id, supplier_id)
        REFERENCES suppliers_base (id, supplier_id);

CREATE TRIGGER batch_stays_recalled BEFORE UPDATE ON shop_batch
    FOR EACH ROW WHEN (OLD.recalled_at IS NOT NULL AND
        (OLD.recalled_at, OLD.recalled_by_id, OLD.recall_reason, OLD.left)
        IS DISTINCT FROM (NEW.recalled_at, NEW.recalled_by_id, NEW.recall_reason, NEW.left)
    ) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER batch_keeps_its_trace_code BEFORE UPDATE ON shop_batch
    FOR EACH ROW WHEN (OLD.trace_code <> NEW.trace_code) EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER batch_keeps_its_trace_code ON shop_batch;
DROP TRIGGER batch_stays_recalled ON shop_batch;
ALTER TABLE shop_batch DROP CONSTRAINT batch_of_own_base,
    DROP CONSTRAINT batch_of_own_sku, DROP CONSTRAINT batch_of_own_product;
ALTER TABLE suppliers_base DROP CONSTRAINT base_and_supplier;
ALTER TABLE shop_sku DROP CONSTRAINT sku_and_product;
ALTER TABLE shop_product DROP CONSTRAINT product_and_supplier;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_append_only"),
        ("shop", "0010_reminders"),
        ("suppliers", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="As it stands on the box or in your books.",
                        max_length=60,
                        verbose_name="batch number",
                    ),
                ),
                ("produced_on", models.DateField(verbose_name="harvested or produced on")),
                (
                    "expires_on",
                    models.DateField(
                        blank=True,
                        help_text="The last good day. Empty: reckoned from the product's shelf life.",
                        null=True,
                        verbose_name="good until",
                    ),
                ),
                (
                    "quantity",
                    models.DecimalField(decimal_places=3, max_digits=14, verbose_name="quantity"),
                ),
                (
                    "left",
                    models.DecimalField(
                        decimal_places=3, editable=False, max_digits=14, verbose_name="left"
                    ),
                ),
                (
                    "trace_code",
                    models.CharField(
                        default=shop.models.batches.new_trace_code,
                        editable=False,
                        max_length=16,
                        unique=True,
                        verbose_name="trace code",
                    ),
                ),
                (
                    "recalled_at",
                    models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="recalled at"
                    ),
                ),
                (
                    "recall_reason",
                    models.CharField(
                        blank=True,
                        editable=False,
                        max_length=500,
                        verbose_name="reason for the recall",
                    ),
                ),
                (
                    "base",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="suppliers.base",
                        verbose_name="base",
                    ),
                ),
                (
                    "product",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="shop.product",
                        verbose_name="product",
                    ),
                ),
                (
                    "recalled_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="recalled by",
                    ),
                ),
                (
                    "sku",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: counted in kilograms, for any pack of the product.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="shop.sku",
                        verbose_name="counted in packs of",
                    ),
                ),
                (
                    "supplier",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="suppliers.supplier",
                        verbose_name="supplier",
                    ),
                ),
            ],
            options={
                "verbose_name": "batch",
                "verbose_name_plural": "batches",
                "ordering": ["-produced_on", "-id"],
                "indexes": [
                    models.Index(
                        fields=["supplier", "-produced_on", "-id"], name="batches_by_supplier"
                    ),
                    models.Index(
                        condition=models.Q(("left__gt", 0), ("recalled_at", None)),
                        fields=["product", "expires_on"],
                        name="batches_to_ship",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "supplier"),
                        name="batch_code_once_per_supplier",
                        violation_error_message="There is a batch with this number already.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("code", ""), _negated=True), name="batch_has_a_code"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("quantity__gt", 0), ("quantity__lte", Decimal("99999999999.999"))
                        ),
                        name="batch_quantity_within_bounds",
                        violation_error_message="The quantity must be more than zero.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("left__gte", 0), ("left__lte", models.F("quantity"))),
                        name="batch_left_within_quantity",
                        violation_error_message="More of it has left than this.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_on", None),
                            ("expires_on__gte", models.F("produced_on")),
                            _connector="OR",
                        ),
                        name="batch_expires_after_it_is_made",
                        violation_error_message="A batch cannot expire before it is made.",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("recall_reason", ""), ("recalled_at", None), ("recalled_by", None)
                            ),
                            models.Q(
                                ("recalled_at__isnull", False),
                                ("recalled_by__isnull", False),
                                models.Q(("recall_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="batch_recalled_by_somebody_for_a_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
