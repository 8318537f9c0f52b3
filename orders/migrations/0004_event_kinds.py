"""What the steps of an order are called."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_payments_and_fapiao"),
    ]

    operations = [
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
