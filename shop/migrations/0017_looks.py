"""How pictures look; those that there are, are looked at by the next run of the task."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0016_objections"),
    ]

    operations = [
        migrations.AddField(
            model_name="productimage",
            name="look",
            field=models.BigIntegerField(editable=False, null=True, verbose_name="look"),
        ),
    ]
