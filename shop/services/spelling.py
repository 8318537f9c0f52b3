"""Learn how the names in the catalogue are searched and sorted."""

from django.db import connection, transaction

from shop.models import Listing, Product, Spelling
from shop.spelling import sort_key, terms_of

NAMES_WITHOUT_SPELLING = """
    SELECT name FROM (
        SELECT unnest(ARRAY[
            product.code, product.name, product.species, category.name, category.name_en,
            county.name, county.name_en, supplier.name, producer.name
        ]) AS name
        FROM shop_listing listing
        JOIN shop_product product ON product.id = listing.product_id
        JOIN shop_category category ON category.code = product.category_id
        JOIN accounts_division county ON county.code = product.county_id
        JOIN suppliers_supplier supplier ON supplier.id = product.supplier_id
        JOIN suppliers_producer producer ON producer.id = product.producer_id
        WHERE NOT listing.is_spelled
        UNION
        SELECT unnest(ARRAY[sku.code, sku.name])
        FROM shop_listing listing
        JOIN shop_sku sku ON sku.product_id = listing.product_id AND sku.is_active
        WHERE NOT listing.is_spelled
    ) named
    WHERE name <> '' AND NOT EXISTS (SELECT FROM shop_spelling WHERE text = name)
"""


def learn_spellings() -> int:
    """
    Learn every name that a listing waits for; return how many there were.

    Costs one look into an empty index when there is nothing to learn, so whoever is
    about to search calls it: no path by which a name gets in needs to know of it.
    """
    if not Listing.objects.filter(is_spelled=False).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(NAMES_WITHOUT_SPELLING)
        names = [name for (name,) in cursor]
    Spelling.objects.bulk_create(
        (Spelling(text=name, sort_key=sort_key(name), terms=terms_of(name)) for name in names),
        batch_size=5000,
        ignore_conflicts=True,
    )
    return len(names)


@transaction.atomic
def relearn_spellings() -> int:
    """Forget all spellings and learn them again, after their rules have changed."""
    Spelling.objects.all().delete()
    Product.objects.on_sale().update(status=Product.Status.LISTED)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS listings_follow IMMEDIATE")
    return learn_spellings()
