"""Reports that come by themselves, once for each reader, and the year book and pair matrix."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reports", "0008_counting_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="report",
            name="is_scheduled",
            field=models.BooleanField(
                db_default=False, default=False, verbose_name="came by itself"
            ),
        ),
        migrations.AddField(
            model_name="report",
            name="told_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="told of it at"),
        ),
        migrations.AddField(
            model_name="report",
            name="tried_at",
            field=models.DateTimeField(
                blank=True, null=True, verbose_name="last tried to tell of it at"
            ),
        ),
        migrations.AlterField(
            model_name="report",
            name="kind",
            field=models.CharField(
                choices=[
                    ("monthly", "monthly form"),
                    ("ledger", "ledger"),
                    ("supplier_statement", "supplier statement"),
                    ("buyer_certificate", "buyer certificate"),
                    ("pair_matrix", "pair matrix"),
                    ("year_book", "year book"),
                ],
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_scheduled", True)),
                fields=("kind", "month", "format", "requested_by"),
                name="report_comes_by_itself_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="report",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_scheduled", True),
                    models.Q(("told_at__isnull", True), ("tried_at__isnull", True)),
                    _connector="OR",
                ),
                name="only_scheduled_report_is_told_of",
            ),
        ),
    ]
