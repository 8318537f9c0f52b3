"""The search finds a product by what people type."""

from pathlib import Path

import pytest
from django.test import Client

from shop.models import Spelling
from shop.services.spelling import learn_spellings, relearn_spellings
from shop.spelling import search_query, sort_key, terms_of

from .conftest import MakeProduct
from .test_catalogue import found

NAUGHTY = Path(__file__).parents[3] / "shared/data/peers/blns/blns.txt"


class TestSearch:
    @pytest.mark.parametrize(
        "typed",
        ["火龙果", "龙果", "果", "火龍果", "huolongguo", "huo long guo", "HuoLong", "hlg", "ldhlg",
         "罗甸 红肉", "hlg 红肉", "huǒlóngguǒ", "fruit", "水果", "DF-5", "df", "5KG", "5kg",
         "luodian", "罗甸火龙果", "红肉大果"],
    )  # fmt: skip
    def test_finds_by(self, client: Client, make_product: MakeProduct, typed: str) -> None:
        make_product(
            "DF-5", name="罗甸火龙果(红肉大果)5kg", county_id="522728", category_id="fruit"
        )
        make_product("FISH")
        assert found(client, q=typed) == ["DF-5"]

    @pytest.mark.parametrize(
        "typed", ["火龙茶", "hlx", "huolonguo", "罗甸 鸡蛋", "zzz", "!!!", "'"]
    )
    def test_does_not_find_by(self, client: Client, make_product: MakeProduct, typed: str) -> None:
        make_product("DF-5", name="罗甸火龙果", county_id="522728", category_id="fruit")
        assert found(client, q=typed) == []

    def test_finds_by_a_whole_long_name(self, client: Client, make_product: MakeProduct) -> None:
        make_product("EGG", name="长顺县绿壳鸡蛋礼盒装")
        assert found(client, q="长顺县绿壳鸡蛋礼盒装") == ["EGG"]
        assert found(client, q="changshunxianlvkejidanlihezhuang") == ["EGG"]
        assert found(client, q="长顺县绿壳鸡蛋礼品") == []

    def test_knows_how_qiannan_is_read(self) -> None:
        assert sort_key("都匀毛尖") == "du yun mao jian"
        assert "changshunlvkejidan" in terms_of("长顺绿壳鸡蛋")
        assert search_query("lǜké") == "'lvke':*"

    def test_learns_each_name_once(self, client: Client, make_product: MakeProduct) -> None:
        make_product()
        assert learn_spellings() > 0
        assert learn_spellings() == 0
        spellings = Spelling.objects.count()
        Spelling.objects.update(terms=["wrong"])
        relearn_spellings()
        assert Spelling.objects.count() == spellings
        assert found(client, q="xunyu") == ["P1"]

    @pytest.mark.skipif(not NAUGHTY.exists(), reason="The naughty strings are not here.")
    def test_survives_naughty_strings(self, client: Client, make_product: MakeProduct) -> None:
        make_product()
        for typed in NAUGHTY.read_text().splitlines():
            response = client.get("/api/v1/products/", {"q": typed})
            assert response.status_code in (200, 400), typed
