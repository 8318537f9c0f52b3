"""A closed-loop HTTP client: some connections, each sends its next request when answered."""

import multiprocessing
import selectors
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import repeat

CRLF2 = b"\r\n\r\n"


@dataclass(frozen=True)
class Load:
    """What a window of load came to: answers a second, and how many of each status."""

    per_second: float
    statuses: Counter[int]


def request(
    path: str, *, method: str = "GET", headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """Return the bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + CRLF2 + body


def offer(
    port: int,
    requests: Callable[[int], Iterator[bytes]],
    *,
    seconds: float,
    connections: int = 8,
    processes: int = 2,
) -> Load:
    """
    Keep `connections` busy for `seconds`; `requests(n)` yields what connection n sends.

    A connection whose requests run out stops. The first fifth of the window warms
    up and does not count.
    """
    queue: multiprocessing.Queue[tuple[float, Counter[int]]] = multiprocessing.Queue()
    share = connections // processes
    workers = [
        multiprocessing.Process(
            target=_drive,
            args=(queue, port, [requests(n * share + i) for i in range(share)], seconds),
        )
        for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=seconds * 3 + 60) for _ in workers]
    for worker in workers:
        worker.join()
    return Load(
        per_second=sum(rate for rate, _ in results),
        statuses=sum((statuses for _, statuses in results), Counter()),
    )


def same(payload: bytes) -> Callable[[int], Iterator[bytes]]:
    """Every connection sends `payload` over and over."""
    return lambda _: repeat(payload)


def _drive(
    queue: "multiprocessing.Queue[tuple[float, Counter[int]]]",
    port: int,
    sources: list[Iterator[bytes]],
    seconds: float,
) -> None:
    selector = selectors.DefaultSelector()
    for source in sources:
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(next(source))
        selector.register(connection, selectors.EVENT_READ, (source, bytearray()))
    statuses: Counter[int] = Counter()
    counted = 0
    start = time.monotonic()
    warm, end = start + seconds / 5, start + seconds
    now = last = start
    while now < end and selector.get_map():
        for key, _ in selector.select(timeout=1):
            connection = key.fileobj
            assert isinstance(connection, socket.socket)
            source, buffer = key.data
            received = connection.recv(1 << 18)
            buffer += received
            status = _complete(buffer) if received else 0
            if status is None:
                continue
            statuses[status] += 1
            last = time.monotonic()
            counted += last > warm
            buffer.clear()
            following = next(source, None) if received else None
            if following is None:
                selector.unregister(connection)
                connection.close()
            else:
                connection.sendall(following)
        now = time.monotonic()
    queue.put((counted / max(last - warm, 1e-9) if counted else 0.0, statuses))


def _complete(buffer: bytearray) -> int | None:
    """Return the status of the response in `buffer`, or None while some of it is missing."""
    head = buffer.find(CRLF2)
    if head < 0:
        return None
    headers = bytes(buffer[:head]).lower()
    mark = headers.find(b"content-length:")
    if mark < 0:
        raise ValueError("The benchmark's client needs answers with a Content-Length.")
    length = int(headers[mark + 15 :].split(b"\r\n", 1)[0])
    if len(buffer) < head + 4 + length:
        return None
    return int(headers.split(b" ", 2)[1])
