"""A load generator for HTTP on this machine: raw requests over connections that stay open, and what each one took.

It does as little as it can between two requests, so that it is the server that is measured.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class Load(NamedTuple):
    """What a load came to: wall seconds, seconds of each request (sorted), and how many answers had which status."""

    wall_s: float
    took_s: list[float]
    statuses: dict[int, int]

    @property
    def per_s(self) -> float:
        """Answers per second."""
        return len(self.took_s) / self.wall_s

    def percentile_ms(self, percent: int) -> float:
        """Nearest-rank percentile of the time that a request took, in milliseconds."""
        return 1e3 * self.took_s[min(len(self.took_s) - 1, len(self.took_s) * percent // 100)]


def request(method: str, path: str, key: str = "", body: bytes = b"", kind: str = "application/json") -> bytes:
    """Return the bytes of a request."""
    head = [f"{method} {path} HTTP/1.1", "Host: localhost"]
    head += [f"Authorization: Bearer {key}"] if key else []
    head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*head, "", ""]).encode() + body


class _Connection:
    """One open connection, on which requests follow each other."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, data: bytes) -> int:
        """Send a request and return the status of its answer, once all of it has come."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(data)
        head = await reader.readuntil(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        length = int(head[at + 15 : head.index(b"\r\n", at)]) if at >= 0 else 0
        if length:
            await reader.readexactly(length)
        return int(head[9:12])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()


async def closed(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """Ask as fast as answers come, over so many connections, for so long or until there is nothing more to ask."""
    took: list[float] = []
    statuses: Counter[int] = Counter()
    begun = time.perf_counter()

    async def one() -> None:
        connection = _Connection(port)
        for data in requests:
            sent = time.perf_counter()
            if sent - begun > seconds:
                break
            statuses[await connection.ask(data)] += 1
            took.append(time.perf_counter() - sent)
        connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return Load(time.perf_counter() - begun, sorted(took), dict(statuses))


async def steady(port: int, data: bytes, per_s: float, connections: int, seconds: float) -> Load:
    """Ask at a fixed rate, whether or not answers come; a request's time counts from when it was due."""
    took: list[float] = []
    statuses: Counter[int] = Counter()
    due: asyncio.Queue[float | None] = asyncio.Queue()

    async def one() -> None:
        connection = _Connection(port)
        while (at := await due.get()) is not None:
            statuses[await connection.ask(data)] += 1
            took.append(time.perf_counter() - at)
        connection.close()

    begun = time.perf_counter()
    asking = [asyncio.create_task(one()) for _ in range(connections)]
    for number in range(int(per_s * seconds)):
        at = begun + number / per_s
        if (wait_s := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait_s)
        due.put_nowait(at)
    for _ in asking:
        due.put_nowait(None)
    await asyncio.gather(*asking)
    return Load(time.perf_counter() - begun, sorted(took), dict(statuses))


def again(data: Sequence[bytes]) -> Iterator[bytes]:
    """Yield requests, over and over."""
    while True:
        yield from data
