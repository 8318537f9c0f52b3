"""Name categories in traditional script, too."""

from django.db import migrations, models
from opencc import OpenCC


def convert(apps, schema_editor):
    named = apps.get_model("shop", "Category").objects
    traditional = OpenCC("s2hk").convert
    for row in named.all():
        named.filter(pk=row.pk).update(name_hant=traditional(row.name))


class Migration(migrations.Migration):
    dependencies = [("shop", "0017_looks")]

    operations = [
        migrations.AddField(
            model_name="category",
            name="name_hant",
            field=models.CharField(
                db_default="", max_length=40, verbose_name="name in traditional script"
            ),
        ),
        migrations.RunPython(convert, migrations.RunPython.noop),
    ]
