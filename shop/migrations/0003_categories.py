"""Load the categories of the produce that Qiannan sends to the Bay Area."""

from django.db import migrations

CATEGORIES = [
    ("aquatic", "水产", "Aquatic products", "farm"),
    ("eggs", "禽蛋", "Eggs and poultry", "farm"),
    ("fruit", "水果", "Fruit", "farm"),
    ("roxburgh", "刺梨及制品", "Roxburgh rose and products", "farm"),
    ("tea", "茶叶", "Tea", "farm"),
    ("grain", "粮油", "Grain and oil", "farm"),
    ("vegetables", "蔬菜菌菇", "Vegetables and mushrooms", "farm"),
    ("handicraft", "特色手工艺品", "Handicrafts", "handicraft"),
]


def load(apps, schema_editor):
    Category = apps.get_model("shop", "Category")
    Category.objects.bulk_create(
        Category(code=code, name=name, name_en=name_en, sector=sector, position=position)
        for position, (code, name, name_en, sector) in enumerate(CATEGORIES, start=1)
    )


class Migration(migrations.Migration):
    dependencies = [("shop", "0002_stock_counter")]

    operations = [migrations.RunPython(load, migrations.RunPython.noop)]
