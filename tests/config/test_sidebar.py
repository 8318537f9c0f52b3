"""The admin's sidebar leads everybody to what they may open."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import SupplierMemberFactory


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
        assert page.count('href="/admin/suppliers/supplier/"') == 2

    def test_shows_suppliers_what_is_theirs(self, client: Client) -> None:
        user = SupplierMemberFactory().user
        User.objects.filter(pk=user.pk).update(is_staff=True)
        client.force_login(user)
        page = client.get("/admin/").content.decode()
        assert "/office/" not in page
        assert "/admin/shop/product/" in page
        assert "/admin/reports/" not in page
