"""
`make bench`: print ratios; `make bench NAME=orders` runs one suite.

`--write` also keeps the table in docs/benchmarks.md.
"""

import argparse
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUITES = ("catalogue", "admin", "orders", "totals", "declarations", "exports", "start")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*SUITES, []], metavar="NAME")
    parser.add_argument("--entries", type=int, default=1_000_000, help="ledger entries to load")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    options = parser.parse_args()

    from .site import PRODUCT_PORT

    os.environ.setdefault("DATA_DIR", str(ROOT / "var" / "bench"))
    os.environ.setdefault("STATEMENT_TIMEOUT", "0")
    os.environ.update(
        PORT=str(PRODUCT_PORT), THROTTLE="off", DJANGO_SETTINGS_MODULE="config.settings"
    )
    from config.servers import configured

    with configured():
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0, interactive=False)
        rows = []
        for name in options.names or SUITES:
            print(f"{name} …", file=sys.stderr, flush=True)
            rows += import_module(f"benchmarks.{name}").measure(options.entries)
        from .table import as_text

        text = as_text(rows)
        print(text)
        if options.write:
            _write(text)


def _write(text: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    (ROOT / "docs" / "benchmarks.md").write_text(
        "# Benchmarks\n\n"
        "Each row measures the product and its limit in the same run on the same machine, taking\n"
        "turns; only the ratios mean anything. Made by `make bench`.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, Django {version('django')}, "
        f"PostgreSQL {postgres}, granian {version('granian')}.\n\n{text}\n"
    )


if __name__ == "__main__":
    main()
