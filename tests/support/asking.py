"""Asking an application over HTTP: requests as data, answers as bytes, routes and bodies from the application itself.

What the engines share. A world (`World`) is an application with two tenants, "own" and "other"; routes are read from
`app.routes`, bodies from openapi.json, so a new route is asked without a new test.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

# What an answer says about itself, and not about what was asked.
PER_ANSWER = ("date", "server")


class Ask(NamedTuple):
    """A request. `body` is JSON, or bytes as they are."""

    method: str
    path: str
    key: str = ""
    body: Any = None
    headers: Mapping[str, str] = {}


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
    client: TestClient

    def key(self, role: str) -> str:
        """A live key of the role: of the tenant "own" for member and tenant_admin."""

    def object(self, kind: str, whose: str, fresh: bool = False) -> str:
        """The id of an object that is "own", "other" (the other tenant's) or "missing"; a new one if `fresh`."""

    def bad_keys(self) -> Mapping[str, tuple[str, int]]:
        """Texts that are no live key, by form, with the status that each must meet."""

    def steady(self) -> None:
        """Make the next answer depend on its question alone: clock, request ids and rate limits start anew."""

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


def send(client: TestClient, ask: Ask) -> Answer:
    """The answer to one request."""
    headers = dict(ask.headers)
    if ask.key:
        headers.setdefault("Authorization", f"Bearer {ask.key}")
    content = (
        {"content": ask.body} if isinstance(ask.body, bytes) else {"json": ask.body} if ask.body is not None else {}
    )
    got = client.request(ask.method, ask.path, headers=headers, **content)
    kept = tuple((name, value) for name, value in got.headers.multi_items() if name not in PER_ANSWER)
    return Answer(got.status_code, kept, got.content)


def filled(path: str, ids: Mapping[str, str]) -> str:
    """A path with its parameters filled in."""
    for name, value in ids.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def body_of(app: FastAPI, method: str, path: str, hints: Mapping[str, Any] | None = None) -> Any:
    """The smallest body that openapi.json allows for a route; None where it takes none. `hints` by field name."""
    document = app.openapi()
    operation = document["paths"].get(path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return None
    schema = next(iter(content.values()))["schema"]
    return example(schema, document, hints or {})


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
    operation = app.openapi()["paths"].get(path, {}).get(method.lower(), {})
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from resolved(content["schema"], app.openapi()).get("properties", {})
