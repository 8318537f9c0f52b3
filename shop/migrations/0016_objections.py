"""Anybody may object to a badge on notice; listings say which badge their product bears."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

LISTINGS = import_module("shop.migrations.0005_listings_follow").LISTINGS.replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)

TURNS = """        WHERE held.product_id = on_sale.id
    ) turn
"""
TURNS_WITH_BADGE = """        WHERE held.product_id = on_sale.id
        UNION
        SELECT unnest(ARRAY[noticed_from, valid_from, valid_until + 1, withdrawn_on])
        FROM shop_badge WHERE product_id = on_sale.id
    ) turn
"""
FIELD = "           'images', picture.images,"
FIELD_WITH_BADGE = f"""           'badge', (
               SELECT json_build_object(
                   'number', number,
                   'status', CASE WHEN holds THEN 'valid' ELSE 'on_notice' END,
                   'noticed_from', noticed_from, 'valid_from', valid_from,
                   'valid_until', valid_until)
               FROM shop_badge badge, LATERAL (
                   SELECT valid_from <= stretch.shown_from AND NOT EXISTS (
                       SELECT FROM shop_objection
                       WHERE badge_id = badge.id AND outcome = '') AS holds
               ) notice
               WHERE product_id = on_sale.id AND stretch.shown_from >= noticed_from
                   AND stretch.shown_from <= valid_until
                   AND (withdrawn_on IS NULL OR withdrawn_on > stretch.shown_from)
               ORDER BY holds DESC, valid_from DESC LIMIT 1
           ),
{FIELD}"""  # noqa: S608 - only texts of ours are put in

FOLLOW_BADGES = """
CREATE TRIGGER listings_note_insert AFTER INSERT ON shop_badge
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change('product', 'product_id');
CREATE TRIGGER listings_note_update AFTER UPDATE ON shop_badge
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change('product', 'product_id');
CREATE TRIGGER listings_note_delete AFTER DELETE ON shop_badge
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change('product', 'product_id');
CREATE TRIGGER listings_note_insert AFTER INSERT ON shop_objection
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change(
        'product', '(SELECT product_id FROM shop_badge WHERE id = badge_id)');
CREATE TRIGGER listings_note_update AFTER UPDATE ON shop_objection
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change(
        'product', '(SELECT product_id FROM shop_badge WHERE id = badge_id)');
"""
FORGET_BADGES = """
DROP TRIGGER listings_note_insert ON shop_badge;
DROP TRIGGER listings_note_update ON shop_badge;
DROP TRIGGER listings_note_delete ON shop_badge;
DROP TRIGGER listings_note_insert ON shop_objection;
DROP TRIGGER listings_note_update ON shop_objection;
"""
WRITE_ANEW = """
INSERT INTO shop_listingchange (kind, key)
SELECT 'product', id::text FROM shop_product WHERE status = 'listed';
"""

GUARD = """
CREATE FUNCTION shop_guard_objection() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM shop_badge WHERE id = NEW.badge_id AND withdrawn_on IS NULL
            AND (NEW.made_at AT TIME ZONE 'Asia/Shanghai')::date >= noticed_from
            AND (NEW.made_at AT TIME ZONE 'Asia/Shanghai')::date < valid_from
    ) THEN
        RAISE EXCEPTION 'badge % is not on notice', NEW.badge_id
            USING ERRCODE = 'check_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER objections_are_made_during_the_notice BEFORE INSERT ON shop_objection
    FOR EACH ROW EXECUTE FUNCTION shop_guard_objection();
CREATE TRIGGER objections_stay BEFORE DELETE ON shop_objection
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER objections_are_answered_once BEFORE UPDATE ON shop_objection
    FOR EACH ROW WHEN (
        OLD.outcome <> ''
        OR (OLD.badge_id, OLD.name, OLD.contact, OLD.grounds, OLD.made_at)
            IS DISTINCT FROM (NEW.badge_id, NEW.name, NEW.contact, NEW.grounds, NEW.made_at)
    ) EXECUTE FUNCTION refuse_change();
"""
UNGUARD = """
DROP TRIGGER objections_are_answered_once ON shop_objection;
DROP TRIGGER objections_stay ON shop_objection;
DROP TRIGGER objections_are_made_during_the_notice ON shop_objection;
DROP FUNCTION shop_guard_objection();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0015_confirmations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Objection",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, verbose_name="objector")),
                ("contact", models.CharField(max_length=100, verbose_name="phone or e-mail")),
                ("grounds", models.TextField(max_length=2000, verbose_name="grounds")),
                ("made_at", models.DateTimeField(verbose_name="objected at")),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[("upheld", "upheld"), ("dismissed", "dismissed")],
                        max_length=9,
                        verbose_name="outcome",
                    ),
                ),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="answer")),
                (
                    "answered_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="answered at"),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="answered by",
                    ),
                ),
                (
                    "badge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="objections",
                        to="shop.badge",
                        verbose_name="badge",
                    ),
                ),
            ],
            options={
                "verbose_name": "objection",
                "verbose_name_plural": "objections",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("outcome", "")),
                        fields=["made_at"],
                        name="objections_open",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", ""), _negated=True),
                            models.Q(("contact", ""), _negated=True),
                            models.Q(("grounds", ""), _negated=True),
                        ),
                        name="objection_says_who_and_why",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("answer", ""),
                                ("answered_at", None),
                                ("answered_by", None),
                                ("outcome", ""),
                            ),
                            models.Q(
                                ("answered_by__isnull", False),
                                ("outcome__in", ["upheld", "dismissed"]),
                                ("answered_at__isnull", False),
                                models.Q(("answer", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="objection_answered_by_whom_and_how",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(
            LISTINGS.replace(TURNS, TURNS_WITH_BADGE).replace(FIELD, FIELD_WITH_BADGE), LISTINGS
        ),
        migrations.RunSQL(FOLLOW_BADGES, FORGET_BADGES),
        migrations.RunSQL(WRITE_ANEW, WRITE_ANEW),
    ]
