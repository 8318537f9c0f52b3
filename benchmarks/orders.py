"""Ordering and accepting over HTTP, beside pgbench doing only the writes of an order."""

import io
import json
import os
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, User
from accounts.services.keys import issue_key
from config.servers import Servers, data_dir
from orders.models import Consignment, Credit, Membership
from shop.models import SKU, Stock

from .load import offer, request
from .sample import sample
from .site import product
from .table import Row, interleaved

SECONDS = 6
ROUNDS = 3
LINES = 10
CLIENTS = 8

LIMIT_TABLES = """
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;
CREATE TABLE bench.key (id bigserial PRIMARY KEY, buyer int, key text, answer jsonb,
    UNIQUE (buyer, key));
CREATE TABLE bench.orders (id bigserial PRIMARY KEY, number text UNIQUE, buyer int,
    placed_at timestamptz, amount numeric(14, 2));
CREATE TABLE bench.event (id bigserial PRIMARY KEY, order_id bigint REFERENCES bench.orders,
    kind text, at timestamptz);
CREATE TABLE bench.line (id bigserial PRIMARY KEY, order_id bigint REFERENCES bench.orders,
    sku int, name text, quantity numeric(12, 3), price numeric(12, 4), amount numeric(14, 2));
CREATE INDEX ON bench.line (order_id);
CREATE TABLE bench.stock (sku int PRIMARY KEY, on_hand numeric(14, 3), reserved numeric(14, 3),
    CHECK (reserved <= on_hand)) WITH (fillfactor = 50);
INSERT INTO bench.stock SELECT n, 1e10, 0 FROM generate_series(1, 5000) n;
CREATE FUNCTION bench.place(first int, step int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    placed bigint;
    skus int[] := (SELECT array_agg(1 + (first + n * step) % 5000 ORDER BY 1)
                   FROM generate_series(0, 9) n);
BEGIN
    PERFORM 1 FROM bench.stock WHERE sku = ANY (skus) ORDER BY sku FOR NO KEY UPDATE;
    INSERT INTO bench.key (buyer, key, answer)
        VALUES (1, gen_random_uuid()::text, '{"number": "O-1", "status": "placed"}');
    INSERT INTO bench.orders (number, buyer, placed_at, amount)
        VALUES (gen_random_uuid()::text, 1, now(), 7200) RETURNING id INTO placed;
    INSERT INTO bench.line (order_id, sku, name, quantity, price, amount)
        SELECT placed, sku, 'name', 1, 720, 720 FROM unnest(skus) sku;
    UPDATE bench.stock SET reserved = reserved + 1 WHERE sku = ANY (skus);
    INSERT INTO bench.event (order_id, kind, at) VALUES (placed, 'placed', now());
END $$;
"""
LIMIT_SCRIPT = """
\\set first random(0, 4999)
\\set step random(1, 400)
SELECT bench.place(:first, :step);
"""


def measure(entries: int) -> list[Row]:
    call_command("demo", "--json", stdout=io.StringIO())
    sample(lines=1_000)
    keys = _people_without_limits()
    skus = _skus_for_sale()
    rng = random.Random(7)
    hot = rng.choice(skus)
    with product() as port, connection.cursor() as cursor:
        cursor.execute(LIMIT_TABLES)
        spread, hot_rate, limit = interleaved(
            ROUNDS,
            lambda: _placing(port, keys, lambda: rng.sample(skus, LINES)),
            lambda: _placing(port, keys, lambda: [hot, *rng.sample(skus, LINES - 1)]),
            _pgbench,
        )
        cursor.execute("DROP SCHEMA bench CASCADE")
        accepting = _accepting(port, keys, skus)
    return [
        Row("order of 10 lines", spread, limit, "pgbench, writes only", "per s", "≥ 0.25"),
        Row("the same, one hot SKU in each", hot_rate, spread, "other orders", "per s", "≥ 0.5"),
        Row("acceptance of 10 lines", accepting, spread, "orders", "per s", "≥ 1"),
    ]


def _people_without_limits() -> list[str]:
    """Return a key for each client: purchasers of the demo's buyers, who may spend anything."""
    Membership.objects.update(approval_limit=None)
    Credit.objects.all().delete()
    now = timezone.now()
    users = User.objects.filter(buyer_membership__role=Membership.Role.PURCHASER)[:CLIENTS]
    return [issue_key(user, name="bench", by=None, now=now) for user in users]


def _skus_for_sale() -> list[str]:
    Stock.objects.update(on_hand=10**10)
    return list(
        SKU.objects.filter(
            is_active=True, is_weighed=False, product__status="listed",
            product__supplier__status="approved", product__seasons__isnull=True,
        ).values_list("code", flat=True)[:5_000]
    )  # fmt: skip


def _placing(port: int, keys: list[str], skus: Callable[[], list[str]]) -> float:
    minimum = dict(SKU.objects.values_list("code", "minimum"))
    serial = count()

    def orders_of(client: int) -> Iterator[bytes]:
        while True:
            body = {
                "address": "MAIN",
                "lines": [{"sku": sku, "quantity": f"{minimum[sku]:f}"} for sku in skus()],
            }
            yield _post(
                "/api/v1/orders/",
                keys[client % len(keys)],
                body,
                {"Idempotency-Key": f"{os.getpid()}-{client}-{next(serial)}-{random.random()}"},
            )

    load = offer(port, orders_of, seconds=SECONDS, connections=CLIENTS)
    assert set(load.statuses) == {201}, load.statuses
    return load.per_second


def _post(path: str, key: str, body: object, headers: dict[str, str] | None = None) -> bytes:
    return request(
        path,
        method="POST",
        headers={"Authorization": f"Bearer {key}", **(headers or {})},
        body=json.dumps(body).encode(),
    )


def _pgbench() -> float:
    servers = Servers(data_dir())
    binary = servers.postgres.bin / "pgbench"
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "order.sql"
        script.write_text(LIMIT_SCRIPT)
        done = subprocess.run(
            [binary, "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), "-M", "prepared",
             "-f", script, "-h", str(servers.socket_dir), "-U", "haowu", "haowu"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def _accepting(port: int, keys: list[str], skus: list[str]) -> float:
    """Ship orders of one supplier each, then have their buyers accept them."""
    chosen = _of_one_supplier(skus)
    _placing(port, keys, lambda: chosen)
    _ship_everything()
    key_of_buyer = dict(zip(_buyers_of(keys), keys, strict=True))
    waiting = Consignment.objects.filter(status="shipped", goods_amount__gt=0).order_by("-pk")
    due = [
        (number, key_of_buyer[buyer], lines)
        for number, buyer, lines in _shipped_lines(waiting)
        if buyer in key_of_buyer
    ]

    def acceptances_of(client: int) -> Iterator[bytes]:
        for number, key, lines in due[client::CLIENTS]:
            yield _post(f"/api/v1/consignments/{number}/accept/", key, {"lines": lines})

    load = offer(port, acceptances_of, seconds=SECONDS, connections=CLIENTS)
    assert set(load.statuses) == {200}, load.statuses
    return load.per_second


def _of_one_supplier(skus: list[str]) -> list[str]:
    by_supplier: dict[int, list[str]] = {}
    for code, supplier in SKU.objects.filter(code__in=skus).values_list(
        "code", "product__supplier"
    ):
        found = by_supplier.setdefault(supplier, [])
        found.append(code)
        if len(found) == LINES:
            return found
    raise RuntimeError("No supplier has enough SKUs.")


def _ship_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orders_consignment SET status = 'confirmed', confirmed_at = now()"
            " WHERE status = 'placed'"
        )
        cursor.execute(
            "UPDATE orders_orderline l SET shipped_quantity = quantity FROM orders_consignment c"
            " WHERE c.id = l.consignment_id AND c.status = 'confirmed'"
        )
        cursor.execute(
            "DELETE FROM shop_reservation r USING orders_orderline l, orders_consignment c"
            " WHERE l.id = r.line_id AND c.id = l.consignment_id AND c.status = 'confirmed'"
        )
        cursor.execute(
            "UPDATE orders_consignment SET status = 'shipped', shipped_at = now()"
            " WHERE status = 'confirmed'"
        )


def _buyers_of(keys: list[str]) -> list[int]:
    return [
        ApiKey.objects.values_list("user__buyer_membership__buyer", flat=True).get(
            digest=ApiKey.digest_of(key)
        )
        for key in keys
    ]


def _shipped_lines(waiting) -> Iterator[tuple[str, int, list[dict[str, object]]]]:
    for consignment in waiting.select_related("order").prefetch_related("lines"):
        lines = [
            {"line": line.number, "quantity": f"{line.quantity:f}"}
            for line in consignment.lines.all()
        ]
        yield consignment.number, consignment.order.buyer_id, lines
