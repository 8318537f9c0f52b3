"""
Bring the catalogues up to date: `make messages`.

Only Simplified Chinese is written by people. Traditional Chinese, in the usage of
Hong Kong, is converted from it, and both are compiled, so that nothing but Python is
needed to run the product in its languages.
"""

import re
import subprocess
import sys
from pathlib import Path

import polib
from opencc import OpenCC

LOCALE = Path(__file__).parent.parent / "locale"
SIMPLIFIED = LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
TRADITIONAL = LOCALE / "zh_Hant" / "LC_MESSAGES" / "django.po"


def extract() -> None:
    """Collect the texts of the code and the templates; needs GNU gettext."""
    subprocess.run(
        [sys.executable, "manage.py", "makemessages", "-l", "zh_Hans", "--no-wrap",
         "--no-location", "--no-obsolete", "-i", ".venv", "-i", "var"],
        cwd=LOCALE.parent, check=True,
    )  # fmt: skip
    catalogue = polib.pofile(str(SIMPLIFIED), wrapwidth=0)
    # The moment of extraction would make every run a change.
    catalogue.metadata = {
        "Content-Type": "text/plain; charset=UTF-8",
        "Language": "zh_Hans",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    catalogue.header = ""
    catalogue.sort(key=lambda entry: (entry.msgid, entry.msgctxt or ""))
    catalogue.save(str(SIMPLIFIED))


def traditional() -> polib.POFile:
    """Return the Simplified catalogue in Traditional script."""
    convert = OpenCC("s2hk").convert
    catalogue = polib.pofile(str(SIMPLIFIED), wrapwidth=0)
    catalogue.metadata["Language"] = "zh_Hant"
    for entry in catalogue:
        # Names of placeholders are left alone: they are ASCII.
        entry.msgstr = convert(entry.msgstr)
        entry.msgstr_plural = {n: convert(text) for n, text in entry.msgstr_plural.items()}
    return catalogue


def untranslated() -> list[str]:
    """Return the texts that have no Chinese yet, or whose placeholders differ."""
    holes = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
    return [
        entry.msgid
        for entry in polib.pofile(str(SIMPLIFIED))
        if not entry.translated()
        or sorted(holes.findall(entry.msgid))
        != sorted(holes.findall(entry.msgstr or entry.msgstr_plural.get(0, "")))
    ]


def main() -> None:
    extract()
    TRADITIONAL.parent.mkdir(parents=True, exist_ok=True)
    traditional().save(str(TRADITIONAL))
    for path in (SIMPLIFIED, TRADITIONAL):
        polib.pofile(str(path)).save_as_mofile(str(path.with_suffix(".mo")))
    if missing := untranslated():
        sys.exit("Not translated yet:\n" + "\n".join(missing))


if __name__ == "__main__":
    main()
