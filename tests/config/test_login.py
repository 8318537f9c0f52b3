"""Whoever signs in arrives where there is something to do."""

import pytest
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
