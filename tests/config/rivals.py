"""Two suppliers with one of everything, and nothing of Sam's that could be taken for another's."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection, models
from django.utils import timezone

from accounts.models import User
from orders.models import Claim, Fapiao, Payment, TemperatureReading
from reports.models import DeclarationRow
from shop.models import (
    Badge,
    Batch,
    BatchDocument,
    Confirmation,
    FreightRate,
    Objection,
    ProductImage,
    Recognition,
    Reminder,
    Season,
    SupplyPromise,
)
from shop.models.promises import week_of
from shop.services.reviewing import submit_version
from suppliers.models import Application, AssistanceProfile, Base, Certificate, Producer, Supplier
from tests.factories import (
    CHANGSHUN,
    HAIZHU,
    SupplierFactory,
    SupplierMemberFactory,
    UserFactory,
)
from tests.orders.market import Market, Person

#: In every text of Sam's, and in every key and amount: whoever reads one has seen a row.
WORD, NUMBER = "SAMSECRET", "7331733"
#: What others look for finds it, and is not it.
LOOKED_FOR = WORD[:-2]


def supplier_path(model: type[models.Model]) -> str | None:
    """Return the shortest way of foreign keys from a row to its supplier, None without any."""
    ways: list[tuple[type[models.Model], tuple[str, ...]]] = [(model, ())]
    seen = {model}
    for row, way in ways:
        if row is Supplier:
            return "__".join((*way, "pk"))
        for field in row._meta.concrete_fields:
            if field.is_relation and field.related_model not in seen:
                seen.add(field.related_model)
                ways.append((field.related_model, (*way, field.name)))
    return None


#: All that belongs to a supplier, with the way there; new models join by themselves.
OWNED = {
    model: path
    for model in apps.get_models(include_auto_created=True)
    # What was sold off the platform has no order, so that this way never ends.
    if (path := supplier_path(model)) is not None and model is not DeclarationRow
}


class Rivals(Market):
    """A market in which Sam's and Stella's suppliers have the like of each other's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.nobody = Person(UserFactory())
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS listings_follow IMMEDIATE")
        self._stock(self.other_supplier, self.stella, "STELLA", "100")
        self._mark_keys()
        self.supplier = SupplierFactory(code=WORD, name=f"{WORD}合作社")
        sam = SupplierMemberFactory(supplier=self.supplier, user=UserFactory(username=WORD))
        self.sam = Person(sam.user)
        self._stock(self.supplier, self.sam, WORD, NUMBER)
        for model in OWNED.keys() & admin.site._registry.keys():
            LogEntry.objects.log_actions(self.sam.user.pk, [self.sams(model)], CHANGE, WORD)
        User.objects.update(is_staff=True)

    def rows_of(self, model: type[models.Model], supplier: Supplier) -> models.QuerySet[Any]:
        return model._base_manager.filter(**{OWNED[model]: supplier.pk})

    def sams(self, model: type[models.Model]) -> Any:
        """Return a row of Sam's; of what belongs to nobody the one nearest to him, or any."""
        if model in OWNED:
            return self.rows_of(model, self.supplier).first()
        if model is User:
            return self.sam.user
        return model._base_manager.order_by("-pk").first()

    def stored(self) -> dict[str, list[Any]]:
        """Return everything of Sam's."""
        return {
            model._meta.label: list(self.rows_of(model, self.supplier).order_by("pk").values())
            for model in OWNED
        }

    def touched(self) -> int:
        """Return how often this transaction has written to a supplier's table so far."""
        tables = [model._meta.db_table for model in OWNED]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables"
                " WHERE relname = ANY(%s)",
                [tables],
            )
            return int(cursor.fetchone()[0])

    def entangled(self) -> list[str]:
        """Return the relations in which a row of one supplier names a row of another."""
        found = []
        for model, path in OWNED.items():
            if model is Supplier:
                continue
            for field in model._meta.concrete_fields:
                target = field.related_model if field.is_relation else None
                if target in OWNED and (other := f"{field.name}__{OWNED[target]}") != path:
                    rows = model._base_manager.exclude(**{f"{field.name}__isnull": True})
                    if rows.exclude(**{path: models.F(other)}).exists():
                        found.append(f"{model._meta.label}.{field.name}")
        return found

    def _mark_keys(self) -> None:
        """Let keys that are given from now on show whose they are."""
        with connection.cursor() as cursor:
            for model in (User, *OWNED):
                if isinstance(model._meta.pk, models.BigAutoField):
                    sequence = [model._meta.db_table, model._meta.pk.column]
                    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", sequence)
                    cursor.execute(f"ALTER SEQUENCE {cursor.fetchone()[0]} RESTART {NUMBER}001")

    def _stock(self, supplier: Supplier, person: Person, word: str, number: str) -> None:
        """Give a supplier one of everything."""
        today, now = timezone.localdate(), timezone.now()
        producer = Producer.objects.create(
            supplier=supplier, name=f"{word}-farm", county_id=CHANGSHUN, mandate=word
        )
        certificate = Certificate.objects.create(
            supplier=supplier, kind="green", number=word, issuer=word, valid_from=date(2020, 1, 1)
        )
        base = Base.objects.create(
            supplier=supplier, code=f"{word}-b", name=f"{word}-base", county_id=CHANGSHUN, area_mu=1
        )
        Application.objects.create(
            supplier=supplier, email=f"{word}@example.org", applied_at=now, note=word
        )
        reminder = Reminder.objects.create(
            supplier=supplier, certificate=certificate, ends_on=today, days=1, made_at=now
        )
        AssistanceProfile.objects.create(supplier=supplier, year=2020, households=number)
        FreightRate.objects.create(
            supplier=supplier, destination_id=HAIZHU, per_kg=0, minimum=number
        )
        sku = self.sku(
            code=f"{word}-1", name=word, product__supplier=supplier, product__producer=producer,
            product__name=f"{word}蛋", product__code=f"{word}-p", price=number,
            on_hand=f"{number}00",
        )  # fmt: skip
        product = sku.product
        product.certificates.add(certificate)
        Season.objects.create(product=product, starts="01-01", ends="12-31")
        ProductImage.objects.create(product=product, file=f"products/{word}.png", caption=word)
        valid = {"valid_from": today, "valid_until": today + timedelta(365)}
        Recognition.objects.create(product=product, number=word, **valid)
        badge = Badge.objects.create(
            product=product, number=word, noticed_from=today, valid_from=today + timedelta(1),
            valid_until=today + timedelta(365),
        )  # fmt: skip
        Objection.objects.create(badge=badge, name=word, contact=word, grounds=word, made_at=now)
        reminder.suspended.add(product)
        Confirmation.objects.update_or_create(product=product, defaults={"confirmed_at": now})
        batch = Batch.objects.create(
            supplier=supplier, product=product, code=f"{word}-batch", sku=sku, base=base,
            produced_on=today, quantity=number, left=number,
        )  # fmt: skip
        BatchDocument.objects.create(
            batch=batch,
            kind="test_report",
            number=word,
            issuer=word,
            file=f"batches/{word}.pdf",
            sha256="0" * 64,
        )
        SupplyPromise.objects.create(sku=sku, week=week_of(today), quantity=number)
        draft = self.sku(
            code=f"{word}-2", name=word, product__supplier=supplier, product__producer=producer,
            product__name=f"{word}鱼", product__code=f"{word}-d", product__status="draft",
        ).product  # fmt: skip
        submit_version(draft, by=person.user, now=now)
        self._sell(sku, batch, person, word, number)

    def _sell(self, sku: Any, batch: Batch, person: Person, word: str, number: str) -> None:
        self.placed((sku, "1"), delivery_date=timezone.localdate().isoformat())
        consignment = self.placed((sku, "2"))["consignments"][0]["number"]
        assert self.confirm(consignment, by=person).status_code == 200
        shipped = {"carrier": word, "tracking": word,
                   "lines": [{"line": 1, "quantity": "2", "batch": batch.code}]}  # fmt: skip
        answer = person.post(f"/supply/consignments/{consignment}/ship/", shipped)
        assert answer.status_code == 200, answer.content
        assert self.accept(consignment, "2").status_code == 200
        claim = Claim.objects.get(pk=self.claimed(consignment))
        TemperatureReading.objects.create(
            consignment=claim.consignment, at=timezone.now(), degrees=3, source="by_hand",
            entered_by=person.user, entered_at=timezone.now(),
        )  # fmt: skip
        given = {
            "consignment": claim.consignment, "amount": Decimal("1"),
            "entered_by": self.olga.user, "entered_at": timezone.now(),
        }  # fmt: skip
        Fapiao.objects.create(
            number=number.ljust(20, "7"), kind="special", issued_on=date(2026, 1, 1),
            buyer_title=word, **given,
        )  # fmt: skip
        Payment.objects.create(paid_on=date(2026, 1, 1), reference=word, **given)
