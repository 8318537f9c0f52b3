"""What a spreadsheet must neither run nor cut short when it opens a CSV."""

#: Excel takes a CSV for UTF-8 only with this mark.
BOM = b"\xef\xbb\xbf"

#: What makes a spreadsheet run a text, and what it would read as a number and cut short.
RUNS = r"^(\s*[=+@＝＋－＠-])"
LONG_NUMBER = r"^(0[0-9]+|[0-9]{16,})$"
#: The characters that such texts start with, unless they are just long.
STARTS = ", ".join(str(ord(start)) for start in "\t\n\v\f\r \xa0\u3000=+@-＝＋－＠0")


def harmless(sql: str) -> str:
    """
    Return the SQL of a text as that of one which a spreadsheet neither runs nor cuts short.

    What it would run gets an apostrophe in front, what it would cut to fifteen digits a
    tab behind.
    """
    not_run = f"regexp_replace({sql}, '{RUNS}', E'\\'\\\\1')"
    exact = f"regexp_replace({not_run}, '{LONG_NUMBER}', E'\\\\1\\t')"
    # Patterns are slow, and a look at the first character spares nearly all texts.
    start = f"ascii({sql})"
    is_suspect = f"{start} IN ({STARTS}) OR {start} BETWEEN 48 AND 57 AND length({sql}) > 15"
    return f"CASE WHEN {is_suspect} THEN {exact} ELSE {sql} END"


def on_one_line(line: bytes) -> bytes:
    """Return a line of PostgreSQL's CSV as spreadsheets end it, its texts on one line."""
    return b" ".join(line.splitlines()) + b"\r\n"
