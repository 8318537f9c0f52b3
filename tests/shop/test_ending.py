"""Papers that end are announced in steps, and what may not be sold without them goes off sale."""

from datetime import UTC, date, datetime, timedelta
from smtplib import SMTPException
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends import locmem
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from shop.models import Product, Recognition, Reminder, RequiredDocument
from shop.services.ending import remind, suspend_lapsed
from shop.tasks import follow_documents, tell_of_endings
from suppliers.models import Certificate, Supplier, SupplierMember

from .conftest import MakeProduct

#: Noon in Shanghai; the certificate's last day is thirty days later.
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
END = date(2026, 12, 24)


@pytest.fixture
def sam(supplier: Supplier) -> User:
    """Sam works for the supplier and reads mail."""
    user = User.objects.create_user("sam", email="sam@supplier.example")
    SupplierMember.objects.create(supplier=supplier, user=user)
    return user


@pytest.fixture
def licence(supplier: Supplier) -> Certificate:
    return Certificate.objects.create(
        supplier=supplier, kind="food_licence", number="SC-1", issuer="-",
        valid_from=date(2020, 1, 1), valid_until=END,
    )  # fmt: skip


@pytest.fixture
def balls(make_product: MakeProduct, licence: Certificate) -> Product:
    """Fish balls, which need the licence."""
    product = make_product("BALLS", name="鲟鱼丸", is_processed=True)
    product.certificates.add(licence)
    return product


@pytest.fixture
def raw(make_product: MakeProduct, licence: Certificate) -> Product:
    """Fish that shows the licence without needing it."""
    product = make_product("RAW")
    product.certificates.add(licence)
    return product


def run(days_before: int) -> None:
    """Let the tasks run so many days before the end."""
    with time_machine.travel(NOW + timedelta(30 - days_before), tick=False):
        follow_documents()
        tell_of_endings()


def steps() -> list[int]:
    return list(Reminder.objects.order_by("id").values_list("days", flat=True))


class TestReminding:
    @pytest.mark.parametrize(
        ("days_before", "step"),
        [(31, []), (30, [30]), (8, [30]), (7, [7]), (2, [7]), (1, [1]), (0, [1]), (-1, [0]),
         (-30, [0]), (-31, [])],
    )  # fmt: skip
    def test_goes_by_the_days_that_are_left(
        self, licence: Certificate, days_before: int, step: list[int]
    ) -> None:
        run(days_before)
        assert steps() == step

    def test_comes_once_a_step(self, sam: User, licence: Certificate) -> None:
        for days_before in range(32, -4, -1):
            run(days_before)
            run(days_before)
        assert steps() == [30, 7, 1, 0]
        assert [message.subject for message in mail.outbox] == [
            "黔南好物：食品生产许可证 SC-1（30天内到期）",
            "黔南好物：食品生产许可证 SC-1（7天内到期）",
            "黔南好物：食品生产许可证 SC-1（1天内到期）",
            "黔南好物：食品生产许可证 SC-1（已到期）",
        ]

    def test_begins_anew_with_another_end(self, licence: Certificate) -> None:
        run(30)
        Certificate.objects.update(valid_until=END + timedelta(1))
        run(29)
        assert steps() == [30, 30]

    def test_is_of_recognitions_too(self, sam: User, make_product: MakeProduct) -> None:
        product = make_product()
        Recognition.objects.create(
            product=product, number="R-1", valid_from=date(2020, 1, 1), valid_until=END
        )
        run(7)
        (message,) = mail.outbox
        assert "消费帮扶产品认定（R-1）" in message.body
        run(-1)
        product.refresh_from_db()
        assert product.status == "listed"

    def test_knows_what_ends_within_a_month(self, licence: Certificate) -> None:
        assert list(Certificate.objects.expiring(END - timedelta(30))) == [licence]
        assert list(Certificate.objects.expiring(END)) == [licence]
        assert not Certificate.objects.expiring(END - timedelta(31)).exists()
        assert not Certificate.objects.expiring(END + timedelta(1)).exists()


class TestSuspending:
    def test_takes_off_sale_what_needs_the_document_on_the_day_after(
        self, sam: User, balls: Product, raw: Product
    ) -> None:
        run(0)
        balls.refresh_from_db()
        assert balls.status == "listed"
        mail.outbox.clear()
        run(-1)
        balls.refresh_from_db()
        raw.refresh_from_db()
        assert (balls.status, raw.status) == ("suspended", "listed")
        entry = AuditEntry.objects.get(action="product_suspended")
        assert (entry.by, entry.via, entry.subject) == (None, "task", "BALLS")
        assert "2026-12-24" in entry.reason
        (message,) = mail.outbox
        assert message.to == ["sam@supplier.example"]
        assert "鲟鱼丸（BALLS）" in message.body
        assert "RAW" not in message.body

    def test_happens_once(self, balls: Product) -> None:
        for days_before in (-1, -1, -2):
            run(days_before)
        assert AuditEntry.objects.filter(action="product_suspended").count() == 1
        assert steps() == [0]

    def test_tells_again_when_more_goes_off_sale(self, sam: User, balls: Product) -> None:
        Product.objects.update(status="suspended")
        run(-1)
        Product.objects.update(status="listed")
        run(-2)
        assert steps() == [0]
        assert ["BALLS" in message.body for message in mail.outbox] == [False, True]

    def test_leaves_what_has_a_new_document(self, balls: Product, supplier: Supplier) -> None:
        balls.certificates.add(
            Certificate.objects.create(
                supplier=supplier, kind="food_licence", number="SC-2", issuer="-",
                valid_from=END, valid_until=END + timedelta(900),
            )
        )  # fmt: skip
        run(-1)
        balls.refresh_from_db()
        assert balls.status == "listed"

    def test_leaves_what_the_table_has_only_begun_to_ask(
        self, raw: Product, balls: Product
    ) -> None:
        RequiredDocument.objects.create(kind="organic")
        run(-1)
        raw.refresh_from_db()
        assert raw.status == "listed"

    def test_is_of_what_the_supplier_holds_too(self, raw: Product) -> None:
        RequiredDocument.objects.create(kind="food_licence", held_by="supplier", form="unprocessed")
        raw.certificates.clear()
        run(-1)
        raw.refresh_from_db()
        assert raw.status == "suspended"

    def test_leaves_what_is_not_on_sale(self, balls: Product) -> None:
        Product.objects.update(status="retired")
        assert not suspend_lapsed(balls.pk, now=NOW + timedelta(31))
        run(-1)
        balls.refresh_from_db()
        assert balls.status == "retired"


class TestTelling:
    def test_waits_for_an_address_and_a_host(
        self, sam: User, licence: Certificate, settings: Any
    ) -> None:
        User.objects.update(email="")
        run(30)
        assert mail.outbox == []
        User.objects.update(email="sam@supplier.example")
        settings.SENDS_MAIL = False
        run(30)
        assert mail.outbox == []
        settings.SENDS_MAIL = True
        run(30)
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize("fields", [{"is_active": False}, {"email": ""}])
    def test_passes_over_who_left(
        self, sam: User, licence: Certificate, fields: dict[str, Any]
    ) -> None:
        User.objects.update(**fields)
        run(30)
        assert mail.outbox == []

    def test_tries_again_later(
        self, sam: User, licence: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> None:
            raise SMTPException("no")

        with monkeypatch.context() as broken:
            broken.setattr(locmem.EmailBackend, "send_messages", fail)
            run(30)
        run(30)
        assert mail.outbox == []
        with time_machine.travel(NOW + timedelta(minutes=16), tick=False):
            tell_of_endings()
        assert len(mail.outbox) == 1

    def test_is_shown_to_its_own_supplier_only(
        self, client: Client, sam: User, licence: Certificate
    ) -> None:
        remind(now=NOW)
        User.objects.update(is_staff=True)
        client.force_login(sam)
        address = "/admin/shop/reminder/"
        assert "SC-1" in client.get(address).content.decode()
        reminder = Reminder.objects.get()
        assert client.post(f"{address}{reminder.pk}/change/", {"days": 1}).status_code == 403
        stranger = User.objects.create_user("stella", is_staff=True)
        other = Supplier.objects.create(
            code="o", name="o", kind="company", uscc="o", county_id="522731"
        )
        SupplierMember.objects.create(supplier=other, user=stranger)
        client.force_login(stranger)
        assert "SC-1" not in client.get(address).content.decode()
        assert client.get(f"{address}{reminder.pk}/change/").status_code == 302


class TestGuards:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"certificate": None}, "of_one_document"),
            ({"days": 5}, "step_is_known"),
            ({"days": 30}, "reminded_once"),
        ],
    )
    def test_refuse_what_no_service_would_write(
        self, licence: Certificate, fields: dict[str, Any], constraint: str
    ) -> None:
        remind(now=NOW)
        values = {
            "supplier": licence.supplier, "certificate": licence, "ends_on": END, "days": 7,
            "made_at": NOW,
        }  # fmt: skip
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Reminder.objects.create(**{**values, **fields})
