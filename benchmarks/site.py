"""The product and its limit, each as a web server of its own on the same machine."""

import http.client
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
PRODUCT_PORT = 18_431
BARE_PORT = 18_432


@contextmanager
def product() -> Iterator[int]:
    """Serve the product as `make run` does; yield its port."""
    from config.processes import COMMANDS

    with _served(COMMANDS["web"], PRODUCT_PORT, "/healthz", {"THROTTLE": "off"}):
        yield PRODUCT_PORT


@contextmanager
def bare(payload: bytes) -> Iterator[int]:
    """Serve `payload` from a Django view with nothing around it; yield its port."""
    from config.processes import COMMANDS

    command = [
        f"--port={BARE_PORT}"
        if part.startswith("--port=")
        else "benchmarks.bare:application"
        if part == "config.wsgi:application"
        else part
        for part in COMMANDS["web"]
    ]
    with tempfile.NamedTemporaryFile() as file:
        file.write(payload)
        file.flush()
        with _served(command, BARE_PORT, "/", {"BARE_PAYLOAD": file.name}):
            yield BARE_PORT


@contextmanager
def _served(command: list[str], port: int, path: str, extra: dict[str, str]) -> Iterator[None]:
    environment = {**os.environ, **extra}
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                if get(port, path)[0] == 200:
                    break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"Nothing answers on port {port}.")
        yield
    finally:
        process.terminate()
        process.wait(timeout=15)


def get(port: int, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """Return status and body of one GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    return answer.status, answer.read()
