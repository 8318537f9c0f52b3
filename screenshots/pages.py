"""Which pages are shown; one line more is one picture more."""

from typing import NamedTuple


class Page(NamedTuple):
    """
    A picture: its name, the address, who looks in which language, and on how wide a screen.

    The address may name what `staging.py` prepares: {report}, {month}, {seal}, {fapiao}.
    `opens` are links, as CSS, that are followed from there. Pages of our own are shown down
    to their end, the admin's as far as the screen goes unless they are `whole`.
    """

    name: str
    address: str
    role: str = ""
    language: str = "zh-CN"
    width: int = 1280
    opens: tuple[str, ...] = ()
    whole: bool = False

    def is_whole(self, address: str) -> bool:
        """Return whether all of it is shown, once `address` is what its links led to."""
        return self.whole or not address.startswith(("/admin/", "/api/"))


FIRST = "#result_list tbody a"


PAGES = (
    Page("dashboard", "/dashboard/"),
    Page("dashboard-zh-hant", "/dashboard/", language="zh-HK"),
    Page("dashboard-en", "/dashboard/", language="en-GB"),
    Page("dashboard-phone", "/dashboard/", width=390),
    Page("dashboard-pairing", "/dashboard/?pair=440103-522731"),
    Page("office", "/office/", "office"),
    Page("office-en", "/office/", "office", language="en-GB"),
    Page("office-phone", "/office/", "office", width=390),
    Page("office-last-year", "/office/?year={last_year}", "office"),
    Page("office-evidence", "/office/?grade=E4", "auditor"),
    Page("trace", "/trace/?of=fapiao&key={fapiao}", "auditor"),
    Page("seal", "/seal/?month={month}&seal={seal}"),
    Page("seal-altered", "/seal/?month={month}&seal=0{seal}"),
    Page("report", "/reports/{report}/", "office"),
    Page("apply", "/apply/"),
    Page("notice", "/notice/"),
    Page("noticed", "/notice/", opens=(".noticed a",)),
    Page("noticed-phone", "/notice/", width=390, opens=(".noticed a",)),
    Page("apply-phone", "/apply/", width=390),
    Page("batch", "/admin/shop/batch/", "supplier", opens=(FIRST, "a[href^='/trace/']")),
    Page("batch-phone", "/admin/shop/batch/", "supplier", width=390,
         opens=(FIRST, "a[href^='/trace/']")),
    Page("api-docs", "/api/v1/docs/"),
    Page("login", "/admin/login/"),
    Page("admin-supplier", "/admin/", "supplier"),
    Page("admin-reviewer", "/admin/", "reviewer"),
    Page("admin-office", "/admin/", "office"),
    Page("admin-auditor", "/admin/", "auditor"),
    Page("admin-admin", "/admin/", "admin"),
    Page("admin-phone", "/admin/", "office", width=390),
    Page("review-queue", "/admin/shop/listingversion/?queue=waiting", "reviewer"),
    Page("review", "/admin/shop/listingversion/?queue=waiting&is_first__exact=0", "reviewer",
         opens=(FIRST,), whole=True),
    Page("supplier-product", "/admin/shop/product/", "supplier", opens=(FIRST,), whole=True),
    Page("supplier-upload", "/admin/shop/product/upload/", "supplier"),
    Page("supplier-products", "/admin/shop/product/", "supplier"),
    Page("supplier-consignments", "/admin/orders/consignment/", "supplier"),
    Page("reviewer-suppliers", "/admin/suppliers/supplier/", "reviewer"),
    Page("reviewer-products", "/admin/shop/product/?status__exact=submitted", "reviewer"),
    Page("office-months", "/admin/reports/month/", "office"),
    Page("office-anomalies", "/admin/reports/anomaly/", "office"),
    Page("office-targets", "/admin/reports/target/", "office"),
    Page("auditor-ledger", "/admin/reports/ledgerentry/", "auditor"),
    Page("auditor-trail", "/admin/accounts/auditentry/", "auditor"),
    Page("admin-orders", "/admin/orders/order/", "admin"),
    Page("admin-fapiaos", "/admin/orders/fapiao/", "admin"),
    Page("admin-users", "/admin/accounts/user/", "admin"),
)  # fmt: skip
