"""Whoever signs in arrives where there is something to do."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.test import Client

from accounts.models import User


@pytest.mark.django_db
class TestLogin:
    @pytest.mark.parametrize(
        ("address", "arrival"),
        [("/admin/login/", "/admin/"), ("/admin/login/?next=/trace/", "/trace/")],
    )
    def test_leads_on(self, client: Client, address: str, arrival: str) -> None:
        User.objects.create_user("olga", password="a long secret", role="office", is_staff=True)
        form = {"username": "olga", "password": "a long secret"}
        if "?" in address:
            form["next"] = arrival
        answer = client.post(address, form)
        assert (answer.status_code, answer["Location"]) == (302, arrival)

    def test_leads_to_no_stranger(self, client: Client) -> None:
        User.objects.create_user("olga", password="a long secret", role="office", is_staff=True)
        form = {"username": "olga", "password": "a long secret", "next": "https://evil.test/"}
        answer = client.post("/admin/login/?next=https://evil.test/", form)
        assert answer["Location"] == "/admin/"

    def test_shows_newcomers_where_to_apply(self, client: Client) -> None:
        assert 'href="/apply/"' in client.get("/admin/login/").content.decode()


@pytest.mark.django_db
class TestRecordsOfSignIns:
    """What is recorded of right and wrong passwords is looked at, and stays."""

    @pytest.fixture(autouse=True)
    def _recorded(self) -> None:
        User.objects.create_user("olga", password="a long secret", role="office", is_staff=True)
        client = Client()
        for password in ("a long secret", "wrong"):
            client.post("/admin/login/", {"username": "olga", "password": password})

    def signed_in(self, role: str) -> Client:
        client = Client()
        client.force_login(User.objects.create_user(f"a-{role}", role=role, is_staff=True))
        return client

    @pytest.mark.parametrize("model", [AccessAttempt, AccessLog])
    def test_are_only_viewed_by_administrators(
        self, model: type[AccessAttempt | AccessLog]
    ) -> None:
        client = self.signed_in("admin")
        row = model.objects.get(username="olga")
        folder = f"/admin/axes/{model._meta.model_name}/"
        assert "olga" in client.get(folder).content.decode()
        assert client.get(f"{folder}{row.pk}/change/").status_code == 200
        asked = [
            client.post(f"{folder}{row.pk}/change/", {"username": "nobody"}),
            client.post(f"{folder}{row.pk}/delete/", {"post": "yes"}),
            client.post(f"{folder}add/", {"username": "nobody"}),
        ]
        assert [answer.status_code for answer in asked] == [403, 403, 403]
        for action in ("delete_selected", "cleanup_expired_attempts"):
            chosen = {"action": action, "_selected_action": row.pk, "post": "yes"}
            client.post(folder, chosen)
        row.refresh_from_db()
        assert row.username == "olga"

    @pytest.mark.parametrize("role", ["auditor", "office", "reviewer"])
    def test_are_nothing_for_others(self, role: str) -> None:
        client = self.signed_in(role)
        for name in ("accessattempt", "accesslog"):
            assert client.get(f"/admin/axes/{name}/").status_code == 403
