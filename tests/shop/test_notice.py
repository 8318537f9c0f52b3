"""Anybody may object while a badge is on notice; it holds once that is answered."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid
from shop.models import Badge, Objection
from shop.services.badges import (
    BadgeHolds,
    NoticeOver,
    answer_objection,
    make_objection,
    renew_badge,
    withdraw_badge,
)
from shop.services.listing import WrongStatus
from suppliers.models import Supplier, SupplierMember
from tests.browser import needs_browser, opened
from tests.orders.test_queries import statements

from .conftest import MakeProduct
from .test_catalogue import found, read
from .test_review_pages import signed_in

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
HOLDS_FROM = DAY + timedelta(5)
GIVEN = {"name": "赵明", "contact": "13800001234", "grounds": "产地不是惠水"}


@pytest.fixture(autouse=True)
def _today(db: None) -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def badge(make_product: MakeProduct) -> Badge:
    return badge_of(make_product())


def badge_of(product: Any, number: str = "QNHW-1", noticed_from: date = DAY) -> Badge:
    begins = noticed_from + timedelta(5)
    return Badge.objects.create(
        product=product,
        number=number,
        noticed_from=noticed_from,
        valid_from=begins,
        valid_until=begins + timedelta(100),
    )


def objection_to(badge: Badge, **given: str) -> Objection:
    return make_objection(badge, **{**GIVEN, **given}, now=NOW)


def answer(objection: Objection, outcome: str, by: User, text: str = "已核实") -> Objection:
    return answer_objection(objection, outcome=outcome, answer=text, by=by, now=NOW)


def page(client: Client, path: str = "QNHW-1/", **headers: str) -> str:
    response = client.get(f"/notice/{path}", headers={"Accept-Language": "en", **headers})
    assert response.status_code == 200
    return response.content.decode()


def send(client: Client, number: str = "QNHW-1", **given: str) -> Any:
    headers = {"Accept-Language": "en"}
    return client.post(f"/notice/{number}/", {**GIVEN, **given}, headers=headers)


class TestPages:
    def test_list_what_is_on_notice_and_what_came_of_it(
        self, client: Client, badge: Badge, make_product: MakeProduct
    ) -> None:
        badge_of(make_product("P2", name="都匀毛尖"), "QNHW-2", DAY - timedelta(9))
        gone = badge_of(make_product("P3", name="长顺绿壳蛋"), "QNHW-3", DAY - timedelta(9))
        Badge.objects.filter(pk=gone.pk).update(withdrawn_on=DAY, withdrawn_reason="-")
        badge_of(make_product("P4", name="很久以前"), "QNHW-4", DAY - timedelta(90))
        badge_of(make_product("P5", name="还没有"), "QNHW-5", DAY + timedelta(1))
        shown = page(client, "")
        first, rest = shown.split("Of the last thirty days")
        assert "惠水鲟鱼" in first
        assert "QNHW-2" in rest
        assert "bears the badge since 2026-11-20" in rest
        assert "badge withdrawn" in rest
        assert "很久以前" not in shown
        assert "还没有" not in shown
        assert client.get("/notice/QNHW-5/").status_code == 404

    def test_ask_as_often_for_twenty_as_for_one(
        self, client: Client, badge: Badge, make_product: MakeProduct
    ) -> None:
        before = statements(lambda: page(client, ""))
        for n in range(2, 21):
            badge_of(make_product(f"P{n}"), f"QNHW-{n}")
        assert statements(lambda: page(client, "")) == before

    @pytest.mark.parametrize(("language", "says"), [("zh-CN", "公示"), ("zh-HK", "公示")])
    def test_speak_chinese(self, client: Client, badge: Badge, language: str, says: str) -> None:
        assert says in page(client, "", **{"Accept-Language": language})

    @needs_browser
    @pytest.mark.django_db(transaction=True)
    def test_fit_a_phone(self, live_server: Any, badge: Badge) -> None:
        with opened(f"{live_server.url}/notice/QNHW-1/", width=390) as shown:
            width = shown.evaluate("document.documentElement.scrollWidth")
            assert width <= 390


class TestObjecting:
    def test_keeps_who_and_why_from_the_public(self, client: Client, badge: Badge) -> None:
        answered = send(client)
        assert answered["Location"] == "/notice/QNHW-1/done/"
        assert (
            "has arrived"
            in client.get(answered["Location"], headers={"Accept-Language": "en"}).content.decode()
        )
        kept = Objection.objects.get()
        assert (kept.name, kept.contact, kept.grounds) == tuple(GIVEN.values())
        shown = page(client)
        assert "1 objection waits" in shown
        assert not [text for text in GIVEN.values() if text in shown]
        entry = AuditEntry.objects.get(action="make_objection")
        assert not [text for text in GIVEN.values() if text in f"{entry.after}{entry.reason}"]

    @pytest.mark.parametrize("field", ["name", "contact", "grounds"])
    @pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "a\x00b"])
    def test_needs_all_of_it(self, client: Client, badge: Badge, field: str, text: str) -> None:
        answered = send(client, **{field: text})
        assert answered.status_code == 400
        assert answered.context["form"].errors
        assert not Objection.objects.exists()

    def test_of_a_program_is_thanked_and_thrown_away(self, client: Client, badge: Badge) -> None:
        assert send(client, website="x").status_code == 302
        assert not Objection.objects.exists()

    def test_comes_only_so_often(self, client: Client, badge: Badge, settings: Any) -> None:
        settings.THROTTLE_ENABLED = True
        settings.OBJECTIONS_PER_HOUR = 1
        assert send(client).status_code == 302
        answered = send(client)
        assert answered.status_code == 429
        assert int(answered["Retry-After"]) > 0
        assert "赵明" in answered.content.decode()
        assert Objection.objects.count() == 1

    def test_needs_the_form_of_this_site(self, badge: Badge) -> None:
        strict = Client(enforce_csrf_checks=True)
        assert send(strict).status_code == 403
        assert not Objection.objects.exists()

    @pytest.mark.parametrize("days", [5, 6, 300])
    def test_ends_with_the_notice(self, client: Client, badge: Badge, days: int) -> None:
        with time_machine.travel(NOW + timedelta(days), tick=False):
            assert "not taken any more" in page(client)
            answered = send(client)
            assert answered.status_code == 409
            with pytest.raises(NoticeOver):
                make_objection(badge, **GIVEN, now=NOW + timedelta(days))
        assert not Objection.objects.exists()

    def test_is_possible_until_its_last_day(self, client: Client, badge: Badge) -> None:
        with time_machine.travel(NOW + timedelta(4), tick=False):
            assert send(client).status_code == 302

    def test_to_what_is_withdrawn_is_refused(self, badge: Badge, reviewer: User) -> None:
        withdraw_badge(badge, reason="自行撤回", by=reviewer, now=NOW)
        with pytest.raises(NoticeOver):
            objection_to(badge)


class TestDatabase:
    def refuses(self, match: str, change: Any) -> None:
        with pytest.raises(IntegrityError, match=match), transaction.atomic():
            change()

    def test_takes_objections_during_the_notice_only(self, badge: Badge) -> None:
        for at in (NOW - timedelta(1), NOW + timedelta(5)):
            self.refuses(
                "not on notice",
                lambda at=at: Objection.objects.create(badge=badge, made_at=at, **GIVEN),
            )

    def test_keeps_what_was_said(self, badge: Badge, reviewer: User) -> None:
        objection = objection_to(badge)
        rows = Objection.objects.filter(pk=objection.pk)
        self.refuses("never changed", lambda: rows.update(grounds="别的"))
        self.refuses("never changed", lambda: rows._raw_delete("default"))
        self.refuses("answered_by_whom", lambda: rows.update(outcome="upheld"))
        answer(objection, "dismissed", reviewer)
        self.refuses("never changed", lambda: rows.update(answer="别的"))


class TestAnswering:
    def test_is_the_reviewers_and_once(self, badge: Badge, reviewer: User) -> None:
        objection = objection_to(badge)
        for role in (User.Role.OFFICE, User.Role.AUDITOR, ""):
            with pytest.raises(Forbidden):
                answer(objection, "upheld", User.objects.create_user(f"u{role}", role=role))
        with pytest.raises(Invalid):
            answer(objection, "upheld", reviewer, " ")
        answer(objection, "dismissed", reviewer)
        with pytest.raises(WrongStatus):
            answer(objection, "upheld", reviewer)

    def test_upheld_takes_the_badge(self, client: Client, badge: Badge, reviewer: User) -> None:
        first, second = objection_to(badge), objection_to(badge, name="钱进")
        answer(first, "upheld", reviewer, "产地证明不足")
        # What else was said is answered all the same.
        answer(second, "upheld", reviewer, "同上")
        badge.refresh_from_db()
        assert (badge.withdrawn_on, badge.withdrawn_reason) == (DAY, "产地证明不足")
        shown = page(client)
        assert "产地证明不足" in shown
        assert "upheld" in shown
        actions = AuditEntry.objects.filter(subject_type="shop.badge").order_by("id")
        assert list(actions.values_list("action", flat=True)) == [
            "make_objection", "make_objection", "answer_objection", "withdraw_badge",
            "answer_objection",
        ]  # fmt: skip

    def test_dismissed_lets_it_hold(self, badge: Badge, reviewer: User) -> None:
        objection = objection_to(badge)
        later = HOLDS_FROM + timedelta(2)
        assert list(Badge.objects.on_notice(later)) == [badge]
        assert not Badge.objects.valid(later).exists()
        answer(objection, "dismissed", reviewer)
        assert not Badge.objects.on_notice(later).exists()
        assert list(Badge.objects.valid(later)) == [badge]


class TestRenewing:
    def test_begins_a_notice_and_follows_the_old_one(self, badge: Badge, reviewer: User) -> None:
        day = badge.valid_until - timedelta(20)
        assert list(Badge.objects.ending(day)) == [badge]
        now = NOW + (day - DAY)
        new = renew_badge(badge, by=reviewer, now=now)
        assert (new.noticed_from, new.valid_from) == (day, badge.valid_until + timedelta(1))
        assert not Badge.objects.ending(day).exists()
        with pytest.raises(BadgeHolds):
            renew_badge(badge, by=reviewer, now=now + timedelta(1))

    def test_of_what_ended_begins_after_the_notice(self, badge: Badge, reviewer: User) -> None:
        withdraw_badge(badge, reason="整改", by=reviewer, now=NOW)
        with pytest.raises(BadgeHolds):
            renew_badge(badge, by=reviewer, now=NOW)
        new = renew_badge(badge, by=reviewer, now=NOW + timedelta(1))
        assert new.valid_from == DAY + timedelta(8)

    @pytest.mark.parametrize("days", [0, 10, 60])
    def test_waits_until_it_ends_soon(self, badge: Badge, reviewer: User, days: int) -> None:
        with pytest.raises(BadgeHolds):
            renew_badge(badge, by=reviewer, now=NOW + timedelta(days))

    def test_is_the_reviewers_and_of_what_is_on_sale(self, badge: Badge, reviewer: User) -> None:
        later = NOW + timedelta(200)
        with pytest.raises(Forbidden):
            renew_badge(badge, by=User.objects.create_user("olga", role="office"), now=later)
        badge.product.status = "suspended"
        badge.product.save()
        with pytest.raises(WrongStatus):
            renew_badge(badge, by=reviewer, now=later)

    def test_is_a_button(self, badge: Badge, reviewer: User) -> None:
        client = signed_in(reviewer)
        address = f"/admin/shop/badge/{badge.pk}/renew/"
        assert client.get(address).status_code == 403
        with time_machine.travel(NOW + timedelta(100), tick=False):
            client.force_login(reviewer)
            home = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
            assert "Badges that end soon" in home
            listed = client.get("/admin/shop/badge/", {"state": "ending"})
            assert len(listed.context["cl"].result_list) == 1
            client.post(address, {"_form_submitted": "on"})
        assert Badge.objects.count() == 2


class TestCatalogue:
    def status(self, client: Client, days: int = 0) -> str | None:
        with time_machine.travel(NOW + timedelta(days), tick=False):
            badge = read(client)["badge"]
        return badge and badge["status"]

    @pytest.mark.django_db(transaction=True)
    def test_follows_the_badge_through_its_time(
        self, client: Client, badge: Badge, reviewer: User
    ) -> None:
        assert read(client)["badge"] == {
            "number": "QNHW-1",
            "status": "on_notice",
            "noticed_from": "2026-11-24",
            "valid_from": "2026-11-29",
            "valid_until": "2027-03-09",
        }
        days = [0, 4, 5, 105, 106]
        assert [self.status(client, n) for n in days] == [
            "on_notice", "on_notice", "valid", "valid", None,
        ]  # fmt: skip
        objection = objection_to(badge)
        assert [self.status(client, n) for n in days] == [*["on_notice"] * 4, None]
        answer(objection, "dismissed", reviewer)
        assert self.status(client, 5) == "valid"
        second = objection_to(badge)
        answer(second, "upheld", reviewer)
        assert [self.status(client, n) for n in days] == [None] * 5

    @pytest.mark.django_db(transaction=True)
    def test_is_filtered_by_it(
        self, client: Client, badge: Badge, make_product: MakeProduct
    ) -> None:
        badge_of(make_product("P2"), "QNHW-2", DAY - timedelta(9))
        objected = badge_of(make_product("P3"), "QNHW-3", DAY - timedelta(9))
        with time_machine.travel(NOW - timedelta(8), tick=False):
            make_objection(objected, **GIVEN, now=NOW - timedelta(8))
        assert found(client, badge="true") == ["P2"]
        assert set(found(client, badge="false")) == {"P1", "P3"}
        assert client.get("/api/v1/products/?badge=yes").status_code == 400

    @pytest.mark.django_db(transaction=True)
    def test_shows_the_badge_that_holds_before_the_next_one(
        self, client: Client, badge: Badge
    ) -> None:
        old = badge_of(badge.product, "QNHW-0", DAY - timedelta(50))
        assert read(client)["badge"]["number"] == old.number


class TestAdmin:
    LIST = "/admin/shop/objection/"

    @pytest.fixture
    def objection(self, badge: Badge) -> Objection:
        return objection_to(badge)

    def test_shows_reviewers_what_waits(self, objection: Objection, reviewer: User) -> None:
        client = signed_in(reviewer)
        home = client.get("/admin/", headers={"Accept-Language": "en"}).content.decode()
        assert "Objections to answer" in home
        assert f"{self.LIST}{objection.pk}/change/" in home
        for state, count in [("open", 1), ("dismissed", 0)]:
            listed = client.get(self.LIST, {"state": state})
            assert len(listed.context["cl"].result_list) == count
        shown = client.get(f"{self.LIST}{objection.pk}/change/").content.decode()
        assert all(text in shown for text in GIVEN.values())

    @pytest.mark.parametrize(("step", "withdrawn"), [("uphold", DAY), ("dismiss", None)])
    def test_answers(
        self, objection: Objection, reviewer: User, step: str, withdrawn: date | None
    ) -> None:
        client = signed_in(reviewer)
        address = f"{self.LIST}{objection.pk}/{step}/"
        assert client.get(address).status_code == 200
        client.post(address, {"_form_submitted": "on", "answer": "已核实"})
        objection.refresh_from_db()
        assert (objection.answer, objection.answered_by) == ("已核实", reviewer)
        assert Badge.objects.get().withdrawn_on == withdrawn
        # There is nothing left to answer.
        assert client.get(address).status_code == 403

    def test_is_closed_to_everybody_else(self, objection: Objection, supplier: Supplier) -> None:
        seller = User.objects.create_user("sam")
        SupplierMember.objects.create(supplier=supplier, user=seller)
        office = User.objects.create_user("olga", role=User.Role.OFFICE)
        for user in (seller, office):
            client = signed_in(user)
            for path in ("", f"{objection.pk}/change/", f"{objection.pk}/uphold/"):
                response = client.get(f"{self.LIST}{path}")
                assert response.status_code in (302, 403)
                assert GIVEN["name"] not in response.content.decode()

    def test_auditors_look_only(self, objection: Objection) -> None:
        client = signed_in(User.objects.create_user("ana", role=User.Role.AUDITOR))
        assert client.get(f"{self.LIST}{objection.pk}/change/").status_code == 200
        assert client.post(f"{self.LIST}{objection.pk}/uphold/", {"answer": "x"}).status_code == 403

    def test_withdraws_a_badge_for_a_reason(self, badge: Badge, reviewer: User) -> None:
        client = signed_in(reviewer)
        address = f"/admin/shop/badge/{badge.pk}/withdraw/"
        client.post(address, {"_form_submitted": "on", "reason": ""})
        assert Badge.objects.get().withdrawn_on is None
        client.post(address, {"_form_submitted": "on", "reason": "检测不合格"})
        assert Badge.objects.get().withdrawn_reason == "检测不合格"
        assert client.get(address).status_code == 403
        listed = client.get("/admin/shop/badge/", {"state": "on_notice"})
        assert not listed.context["cl"].result_list
