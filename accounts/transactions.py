"""The transaction of a service, begun again when PostgreSQL gave way to another's."""

import random
import time
from collections.abc import Callable
from functools import wraps
from itertools import count
from typing import ParamSpec, TypeVar

import psycopg.errors
from django.db import OperationalError, connection, transaction

P = ParamSpec("P")
T = TypeVar("T")

RETRIES = 3
GAVE_WAY = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)


def repeated_atomic(service: Callable[P, T]) -> Callable[P, T]:
    """
    Run `service` in a transaction, up to three times more after a deadlock.

    Inside another transaction it is part of that one, whose owner repeats the whole.
    """
    atomic = transaction.atomic(service)

    @wraps(service)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        for attempt in count():
            try:
                return atomic(*args, **kwargs)
            except OperationalError as error:
                mine = not connection.in_atomic_block and isinstance(error.__cause__, GAVE_WAY)
                if not mine or attempt == RETRIES:
                    raise
            # The jitter keeps two that met from meeting again.
            time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
        raise AssertionError

    return repeated
