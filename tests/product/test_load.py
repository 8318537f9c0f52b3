"""
The running product under load and under faults: `make load`.

Everything goes over HTTP to what `make run` starts; nothing is simulated but the clients.
"""

import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .running import PORT, Product, ask

pytestmark = pytest.mark.long

SKU = "CS-EGG-360"
MINIMUM = 5


def order(connection: HTTPConnection, key: str, name: str) -> tuple[int, dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {key}",
        "Idempotency-Key": name,
        "Content-Type": "application/json",
    }
    body = {"address": "MAIN", "lines": [{"sku": SKU, "quantity": str(MINIMUM)}]}
    status, answer = ask(connection, "POST", "/api/v1/orders/", body=body, **headers)
    return status, json.loads(answer)


def at_once(
    count: int, work: Callable[[HTTPConnection, int], Any], jobs: Sequence[int]
) -> list[Any]:
    """Do the jobs in `count` threads that start together, each with a connection of its own."""
    local, barrier = threading.local(), threading.Barrier(count)
    connections: list[HTTPConnection] = []

    def start() -> None:
        local.connection = HTTPConnection("127.0.0.1", PORT, timeout=30)
        connections.append(local.connection)
        barrier.wait()

    with ThreadPoolExecutor(count, initializer=start) as pool:
        answers = list(pool.map(lambda job: work(local.connection, job), jobs))
    for connection in connections:
        connection.close()
    return answers


def test_the_last_hundred_are_sold_exactly_once(product: Product) -> None:
    product.stock(SKU, 100 * MINIMUM)

    def buy(connection: HTTPConnection, job: int) -> tuple[int, str]:
        status, answer = order(connection, product.purchaser(job), f"last-{job}")
        return status, answer.get("code", "")

    answers = Counter(at_once(32, buy, range(500)))
    assert answers == {(201, ""): 100, (409, "out_of_stock"): 400}
    assert product.sql(f"SELECT count(*) FROM orders_orderline WHERE sku_code = '{SKU}'"
                       " AND order_id IN (SELECT id FROM orders_order WHERE status = 'placed'"
                       " AND placed_at > now() - interval '10 minutes')") >= 100  # fmt: skip
    product.manage("verify")


def test_a_thousand_keys_make_a_thousand_orders(product: Product) -> None:
    """Each of 1,000 requests is sent eight times in parallel, and a tenth never hear the answer."""
    product.stock(SKU, 10_000 * MINIMUM)
    before = product.sql("SELECT count(*) FROM orders_order")
    dice = random.Random(1)
    jobs = [number for number in range(1_000) for _ in range(8)]
    deaf = {index for index in range(len(jobs)) if dice.random() < 0.1}
    order_by_name: dict[str, set[str]] = {}

    def buy(connection: HTTPConnection, index: int) -> int:
        name, key = f"key-{jobs[index]}", product.purchaser(jobs[index])
        while True:
            status, answer = order(connection, key, name)
            if index in deaf:
                connection.close()
                return status
            if status == 201:
                order_by_name.setdefault(name, set()).add(answer["number"])
                return status
            assert answer["code"] == "in_flight"

    assert set(at_once(16, buy, range(len(jobs)))) <= {201, 409}
    assert product.sql("SELECT count(*) FROM orders_order") == before + 1_000
    assert len(order_by_name) == 1_000
    assert all(len(numbers) == 1 for numbers in order_by_name.values())
    product.manage("verify")


def test_what_was_acknowledged_survives_killed_servers(product: Product) -> None:
    """PostgreSQL, Valkey and the worker are killed in turn while eight clients order."""
    product.stock(SKU, 100_000 * MINIMUM)
    over = time.monotonic() + 60
    acknowledged: set[str] = set()

    def buy(connection: HTTPConnection, client: int) -> None:
        number = 0
        while time.monotonic() < over:
            name = f"kill-{client}-{number}"
            try:
                status, answer = order(connection, product.purchaser(client), name)
            except (OSError, HTTPException, ValueError):
                connection.close()
                continue
            if status == 201:
                acknowledged.add(answer["number"])
                number += 1
            else:
                assert status in (409, 503), answer
                time.sleep(0.1)

    with ThreadPoolExecutor(1) as pool:
        buying = pool.submit(at_once, 8, buy, range(8))
        while time.monotonic() < over - 10:
            for victim in victims(product):
                # Who ends more often than five times a minute stops the whole product.
                time.sleep(5)
                os.kill(victim, signal.SIGKILL)
        buying.result()
    product.wait_until_ready()
    with psycopg.connect(product.servers.database_url) as connection:
        kept = {
            number
            for (number,) in connection.execute(
                "SELECT number FROM orders_order WHERE number = ANY(%s)", [list(acknowledged)]
            )
        }
    assert len(acknowledged) > 1_000
    assert acknowledged == kept
    product.manage("roll_up")
    product.manage("verify")


def victims(product: Product) -> Iterator[int]:
    """Yield who is to be killed next, as found at that moment."""
    yield product.servers.postgres.pid()
    yield product.servers.valkey.pid()
    parent = product.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    yield next(
        int(pid) for pid in children if b"tasks@" in Path(f"/proc/{pid}/cmdline").read_bytes()
    )
