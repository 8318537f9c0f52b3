"""How people type a name: Chinese, traditional script, pinyin, initials, Latin words."""

import re
import unicodedata
from functools import cache

from opencc import OpenCC
from pypinyin import Style, lazy_pinyin, load_phrases_dict

# A longer run of characters is looked up by its first and its last six.
HAN_LENGTH = 6
LATIN_LENGTH = 24

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUNS = re.compile(rf"[{_HAN}]+|[^\W_{_HAN}]+")
_COMBINING_MARKS = re.compile(r"[\u0300-\u036f]")

# Readings in which the general dictionary is wrong about Qiannan.
load_phrases_dict(
    {
        "都匀": [["dū"], ["yún"]],
        "三都": [["sān"], ["dū"]],
        "长顺": [["cháng"], ["shùn"]],
        "荔波": [["lì"], ["bō"]],
    }
)


@cache
def _simplifier() -> OpenCC:
    # Not tw2sp: that also swaps words which both sides use for different things.
    return OpenCC("t2s")


def runs_of(text: str) -> list[str]:
    """
    Split a text into runs of Chinese characters and runs of other letters and digits.

    Width, case, accents and script no longer matter afterwards; ü becomes v, as it is
    typed.
    """
    text = unicodedata.normalize("NFKD", text).casefold().replace("u\u0308", "v")
    text = unicodedata.normalize("NFKC", _COMBINING_MARKS.sub("", text))
    return _RUNS.findall(_simplifier().convert(text))


def is_han(run: str) -> bool:
    """Whether a run consists of Chinese characters."""
    return re.match(f"[{_HAN}]", run) is not None


def sort_key(text: str) -> str:
    """Return what sorts a name by its pinyin; the database has no Chinese collation."""
    return " ".join(" ".join(lazy_pinyin(run)) for run in runs_of(text))


def terms_of(text: str) -> list[str]:
    """
    Return the terms of which every word that finds this text is a beginning.

    A run of characters is found from any of its characters on: as it is written,
    by its pinyin and by its initials.
    """
    terms = set()
    for run in runs_of(text):
        if not is_han(run):
            terms.add(run[:LATIN_LENGTH])
            continue
        syllables = lazy_pinyin(run)
        initials = "".join(lazy_pinyin(run, style=Style.FIRST_LETTER))
        for start in range(len(run)):
            terms.add(run[start : start + HAN_LENGTH])
            terms.add("".join(syllables[start:])[:LATIN_LENGTH])
            terms.add(initials[start:][:LATIN_LENGTH])
    return sorted(terms)


def search_query(typed: str) -> str:
    """
    Return the tsquery for what a person typed; all of its words must match.

    Return an empty string when nothing in it can be looked up.
    """
    words: list[str] = []
    for run in runs_of(typed):
        if is_han(run):
            words += {run[:HAN_LENGTH], run[-HAN_LENGTH:]}
        else:
            words.append(run[:LATIN_LENGTH])
    return " & ".join(f"'{word}':*" for word in dict.fromkeys(words))
