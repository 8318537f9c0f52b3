"""Changes of evidence, which the ledger books as pairs of entries."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0003_payments_and_fapiao"),
        ("reports", "0005_month_keeps_audit_head"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="ledgerentry",
            name="entry_has_its_source",
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="source",
            field=models.CharField(
                choices=[
                    ("acceptance", "acceptance"),
                    ("claim", "claim"),
                    ("declaration", "declaration"),
                    ("correction", "correction"),
                    ("regrade", "change of evidence"),
                ],
                max_length=12,
                verbose_name="source",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("order_line__isnull", False), ("source", "acceptance")),
                    models.Q(
                        ("claim_line__isnull", False),
                        ("corrects__isnull", False),
                        ("source", "claim"),
                    ),
                    models.Q(("corrects__isnull", False), ("source", "correction")),
                    models.Q(
                        ("corrects__isnull", False),
                        ("order_line__isnull", False),
                        ("source", "regrade"),
                    ),
                    ("source", "declaration"),
                    _connector="OR",
                ),
                name="entry_has_its_source",
            ),
        ),
    ]
