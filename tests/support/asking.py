"""Asking an application over HTTP: requests as data, answers as bytes, routes and bodies from the application itself.

What the engines share. A world (`World`) is an application with two tenants, "own" and "other"; routes are read from
`app.routes`, bodies from openapi.json, so a new route is asked without a new test.
"""

import asyncio
import atexit
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

# What an answer says about itself, and not about what was asked.
PER_ANSWER = ("date", "server")
_LOOP = asyncio.new_event_loop()
atexit.register(_LOOP.close)


class Ask(NamedTuple):
    """A request. `body` is JSON, or bytes as they are."""

    method: str
    path: str
    key: str = ""
    body: Any = None
    headers: Mapping[str, str | bytes] = {}


class Answer(NamedTuple):
    """What came back: all of it that a caller can see."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def seen(self) -> bytes:
        """All bytes of the answer."""
        head = "".join(f"{name}: {value}\n" for name, value in self.headers)
        return f"{self.status}\n{head}\n".encode() + self.body


class World(Protocol):
    """An application with two tenants, and what the engines must know of it."""

    app: FastAPI
    client: "Client"

    def key(self, role: str) -> str:
        """A live key of the role: of the tenant "own" for member and tenant_admin. "ROLE without SCOPE" has all scopes
        of its role but one."""

    def object(self, kind: str, whose: str, fresh: bool = False) -> str:
        """The id of an object that is "own", "other" (the other tenant's) or "missing"; a new one if `fresh`."""

    def bad_keys(self) -> Mapping[str, tuple[str, int]]:
        """Texts that are no live key, by form, with the status that each must meet."""

    def steady(self, start: int | None = None) -> None:
        """Make the next answer depend on its question alone: rate limits and chance start anew, at `start` if given."""

    def database(self) -> Mapping[str, object]:
        """The content of every table, but for what asking leaves behind in any case: last uses and the audit log."""

    def audit_rows(self) -> int:
        """How many rows the audit log has, over all tenants."""


def routes_of(app: FastAPI) -> list[tuple[str, str]]:
    """(method, path) of every route of an application, mounted and undocumented ones too; HEAD goes with GET."""
    found = []
    for route in iter_route_contexts(app.routes):
        methods = sorted((getattr(route, "methods", None) or {"MOUNT"}) - {"HEAD"})
        found += [(method, str(route.path)) for method in methods]
    return sorted(found)


class Client:
    """Asks an application as a server would, in this process: an ASGI call, without sockets, threads or a library."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def send(self, ask: Ask, address: str = "198.51.100.7") -> Answer:
        """The answer to one request."""
        path, _, query = ask.path.partition("?")
        body = ask.body if isinstance(ask.body, bytes) else b"" if ask.body is None else json.dumps(ask.body).encode()
        headers = [(b"host", b"api.test")]
        if ask.body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if ask.key:
            headers.append((b"authorization", f"Bearer {ask.key}".encode("latin-1")))
        given = {name.lower().encode(): _raw(value) for name, value in ask.headers.items()}
        headers = [pair for pair in headers if pair[0] not in given] + list(given.items())
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": ask.method, "scheme": "https",
            "path": unquote(path), "raw_path": path.encode(), "root_path": "", "query_string": query.encode(),
            "headers": headers, "client": (address, 40_000), "server": ("api.test", 443), "state": {},
        }  # fmt: skip
        status, told, content = _LOOP.run_until_complete(self._call(scope, body))
        kept = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in told)
        return Answer(status, tuple(pair for pair in kept if pair[0] not in PER_ANSWER), content)

    async def _call(self, scope: dict[str, Any], body: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        sent: list[Any] = []
        asked = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def receive() -> Any:
            return next(asked, {"type": "http.disconnect"})

        async def answer(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, answer)
        return sent[0]["status"], list(sent[0]["headers"]), b"".join(each.get("body", b"") for each in sent)


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def send(client: Client, ask: Ask) -> Answer:
    """The answer to one request."""
    return client.send(ask)


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A path with its parameters filled in."""
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def body_of(app: FastAPI, method: str, path: str, hints: Mapping[str, Any] | None = None) -> Any:
    """The smallest body that openapi.json allows for a route; None where it takes none. `hints` by field name."""
    schema = request_schema(app, method, path)
    return None if schema is None else example(schema, app.openapi(), hints or {})


def request_schema(app: FastAPI, method: str, path: str) -> Mapping[str, Any] | None:
    """The schema of a route's body in openapi.json; None where it takes none."""
    operation = app.openapi()["paths"].get(path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    return next((each["schema"] for each in content.values()), None)


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema with its reference followed; of alternatives the first that is not null."""
    while "$ref" in schema or "anyOf" in schema or "oneOf" in schema:
        if "$ref" in schema:
            node: Any = document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                node = node[part]
            schema = node
        else:
            ways = schema.get("anyOf") or schema["oneOf"]
            schema = next((each for each in ways if each.get("type") != "null"), ways[0])
    return schema


def example(schema: Mapping[str, Any], document: Mapping[str, Any], hints: Mapping[str, Any]) -> Any:
    """The smallest value of a schema, with the given values for fields that are hinted at."""
    schema = resolved(schema, document)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type", "object")
    if kind == "object":
        fields = schema.get("properties", {})
        wanted = [name for name in fields if name in schema.get("required", ()) or name in hints]
        return {name: hints[name] if name in hints else example(fields[name], document, hints) for name in wanted}
    if kind == "array":
        return [example(schema["items"], document, hints)] * max(1, schema.get("minItems", 0))
    if kind == "string":
        return (
            ("x" * max(1, schema.get("minLength", 1)))
            if "pattern" not in schema
            else "a" * max(3, schema.get("minLength", 1))
        )
    return {"integer": max(1, int(schema.get("minimum", 1))), "number": 1, "boolean": True}.get(kind)


def fields_of(app: FastAPI, method: str, path: str) -> Iterator[str]:
    """The names of the fields of a route's body, at the top."""
    schema = request_schema(app, method, path)
    if schema is not None:
        yield from resolved(schema, app.openapi()).get("properties", {})
