"""The typed half of the client, written from the description of the API.

    python tests/support/client_source.py       # after a route has changed

`tests/unit/billing/test_client.py` holds what is there to what this writes.
"""

import keyword
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Schema = Mapping[str, Any]
ROOT = Path(__file__).resolve().parents[2]
_PAGE = "Page_"
_SHAPES = '''"""Requests and answers of the API, as it describes them.

Written by tests/support/client_source.py; it is long because the API is.
"""

from __future__ import annotations

from typing import Any, Generic, Literal, NotRequired, TypedDict, TypeVar

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """Some rows of a list; `next` is the cursor of the page behind it, None on the last one."""

    items: list[T]
    next: str | None
'''
_OPERATIONS = '''"""A method for every operation of the API.

Written by tests/support/client_source.py; it is long because the API is.
"""

from typing import Any, Literal

from billing.client import shapes as s
from billing.client.transport import Transport, quoted


class Operations(Transport):
    """See `billing.client.Client`. All methods raise ApiError where the API refuses, NoAnswer where it is not there."""
'''


def written(document: Schema) -> dict[str, str]:
    """Return the text of each module by its path, not yet formatted."""
    return {
        "billing/client/shapes.py": _SHAPES + "".join(_shapes(document)),
        "billing/client/operations.py": _OPERATIONS + "".join(_operations(document)),
    }


def formatted(text: str, path: str) -> str:
    """Return a text as the house formats it."""
    ruff = [sys.executable, "-m", "ruff"]
    fix = [*ruff, "check", "--quiet", "--fix", "--select", "I,F401", "--stdin-filename", path, "-"]
    lint = subprocess.run(fix, input=text, capture_output=True, text=True, check=True, cwd=ROOT)
    shape = [*ruff, "format", "--quiet", "--stdin-filename", path, "-"]
    return subprocess.run(shape, input=lint.stdout, capture_output=True, text=True, check=True, cwd=ROOT).stdout


def _shapes(document: Schema) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name.startswith(_PAGE) or name in _skipped(document):
            continue
        must = set(schema.get("required", ()))
        kinds = {field: _kind(each, "") for field, each in schema.get("properties", {}).items()}
        kinds = {field: kind if field in must else f"NotRequired[{kind}]" for field, kind in kinds.items()}
        if any(map(keyword.iskeyword, kinds)):  # what no class can spell
            inner = ", ".join(f"\"{field}\": '{kind}'" for field, kind in kinds.items())
            yield f'\n\n{name} = TypedDict("{name}", {{{inner}}})\n'
            continue
        yield f"\n\nclass {name}(TypedDict):\n{_told(schema, 4)}" + "\n" * bool(kinds)
        yield from (f"    {field}: {kind}\n" for field, kind in kinds.items())


def _skipped(document: Schema) -> set[str]:
    """Schemas of no object: they are spelt out where they stand."""
    return {name for name, schema in document["components"]["schemas"].items() if schema.get("type") != "object"} | {
        "OpenApi"
    }


def _operations(document: Schema) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield "\n" + _operation(document, path, method.upper(), operation)


def _operation(document: Schema, path: str, method: str, operation: Schema) -> str:
    given = [each for each in operation.get("parameters", ()) if each["in"] != "header"]
    places = [each["name"] for each in given if each["in"] == "path"]
    asked = [each for each in given if each["in"] == "query"]
    words = ["self", *(f"{_word(name)}: str" if _is_text(given, name) else f"{_word(name)}: int" for name in places)]
    body = operation.get("requestBody")
    if body:
        words.append(f"body: {_kind(_json(body['content']), 's.')}")
    if asked:
        words.append("*")
    words += [f"{_word(each['name'])}: {_asked(each)}" for each in asked]
    good = next(each for status, each in operation["responses"].items() if status.startswith("2"))
    answer = _kind(_json(good.get("content", {})), "s.")
    route = path
    for name in places:
        route = route.replace(f"{{{name}}}", f"{{quoted({_word(name)})}}")
    query = ", ".join(f'"{each["name"]}": {_word(each["name"])}' for each in asked)
    call = f'"{method}", {"f" * bool(places)}"{route}", {{{query}}}' + ", body" * bool(body)
    return (
        f"    def {operation['operationId']}({', '.join(words)}) -> {answer}:\n"
        f"{_told(operation, 8)}"
        f"        answer: {answer} = self.ask({call})\n        return answer\n"
    )


def _json(content: Schema) -> Schema:
    found: Schema = content.get("application/json", {}).get("schema", {})
    return found


def _is_text(given: list[Schema], name: str) -> bool:
    return next(each["schema"].get("type") for each in given if each["name"] == name) != "integer"


def _asked(parameter: Schema) -> str:
    """The type of a parameter of the query, and None where it may be left out."""
    kind = _kind(parameter["schema"], "s.")
    if parameter.get("required"):
        return kind
    return f"{kind} = None" if kind.endswith("| None") else f"{kind} | None = None"


def _word(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _told(schema: Schema, indent: int) -> str:
    """The first paragraph of a description, as a docstring."""
    text = str(schema.get("description") or schema.get("summary") or "See the description of the API.")
    words = '"""' + " ".join(text.strip().split("\n\n")[0].split()) + '"""'
    return "".join(f"{' ' * indent}{line}\n" for line in textwrap.wrap(words, 118 - indent))


def _kind(schema: Schema, home: str) -> str:
    """Return the Python type of a schema. `home` stands before the names of shapes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name.startswith(_PAGE):
            return f"{home}Page[{home}{name.removeprefix(_PAGE).rstrip('_')}]"
        return "dict[str, Any]" if name == "OpenApi" else f"{home}{name}"
    ways = schema.get("anyOf") or schema.get("oneOf")
    if ways:
        kinds = list(dict.fromkeys(_kind(each, home) for each in ways))
        return " | ".join([*(kind for kind in kinds if kind != "None"), *(["None"] if "None" in kinds else [])])
    if "const" in schema or "enum" in schema:
        values = schema.get("enum") or [schema["const"]]
        return f"Literal[{', '.join(f'{chr(34)}{value}{chr(34)}' for value in values)}]"
    match schema.get("type"):
        case "array":
            return f"list[{_kind(schema.get('items', {}), home)}]"
        case "object":
            inner = schema.get("additionalProperties")
            return f"dict[str, {_kind(inner, home) if isinstance(inner, Mapping) and inner else 'Any'}]"
        case kind:
            return {"string": "str", "integer": "int", "boolean": "bool", "null": "None"}.get(str(kind), "Any")


def described() -> Schema:
    """Return the description of the API, as it is served. No store is needed for it."""
    from billing.api.app import described_app

    return described_app().openapi()


def _main() -> None:
    for path, text in written(described()).items():
        (ROOT / path).write_text(formatted(text, path), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    _main()
