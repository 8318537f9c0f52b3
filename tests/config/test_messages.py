"""The product speaks Chinese everywhere, in both scripts."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import axes
import polib
import pytest
import unfold
from django.contrib import admin, auth
from django.utils.translation import gettext, override
from django.utils.translation.template import templatize

from config.messages import SIMPLIFIED, TRADITIONAL, traditional, untranslated

TEXT_IN_CODE = re.compile(r'\b_\(\s*"((?:[^"\\]|\\.)+)"\s*\)')
APPS = ("accounts", "suppliers", "shop", "orders", "reports", "config")

CALL = re.compile(r"""\bn?(?:gettext|_)\(\s*u?('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""")
CALLS = {"_", *(f"{n}gettext{lazy}" for n in ("", "n") for lazy in ("", "_lazy"))}
HOLE = re.compile(r"%\(\w+\)s|%[sd]|\{\w*\}")
#: Parts of the theme that are not installed.
NOT_USED = {"contrib", "unfold_crispy"}


def texts_of(package: object) -> Iterator[str]:
    """Return the texts that a package's code and templates ask to be translated."""
    root = Path(str(package.__file__)).parent  # type: ignore[attr-defined]
    for path in root.rglob("*"):
        if NOT_USED.intersection(path.relative_to(root).parts):
            continue
        if path.suffix in (".html", ".txt"):
            code = templatize(path.read_text(), origin=str(path))
            yield from map(ast.literal_eval, CALL.findall(code))
        elif path.suffix == ".py":
            for node in ast.walk(ast.parse(path.read_text())):
                match node:
                    case ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=str(text)), *_]):
                        if name in CALLS:
                            yield text


class TestTheAdmin:
    @pytest.mark.parametrize("language", ["zh-hans", "zh-hant"])
    @pytest.mark.parametrize(
        "package", [unfold, admin, auth, axes], ids=["theme", "admin", "login", "lock"]
    )
    def test_has_no_text_without_chinese(self, package: object, language: str) -> None:
        texts = set(texts_of(package))
        assert len(texts) > 30
        with override(language):
            english = {text for text in texts if gettext(text) == text}
        # What is nothing but its placeholders is the same in every language.
        assert {text for text in english if re.search("[A-Za-z]", HOLE.sub("", text))} == set()


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
