"""The API's description as a page for people: one file without a script, which loads nothing."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from billing.documents.page import filled

Schema = Mapping[str, Any]
_JSON = "application/json"
_CSS = (
    "body{font:1rem/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;margin:0}"
    "main{max-width:60rem;margin:0 auto;padding:1rem}nav ul{columns:10rem;padding:0;list-style:none}"
    "details{border-top:1px solid #c9ced6;padding:.4rem 0}summary{cursor:pointer;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.2rem .6rem .2rem 0;"
    "overflow-wrap:break-word}pre{background:#f3f5f7;padding:.6rem;overflow:auto}a{color:#0b5cad}"
)
# The page's own style, known by its hash; nothing else is loaded or run.
CSP = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_CSS.encode()).digest()).decode()}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


def api_page(document: Schema) -> str:
    """Return the page of a description in OpenAPI 3.1."""
    operations = [
        _operation(document, path, method, each)
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    ]
    groups = [
        {
            "name": tag["name"],
            "about": tag["description"],
            "operations": [each for each in operations if each["tag"] == tag["name"]],
        }
        for tag in document["tags"]
    ]
    return filled("api.html.j2", info=document["info"], css=_CSS, groups=groups)


def _operation(document: Schema, path: str, method: str, operation: Schema) -> dict[str, Any]:
    refusals = [status for status in operation["responses"] if not status.startswith("2")]
    return {
        "tag": operation["tags"][0],
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "about": operation["description"],
        "scopes": ", ".join(scope for each in operation["security"] for scope in each["key"]),
        "roles": ", ".join(operation.get("x-roles", ())),
        "parameters": [
            {"name": each["name"], "place": each["in"], "about": each["description"]}
            for each in operation.get("parameters", ())
        ],
        "bodies": list(_bodies(document, operation)),
        "refusals": ", ".join(refusals),
    }


def _bodies(document: Schema, operation: Schema) -> Iterator[dict[str, Any]]:
    """What is sent and what is answered: the fields, and an example."""
    told = [("Request", operation.get("requestBody", {}))]
    told += [(f"Answer {status}", each) for status, each in operation["responses"].items() if status.startswith("2")]
    for title, each in told:
        content = each.get("content", {}).get(_JSON)
        if content:
            fields = _fields(document, content["schema"])
            yield {"title": title, "fields": fields, "example": json.dumps(content["example"], indent=2)}


def _fields(document: Schema, schema: Schema) -> list[dict[str, str]]:
    """The fields of an object; of a page those of a row; of one of several the first."""
    while "properties" not in schema:
        first: Schema = next(iter(schema.get("oneOf", ())), schema)
        inner = first.get("$ref")
        if inner is None:
            return []
        schema = document["components"]["schemas"][inner.rpartition("/")[2]]
    rows = schema["properties"].get("items", {}).get("items")
    if rows:
        return _fields(document, rows)
    return [{"name": name, "about": each.get("description", "")} for name, each in schema["properties"].items()]
