"""Whoever leaves half-way through a download leaves nothing behind in the server."""

import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.db import connection

from reports.models import Report
from reports.services.files.keeping import path_of

from .ledger import bearer, book, entry, person
from .reporting import made
from .test_totals import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

#: More than all buffers between the file and its reader hold.
SIZE = 64 * 1024**2


@dataclass
class Server:
    """A web server with one thread, which an unfinished download would hold for ever."""

    port: int
    process: subprocess.Popen[bytes]

    def has_open(self) -> Counter[str]:
        """Return what its processes have open, sockets and pipes without their numbers."""
        found: Counter[str] = Counter()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(folder.name)) != self.process.pid:
                    continue
                for link in (folder / "fd").iterdir():
                    found[re.sub(r"\[\d+\]", "", str(link.readlink()))] += 1
            except (FileNotFoundError, ProcessLookupError):
                continue
        return found

    def get(self, path: str, headers: dict[str, str]) -> bytes:
        client = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            client.request("GET", path, headers=headers)
            answer = client.getresponse()
            assert answer.status == 200
            return answer.read()
        finally:
            client.close()


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Server]:
    settings.REPORTS_DIR = tmp_path / "files"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    database = urlsplit(os.environ["DATABASE_URL"])._replace(
        path="/" + quote(connection.settings_dict["NAME"], safe="")
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface=wsgi", "--host=127.0.0.1",
         f"--port={port}", "--workers=1", "--blocking-threads=1", "--no-ws", "--log-level=error",
         "config.wsgi:application"],
        env={**os.environ, "DATABASE_URL": database.geturl(), "DATA_DIR": str(tmp_path)},
        start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield Server(port, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def big(server: Server) -> Report:
    """A ready report of SIZE bytes."""
    book(entry())
    report = made("ledger", "csv", by=person("office"))
    content = os.urandom(SIZE)
    path_of(report).write_bytes(content)
    Report.objects.update(size=SIZE, sha256=hashlib.sha256(content).hexdigest())
    report.refresh_from_db()
    return report


@pytest.fixture
def long_trail() -> None:
    """An audit trail whose CSV has more than SIZE bytes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_auditentry (at, via, request_id, action, subject_type, subject,"
            " after, reason) SELECT now(), 'task', '', 'try', 'x', n,"
            " jsonb_build_object('x', repeat('x', 2500)), '' FROM generate_series(1, 30000) n"
        )


def sessions() -> list[tuple[int, str]]:
    """Return the other sessions of the database and what each is at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, state FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend' ORDER BY pid"
        )
        return list(cursor.fetchall())


@contextmanager
def leaving(server: Server, path: str, headers: dict[str, str], farewell: str) -> Iterator[None]:
    """Ask for a file and read its beginning; at the end of the block the reader goes."""
    with socket.create_connection(("127.0.0.1", server.port)) as reader:
        if farewell == "reset":
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        reader.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 200 " in reader.recv(65_536)
        yield


@pytest.mark.parametrize("farewell", ["closed", "reset"])
def test_a_reader_who_leaves_is_forgotten_within_seconds(
    server: Server, big: Report, farewell: str
) -> None:
    headers = bearer(person("reader"))
    path = f"/api/v1/reports/{big.pk}/download/"
    assert hashlib.sha256(server.get(path, headers)).hexdigest() == big.sha256
    time.sleep(0.5)
    before, sessions_before = server.has_open(), sessions()
    assert sessions_before
    assert str(path_of(big)) not in before
    for _reader in range(3):
        with leaving(server, path, headers, farewell):
            wait_until(lambda: str(path_of(big)) in server.has_open())
    wait_until(lambda: server.has_open() == before, seconds=10)
    assert sessions() == sessions_before
    assert hashlib.sha256(server.get(path, headers)).hexdigest() == big.sha256


@pytest.mark.parametrize("farewell", ["closed", "reset"])
def test_an_auditor_who_leaves_holds_no_row_of_the_trail(
    server: Server, long_trail: None, farewell: str
) -> None:
    headers = bearer(person("reader", "auditor"))
    path = "/api/v1/audit/export/?action=try"
    whole = server.get(path, headers)
    assert len(whole) > SIZE
    time.sleep(0.5)
    before, sessions_before = server.has_open(), sessions()
    for _reader in range(3):
        with leaving(server, path, headers, farewell):
            # The reader is slow, and nothing waits for him in the database.
            wait_until(lambda: sessions() == sessions_before)
    wait_until(lambda: server.has_open() == before, seconds=10)
    assert server.get(path, headers) == whole
    assert sessions() == sessions_before
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_auditentry WHERE action = 'export_audit'")
        assert cursor.fetchone() == (5,)
