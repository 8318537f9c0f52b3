"""`make check`: everything a change must pass, cheapest first; it changes nothing."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
MANAGE = [sys.executable, "manage.py"]
# Only `check --deploy` reads these, to see what production would be.
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "check-" + "0123456789abcdefghij" * 3,
    "ALLOWED_HOSTS": "haowu.example",
    "PUBLIC_URL": "https://haowu.example",
    "DATABASE_URL": "postgresql://haowu@localhost/haowu",
    "REDIS_URL": "redis://localhost:6379",
}


def steps(folder: Path) -> Iterator[tuple[str, list[str], dict[str, str]]]:
    """Yield each step's name, command and what it needs in its environment."""
    schema = str(folder / "openapi.yaml")
    yield "format", [str(BIN / "ruff"), "format", "--check", "."], {}
    yield "lint", [str(BIN / "ruff"), "check", "."], {}
    yield "types", [str(BIN / "mypy"), "."], {}
    yield "import contracts", [str(BIN / "lint-imports")], {}
    yield "missing migrations", [*MANAGE, "makemigrations", "--check", "--dry-run"], {}
    yield "deployment", [*MANAGE, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION
    yield "the API's schema", [*MANAGE, "spectacular", "--validate", "--file", schema], {}
    yield "docs/openapi.yaml is current", ["diff", "-u", "docs/openapi.yaml", schema], {}
    yield "tests", [sys.executable, "-m", "pytest"], {}


def main() -> None:
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name, command, environment in steps(Path(folder)):
            print(f"--- {name}", flush=True)
            began = time.monotonic()
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False)
            if done.returncode:
                failed.append(name)
            # The runner's summary stays the last thing printed.
            if name != "tests":
                print(f"    {time.monotonic() - began:.1f} s", flush=True)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
