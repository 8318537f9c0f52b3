"""Whoever wants to sell applies on a public page; the county recommends, the centre approves."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from smtplib import SMTPException
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.mail.backends import locmem
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.refusals import Forbidden, Invalid
from suppliers.models import Application, Certificate, Producer, Supplier, SupplierMember
from suppliers.services.applying import (
    AlreadyKnown,
    ApplicationDecided,
    apply_to_sell,
    approve_supplier,
    recommend_supplier,
    reject_supplier,
    renew_welcome,
)
from suppliers.tasks import tell_of_decisions
from tests.browser import needs_browser, opened
from tests.factories import CHANGSHUN, WENGAN, SupplierFactory
from tests.files import PDF, picture, png_of, with_remarks, zip_bomb
from tests.sessions import held_open

from .conftest import MakeUser

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
CODE = "91522731MA6DABCD0F"
GIVEN = {
    "name": "长顺县示例养蜂合作社", "uscc": CODE, "kind": "cooperative", "county": CHANGSHUN,
    "introduction": "百花蜜", "contact_name": "王会计", "contact_phone": "138-0000-1234",
    "email": "wang@bees.example", "issuer": "长顺县市场监督管理局", "valid_from": "2020-05-01",
}  # fmt: skip


@pytest.fixture
def olga(make_user: MakeUser) -> User:
    """Olga works for the office of the county."""
    return make_user("olga", role=User.Role.OFFICE, division_id=CHANGSHUN)


def send(client: Client, content: bytes = PDF, *, file: str = "执照.pdf", **fields: Any) -> Any:
    """Send the form as the example fills it in, in English."""
    licence = {"licence": SimpleUploadedFile(file, content)} if content else {}
    headers = {"Accept-Language": "en"}
    return client.post("/apply/", {**GIVEN, **licence, **fields}, headers=headers)


def nothing_is_kept(folder: Path) -> bool:
    rows = Supplier.objects.exists() or Application.objects.exists()
    return not rows and not AuditEntry.objects.exists() and list(folder.iterdir()) == []


@pytest.fixture
def application(client: Client, db: None) -> Application:
    with time_machine.travel(NOW, tick=False):
        assert send(client).status_code == 302
    return Application.objects.get()


@pytest.fixture
def recommended(application: Application, olga: User) -> Application:
    return recommend_supplier(application, note="已实地查看", by=olga, now=NOW)


@pytest.mark.django_db
class TestApplying:
    def test_keeps_who_it_is_with_the_licence(self, client: Client, tmp_path: Path) -> None:
        answer = send(client, with_remarks("JPEG"))
        assert (answer.status_code, answer["Location"]) == (302, "/apply/done/")
        supplier = Supplier.objects.get()
        assert (supplier.status, supplier.uscc, supplier.county_id) == ("applied", CODE, CHANGSHUN)
        assert re.fullmatch(r"522729-[2-9A-Z]{6}", supplier.code)
        licence = Certificate.objects.get()
        assert (licence.kind, licence.number, licence.is_checked) == (
            "business_licence", CODE, False,
        )  # fmt: skip
        assert b"GPS" not in (tmp_path / licence.file.name).read_bytes()
        assert Application.objects.get().email == "wang@bees.example"
        entry = AuditEntry.objects.get(action="apply_to_sell")
        assert (entry.subject, entry.by) == (supplier.code, None)
        assert "138" not in str(entry.after)
        assert "arrived" in client.get("/apply/done/", headers={"Accept-Language": "en"}).text

    @pytest.mark.parametrize(
        "typed",
        ["９１５２２７３１ＭＡ６ＤＡＢＣＤ０Ｆ", " 91522731 ma6dabcd0f ", "91522731-MA6DABCD0F"],
    )
    def test_reads_a_code_however_it_was_typed(self, client: Client, typed: str) -> None:
        assert send(client, uscc=typed).status_code == 302
        assert Supplier.objects.get().uscc == CODE

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("uscc", CODE[:-1] + "G"),
            ("uscc", CODE + "\0"),
            ("uscc", CODE + "0"),
            ("uscc", ""),
            ("name", ""),
            ("name", "合作社\u202e"),
            ("name", "x" * 101),
            ("kind", "bank"),
            ("county", "440105"),
            ("contact_phone", "call me"),
            ("email", "nobody"),
            ("valid_from", "yesterday"),
            ("valid_until", "2019-01-01"),
        ],
    )
    def test_says_at_the_field_what_is_wrong(
        self, client: Client, tmp_path: Path, field: str, value: str
    ) -> None:
        answer = send(client, **{field: value})
        assert answer.status_code == 400
        assert list(answer.context["form"].errors) == [field]
        assert nothing_is_kept(tmp_path)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (zip_bomb(), "Only PDF"),
            (PDF + zip_bomb() * 2, "incomplete"),
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "Only PDF"),
            (b"<!doctype html><script>1</script>" + picture("PNG"), "Only PDF"),
            (png_of(60_000, 60_000), "36 million"),
            (b"", "required"),
        ],
    )
    def test_refuses_hostile_licences_by_name(
        self, client: Client, tmp_path: Path, content: bytes, why: str
    ) -> None:
        answer = send(client, content)
        assert answer.status_code == 400
        assert why in answer.context["form"].errors["licence"][0]
        if content:
            assert "执照.pdf" in answer.text
        assert nothing_is_kept(tmp_path)

    def test_refuses_an_empty_file(self, client: Client, tmp_path: Path) -> None:
        answer = send(client, b"", licence=SimpleUploadedFile("执照.pdf", b""))
        assert "empty" in answer.context["form"].errors["licence"][0]
        assert nothing_is_kept(tmp_path)

    def test_does_not_read_what_is_far_too_large(self, client: Client, tmp_path: Path) -> None:
        answer = client.post("/apply/", {**GIVEN, "name": "x" * (22 * 1024**2)})
        assert answer.status_code == 413
        assert nothing_is_kept(tmp_path)

    @pytest.mark.parametrize("status", ["applied", "recommended", "approved", "suspended"])
    def test_twice_is_answered_without_saying_whose(
        self, client: Client, tmp_path: Path, status: str
    ) -> None:
        known = SupplierFactory(uscc=CODE, status=status, name="别人家", code="OTHER")
        answer = send(client)
        assert answer.status_code == 409
        assert "already" in answer.context["form"].errors["uscc"][0]
        assert known.name not in answer.text
        assert known.code not in answer.text
        assert not Application.objects.exists()
        assert list(tmp_path.iterdir()) == []

    def test_again_after_a_rejection_is_welcome(
        self, client: Client, application: Application, rita: User
    ) -> None:
        reject_supplier(application, reason="documents", note="", by=rita, now=NOW)
        assert (
            send(client, picture("PNG"), name="执照.png", contact_name="李会计").status_code == 302
        )
        supplier = Supplier.objects.get()
        assert (supplier.status, supplier.contact_name) == ("applied", "李会计")
        assert Application.objects.count() == 2
        assert Application.objects.waiting().count() == 1
        assert Certificate.objects.get().file.name.endswith(".png")

    def test_by_a_program_keeps_nothing(self, client: Client, tmp_path: Path) -> None:
        assert send(client, website="http://spam.example").status_code == 302
        assert nothing_is_kept(tmp_path)

    def test_is_throttled_by_address(self, client: Client, settings: Any, tmp_path: Path) -> None:
        settings.APPLICATIONS_PER_HOUR = 2
        settings.THROTTLE_ENABLED = True
        with time_machine.travel(NOW, tick=False):
            answers = [send(client, uscc="x") for _n in range(3)]
            assert send(Client(REMOTE_ADDR="10.0.0.9"), uscc="x").status_code == 400
        assert [answer.status_code for answer in answers] == [400, 400, 429]
        assert answers[2]["Retry-After"] == "3600"
        assert nothing_is_kept(tmp_path)

    def test_needs_the_token_of_our_own_page(self, tmp_path: Path) -> None:
        assert send(Client(enforce_csrf_checks=True)).status_code == 403
        assert nothing_is_kept(tmp_path)


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_one_of_two_with_the_same_code_is_taken(self, tmp_path: Path) -> None:
        def apply() -> str:
            try:
                apply_to_sell(
                    Supplier(name="养蜂", uscc=CODE, kind="cooperative", county_id=CHANGSHUN),
                    licence=Certificate(
                        issuer="-", valid_from=NOW.date(), file=ContentFile(PDF, name="x.pdf")
                    ),
                    email="", now=NOW,
                )  # fmt: skip
            except AlreadyKnown as refusal:
                return refusal.code
            return "taken"

        with held_open(apply) as second:
            assert apply() == "taken"
        assert second.result() == "already_known"
        assert Application.objects.count() == 1
        assert len(list((tmp_path / "certificates").iterdir())) == 1


class TestRecommending:
    @pytest.mark.parametrize("division", [CHANGSHUN, "522700"])
    def test_is_of_the_countys_office_and_the_prefectures(
        self, client: Client, make_user: MakeUser, application: Application, division: str
    ) -> None:
        client.force_login(make_user("o", role="office", division_id=division))
        press(client, application, "recommend", note="情况属实")
        application.refresh_from_db()
        assert application.recommended_by is not None
        assert application.recommendation == "情况属实"
        assert application.supplier.status == "recommended"
        entry = AuditEntry.objects.get(action="recommend_supplier")
        assert (entry.reason, entry.via) == ("情况属实", "admin")

    @pytest.mark.parametrize(
        ("role", "division"),
        [("office", WENGAN), ("office", "440100"), ("office", None), ("reviewer", CHANGSHUN),
         ("auditor", "522700"), ("", CHANGSHUN)],
    )  # fmt: skip
    def test_is_of_nobody_else(
        self, client: Client, make_user: MakeUser, application: Application, role: str,
        division: str | None,
    ) -> None:  # fmt: skip
        other = make_user("o", role=role, division_id=division)
        with pytest.raises(Forbidden):
            recommend_supplier(application, by=other, now=NOW)
        client.force_login(other)
        assert press(client, application, "recommend").status_code == 403

    def test_happens_once(self, recommended: Application, olga: User) -> None:
        with pytest.raises(ApplicationDecided):
            recommend_supplier(recommended, by=olga, now=NOW)


class TestApproving:
    def test_opens_an_account_whose_link_is_shown_once(
        self, client: Client, recommended: Application, rita: User
    ) -> None:
        client.force_login(rita)
        answer = press(client, recommended, "approve")
        assert answer.status_code == 302
        page = client.get(answer["Location"]).text
        (link,) = re.findall(r"/welcome/[^<\s]+/", page)
        assert link not in client.get(answer["Location"]).text
        supplier = Supplier.objects.get()
        assert supplier.status == "approved"
        user = User.objects.get(supplier_membership__supplier=supplier)
        assert (user.email, user.role, user.is_staff) == ("wang@bees.example", "", True)
        licence = Certificate.objects.get()
        assert licence.checked_by == rita
        producer = Producer.objects.get()
        assert (producer.name, producer.uscc) == (supplier.name, supplier.uscc)
        assert AuditEntry.objects.filter(action="approve_supplier", by=rita).exists()

        applicant = Client()
        form = applicant.get(link, follow=True)
        secret = "Bienen-und-Honig-7"
        address = form.redirect_chain[-1][0]
        chosen = applicant.post(address, {"new_password1": secret, "new_password2": secret})
        assert (chosen.status_code, chosen["Location"]) == (302, "/admin/login/")
        applicant.post("/admin/login/", {"username": user.username, "password": secret})
        assert applicant.get("/admin/").status_code == 200
        used = Client().get(link, headers={"Accept-Language": "en"})
        assert "used already" in used.text

    def test_of_an_agent_makes_it_no_producer(self, recommended: Application, rita: User) -> None:
        Supplier.objects.update(kind="agent")
        approve_supplier(recommended, by=rita, now=NOW)
        assert not Producer.objects.exists()

    def test_needs_the_recommendation(
        self, client: Client, application: Application, rita: User
    ) -> None:
        with pytest.raises(ApplicationDecided):
            approve_supplier(application, by=rita, now=NOW)
        client.force_login(rita)
        assert press(client, application, "approve").status_code == 403

    @pytest.mark.parametrize("role", ["", "office", "auditor"])
    def test_is_of_the_reviewers_alone(
        self, client: Client, make_user: MakeUser, recommended: Application, role: str
    ) -> None:
        other = make_user("o", role=role, division_id="522700")
        with pytest.raises(Forbidden):
            approve_supplier(recommended, by=other, now=NOW)
        with pytest.raises(Forbidden):
            reject_supplier(recommended, reason="origin", note="", by=other, now=NOW)
        with pytest.raises(Forbidden):
            renew_welcome(recommended, by=other, now=NOW)
        client.force_login(other)
        for button in ("approve", "reject", "new_link"):
            assert press(client, recommended, button).status_code == 403
        assert not SupplierMember.objects.exists()

    def test_takes_two(self, make_user: MakeUser, application: Application) -> None:
        admin = make_user("a", role="admin")
        recommend_supplier(application, by=admin, now=NOW)
        with pytest.raises(Forbidden):
            approve_supplier(application, by=admin, now=NOW)
        with pytest.raises(Forbidden):
            reject_supplier(application, reason="origin", note="", by=admin, now=NOW)

    def test_hands_out_another_link_until_one_was_used(
        self, client: Client, recommended: Application, rita: User
    ) -> None:
        user = approve_supplier(recommended, by=rita, now=NOW)
        client.force_login(rita)
        page = client.get(press(client, recommended, "new_link")["Location"]).text
        assert "/welcome/" in page
        user.set_password("Bienen-und-Honig-7")
        user.save()
        assert press(client, recommended, "new_link").status_code == 403
        recommended.refresh_from_db()
        with pytest.raises(ApplicationDecided):
            renew_welcome(recommended, by=rita, now=NOW)


class TestRejecting:
    def test_says_why(self, client: Client, application: Application, rita: User) -> None:
        client.force_login(rita)
        press(client, application, "reject", reason="identity", note="名称与执照不符")
        application.refresh_from_db()
        assert (application.decision, application.reason) == ("rejected", "identity")
        assert application.supplier.status == "rejected"
        assert AuditEntry.objects.get(action="reject_supplier").reason == "名称与执照不符"
        with pytest.raises(ApplicationDecided):
            approve_supplier(application, by=rita, now=NOW)

    @pytest.mark.parametrize(("reason", "note"), [("", "x"), ("mood", "x"), ("other", " ")])
    def test_without_a_reason_is_refused(
        self, application: Application, rita: User, reason: str, note: str
    ) -> None:
        with pytest.raises(Invalid):
            reject_supplier(application, reason=reason, note=note, by=rita, now=NOW)

    def test_without_a_note_says_so_on_the_page(
        self, client: Client, application: Application, rita: User
    ) -> None:
        client.force_login(rita)
        answer = press(client, application, "reject", reason="other", note="")
        assert "请说明原因。" in client.get(answer["Location"]).text
        application.refresh_from_db()
        assert application.decision == ""


class TestTelling:
    def test_sends_the_link_once(self, recommended: Application, rita: User) -> None:
        user = approve_supplier(recommended, by=rita, now=NOW)
        tell_of_decisions()
        tell_of_decisions()
        (message,) = mail.outbox
        assert message.to == ["wang@bees.example"]
        assert user.username in message.body
        (link,) = re.findall(r"http://127.0.0.1:8000(/welcome/\S+)", message.body)
        assert Client().get(link).status_code == 302

    def test_sends_no_link_to_who_has_a_password(
        self, recommended: Application, rita: User
    ) -> None:
        user = approve_supplier(recommended, by=rita, now=NOW)
        user.set_password("Bienen-und-Honig-7")
        user.save()
        tell_of_decisions()
        assert "/welcome/" not in mail.outbox[0].body
        assert "/admin/login/" in mail.outbox[0].body

    def test_sends_the_reason(self, application: Application, rita: User) -> None:
        reject_supplier(application, reason="origin", note="无本地产品", by=rita, now=NOW)
        tell_of_decisions()
        assert "无本地产品" in mail.outbox[0].body
        assert "/apply/" in mail.outbox[0].body

    def test_says_nothing_before_the_decision_or_without_an_address_or_a_host(
        self, recommended: Application, rita: User, settings: Any
    ) -> None:
        tell_of_decisions()
        approve_supplier(recommended, by=rita, now=NOW)
        Application.objects.update(email="")
        tell_of_decisions()
        Application.objects.update(email="wang@bees.example")
        settings.SENDS_MAIL = False
        tell_of_decisions()
        assert mail.outbox == []

    def test_tries_again_later(
        self, application: Application, rita: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> None:
            raise SMTPException("no")

        reject_supplier(application, reason="origin", note="", by=rita, now=NOW)
        with time_machine.travel(NOW, tick=False):
            with monkeypatch.context() as broken:
                broken.setattr(locmem.EmailBackend, "send_messages", fail)
                tell_of_decisions()
            tell_of_decisions()
            assert mail.outbox == []
        with time_machine.travel(NOW + timedelta(minutes=16), tick=False):
            tell_of_decisions()
        assert len(mail.outbox) == 1


class TestQueue:
    def test_shows_who_waits_and_for_how_long(
        self, client: Client, application: Application, olga: User
    ) -> None:
        client.force_login(olga)
        with time_machine.travel(NOW + timedelta(days=9)):
            page = client.get("/admin/suppliers/application/?stage=county").text
        assert "长顺县示例养蜂合作社" in page
        assert ">9<" in re.sub(r"\s", "", page)
        for stage in ("centre", "decided"):
            page = client.get(f"/admin/suppliers/application/?stage={stage}").text
            assert "长顺县示例养蜂合作社" not in page

    def test_shows_the_licence_and_what_was_said_before(
        self, client: Client, application: Application, rita: User
    ) -> None:
        reject_supplier(application, reason="documents", note="执照不清晰", by=rita, now=NOW)
        send(client)
        client.force_login(rita)
        latest = Application.objects.waiting().get()
        page = client.get(f"/admin/suppliers/application/{latest.pk}/change/").text
        assert "执照不清晰" in page
        assert Certificate.objects.get().file.url in page

    def test_is_of_the_own_application_for_others(
        self, client: Client, make_user: MakeUser, application: Application
    ) -> None:
        client.force_login(make_user("stella", supplier=SupplierFactory()))
        assert "养蜂" not in client.get("/admin/suppliers/application/").text
        assert (
            client.get(f"/admin/suppliers/application/{application.pk}/change/").status_code == 302
        )


class TestGuards:
    @pytest.mark.parametrize(
        ("fields", "constraint"),
        [
            ({"decision": "approved"}, "says_who_and_why"),
            ({"decision": "rejected", "decided_by": "rita", "decided_at": NOW}, "who_and_why"),
            ({"decision": "approved", "decided_by": "rita", "decided_at": NOW}, "who_and_why"),
            ({"recommended_at": NOW}, "recommended_by_somebody"),
            ({"decision": "approved", "decided_by": "rita", "decided_at": NOW,
              "recommended_by": "rita", "recommended_at": NOW}, "seen_by_two"),
        ],
    )  # fmt: skip
    def test_refuse_what_no_service_would_write(
        self, application: Application, rita: User, fields: dict[str, Any], constraint: str
    ) -> None:
        values = {name: rita if value == "rita" else value for name, value in fields.items()}
        with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Application.objects.update(**values)

    def test_let_one_application_wait(self, application: Application) -> None:
        with pytest.raises(IntegrityError, match="one_application_waits"), transaction.atomic():
            Application.objects.create(supplier=application.supplier, applied_at=NOW)


@needs_browser
@pytest.mark.django_db(transaction=True)
class TestPage:
    @pytest.mark.parametrize("width", [1280, 390])
    def test_fits_the_screen_and_takes_an_application(
        self, live_server: Any, tmp_path: Path, width: int
    ) -> None:
        scan = tmp_path / "scan.png"
        scan.write_bytes(picture("PNG"))
        with opened(f"{live_server.url}/apply/", width=width) as page:
            overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert page.evaluate(overflow) == 0
            for name, value in GIVEN.items():
                if name in ("kind", "county"):
                    page.select_option(f"#id_{name}", value)
                else:
                    page.fill(f"#id_{name}", value)
            page.set_input_files("#id_licence", scan)
            page.click(".send button")
            page.wait_for_url("**/apply/done/")
            assert "已收到" in page.inner_text("main")
        assert Supplier.objects.get().uscc == CODE

    @pytest.mark.parametrize(
        ("language", "title"),
        [("zh-CN", "申请成为供应商"), ("zh-HK", "申請成為供應商"), ("en-GB", "Become a supplier")],
    )
    def test_speaks_the_readers_language(self, live_server: Any, language: str, title: str) -> None:
        with opened(f"{live_server.url}/apply/", language=language) as page:
            assert title in page.get_by_role("heading", level=1).inner_text()


def press(client: Client, application: Application, button: str, **given: str) -> Any:
    """Press a button of the application's page and answer what it asks."""
    address = f"/admin/suppliers/application/{application.pk}/{button}/"
    return client.post(address, {"_form_submitted": "on", **given})
