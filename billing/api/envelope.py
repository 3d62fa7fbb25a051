"""What every request and every answer gets, whichever route it meets: an id, a limit of size, and closed caches.

It stands outside of the application, in plain ASGI, so that also a path that is nowhere, a body that never ends and a
fault of ours answer with a short problem, and that no answer of one tenant is kept by a cache for another.
"""

import logging
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from billing.api.problems import Problem, response
from billing.api.strict import BODY_BYTES_MAX

NO_STORE = b"private, no-store"
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"cache-control", NO_STORE),
    (b"vary", b"Authorization"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)
_ID_BYTES = 16
log = logging.getLogger("spillway.api")


class Envelope:
    """Wraps the application. `entropy(n)` gives the bytes of request ids."""

    def __init__(self, app: ASGIApp, entropy: Callable[[int], bytes]) -> None:
        self.app = app
        self.entropy = entropy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req_{self.entropy(_ID_BYTES).hex()}"
        scope.setdefault("state", {})["request_id"] = request_id
        started = False

        async def dressed(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                kept = [(name, value) for name, value in message["headers"] if name not in _OWN]
                message["headers"] = [*kept, *HEADERS, (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self.app(scope, _limited(scope, receive), dressed)
        except Problem as problem:
            if started:
                raise
            await response(problem)(scope, receive, dressed)
        except Exception as error:
            # The type alone: a message may quote what was sent, and what was sent may be a key.
            log.error("%s: %s while answering", request_id, type(error).__name__)
            if started:
                raise
            await response(Problem("internal"))(scope, receive, dressed)


_OWN = frozenset(name for name, _ in HEADERS) | {b"x-request-id", b"server"}


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Return `receive` with a limit on the bytes of the body, whatever the length that was declared."""
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    if not declared.isdigit() or int(declared[:20]) > BODY_BYTES_MAX:
        raise Problem("body_too_large")
    taken = 0

    async def limited() -> Any:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES_MAX:
            raise Problem("body_too_large")
        return message

    return limited
