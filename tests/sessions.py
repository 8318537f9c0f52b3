"""Work in other sessions of the database, and what this one makes it wait for."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from django.db import connection, transaction

T = TypeVar("T")


def wait_until_somebody_waits() -> None:
    """Return as soon as another session waits for a lock that this one holds."""
    with connection.cursor() as cursor:
        for _attempt in range(500):
            cursor.execute(
                "SELECT pg_sleep(0.02), EXISTS (SELECT FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
            )
            if cursor.fetchone()[1]:
                return
    raise AssertionError("Nobody waits.")


def in_own_session(work: Callable[[], T]) -> Callable[[], T]:
    """Return `work`, closing its thread's connection at the end."""

    def run() -> T:
        try:
            return work()
        finally:
            connection.close()

    return run


@contextmanager
def held_open(then: Callable[[], T]) -> Iterator[Future[T]]:
    """
    Run the block in a transaction and, before it commits, `then` in another session.

    The transaction stays open until that session waits for it; the future that is
    handed out ends after the commit.
    """
    with ThreadPoolExecutor(1) as pool:
        answer: Future[T] = Future()
        with transaction.atomic():
            yield answer
            running = pool.submit(in_own_session(then))
            wait_until_somebody_waits()
            assert not running.done()
        answer.set_result(running.result(30))
