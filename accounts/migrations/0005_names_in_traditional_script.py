"""Name places in traditional script, too."""

from django.db import migrations, models
from opencc import OpenCC


def convert(apps, schema_editor):
    named = apps.get_model("accounts", "Division").objects
    traditional = OpenCC("s2hk").convert
    for row in named.all():
        named.filter(pk=row.pk).update(name_hant=traditional(row.name))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_audit_chain")]

    operations = [
        migrations.AddField(
            model_name="division",
            name="name_hant",
            field=models.CharField(
                db_default="", max_length=40, verbose_name="name in traditional script"
            ),
        ),
        migrations.RunPython(convert, migrations.RunPython.noop),
    ]
