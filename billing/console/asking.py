"""The console asks the API, as anybody does: one request for each figure, in this process and without a key.

What it says is then what the API says, to the byte, with the same policy, checks, idempotency and row of the audit log;
and each answer knows the path that returns it. A request carries the scope of the session in `SIGNED_IN`, where no
request from outside can put anything.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlencode

from starlette.types import ASGIApp, Message

from billing.api.guard import SIGNED_IN
from billing.api.idempotency import HEADER
from tenants.access.scope import Scope

JSON = "application/json"


class Answer(NamedTuple):
    """What the API said. `data` is its JSON, `link` the path and query that return it."""

    status: int
    data: Any
    link: str

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for, and no problem document."""
        return self.status < 300

    @property
    def items(self) -> list[dict[str, Any]]:
        """The rows of a list; none if there is no answer."""
        found: list[dict[str, Any]] = self.data["items"] if self.ok else []
        return found

    @property
    def more(self) -> str:
        """The cursor of the next page, "" on the last."""
        return (self.data.get("next") or "") if self.ok else ""


class File(NamedTuple):
    """Bytes to be kept under a name."""

    name: str
    content_type: str
    body: bytes


class Refused(Exception):
    """The API refused what a page cannot do without. `answer` holds its problem."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.link}")
        self.answer = answer


class Ask:
    """Asks the API for whoever is signed in."""

    def __init__(self, api: ASGIApp, scope: Scope, client: tuple[str, int] | None) -> None:
        self._api, self._client = api, client
        self.scope = scope

    async def get(self, path: str, /, **query: str | int | None) -> Answer:
        """Read; parameters that are None or "" are left out."""
        text = encoded({name.rstrip("_"): str(value) for name, value in query.items() if value not in (None, "")})
        link = f"{path}?{text}" if text else path
        status, _, body = await self._request("GET", path, text, b"", {"accept": JSON})
        return Answer(status, read(body), link)

    async def need(self, path: str, /, **query: str | int | None) -> Answer:
        """Read what the page is about. Raises Refused."""
        answer = await self.get(path, **query)
        if not answer.ok:
            raise Refused(answer)
        return answer

    async def send(self, method: str, path: str, body: Any = None, once: str = "", match: str = "") -> Answer:
        """Change something, once for each `once`; `match` is the ETag that a change is made to."""
        headers = {"accept": JSON}
        if once:
            headers[HEADER.lower()] = once
        if match:
            headers["if-match"] = match
        sent = b""
        if body is not None:
            sent = json.dumps(body).encode()
            headers |= {"content-type": JSON, "content-length": str(len(sent))}
        status, _, answered = await self._request(method, path, "", sent, headers)
        return Answer(status, read(answered), path)

    async def file(self, name: str, path: str, accept: str, /, **query: str) -> File:
        """Read something that is kept as it is. Raises Refused."""
        text = encoded(query)
        status, kind, body = await self._request("GET", path, text, b"", {"accept": accept})
        if status >= 300:
            raise Refused(Answer(status, read(body), f"{path}?{text}" if text else path))
        return File(name, kind, body)

    async def _request(
        self, method: str, path: str, query: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, str, bytes]:
        sent: list[Message] = []
        asked = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": self._client,
            "server": None,
            SIGNED_IN: self.scope,
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._api(asked, receive, send)
        kinds = dict(sent[0].get("headers", []))
        whole = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], kinds.get(b"content-type", b"").decode(), whole


def encoded(query: Mapping[str, str]) -> str:
    """Return a query as people read it: times and lists keep their colons and commas."""
    return urlencode(query, safe=":,/")


def at(path: str, **ids: str) -> str:
    """Return a path with its ids, whatever they are made of: at("/v1/keys/{id}", id=...)."""
    return path.format(**{name: quote(value, safe="") for name, value in ids.items()})


def read(body: bytes) -> Any:
    """Return JSON, None for what is none."""
    try:
        return json.loads(body)
    except ValueError:
        return None
