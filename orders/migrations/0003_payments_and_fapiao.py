"""Fapiaos and payments, which are never changed, and lines found by their batch."""

from decimal import Decimal

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# A reversal takes back the whole of one row of the same consignment, and is final itself.
# Rows never change, so what was checked stays true.
FORWARDS = """
CREATE FUNCTION orders_guard_reversal() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    fits boolean;
BEGIN
    EXECUTE format(
        'SELECT reverses_id IS NULL AND consignment_id = $1 AND amount = $2 FROM %I WHERE id = $3',
        TG_TABLE_NAME
    ) INTO fits USING NEW.consignment_id, NEW.amount, NEW.reverses_id;
    IF fits IS NOT TRUE THEN
        RAISE EXCEPTION '% % is not what it reverses', TG_TABLE_NAME, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER fapiao_reverses_the_whole BEFORE INSERT ON orders_fapiao
    FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION orders_guard_reversal();
CREATE TRIGGER payment_reverses_the_whole BEFORE INSERT ON orders_payment
    FOR EACH ROW WHEN (NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION orders_guard_reversal();

CREATE TRIGGER fapiaos_are_append_only BEFORE UPDATE OR DELETE ON orders_fapiao
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fapiaos_are_never_emptied BEFORE TRUNCATE ON orders_fapiao
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_are_append_only BEFORE UPDATE OR DELETE ON orders_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER payments_are_never_emptied BEFORE TRUNCATE ON orders_payment
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = """
DROP TRIGGER payments_are_never_emptied ON orders_payment;
DROP TRIGGER payments_are_append_only ON orders_payment;
DROP TRIGGER fapiaos_are_never_emptied ON orders_fapiao;
DROP TRIGGER fapiaos_are_append_only ON orders_fapiao;
DROP TRIGGER payment_reverses_the_whole ON orders_payment;
DROP TRIGGER fapiao_reverses_the_whole ON orders_fapiao;
DROP FUNCTION orders_guard_reversal();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0002_guards"),
        ("accounts", "0002_append_only"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Fapiao",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=20, unique=True, verbose_name="number")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("special", "special VAT fapiao"),
                            ("ordinary", "ordinary VAT fapiao"),
                            ("electronic", "fully digitalised fapiao"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("issued_on", models.DateField(verbose_name="issued on")),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, max_digits=14, verbose_name="amount (yuan)"
                    ),
                ),
                ("buyer_title", models.CharField(max_length=100, verbose_name="buyer's title")),
                ("entered_at", models.DateTimeField(verbose_name="entered at")),
            ],
            options={
                "verbose_name": "fapiao",
                "verbose_name_plural": "fapiaos",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Payment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(
                        decimal_places=2, max_digits=14, verbose_name="amount (yuan)"
                    ),
                ),
                ("paid_on", models.DateField(verbose_name="paid on")),
                ("reference", models.CharField(max_length=60, verbose_name="reference")),
                ("entered_at", models.DateTimeField(verbose_name="entered at")),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "ordering": ["-id"],
            },
        ),
        migrations.AddIndex(
            model_name="orderline",
            index=models.Index(
                condition=models.Q(("batch", ""), _negated=True),
                fields=["batch"],
                name="lines_by_batch",
            ),
        ),
        migrations.AddField(
            model_name="fapiao",
            name="consignment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="orders.consignment",
                verbose_name="consignment",
            ),
        ),
        migrations.AddField(
            model_name="fapiao",
            name="entered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="entered by",
            ),
        ),
        migrations.AddField(
            model_name="fapiao",
            name="reverses",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversed_by",
                to="orders.fapiao",
                verbose_name="reverses",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="consignment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="%(class)ss",
                to="orders.consignment",
                verbose_name="consignment",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="entered_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
                verbose_name="entered by",
            ),
        ),
        migrations.AddField(
            model_name="payment",
            name="reverses",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reversed_by",
                to="orders.payment",
                verbose_name="reverses",
            ),
        ),
        migrations.AddConstraint(
            model_name="fapiao",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__regex", "^[0-9]{20}$")),
                name="fapiao_number_has_twenty_digits",
            ),
        ),
        migrations.AddConstraint(
            model_name="fapiao",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["special", "ordinary", "electronic"])),
                name="fapiao_kind_is_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="fapiao",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__range", (Decimal("0.01"), Decimal("999999999999.99")))
                ),
                name="fapiao_amount_within_bounds",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.UniqueConstraint(
                fields=("consignment", "reference"), name="payment_reference_once_per_consignment"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(("reference", ""), _negated=True),
                name="payment_has_its_reference",
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("amount__range", (Decimal("0.01"), Decimal("999999999999.99")))
                ),
                name="payment_amount_within_bounds",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
