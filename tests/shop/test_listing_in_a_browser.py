"""From a workbook to the catalogue and back to review, as people do it in a browser."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.sync_api import Page

from accounts.models import User
from suppliers.models import Supplier, SupplierMember
from tests.browser import needs_browser, opened
from tests.factories import ProducerFactory, SupplierFactory

PASSWORD = "a-long-secret-phrase"
ROW = {
    "商品编码": "EGG-NEW", "商品名称": "长顺绿壳鸡蛋（散养）", "品类": "禽蛋", "产地县": "长顺县",
    "生产者": "长顺养殖基地", "规格编码": "EGG-NEW-360", "规格名称": "360枚", "单位": "箱",
    "净重（千克）": 18.5, "税务处理": "免税", "税务处理依据": "农产品",
    "单价（元）": 720, "库存": 50,
}  # fmt: skip


def person(name: str, **fields: Any) -> User:
    return User.objects.create_user(name, password=PASSWORD, is_staff=True, **fields)


def sign_in(page: Page, site: str, name: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{site}/admin/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/admin/")


def price_in_catalogue(page: Page, site: str) -> str:
    product = page.request.get(f"{site}/api/v1/products/EGG-NEW/").json()
    return str(product["skus"][0]["tiers"][0]["unit_price"])


@needs_browser
@pytest.mark.django_db(transaction=True)
class TestListing:
    @pytest.fixture(autouse=True)
    def _people(self, transactional_db: None) -> None:
        supplier: Supplier = SupplierFactory()
        ProducerFactory(supplier=supplier)
        SupplierMember.objects.create(supplier=supplier, user=person("sam"))
        for name in ("rita", "rolf"):
            person(name, role=User.Role.REVIEWER)

    def test_is_on_sale_once_two_approved_it_and_changes_only_by_review(
        self, live_server: Any, tmp_path: Path
    ) -> None:
        book = openpyxl.Workbook()
        book.active.append(list(ROW))
        book.active.append(list(ROW.values()))
        book.save(tmp_path / "商品.xlsx")
        site = live_server.url
        with opened(f"{site}/admin/login/") as page:
            sign_in(page, site, "sam")
            page.goto(f"{site}/admin/shop/product/upload/")
            page.set_input_files("[name=file]", tmp_path / "商品.xlsx")
            page.get_by_role("button", name="预览").click()
            page.get_by_text("长顺绿壳鸡蛋（散养）").wait_for()
            page.get_by_role("button", name="全部采用").click()
            page.get_by_role("link", name="EGG-NEW").click()
            page.get_by_role("button", name="保存并提交审核").click()
            page.wait_for_url("**/listingversion/**")
            for reviewer in ("rita", "rolf"):
                sign_in(page, site, reviewer)
                page.goto(f"{site}/admin/shop/listingversion/?queue=waiting")
                page.locator("#result_list tbody a").first.click()
                page.get_by_text("变更内容").wait_for()
                page.get_by_role("button", name="批准").or_(
                    page.get_by_role("button", name="作为第二审核人批准")
                ).first.click()
                page.wait_for_load_state()
            page.get_by_text("已通过").first.wait_for()

            sign_in(page, site, "sam")
            page.goto(f"{site}/admin/shop/sku/")
            page.locator("#result_list tbody a").first.click()
            page.fill("[name=tiers-0-unit_price]", "750")
            page.get_by_role("button", name="保存", exact=True).click()
            page.wait_for_url("**/listingversion/**")
            waiting = page.url
            page.get_by_text("750").first.wait_for()
            assert price_in_catalogue(page, site) == "720.00"

            sign_in(page, site, "rita")
            page.goto(waiting)
            page.get_by_role("button", name="批准").click()
            page.wait_for_load_state()
            assert price_in_catalogue(page, site) == "750.00"
