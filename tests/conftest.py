"""What every test may ask for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker
from redis import Redis

from config.celery import app
from config.processes import WORKER


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """
    Let a transactional test end with the rows that the migrations made.

    Django empties every table after such a test, which the append-only tables refuse
    and which would take counties and categories along.
    """
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA migrated")
        columns_by_table = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(
                """SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'""",
                [table],
            )
            columns_by_table[table] = cursor.fetchone()[0]
            cursor.execute(f'CREATE TABLE migrated."{table}" AS TABLE public."{table}"')

    def empty(truncations: list[str]) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            for truncation in truncations:
                cursor.execute(truncation)
            cursor.execute("TRUNCATE django_migrations")
            for table, columns in columns_by_table.items():
                cursor.execute(
                    f'INSERT INTO public."{table}" ({columns}) OVERRIDING SYSTEM VALUE '
                    f'SELECT {columns} FROM migrated."{table}"'
                )

    connection.ops.execute_sql_flush = empty


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """Start each test without the counters of the one before."""
    cache.clear()


@pytest.fixture(autouse=True)
def _own_language() -> None:
    """Start each test in Chinese, whatever language the last request of another asked for."""
    translation.deactivate()


@pytest.fixture
def celery_worker_process(
    transactional_db: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real worker of every queue against the test's database and broker."""
    Redis.from_url(settings.BROKER_URL).flushdb()
    database = urlsplit(os.environ["DATABASE_URL"])._replace(
        path="/" + quote(connection.settings_dict["NAME"], safe="")
    )
    environment = {
        **os.environ,
        "DATABASE_URL": database.geturl(),
        "REMAP_SIGTERM": "SIGQUIT",
        "STATEMENT_TIMEOUT": "0",
    }
    log = tmp_path_factory.mktemp("worker") / "log"
    node = f"test-{os.getpid()}@localhost"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *WORKER, f"--hostname={node}", "--queues=default,rollup,files"],
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 30
        while not app.control.ping(destination=[node], timeout=0.5):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
