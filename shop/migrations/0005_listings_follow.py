"""Listings follow everything that they are made of, at commit, whoever changes it."""

from django.db import migrations

# What the listings of these products should be. Days that have passed are left out.
LISTINGS = """
CREATE FUNCTION shop_price_text(price numeric) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT CASE WHEN scale(trim_scale(price)) < 2 THEN round(price, 2) ELSE trim_scale(price) END::text
$$;

CREATE FUNCTION shop_season_days(seasons shop_season[]) RETURNS int4multirange
    IMMUTABLE LANGUAGE sql AS $$
    SELECT coalesce(range_agg(days), '{[101,1232)}') FROM (
        SELECT int4range(replace(starts, '-', '')::int, replace(ends, '-', '')::int, '[]') AS days
        FROM unnest(seasons) WHERE starts <= ends
        UNION ALL
        SELECT unnest(ARRAY[int4range(replace(starts, '-', '')::int, 1232),
                            int4range(101, replace(ends, '-', '')::int, '[]')])
        FROM unnest(seasons) WHERE starts > ends
    ) windows
$$;

CREATE FUNCTION shop_listings_of(product_ids bigint[]) RETURNS TABLE (
    product_id bigint, shown_from date, shown_until date, code text, sort_key text,
    category_code text, county_code text, supplier_code text, storage text,
    certificate_kinds text[], price numeric, season_days int4multirange, sku_ids bigint[],
    terms tsvector, is_spelled boolean, body text
) STABLE LANGUAGE sql
-- Product by product through indexes, whatever is known of tables that were just filled.
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET jit = off
AS $$
WITH on_sale AS (
    SELECT product.id, product.code, product.name, product.summary, product.species,
           product.storage, product.shelf_life_days,
           category.code AS category_code, category.name AS category_name,
           category.name_en AS category_name_en,
           county.code AS county_code, county.name AS county_name,
           county.name_en AS county_name_en,
           supplier.code AS supplier_code, supplier.name AS supplier_name,
           producer.name AS producer_name,
           home.code AS producer_county_code, home.name AS producer_county_name
    FROM shop_product product
    JOIN shop_category category ON category.code = product.category_id
    JOIN accounts_division county ON county.code = product.county_id
    JOIN suppliers_supplier supplier ON supplier.id = product.supplier_id
    JOIN suppliers_producer producer ON producer.id = product.producer_id
    JOIN accounts_division home ON home.code = producer.county_id
    WHERE product.id = ANY(product_ids)
        AND product.status = 'listed' AND supplier.status = 'approved'
)
SELECT on_sale.id, stretch.shown_from, stretch.shown_until,
       on_sale.code, names.sort_key,
       on_sale.category_code, on_sale.county_code, on_sale.supplier_code, on_sale.storage,
       proof.kinds, pack.price, season.days, pack.ids, names.terms, names.is_spelled,
       json_build_object(
           'code', on_sale.code, 'name', on_sale.name, 'summary', on_sale.summary,
           'species', on_sale.species,
           'category', json_build_object(
               'code', on_sale.category_code, 'name', on_sale.category_name),
           'county', json_build_object(
               'code', on_sale.county_code, 'name', on_sale.county_name),
           'supplier', json_build_object(
               'code', on_sale.supplier_code, 'name', on_sale.supplier_name),
           'producer', json_build_object(
               'name', on_sale.producer_name,
               'county', json_build_object(
                   'code', on_sale.producer_county_code, 'name', on_sale.producer_county_name)),
           'certificates', proof.certificates, 'season', season.windows,
           'storage', on_sale.storage, 'shelf_life_days', on_sale.shelf_life_days,
           'images', picture.images, 'skus', pack.skus, 'updated_at', NULL
       )::text
FROM on_sale,
LATERAL (
    SELECT day AS shown_from, lead(day, 1, date '9999-12-31') OVER (ORDER BY day) AS shown_until
    FROM (
        SELECT date '0001-01-01' AS day
        UNION
        SELECT unnest(ARRAY[tier.sold_from, tier.sold_until])
        FROM shop_sku sku JOIN shop_pricetier tier ON tier.sku_id = sku.id
        WHERE sku.product_id = on_sale.id AND sku.is_active
        UNION
        SELECT unnest(ARRAY[certificate.valid_from, certificate.valid_until + 1])
        FROM shop_product_certificates held
        JOIN suppliers_certificate certificate ON certificate.id = held.certificate_id
        WHERE held.product_id = on_sale.id
    ) turn
    WHERE day IS NOT NULL
) stretch,
LATERAL (
    SELECT coalesce(json_agg(json_build_array(starts, ends) ORDER BY starts), '[]') AS windows,
           shop_season_days(array_agg(shop_season)) AS days
    FROM shop_season WHERE product_id = on_sale.id
) season,
LATERAL (
    SELECT coalesce(json_agg(json_build_object('url', file, 'caption', caption)
                             ORDER BY position, id), '[]') AS images
    FROM shop_productimage WHERE product_id = on_sale.id
) picture,
LATERAL (
    SELECT coalesce(json_agg(json_build_object(
               'kind', kind, 'number', number, 'issuer', issuer,
               'valid_from', valid_from, 'valid_until', valid_until
           ) ORDER BY kind, number), '[]') AS certificates,
           coalesce(array_agg(DISTINCT kind::text), '{}') AS kinds
    FROM shop_product_certificates held
    JOIN suppliers_certificate certificate ON certificate.id = held.certificate_id
    WHERE held.product_id = on_sale.id AND valid_from <= stretch.shown_from
        AND (valid_until IS NULL OR valid_until >= stretch.shown_from)
) proof,
LATERAL (
    SELECT coalesce(json_agg(json_build_object(
               'sku', sku.code, 'name', sku.name, 'unit', sku.unit,
               'net_weight_kg', trim_scale(sku.net_weight_kg)::text,
               'is_weighed', sku.is_weighed,
               'tolerance_percent', trim_scale(sku.tolerance_percent)::text,
               'minimum', trim_scale(sku.minimum)::text,
               'multiple', trim_scale(sku.multiple)::text,
               'available', NULL, 'tiers', priced.tiers,
               'tax', json_build_object(
                   'treatment', sku.tax_treatment, 'rate', trim_scale(sku.tax_rate)::text)
           ) ORDER BY sku.code), '[]') AS skus,
           coalesce(array_agg(sku.id ORDER BY sku.code), '{}') AS ids,
           coalesce(min(priced.lowest), 100000000) AS price
    FROM shop_sku sku, LATERAL (
        SELECT coalesce(json_agg(json_build_object(
                   'from_quantity', trim_scale(from_quantity)::text,
                   'unit_price', shop_price_text(unit_price)
               ) ORDER BY from_quantity), '[]') AS tiers,
               min(unit_price) AS lowest
        FROM shop_pricetier
        WHERE sku_id = sku.id AND sold_from <= stretch.shown_from
            AND (sold_until IS NULL OR sold_until > stretch.shown_from)
    ) priced
    WHERE sku.product_id = on_sale.id AND sku.is_active
) pack,
LATERAL (
    SELECT coalesce(max(spelling.sort_key) FILTER (WHERE name = on_sale.name), lower(on_sale.name))
               AS sort_key,
           coalesce(array_to_tsvector(array_agg(DISTINCT term) FILTER (WHERE term IS NOT NULL)), '')
               AS terms,
           bool_and(spelling.text IS NOT NULL) AS is_spelled
    FROM (
        SELECT unnest(ARRAY[
            on_sale.code, on_sale.name, on_sale.species,
            on_sale.category_name, on_sale.category_name_en,
            on_sale.county_name, on_sale.county_name_en,
            on_sale.supplier_name, on_sale.producer_name
        ]) AS name
        UNION
        SELECT unnest(ARRAY[sku.code, sku.name]) FROM shop_sku sku
        WHERE sku.product_id = on_sale.id AND sku.is_active
    ) named
    LEFT JOIN shop_spelling spelling ON spelling.text = named.name
    LEFT JOIN LATERAL unnest(spelling.terms) term ON true
    WHERE name <> ''
) names
WHERE stretch.shown_until > (now() AT TIME ZONE 'Asia/Shanghai')::date
$$;
"""

# Changes are only noted while a transaction runs. When it commits, the listings are
# brought up to date under one lock: whoever holds it sees everything that was committed
# before, and nobody waits for it while holding up somebody else for long.
FOLLOW = """
CREATE FUNCTION shop_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rows text := CASE TG_OP
        WHEN 'INSERT' THEN 'TABLE new_rows'
        WHEN 'DELETE' THEN 'TABLE old_rows'
        ELSE 'TABLE old_rows UNION ALL TABLE new_rows'
    END;
BEGIN
    EXECUTE format(
        'INSERT INTO shop_listingchange (kind, key) SELECT DISTINCT %L, (%s)::text FROM (%s) changed',
        TG_ARGV[0], TG_ARGV[1], rows
    );
    RETURN NULL;
END $$;

CREATE FUNCTION shop_refresh_listings() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    product_ids bigint[];
BEGIN
    -- The first of a transaction's changes takes all the others with it.
    IF NOT EXISTS (SELECT FROM shop_listingchange WHERE id = NEW.id) THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock('shop_listing'::regclass::bigint);
    WITH change AS (DELETE FROM shop_listingchange RETURNING kind, key)
    SELECT array_agg(DISTINCT changed.id) INTO product_ids FROM (
        SELECT key::bigint AS id FROM change WHERE kind = 'product'
        UNION ALL
        SELECT product_id FROM change JOIN shop_sku ON shop_sku.id = key::bigint WHERE kind = 'sku'
        UNION ALL
        SELECT product_id FROM change JOIN shop_product_certificates
            ON certificate_id = key::bigint WHERE kind = 'certificate'
        UNION ALL
        SELECT product.id FROM change JOIN shop_product product
            ON supplier_id = key::bigint WHERE kind = 'supplier'
        UNION ALL
        SELECT product.id FROM change JOIN shop_product product
            ON producer_id = key::bigint WHERE kind = 'producer'
        UNION ALL
        SELECT product.id FROM change JOIN shop_product product
            ON category_id = key WHERE kind = 'category'
        UNION ALL
        SELECT product.id FROM change
            JOIN suppliers_producer producer ON producer.county_id = key
            JOIN shop_product product ON product.producer_id = producer.id
            WHERE kind = 'division'
        UNION ALL
        SELECT product.id FROM change JOIN shop_product product
            ON county_id = key WHERE kind = 'division'
        UNION ALL
        SELECT product_id FROM shop_listing
            WHERE NOT is_spelled AND EXISTS (SELECT FROM change WHERE kind = 'spelling')
    ) changed;

    WITH fresh AS MATERIALIZED (SELECT * FROM shop_listings_of(product_ids)),
    gone AS (
        DELETE FROM shop_listing WHERE product_id = ANY(product_ids)
            AND (product_id, shown_from) NOT IN (SELECT product_id, shown_from FROM fresh)
    )
    INSERT INTO shop_listing AS listing (
        product_id, shown_from, shown_until, code, sort_key, category_code, county_code,
        supplier_code, storage, certificate_kinds, price, season_days, sku_ids, terms,
        is_spelled, body, updated_at)
    SELECT product_id, shown_from, shown_until, code, sort_key, category_code, county_code,
           supplier_code, storage, certificate_kinds, price, season_days, sku_ids, terms,
           is_spelled, body, greatest(now(), shown_from::timestamp AT TIME ZONE 'Asia/Shanghai')
    FROM fresh
    ON CONFLICT (product_id, shown_from) DO UPDATE SET
        shown_until = excluded.shown_until, code = excluded.code,
        sort_key = excluded.sort_key, category_code = excluded.category_code,
        county_code = excluded.county_code, supplier_code = excluded.supplier_code,
        storage = excluded.storage, certificate_kinds = excluded.certificate_kinds,
        price = excluded.price, season_days = excluded.season_days,
        sku_ids = excluded.sku_ids, terms = excluded.terms,
        is_spelled = excluded.is_spelled, body = excluded.body,
        updated_at = CASE WHEN listing.body = excluded.body
            THEN listing.updated_at ELSE excluded.updated_at END
    WHERE (listing.body, listing.shown_until, listing.terms, listing.sort_key,
           listing.is_spelled, listing.sku_ids, listing.price)
        IS DISTINCT FROM
          (excluded.body, excluded.shown_until, excluded.terms, excluded.sort_key,
           excluded.is_spelled, excluded.sku_ids, excluded.price);
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER listings_follow AFTER INSERT ON shop_listingchange
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION shop_refresh_listings();

-- Bodies and terms go beside the row, so that a scan for a filter passes narrow rows.
ALTER TABLE shop_listing ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE shop_listing SET (toast_tuple_target = 256);
"""

# Table, kind of change, what names the changed row, and after which operations.
SOURCES = [
    ("shop_product", "product", "id", "INSERT UPDATE DELETE"),
    ("shop_sku", "product", "product_id", "INSERT UPDATE DELETE"),
    ("shop_season", "product", "product_id", "INSERT UPDATE DELETE"),
    ("shop_productimage", "product", "product_id", "INSERT UPDATE DELETE"),
    ("shop_product_certificates", "product", "product_id", "INSERT UPDATE DELETE"),
    ("shop_pricetier", "sku", "sku_id", "INSERT UPDATE DELETE"),
    ("suppliers_certificate", "certificate", "id", "UPDATE"),
    ("suppliers_supplier", "supplier", "id", "UPDATE"),
    ("suppliers_producer", "producer", "id", "UPDATE"),
    ("shop_category", "category", "code", "UPDATE"),
    ("accounts_division", "division", "code", "UPDATE"),
    ("shop_spelling", "spelling", "''", "INSERT"),
]
ROWS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}
TRIGGERS = [
    (table, f"listings_note_{operation.lower()}", kind, key, operation)
    for table, kind, key, operations in SOURCES
    for operation in operations.split()
]
CREATE_TRIGGERS = "".join(
    f"CREATE TRIGGER {name} AFTER {operation} ON {table} REFERENCING {ROWS[operation]}\n"
    f"    FOR EACH STATEMENT EXECUTE FUNCTION shop_note_change('{kind}', $${key}$$);\n"
    for table, name, kind, key, operation in TRIGGERS
)
BACKWARDS = (
    "".join(f"DROP TRIGGER {name} ON {table};\n" for table, name, *_ in TRIGGERS)
    + """
DROP TRIGGER listings_follow ON shop_listingchange;
DROP FUNCTION shop_refresh_listings();
DROP FUNCTION shop_note_change();
DROP FUNCTION shop_listings_of(bigint[]);
DROP FUNCTION shop_season_days(shop_season[]);
DROP FUNCTION shop_price_text(numeric);
"""
)


class Migration(migrations.Migration):
    dependencies = [
        ("shop", "0004_listings"),
        ("accounts", "0003_divisions"),
        ("suppliers", "0001_initial"),
    ]

    operations = [migrations.RunSQL(LISTINGS + FOLLOW + CREATE_TRIGGERS, BACKWARDS)]
