"""What a process has answered, for Prometheus, and one line for each request if somebody wants to keep them.

It stands outside of everything, as an ASGI application around another. `GET /metrics` tells of all tenants in sums and
of none by name. It opens to a token of its own, or without one to whoever asks from this machine and through no proxy:
to everybody else it is as absent as any other path. Counters are those of one process; gauges are the store's.
"""

import asyncio
import hmac
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/metrics"
Gauges = Callable[[], Mapping[str, int]]
# Upper ends of the buckets of latency, microseconds.
BUCKETS_US: Final = (1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 5_000_000)
_SECOND_US = 1_000_000
_HERE = ("127.0.0.1", "::1")
_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via")
_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metered:
    """Counts what an application answers.

    Args:
        process: the name of this one among those that share a port.
        gauges:  what the store holds by now, by name.
        token:   opens the metrics; "": whoever asks from this machine.
        behind_proxy: everybody asks from this machine, since a proxy does, and few proxies say for whom: then nothing
                 opens the metrics but the token.
        log:     takes a line of JSON for each request; it holds no query, no id and no key.
    """

    def __init__(
        self,
        app: ASGIApp,
        process: str,
        gauges: Gauges,
        token: str = "",
        log: Callable[[str], None] | None = None,
        *,
        behind_proxy: bool = False,
    ) -> None:
        self._app, self._process, self._gauges, self._token, self._log = app, process, gauges, token, log
        self._behind_proxy = behind_proxy
        self._answers: Counter[tuple[str, str, int]] = Counter()
        self._buckets = [0] * (len(BUCKETS_US) + 1)
        self._sum_us = 0
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == PATH and scope["method"] == "GET" and self._may(scope):
            text = self.text(await run_in_threadpool(self._gauges))
            headers = {"Cache-Control": "no-store"}
            await PlainTextResponse(text, media_type=_TYPE, headers=headers)(scope, receive, send)
        else:
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began, status, size, method = loop.time(), 0, 0, _method(scope)

        async def seen(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        self._under_way += 1
        try:
            await self._app(scope, receive, seen)
        finally:
            self._under_way -= 1
            self._note(scope, method, status, size, int((loop.time() - began) * _SECOND_US))

    def _note(self, scope: Scope, method: str, status: int, size: int, took_us: int) -> None:
        path = getattr(scope.get("route"), "path_format", "") or ("/console" if _is_page(scope) else "")
        self._answers[method, path, status] += 1
        self._buckets[next((at for at, end in enumerate(BUCKETS_US) if took_us <= end), len(BUCKETS_US))] += 1
        self._sum_us += took_us
        if self._log is not None:
            told: dict[str, Any] = {"request": scope.get("state", {}).get("request_id"), "method": method}
            self._log(json.dumps({**told, "route": path, "status": status, "bytes": size, "took_us": took_us}))

    def _may(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        if self._token:
            return hmac.compare_digest(headers.get(b"authorization", b""), f"Bearer {self._token}".encode())
        client = scope.get("client")
        return (
            not self._behind_proxy
            and client is not None
            and client[0] in _HERE
            and not any(name in headers for name in _FORWARDED)
        )

    def text(self, gauges: Mapping[str, int]) -> str:
        """Return the metrics in the text format of Prometheus."""
        mine = f'process="{self._process}"'
        lines = [
            "# HELP spillway_requests_total Requests by route and status.",
            "# TYPE spillway_requests_total counter",
        ]
        for (method, path, status), count in sorted(self._answers.items()):
            labels = f'{mine},method="{method}",route="{path}",status="{status}"'
            lines.append(f"spillway_requests_total{{{labels}}} {count}")
        name = "spillway_request_duration_us"
        lines += [
            f"# HELP {name} Microseconds from the first byte of a request's head to its answer.",
            f"# TYPE {name} histogram",
        ]
        below = 0
        for end, count in zip((*BUCKETS_US, "+Inf"), self._buckets, strict=True):
            below += count
            lines.append(f'{name}_bucket{{{mine},le="{end}"}} {below}')
        lines += [f"{name}_sum{{{mine}}} {self._sum_us}", f"{name}_count{{{mine}}} {below}"]
        lines += [
            "# TYPE spillway_requests_under_way gauge",
            f"spillway_requests_under_way{{{mine}}} {self._under_way}",
        ]
        for name, value in sorted(gauges.items()):
            lines += [f"# TYPE {name.partition('{')[0]} gauge", f"{name} {value}"]
        return "\n".join(dict.fromkeys(lines)) + "\n"


def _is_page(scope: Scope) -> bool:
    return bool(scope["path"] == "/console" or scope["path"].startswith("/console/"))


def _method(scope: Scope) -> str:
    """The method, if it is one that anybody uses: whoever makes methods up must not make series up."""
    known = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
    return scope["method"] if scope["method"] in known else "OTHER"
