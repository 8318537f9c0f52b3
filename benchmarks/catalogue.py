"""Reading the catalogue, beside a view that returns the same bytes prebuilt."""

from collections.abc import Callable

from shop.models import Product

from .load import offer, request, same
from .sample import sample
from .site import bare, get, product
from .table import Row, interleaved

SECONDS = 4
ROUNDS = 3
LIST = "/api/v1/products/"
FILTERED = f"{LIST}?county=522731&in_stock=true&ordering=price"
#: Initials that find one product in a thousand, and Chinese that finds them all.
RARE = f"{LIST}?q=hlg"
COMMON = f"{LIST}?q=%E5%95%86%E5%93%81"


def measure(entries: int) -> list[Row]:
    rows = []
    for products in (5_000, 50_000):
        sample(products=products, lines=1_000)
        rows += _at_this_size(products)
    return rows


def _at_this_size(products: int) -> list[Row]:
    code = Product.objects.on_sale().order_by("-pk").values_list("code", flat=True)[0]
    detail = f"{LIST}{code}/"
    with product() as port:
        page, one = (get(port, path)[1] for path in (LIST, detail))
        with bare(page) as limit:
            plain, filtered, rare, common, limit_list, one_query = interleaved(
                ROUNDS,
                *(_rate(port, path) for path in (LIST, FILTERED, RARE, COMMON)),
                _rate(limit, "/"),
                _rate(limit, "/query/"),
            )
        with bare(one) as limit:
            single, limit_one = interleaved(ROUNDS, _rate(port, detail), _rate(limit, "/"))
    size = f"{products:,} products"
    return [
        Row(f"list of 20, {size}", plain, limit_list, "bare view", "per s", "≥ 0.25"),
        Row(f"list of 20, {size}", plain, one_query, "bare view, one query", "per s", "≥ 0.25"),
        Row(f"list in stock, {size}", filtered, limit_list, "bare view", "per s", "≥ 0.25"),
        Row(f"search that finds few, {size}", rare, plain, "plain list", "per s", "≥ 0.5"),
        Row(f"search that finds all, {size}", common, plain, "plain list", "per s", "≥ 0.5"),
        Row(f"detail, {size}", single, limit_one, "bare view", "per s", "≥ 0.20"),
    ]


def _rate(port: int, path: str) -> Callable[[], float]:
    payload = request(path)

    def run() -> float:
        load = offer(port, same(payload), seconds=SECONDS)
        assert set(load.statuses) == {200}, load.statuses
        return load.per_second

    return run
