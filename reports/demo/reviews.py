"""What the demo's suppliers have with the selection centre, and the badges that it gave."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from shop.models import Badge, Confirmation, ListingVersion, Objection, Product
from shop.services.badges import answer_objection, make_objection
from shop.services.content import content_of
from shop.services.reviewing import return_version, submit_version

YEAR = timedelta(days=365)
UNCONFIRMED = "CS-EGG-SALTED"


def load_badges(*, day: date) -> None:
    """Give every product on sale its badge, announced a year ago; the newest is on notice."""
    listed = Product.objects.filter(status=Product.Status.LISTED).order_by("code")
    newest = listed.last()
    for product in listed:
        noticed = day - timedelta(2) if product == newest else day - YEAR
        Badge.objects.create(
            product=product,
            number=f"示例-好物-{product.code}",
            noticed_from=noticed,
            valid_from=noticed + timedelta(7),
            valid_until=noticed + 2 * YEAR,
        )


def object_to_newest(*, now: datetime) -> None:
    """Object twice to what is on notice; one objection is answered, the other waits."""
    badge = Badge.objects.on_notice(timezone.localdate(now)).latest("noticed_from")
    asked = make_objection(
        badge, name="示例市民", contact="10000000000", grounds="希望公开产地环境检测结果（示例）",
        now=now - timedelta(hours=30),
    )  # fmt: skip
    answer_objection(
        asked,
        outcome=Objection.Outcome.DISMISSED,
        answer="产地环境检测合格，报告编号已在证书栏公示（示例）",
        by=User.objects.get(username="demo-reviewer"),
        now=now - timedelta(hours=20),
    )
    make_objection(
        badge, name="示例企业", contact="example@example.org",
        grounds="商品名称与我方注册商标近似，请核实（示例）", now=now - timedelta(hours=6),
    )  # fmt: skip


def leave_unconfirmed(*, now: datetime) -> None:
    """Leave a listing that its supplier has to confirm."""
    Confirmation.objects.create(
        product=Product.objects.get(code=UNCONFIRMED),
        confirmed_at=now - timedelta(95),
        reminded_at=now - timedelta(5),
    )


def submit_for_review(*, now: datetime) -> None:
    """Leave a first listing and a higher price waiting, and one price returned."""
    reviewer = User.objects.get(username="demo-reviewer")
    salted = _submit("CS-EGG-SALTED", now - timedelta(9), dearer=Decimal("1.6"))
    return_version(
        salted,
        reason=ListingVersion.Reason.PRICE,
        note="涨幅明显高于同类，请附成本说明（示例）",
        by=reviewer,
        now=now - timedelta(7),
    )
    _submit("LB-MAPLE-DYE", now - timedelta(3))
    _submit("HS-STURGEON-FILLET", now - timedelta(hours=5), dearer=Decimal("1.08"))


def _submit(code: str, now: datetime, *, dearer: Decimal = Decimal(1)) -> ListingVersion:
    product = Product.objects.select_related("supplier").get(code=code)
    content = content_of(product, day=timezone.localdate(now))
    for sku in content["skus"].values():
        for price in sku["prices"]:
            price["unit_price"] = f"{(Decimal(price['unit_price']) * dearer).normalize():f}"
    member = product.supplier.members.select_related("user").order_by("pk")[0]
    return submit_version(product, content=content, by=member.user, now=now)
