"""
`make run`: the servers, web, workers and beat in the foreground, until Ctrl-C or TERM.

A child that ends by itself is started again, and so is a server; one that keeps ending
stops everything, because a person should look.
"""

import contextlib
import ctypes
import fcntl
import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from .servers import ServerFailed, Servers, configured, data_dir

HOST = os.environ.get("HOST", "127.0.0.1")
PORT = os.environ.get("PORT", "8000")
# Everything must be gone ten seconds after TERM; the servers need some of them.
GRACE = 6.0
RESTARTS = 5
RESTARTS_WITHIN = 60.0
READY_WITHIN = 60.0

# As root in a container the worker would say at each start that it is root.
WORKER = ["-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "-A", "config",
          "worker", "--without-gossip", "--without-mingle", "--concurrency=1"]  # fmt: skip
COMMANDS = {
    # A slow download holds a thread to its end: 32 of them, before a proxy must buffer. More
    # threads would cost the API itself, and each keeps a database connection.
    "web": ["-m", "granian", "--interface=wsgi", f"--host={HOST}", f"--port={PORT}", "--workers=2",
            "--blocking-threads=16", "--no-ws", "--log-level=error", "--respawn-failed-workers",
            "--workers-kill-timeout=4", "config.wsgi:application"],
    # Two nodes: an hour of files must not hold up the totals.
    "worker": [*WORKER, "--hostname=tasks@%h", "--queues=default,rollup"],
    "files": [*WORKER, "--hostname=files@%h", "--queues=files"],
    "beat": ["-m", "celery", "--quiet", "-A", "config", "beat", "--pidfile=",
             f"--schedule={data_dir() / 'beat'}"],
}  # fmt: skip


class Child:
    """One process, in a group of its own so that Ctrl-C reaches only its parent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ended: list[float] = []
        self.start()

    def start(self) -> None:
        # TERM to a worker gives running tasks CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT, then
        # puts them back in the queue.
        environment = {**os.environ, "REMAP_SIGTERM": "SIGQUIT"}
        if self.name != "web":
            environment["STATEMENT_TIMEOUT"] = "0"
        self.process = subprocess.Popen(
            [sys.executable, *COMMANDS[self.name]],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent,
            env=environment,
        )

    def tend(self) -> None:
        """Start the process again if it ended; exit when it does so too often."""
        status = self.process.poll()
        if status is None:
            return
        self.signal(signal.SIGKILL)
        now = time.monotonic()
        self.ended = [moment for moment in self.ended if moment > now - RESTARTS_WITHIN] + [now]
        print(f"{self.name} ended with status {status}.", file=sys.stderr, flush=True)
        if len(self.ended) > RESTARTS:
            sys.exit(f"{self.name} ended {len(self.ended)} times within a minute: stopping.")
        time.sleep(0.2 * len(self.ended))
        self.start()

    def signal(self, signum: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signum)


def main() -> None:
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    try:
        with _only_one(data_dir()), configured() as servers:
            _port_is_free()
            import django

            django.setup()
            fresh = _migrate()
            people = _demo() if fresh else None
            with _children() as children:
                # What readiness waits for goes first: start-up is bound by the processor.
                children += [Child("web"), Child("worker")]
                people = people or _demo()
                _wait_until_ready(children, servers)
                children += [Child("files"), Child("beat")]
                _greet(people)
                while True:
                    _tend(children, servers)
    except ServerFailed as failure:
        sys.exit(str(failure))


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit(f"Another `make run` uses {folder}; give this one its own DATA_DIR and PORT.")
        yield


def _port_is_free() -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(PORT)))
        except OSError as error:
            sys.exit(f"Cannot listen on {HOST}:{PORT}: {error.strerror}. Set PORT to another one.")


def _migrate() -> bool:
    """Apply what is missing and tell whether anything was."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    pending = bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if pending:
        call_command("migrate", interactive=False, verbosity=1)
    return pending


def _demo() -> dict[str, list[dict[str, Any]]]:
    """Load the demo if it is not there yet; return its people, with new keys."""
    from django.conf import settings
    from django.core.management import call_command, get_commands

    if settings.PRODUCTION or "demo" not in get_commands():
        return {}
    output = io.StringIO()
    call_command("demo", "--json", stdout=output)
    people: dict[str, list[dict[str, Any]]] = json.loads(output.getvalue())
    return people


@contextlib.contextmanager
def _children() -> Iterator[list[Child]]:
    children: list[Child] = []
    try:
        yield children
    finally:
        for child in children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + GRACE
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
            # The group, because a killed parent leaves its pool behind.
            child.signal(signal.SIGKILL)
            child.process.wait()


def _tend(children: list[Child], servers: Servers | None) -> None:
    time.sleep(0.2)
    if servers:
        servers.tend()
    for child in children:
        child.tend()


def _wait_until_ready(children: list[Child], servers: Servers | None) -> None:
    deadline = time.monotonic() + READY_WITHIN
    host = "127.0.0.1" if HOST in {"0.0.0.0", "::"} else HOST  # noqa: S104 - only compared
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{host}:{PORT}/readyz", timeout=5).close()
        except OSError:
            _tend(children, servers)
        else:
            return
    sys.exit(f"The product was not ready within {READY_WITHIN:.0f} s; the log above says why.")


def _greet(people: dict[str, list[dict[str, Any]]]) -> None:
    address = f"http://{HOST}:{PORT}"
    lines = [f"Ready: {address}"]
    lines += [
        f"  {address}{path}" for path in ("/dashboard/", "/office/", "/admin/", "/api/v1/docs/")
    ]
    for buyer in people.get("buyers", []):
        lines.append(f"Buyer {buyer['code']} {buyer['name']}")
        lines += [f"  {role:10} {key}" for role, key in buyer["keys"].items()]
    for supplier in people.get("suppliers", []):
        lines.append(f"Supplier {supplier['code']} {supplier['name']}")
        lines.append(f"  {supplier['username']} / {supplier['password']}  {supplier['key']}")
    for person in people.get("staff", []):
        lines.append(f"Staff {person['role']:9} {person['username']} / {person['password']}")
        lines.append(f"  {person['key']}")
    print("\n".join(lines), flush=True)


def _leave(signum: int, frame: object) -> NoReturn:
    # Stopping is not interrupted by a second Ctrl-C.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(0)


def _die_with_parent() -> None:
    # A killed supervisor cannot stop anybody, so the kernel does.
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # 1 is PR_SET_PDEATHSIG


if __name__ == "__main__":
    main()
