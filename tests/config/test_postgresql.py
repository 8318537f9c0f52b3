"""A connection that nothing can be done with is noticed before a request needs it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import connection, connections


@pytest.fixture
def other(db: None) -> Iterator[Any]:
    """A second connection, with its own session of the database."""
    other = connections.create_connection("default")
    other.ensure_connection()
    yield other
    other.close()


class TestHealthCheck:
    def test_notices_that_the_server_has_closed_it(self, other: Any) -> None:
        assert other.is_usable()
        pid = other.connection.info.backend_pid
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
            assert cursor.fetchone() == (True,)
        assert not other.is_usable()

    def test_notices_a_broken_transaction(self, other: Any) -> None:
        other.set_autocommit(False)
        with pytest.raises(psycopg.errors.DivisionByZero):
            other.connection.execute("SELECT 1 / 0")
        assert not other.is_usable()
        other.rollback()
        assert other.is_usable()
