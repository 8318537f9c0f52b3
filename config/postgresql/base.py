"""The database connection, with a health check that costs no round trip."""

import select

from django.db.backends.postgresql import base
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
