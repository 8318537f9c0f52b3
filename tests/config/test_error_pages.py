"""What people meet when something is wrong: a page in their language; programs, a problem."""

from typing import Any

import pytest
from django.test import Client
from django.urls import path

from config import urls
from tests.factories import SupplierMemberFactory

WORDS = {
    "zh-hans": ("您没有权限查看此页面", "没有找到这个页面", "系统内部出错"),
    "zh-hant": ("您沒有權限查看此頁面", "沒有找到這個頁面", "系統內部出錯"),
    "en": ("This is not open to you", "There is no such page", "Something went wrong on our side"),
}


def breaks(request: Any) -> None:
    raise RuntimeError


urlpatterns = [path("breaks/", breaks), *urls.urlpatterns]
handler500 = urls.handler500


@pytest.fixture
def client(db: None) -> Client:
    client = Client(raise_request_exception=False)
    user = SupplierMemberFactory().user
    user.is_staff = True
    user.save()
    client.force_login(user)
    return client


@pytest.mark.parametrize("language", WORDS)
class TestPages:
    def page(self, client: Client, address: str, language: str, status: int) -> str:
        answer = client.get(address, headers={"accept-language": language})
        assert answer.status_code == status
        assert answer["Content-Type"].startswith("text/html")
        return answer.content.decode()

    def test_say_what_is_not_allowed(self, client: Client, language: str) -> None:
        page = self.page(client, "/office/", language, 403)
        assert WORDS[language][0] in page
        assert 'href="/admin/"' in page

    def test_say_what_is_not_there(self, client: Client, language: str) -> None:
        for address in ("/nowhere/", "/admin/nowhere/"):
            assert WORDS[language][1] in self.page(client, address, language, 404)

    @pytest.mark.urls(__name__)
    def test_say_that_something_broke(self, client: Client, language: str) -> None:
        assert WORDS[language][2] in self.page(client, "/breaks/", language, 500)


class TestForms:
    def test_say_that_a_page_was_open_for_too_long(self, db: None) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/admin/login/", {}, headers={"accept-language": "en"})
        assert answer.status_code == 403
        assert "open for too long" in answer.content.decode()


class TestPrograms:
    @pytest.mark.parametrize(
        ("address", "status"), [("/api/v1/nowhere/", 404), ("/api/v1/orders/", 401)]
    )
    def test_are_answered_as_before(self, client: Client, address: str, status: int) -> None:
        answer = client.get(address)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")

    def test_strangers_are_shown_the_way_in(self, db: None) -> None:
        page = Client().get("/nowhere/").content.decode()
        assert 'href="/admin/login/"' in page
