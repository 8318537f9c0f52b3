"""The embedded servers come up for the first user, stay for all, and survive kill -9."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from config.servers import POSTGRES_SETTINGS, ServerFailed, Servers, running

USE = """
import sys
from pathlib import Path
from config.servers import running
with running(Path(sys.argv[1]), durable=False):
    print("up", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders are closed to the user that PostgreSQL runs as.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        Servers(folder, durable=False).stop()


def use(folder: Path) -> subprocess.Popen[str]:
    """Return another process that uses the servers of `folder` until its input closes."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    return process


def leave(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=20)


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def ask(servers: Servers, sql: str) -> object:
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        answer = connection.execute(sql)
        return answer.fetchall()[0][0] if answer.description else None


class TestRunning:
    def test_starts_for_the_first_user_and_stops_after_the_last(self, folder: Path) -> None:
        with running(folder, durable=False) as servers:
            other = use(folder)
            pid = servers.postgres.pid()
        assert servers.postgres.pid() == pid
        leave(other)
        for server in (servers.postgres, servers.valkey):
            # The other one stopped them; their parent is this process.
            assert server.process
            server.process.wait(5)
        assert (servers.postgres.pid(), servers.valkey.pid()) == (0, 0)
        assert not servers.socket_dir.exists()

    def test_two_folders_do_not_meet(self, folder: Path) -> None:
        one, two = Servers(folder), Servers(folder / "other")
        assert one.database_url != two.database_url
        assert one.redis_url != two.redis_url

    def test_opens_no_port(self, folder: Path) -> None:
        with running(folder, durable=False) as servers:
            assert ask(servers, "SELECT current_setting('listen_addresses')") == ""

    def test_trigrams_know_chinese(self, folder: Path) -> None:
        with running(folder, durable=False) as servers:
            ask(servers, "CREATE EXTENSION pg_trgm")
            assert ask(servers, "SELECT cardinality(show_trgm('刺梨'))") == 3

    def test_the_servers_of_a_killed_user_serve_the_next(self, folder: Path) -> None:
        user = use(folder)
        user.kill()
        user.communicate()
        with running(folder, durable=False) as servers:
            assert ask(servers, "SELECT 1") == 1
        assert servers.postgres.pid() == 0

    def test_comes_up_after_everything_was_killed(self, folder: Path) -> None:
        user = use(folder)
        servers = Servers(folder, durable=False)
        for pid in (user.pid, servers.postgres.pid(), servers.valkey.pid()):
            kill(pid)
        user.communicate()
        with running(folder, durable=False) as servers:
            assert ask(servers, "SELECT 1") == 1
            assert servers.valkey.is_ready()

    def test_starts_a_killed_server_again(self, folder: Path) -> None:
        with running(folder, durable=False) as servers:
            kill(servers.postgres.pid())
            kill(servers.valkey.pid())
            deadline = time.monotonic() + 20
            while servers.postgres.pid() or servers.valkey.pid():
                assert time.monotonic() < deadline
            servers.tend()
            assert ask(servers, "SELECT 1") == 1

    def test_is_not_misled_by_the_pid_of_another_process(self, folder: Path) -> None:
        with running(folder, durable=False) as servers:
            pid_file = servers.postgres.pid_file
            lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
        with running(folder, durable=False) as servers:
            assert ask(servers, "SELECT 1") == 1

    def test_shows_the_end_of_the_log_when_a_server_fails(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(POSTGRES_SETTINGS, "shared_buffers", "nonsense")
        with (
            pytest.raises(ServerFailed, match="shared_buffers"),
            running(folder, durable=False),
        ):
            pass

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL another user")
    def test_moves_the_cluster_where_its_user_may_enter(self, folder: Path) -> None:
        folder.chmod(0o700)
        with running(folder, durable=False) as servers:
            kept = servers.postgres.folder.parent
            assert folder not in kept.parents
            assert ask(servers, "SELECT 1") == 1
        folder.chmod(0o755)
        shutil.rmtree(kept)
