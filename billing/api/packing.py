"""Answers that are packed with gzip on their way.

Only what is read is packed, and no page of the console. An answer that holds a secret beside words that somebody else
chose can be guessed from its length once it is packed (BREACH): secrets are told in answers to changes alone, and pages
hold the session's token for forms.
"""

import gzip
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Send

from billing.api.conditional import packed_tag

SMALLEST_BYTES: Final = 1_024  # below, the header costs more than the packing saves
_ASIDE_BYTES = 64 * 1_024  # above, packing would hold up other requests
_LEVEL = 5
_PACKED_TYPES = ("application/json", "application/problem+json", "text/csv")


def wants_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` header lets gzip in. Source: RFC 9110, 12.5.3."""
    for part in accept_encoding.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";")
        if name in ("gzip", "*"):
            return weight.removeprefix("q=").strip("0.") != "" if weight else True
    return False


class Packing:
    """Packs the answer to one request, if it comes in one piece and is worth it. Stands before `send`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Take a message of the answer."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        start, self._start = self._start, None
        if start is not None:
            if not message.get("more_body") and _worth_it(start, message.get("body", b"")):
                message = {**message, "body": await _packed(start, message["body"])}
            await self._send(start)
        await self._send(message)


def _worth_it(start: Message, body: bytes) -> bool:
    headers = MutableHeaders(raw=start["headers"])
    kind = headers.get("content-type", "").partition(";")[0]
    return len(body) >= SMALLEST_BYTES and kind in _PACKED_TYPES and "content-encoding" not in headers


async def _packed(start: Message, body: bytes) -> bytes:
    if len(body) > _ASIDE_BYTES:
        packed = await run_in_threadpool(_gzip, body)
    else:
        packed = _gzip(body)
    headers = MutableHeaders(raw=start["headers"])
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(packed))
    if "etag" in headers:
        headers["etag"] = packed_tag(headers["etag"])
    start["headers"] = headers.raw
    return packed


def _gzip(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)
