"""The catalogue's version: another one after every change of a listing."""

import uuid

from django.db import migrations, models

FORWARDS = """
INSERT INTO shop_catalogue (id, version) VALUES (1, gen_random_uuid());

CREATE FUNCTION shop_version_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE shop_catalogue SET version = gen_random_uuid();
    RETURN NULL;
END $$;

CREATE TRIGGER catalogue_has_another_version AFTER INSERT OR UPDATE OR DELETE ON shop_listing
    FOR EACH STATEMENT EXECUTE FUNCTION shop_version_catalogue();
"""

BACKWARDS = """
DROP TRIGGER catalogue_has_another_version ON shop_listing;
DROP FUNCTION shop_version_catalogue();
"""


class Migration(migrations.Migration):
    dependencies = [("shop", "0005_listings_follow")]

    operations = [
        migrations.CreateModel(
            name="Catalogue",
            fields=[
                (
                    "id",
                    models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False),
                ),
                ("version", models.UUIDField(default=uuid.uuid4, verbose_name="version")),
            ],
            options={
                "verbose_name": "catalogue",
                "verbose_name_plural": "catalogues",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id", 1)), name="there_is_one_catalogue"
                    )
                ],
            },
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
