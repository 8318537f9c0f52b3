"""The admin's sidebar leads everybody to what they may open."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.test import Client

from accounts.models import User
from config.sidebar import GROUPS
from tests.factories import SupplierMemberFactory, UserFactory


@pytest.mark.django_db
class TestSidebar:
    @pytest.mark.parametrize(
        ("role", "leads"),
        [("office", True), ("auditor", True), ("admin", True), ("reviewer", False)],
    )
    def test_leads_there_whoever_may_go(self, client: Client, role: str, leads: bool) -> None:
        client.force_login(User.objects.create(username="olga", role=role, is_staff=True))
        page = client.get("/admin/").content.decode()
        assert ('href="/office/"' in page) == leads
        assert ('href="/trace/"' in page) == leads
        assert 'href="/dashboard/"' in page
        # The admin's own pages are there still.
        assert page.count('href="/admin/suppliers/supplier/"') == 1

    def test_shows_suppliers_what_is_theirs(self, client: Client) -> None:
        user = SupplierMemberFactory().user
        User.objects.filter(pk=user.pk).update(is_staff=True)
        client.force_login(user)
        page = client.get("/admin/").content.decode()
        assert "/office/" not in page
        assert "/admin/shop/product/" in page
        assert "/admin/reports/" not in page

    def test_leads_to_every_list_of_the_admin_once(self, client: Client) -> None:
        client.force_login(UserFactory(role="admin", is_staff=True))
        context = client.get("/admin/").context
        links = [item["link"] for group in context["sidebar_navigation"] for item in group["items"]]
        for app in context["app_list"]:
            for model in app["models"]:
                assert links.count(model["admin_url"]) == 1, model["name"]

    def test_names_only_lists_that_there_are(self) -> None:
        for _title, symbols in GROUPS:
            for label in symbols:
                assert admin.site.is_registered(apps.get_model(label)), label
