"""The product speaks Chinese everywhere, in both scripts."""

import re
from pathlib import Path

import polib
import pytest

from config.messages import SIMPLIFIED, TRADITIONAL, traditional, untranslated

TEXT_IN_CODE = re.compile(r'\b_\(\s*"((?:[^"\\]|\\.)+)"\s*\)')
APPS = ("accounts", "suppliers", "shop", "orders", "reports", "config")


class TestCatalogues:
    def test_translate_every_text_with_its_placeholders(self) -> None:
        assert untranslated() == []

    def test_know_every_text_of_the_code(self) -> None:
        root = Path(__file__).parents[2]
        known = {entry.msgid for entry in polib.pofile(str(SIMPLIFIED))}
        used = {
            text.replace('\\"', '"')
            for app in APPS
            for path in (root / app).rglob("*.py")
            for text in TEXT_IN_CODE.findall(path.read_text())
        }
        assert used - known == set(), "run `make messages` and translate"

    def test_convert_traditional_from_simplified(self) -> None:
        converted = {entry.msgid: entry.msgstr for entry in traditional()}
        assert {entry.msgid: entry.msgstr for entry in polib.pofile(str(TRADITIONAL))} == converted

    @pytest.mark.parametrize("source", [SIMPLIFIED, TRADITIONAL], ids=["simplified", "traditional"])
    def test_are_compiled(self, source: Path) -> None:
        compiled = polib.mofile(str(source.with_suffix(".mo")))
        texts = {entry.msgid: entry.msgstr for entry in polib.pofile(str(source))}
        assert {entry.msgid: entry.msgstr for entry in compiled} == texts
