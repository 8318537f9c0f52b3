"""The database connection: a health check without a round trip, and prepared statements."""

import select

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import CursorWrapper
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that is checked before each request by looking at its socket."""

    def is_usable(self) -> bool:
        """
        Tell whether the server still answers.

        A server that stops closes its connections, so one on which nothing has
        arrived is in order; only one that has something to say is asked aloud.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.INERROR:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()

    def preparing_cursor(self) -> CursorWrapper:
        """
        Return a cursor whose repeated statements the server parses and plans once.

        Django's own cursors write the parameters into the statement, which then never
        repeats. For statements that find their rows by keys, whatever the parameters: a
        plan that suits only some of them would stay for all.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        return self._prepare_cursor(psycopg.Cursor(self.connection))  # type: ignore[attr-defined,no-any-return]
