"""One call over HTTP, and again where that is safe: nobody answered, too fast, not ready.

Every change carries an Idempotency-Key, so that asking once more makes it once. Waits double from a second to half a
minute, with up to as much again by chance, so that many clients do not come back in step; a `Retry-After` is heeded.
"""

import gzip
import json
import time
from collections.abc import Callable, Mapping
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any
from urllib.parse import quote

import httpx2

from billing.client.errors import NoAnswer, error_of

TIMEOUT_S = 30
PACKED_FROM_BYTES = 8_192  # a body that is worth packing
_LONGEST_S = 30
_AGAIN = (429, 502, 503, 504)
_KEY_BYTES = 16

Chance = Callable[[int], bytes]


class Transport:
    """Sends requests with a key. See `billing.client.Client` for the arguments."""

    def __init__(
        self,
        url: str,
        key: str,
        chance: Chance,
        *,
        attempts: int = 5,
        pause: Callable[[int], None] = time.sleep,
        http: httpx2.Client | None = None,
    ) -> None:
        self._key, self._chance, self._attempts, self._pause = key, chance, attempts, pause
        self._url = url.rstrip("/")
        # Without it a body waits for the receipt of its head, 40 ms each time.
        at_once = httpx2.HTTPTransport(socket_options=[(IPPROTO_TCP, TCP_NODELAY, 1)])
        self._http = http or httpx2.Client(transport=at_once, timeout=TIMEOUT_S, follow_redirects=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ask(self, method: str, path: str, query: Mapping[str, Any], body: Any = None) -> Any:
        """Return the JSON of an answer. `query`: what is None is left out.

        Raises:
            ApiError: the API refused.
            NoAnswer: nobody answered, however often it was asked.
        """
        headers, content = {"Accept": "application/json"}, None
        if method != "GET":
            headers["Idempotency-Key"] = self._chance(_KEY_BYTES).hex()
        if body is not None:
            content = json.dumps(body, ensure_ascii=False).encode()
            headers["Content-Type"] = "application/json"
            if len(content) >= PACKED_FROM_BYTES:
                content, headers["Content-Encoding"] = gzip.compress(content, 6, mtime=0), "gzip"
        return _document(self._good(method, path, query, headers, content))

    def fetch(self, path: str, kind: str, query: Mapping[str, Any]) -> bytes:
        """Return what stands at a path in the form that a media type names. Raises as `ask`."""
        return self._good("GET", path, query, {"Accept": kind}, None).content

    def _good(
        self, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, str], content: bytes | None
    ) -> httpx2.Response:
        asked = {name: value for name, value in query.items() if value is not None}
        told = {"Authorization": f"Bearer {self._key}", **headers}
        answer = self._answered(method, path, params=asked, content=content, headers=told)
        if answer.is_success:
            return answer
        problem = _document(answer)
        request_id = answer.headers.get("X-Request-Id", "")
        raise error_of(answer.status_code, problem if isinstance(problem, dict) else {}, request_id)

    def _answered(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """An answer that no waiting makes better, or the last one."""
        for attempt in range(1, self._attempts + 1):
            wait_s = min(_LONGEST_S, 1 << (attempt - 1))
            wait_s += self._chance(1)[0] * (wait_s + 1) >> 8
            try:
                answer = self._http.request(method, self._url + path, **more)
            except httpx2.TransportError as error:
                if attempt == self._attempts:
                    # Its type alone: a message may hold the address with whatever stands in it.
                    raise NoAnswer(f"{self._url} does not answer ({type(error).__name__})") from None
            else:
                if answer.status_code not in _AGAIN or attempt == self._attempts:
                    return answer
                asked = answer.headers.get("Retry-After", "")
                wait_s = max(wait_s, min(int(asked), _LONGEST_S)) if asked.isdigit() else wait_s
            self._pause(wait_s)
        raise AssertionError("at least one attempt")


def quoted(value: object) -> str:
    """Return a path parameter as a part of a path."""
    return quote(str(value), safe="")


def _document(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
