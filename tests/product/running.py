"""The product as `make run` runs it, driven from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg

from config.servers import Servers

ROOT = Path(__file__).parents[2]
PORT = 18_433


class Product:
    """What `make run` runs in a data folder of its own, and its demo's people."""

    def __init__(self, folder: Path) -> None:
        self.servers = Servers(folder)
        self.environment = {
            **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")},
            "DATA_DIR": str(folder),
            "PORT": str(PORT),
            "THROTTLE": "off",
        }
        self.process = subprocess.Popen(
            [sys.executable, "config/bootstrap.py", "run"], cwd=ROOT, env=self.environment
        )
        self.wait_until_ready()
        self.people = json.loads(self.manage("demo", "--json"))
        self.sql('UPDATE orders_credit SET "limit" = 99999999999')
        self.sql("UPDATE orders_membership SET approval_limit = NULL")

    def purchaser(self, number: int) -> str:
        """Return the key of one buyer's purchaser; the buyers take turns."""
        buyers = self.people["buyers"]
        return str(buyers[number % len(buyers)]["keys"]["purchaser"])

    def manage(self, *arguments: str) -> str:
        """Run a management command beside the product and return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, check=False, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def wait_for(self, question: Callable[[], bool], *, seconds: float = 180) -> None:
        """Wait until the answer is yes."""
        deadline = time.monotonic() + seconds
        while not question():
            assert time.monotonic() < deadline
            time.sleep(0.5)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 180
        while time.monotonic() < deadline:
            assert self.process.poll() is None
            try:
                with connected(timeout=5) as connection:
                    if ask(connection, "GET", "/readyz")[0] == 200:
                        return
            except (OSError, HTTPException):
                pass
            time.sleep(0.2)
        raise AssertionError("The product is not ready.")

    def sql(self, statement: str) -> Any:
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            answer = connection.execute(statement)
            return answer.fetchone()[0] if answer.description else None

    def stock(self, sku: str, on_hand: int) -> None:
        """Let there be so much of a SKU that can be ordered."""
        self.sql(
            f"UPDATE shop_stock SET on_hand = reserved + {on_hand} FROM shop_sku"
            f" WHERE shop_sku.id = sku_id AND code = '{sku}'"
        )

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


@contextmanager
def connected(*, timeout: float = 60) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", PORT, timeout=timeout)
    try:
        yield connection
    finally:
        connection.close()


def ask(
    connection: HTTPConnection, method: str, path: str, *, body: object = None, **headers: str
) -> tuple[int, bytes]:
    connection.request(method, path, body and json.dumps(body), headers)
    answer = connection.getresponse()
    return answer.status, answer.read()
