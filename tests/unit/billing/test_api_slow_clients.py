"""Clients that dribble: nobody is waited for without end, and whoever is cut off holds up nobody."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from billing.api.envelope import Envelope
from billing.api.strict import BODY_BYTES_MAX
from sim.cli import serve_http
from sim.cli.serve_http import server_of


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Reads a body to its end and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message["body"]), message.get("more_body", False)
    told = str(size).encode()
    length = (b"content-length", str(len(told)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": told})


def sent_to(app: Any, *chunks: bytes, ends: bool) -> tuple[int, bytes]:
    """Status and body of the answer to a body in chunks, without a length; one that does not end is held back."""
    answer: list[Any] = []
    waiting = [{"type": "http.request", "body": each, "more_body": True} for each in chunks]

    async def receive() -> Any:
        if waiting:
            return waiting.pop(0)
        if not ends:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        answer.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"transfer-encoding", b"chunked")]}
    asyncio.run(app(scope, receive, send))
    return answer[0]["status"], answer[1]["body"]


def test_a_body_that_is_held_back_is_not_waited_for() -> None:
    app = Envelope(echo, lambda count: bytes(count), body_wait_s=0)
    assert sent_to(Envelope(echo, lambda count: bytes(count)), b"ab", b"c", ends=True) == (200, b"3")
    status, body = sent_to(app, ends=False)
    assert status == 408 and json.loads(body)["type"] == "urn:spillway:problem:request_timeout"


def test_a_body_without_a_length_is_limited_as_it_comes() -> None:
    app = Envelope(echo, lambda count: bytes(count))
    status, body = sent_to(app, *[b"x" * 100_000] * (BODY_BYTES_MAX // 100_000 + 1), ends=True)
    assert status == 413 and json.loads(body)["type"] == "urn:spillway:problem:body_too_large"


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Where a server listens that waits a second for a head."""
    monkeypatch.setattr(serve_http, "HEAD_WAIT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = server_of(echo, 0)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


def test_a_head_that_does_not_come_is_cut_off(port: int) -> None:
    whole = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
    with socket.create_connection(("127.0.0.1", port), timeout=10) as quick:
        for _ in range(2):  # the second request of a connection has as long as the first
            quick.sendall(whole)
            told = b""
            while not told.endswith(b"\r\n\r\n1"):
                told += quick.recv(1_000)
        quick.sendall(whole[:20])
        began = time.monotonic()
        _until_closed(quick)
        assert time.monotonic() - began < 9
    with socket.create_connection(("127.0.0.1", port), timeout=10) as slow:
        _until_closed(slow, whole[:30])


def _until_closed(connection: socket.socket, dribble: bytes = b"") -> None:
    """Return when the other side has closed; a dribble is sent byte by byte until then."""
    connection.settimeout(0.1)
    until = time.monotonic() + 9
    for byte in dribble:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(1_000) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return
    connection.settimeout(max(0.1, until - time.monotonic()))
    try:
        while connection.recv(1_000):
            pass
    except ConnectionError:
        return
