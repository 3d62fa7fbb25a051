"""What every request and every answer gets, whichever route it meets: an id, a limit of size and time, closed caches,
packing, and HEAD where there is GET.

It stands outside of the application, in plain ASGI, so that also a path that is nowhere, a body that never ends and a
fault of ours answer with a short problem, and that no answer of one tenant is kept by a cache for another.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.api.packing import Packing, wants_gzip
from billing.api.problems import Problem, response
from billing.api.strict import BODY_BYTES_MAX

NO_STORE = b"private, no-store"
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", NO_STORE),
    (b"vary", b"Authorization, Accept, Accept-Encoding"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
BODY_WAIT_S = 20  # how long a body may take to come; who is slower is not waited for
_ID_BYTES = 16
_ID = re.compile(rb"(?!.*spw_)[A-Za-z0-9][A-Za-z0-9_.-]{7,63}")  # never a key that went astray
log = logging.getLogger("spillway.api")


class Envelope:
    """Wraps the application. `entropy(n)` gives the bytes of request ids, `body_wait_s` is how long a body may take."""

    def __init__(self, app: ASGIApp, entropy: Callable[[int], bytes], body_wait_s: int = BODY_WAIT_S) -> None:
        self.app = app
        self.entropy = entropy
        self.body_wait_s = body_wait_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = dict(scope["headers"])
        request_id = self._id_of(asked.get(b"x-request-id", b""))
        scope.setdefault("state", {})["request_id"] = request_id.decode()
        outer, started, is_head = scope, False, scope["method"] == "HEAD"
        if is_head:
            scope = {**scope, "method": "GET"}
        if scope["method"] == "GET" and wants_gzip(asked.get(b"accept-encoding", b"").decode("latin-1")):
            send = Packing(_without_body(send) if is_head else send)
        elif is_head:
            send = _without_body(send)

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                outer["route"] = scope.get("route")  # for whoever counts requests by it
                kept = [(name, value) for name, value in message["headers"] if name not in _OWN]
                more = [each for each in HEADERS if each[0] != _CSP or all(name != _CSP for name, _ in kept)]
                message["headers"] = [*kept, *more, (b"x-request-id", request_id)]
            await send(message)

        try:
            await self.app(scope, _limited(scope, receive, self.body_wait_s), dressed)
        except Problem as problem:
            if started:
                raise
            await response(problem)(scope, receive, dressed)
        except Exception as error:
            # The type alone: a message may quote what was sent, and what was sent may be a key.
            log.error("%s: %s while answering", request_id.decode(), type(error).__name__)
            if started:
                raise
            await response(Problem("internal"))(scope, receive, dressed)

    def _id_of(self, given: bytes) -> bytes:
        """The id that the client gave its request, if it is one; else a new one."""
        return given if _ID.fullmatch(given) else f"req_{self.entropy(_ID_BYTES).hex()}".encode()


_CSP = b"content-security-policy"  # a page of ours may name its own style
_OWN = (frozenset(name for name, _ in HEADERS) | {b"x-request-id", b"server"}) - {_CSP}


def _without_body(send: Send) -> Send:
    """Return `send` for an answer to HEAD: that of GET, without what it says."""

    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only


def _limited(scope: Scope, receive: Receive, wait_s: int) -> Receive:
    """Return `receive` with a limit on the bytes of the body, whatever the length that was declared, and on how long
    all of it may take."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared[:20]) > BODY_BYTES_MAX:
        raise Problem("body_too_large")
    taken, ended, until_s = 0, False, asyncio.get_running_loop().time() + wait_s

    async def limited() -> Any:
        nonlocal taken, ended
        if ended:  # what comes now is that the client has gone, which may take as long as it likes
            return await receive()
        try:
            async with asyncio.timeout_at(until_s):
                message = await receive()
        except TimeoutError:
            raise Problem("request_timeout") from None
        taken += len(message.get("body", b""))
        ended = not message.get("more_body", False)
        if taken > BODY_BYTES_MAX:
            raise Problem("body_too_large")
        return message

    return limited
