"""What a review is about: a product with its packs and prices, as values that can be compared."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Division, name_field
from shop.models import SKU, Category, PriceTier, Product, ProductImage, Season
from suppliers.models import Certificate, Producer

from .listing import lock_stock

Content = dict[str, Any]

PRODUCT_FIELDS = (
    "name", "summary", "category", "county", "producer", "species", "storage", "is_processed",
    "shelf_life_days",
)  # fmt: skip
SKU_FIELDS = (
    "name", "unit", "net_weight_kg", "is_weighed", "tolerance_percent", "minimum", "multiple",
    "tax_treatment", "tax_rate", "tax_basis", "is_active",
)  # fmt: skip


class Difference(NamedTuple):
    """A field that a version changes, with both values as people read them; empty for none."""

    label: str
    before: str
    after: str


def content_of(product: Product, *, day: date) -> Content:
    """
    Return a product as it stands on `day`, in JSON values.

    Prices are those that apply and those to come; one that applies has no first day.
    """
    return contents_of([product.pk], day=day)[product.pk]


def contents_of(product_ids: Iterable[int], *, day: date) -> dict[int, Content]:
    """
    Return the contents of products by their keys.

    In as many queries for two thousand as for one; more at once would take memory.
    """
    products = (
        Product.objects.filter(pk__in=list(product_ids))
        # Fetched apart, a producer of all of them is held once.
        .prefetch_related("producer", "certificates", "seasons", "images", "skus__tiers")
    )
    return {product.pk: _content(product, day) for product in products.iterator(2_000)}


def apply_content(product: Product, content: Content, *, day: date) -> None:
    """Make a product what `content` says, from `day` on; see `apply_contents`."""
    apply_contents({product: content}, day=day)


def apply_contents(contents: Mapping[Product, Content], *, day: date) -> None:
    """
    Make products what their contents say, from `day` on, in as many statements for many as for one.

    Runs inside the caller's transaction. Packs that a content leaves out are taken off sale,
    since orders refer to them; prices that it leaves out end.
    """
    lock_stock(SKU.objects.filter(product__in=list(contents)).values_list("pk", flat=True))
    _apply_fields(contents)
    _apply_certificates(contents)
    Season.objects.filter(product__in=list(contents)).delete()
    Season.objects.bulk_create(
        Season(product=product, starts=starts, ends=ends)
        for product, content in contents.items()
        for starts, ends in (season.split("/") for season in content["seasons"])
    )
    shown = ProductImage.objects.filter(product__in=list(contents))
    look_by_file = dict(shown.values_list("file", "look"))
    shown.delete()
    ProductImage.objects.bulk_create(
        ProductImage(
            product=product, position=position, look=look_by_file.get(image["file"]), **image
        )
        for product, content in contents.items()
        for position, image in enumerate(content["images"])
    )
    _apply_prices(_apply_skus(contents), day)


def differences(before: Content | None, after: Content) -> list[Difference]:
    """Return what changes, field by field; `before` is None for what was never on sale."""
    old = dict(_read(before)) if before else {}
    new = dict(_read(after))
    return [
        Difference(label, old.get(label, ""), new.get(label, ""))
        for label in {**old, **new}
        if old.get(label, "") != new.get(label, "")
    ]


def _content(product: Product, day: date) -> Content:
    return {
        **{name: _value(product, name) for name in PRODUCT_FIELDS},
        "producer": product.producer.name,
        "certificates": sorted(f"{c.kind} {c.number}" for c in product.certificates.all()),
        "seasons": [f"{season.starts}/{season.ends}" for season in product.seasons.all()],
        "images": [
            {"file": image.file.name, "caption": image.caption} for image in product.images.all()
        ],
        "skus": {
            sku.code: {
                **{name: _value(sku, name) for name in SKU_FIELDS},
                "prices": [_price(tier, day) for tier in sku.tiers.all() if _is_ahead(tier, day)],
            }
            for sku in product.skus.all()
        },
    }


def _apply_fields(contents: Mapping[Product, Content]) -> None:
    suppliers = {product.supplier_id for product in contents}
    producer_by_name = {
        (producer.supplier_id, producer.name): producer
        for producer in Producer.objects.filter(supplier__in=suppliers)
    }
    for product, content in contents.items():
        for name in PRODUCT_FIELDS:
            # A version may wait since before a field was there.
            if name != "producer" and name in content:
                setattr(product, _attribute(Product, name), content[name])
        product.producer = producer_by_name[product.supplier_id, content["producer"]]
    _save_all(contents, *PRODUCT_FIELDS, "updated_at")


def _apply_certificates(contents: Mapping[Product, Content]) -> None:
    suppliers = {product.supplier_id for product in contents}
    held: dict[int, list[Certificate]] = {}
    for certificate in Certificate.objects.filter(supplier__in=suppliers):
        held.setdefault(certificate.supplier_id, []).append(certificate)
    wanted = {
        (product.pk, certificate.pk)
        for product, content in contents.items()
        for certificate in held.get(product.supplier_id, ())
        if f"{certificate.kind} {certificate.number}" in content["certificates"]
    }
    shown = Product.certificates.through.objects
    present = {
        (row.product_id, row.certificate_id): row.pk
        for row in shown.filter(product__in=list(contents))
    }
    shown.filter(pk__in=[present[pair] for pair in present.keys() - wanted]).delete()
    shown.bulk_create(
        shown.model(product_id=product, certificate_id=certificate)
        for product, certificate in wanted - present.keys()
    )


def _apply_skus(contents: Mapping[Product, Content]) -> list[tuple[SKU, list[dict[str, Any]]]]:
    """Return the packs with the prices that they shall have."""
    present = {
        (sku.product_id, sku.code): sku for sku in SKU.objects.filter(product__in=list(contents))
    }
    priced = []
    for product, content in contents.items():
        for code, fields in content["skus"].items():
            sku = present.pop((product.pk, code), None) or SKU(product=product, code=code)
            for name in SKU_FIELDS:
                setattr(sku, name, fields[name])
            priced.append((sku, fields["prices"]))
    SKU.objects.filter(pk__in=[sku.pk for sku in present.values()]).update(is_active=False)
    _save_all([sku for sku, _prices in priced if sku.pk], *SKU_FIELDS)
    SKU.objects.bulk_create(sku for sku, _prices in priced if not sku.pk)
    return priced


def _apply_prices(priced: list[tuple[SKU, list[dict[str, Any]]]], day: date) -> None:
    known: dict[int, list[PriceTier]] = {}
    skus = [sku.pk for sku, _prices in priced]
    lasting = PriceTier.objects.filter(Q(sold_until__isnull=True) | Q(sold_until__gt=day))
    for tier in lasting.filter(sku__in=skus):
        known.setdefault(tier.sku_id, []).append(tier)
    dropped: list[int] = []
    ended: list[int] = []
    begun: list[PriceTier] = []
    for sku, prices in priced:
        wanted = [_not_before(price, day) for price in prices]
        for tier in known.get(sku.pk, ()):
            if (stays := _price(tier, day)) in wanted:
                wanted.remove(stays)
            else:
                (dropped if tier.sold_from >= day else ended).append(tier.pk)
        begun += [
            PriceTier(
                sku=sku,
                from_quantity=price["from_quantity"],
                unit_price=price["unit_price"],
                sold_from=price["sold_from"] or day,
                sold_until=price["sold_until"],
            )
            for price in wanted
        ]
    PriceTier.objects.filter(pk__in=dropped).delete()
    PriceTier.objects.filter(pk__in=ended).update(sold_until=day)
    PriceTier.objects.bulk_create(begun)


def _save_all(rows: Collection[models.Model], *fields: str) -> None:
    """Write these fields of rows that there are; Django's `bulk_update` takes minutes for that."""
    if rows:
        manager = type(next(iter(rows)))._default_manager
        manager.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=fields)


def _not_before(price: dict[str, Any], day: date) -> dict[str, Any]:
    """Return a price as it applies when it is approved later than it was to begin."""
    begins = price["sold_from"]
    return {**price, "sold_from": begins if begins and begins > day.isoformat() else None}


def _is_ahead(tier: PriceTier, day: date) -> bool:
    return tier.sold_until is None or tier.sold_until > day


def _price(tier: PriceTier, day: date) -> dict[str, str | None]:
    return {
        "from_quantity": _plain(tier.from_quantity),
        "unit_price": _plain(tier.unit_price),
        "sold_from": tier.sold_from.isoformat() if tier.sold_from > day else None,
        "sold_until": tier.sold_until.isoformat() if tier.sold_until else None,
    }


def _attribute(model: type[models.Model], name: str) -> str:
    return model._meta.get_field(name).attname  # type: ignore[union-attr]


def _value(row: models.Model, name: str) -> Any:
    value = getattr(row, _attribute(type(row), name))
    return _plain(value) if isinstance(value, Decimal) else value


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _read(content: Content) -> Iterator[tuple[str, str]]:
    """Yield the label and the text of each field."""
    yield from _fields(Product, PRODUCT_FIELDS, content)
    yield (
        str(Product._meta.get_field("certificates").verbose_name),
        "; ".join(  # type: ignore[union-attr]
            content["certificates"]
        ),
    )
    yield str(Season._meta.verbose_name_plural), "; ".join(content["seasons"])
    for position, image in enumerate(content["images"], 1):
        label = f"{ProductImage._meta.verbose_name} {position}"
        yield label, f"{image['file']} {image['caption']}".strip()
    for code, sku in content["skus"].items():
        for label, text in _fields(SKU, SKU_FIELDS, sku):
            yield f"{code} · {label}", text
        for price in sku["prices"]:
            days = " – ".join(filter(None, (price["sold_from"], price["sold_until"])))
            label = f"{code} · {PriceTier._meta.get_field('unit_price').verbose_name}"  # type: ignore[union-attr]
            yield f"{label} ≥ {price['from_quantity']} {days}".strip(), str(price["unit_price"])


def _choices(field: Any) -> dict[Any, Any]:
    """Return how values of a field are read, where they are not read as they are."""
    if isinstance(field, models.BooleanField):
        return {True: _("yes"), False: _("no")}
    if field.related_model in (Category, Division):
        return dict(field.related_model.objects.values_list("code", name_field()))
    return dict(field.flatchoices)


def _fields(
    model: type[models.Model], names: tuple[str, ...], values: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for name in names:
        field = model._meta.get_field(name)
        value = values.get(name)
        choices = _choices(field)
        yield str(field.verbose_name), str(choices.get(value, "" if value is None else value))  # type: ignore[union-attr]
