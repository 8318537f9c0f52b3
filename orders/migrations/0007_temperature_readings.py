"""How cold it was beside goods on their way; what was read stays."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARDS = """
CREATE TRIGGER readings_stay BEFORE UPDATE OR DELETE ON orders_temperaturereading
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""

BACKWARDS = "DROP TRIGGER readings_stay ON orders_temperaturereading"


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0006_batches_of_lines"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="TemperatureReading",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "degrees",
                    models.DecimalField(
                        decimal_places=1, max_digits=4, verbose_name="temperature (°C)"
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[("by_hand", "read by hand"), ("logger", "logger")],
                        max_length=8,
                        verbose_name="source",
                    ),
                ),
                ("entered_at", models.DateTimeField(verbose_name="entered at")),
                (
                    "consignment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="readings",
                        to="orders.consignment",
                        verbose_name="consignment",
                    ),
                ),
                (
                    "entered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="entered by",
                    ),
                ),
            ],
            options={
                "verbose_name": "temperature reading",
                "verbose_name_plural": "temperature readings",
                "ordering": ["consignment", "at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("consignment", "at"), name="one_reading_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("degrees__range", (-80, 80))),
                        name="reading_within_bounds",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["by_hand", "logger"])),
                        name="reading_source_is_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
