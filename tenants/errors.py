"""What is said when a description of parties, promises or anything else in a TOML file cannot be used.

`TenantError` is the root of this package's errors. `first_complaint` turns pydantic's list of complaints about *any*
model into the one that a person should fix first; whoever reads files in another package may build its own error from
it. One line says all, with rows counted from 0:

    tenants.toml: tenant[2].kind: unknown value, did you mean 'external'? (found 'extrenal'; allowed internal, external)
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Schema = Mapping[str, Any]  # a node of a JSON schema, as pydantic generates it

_LISTED_MAX = 12  # a tenant list may hold thousands of ids; the line must stay readable
_FOUND_CHARS_MAX = 60
_INT_BITS_MAX = 128  # beyond this a number is a typing accident, and past 4,300 digits Python refuses to print it
_UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")  # the second one: named tuples, before pydantic 2.10
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TYPE_WORDS = {"string": "text", "boolean": "true or false", "array": "an array", "object": "a table"}
_MESSAGES = {
    "missing": "missing",
    "missing_argument": "missing",
    "literal_error": "unknown value",
    "enum": "unknown value",
    "string_pattern_mismatch": "malformed",
    "greater_than": "out of range",
    "greater_than_equal": "out of range",
    "less_than": "out of range",
    "less_than_equal": "out of range",
    "too_short": "wrong length",
    "too_long": "wrong length",
}


class Words(str):
    """Stands for a value that is too large to show. Printed without quotes: `found 'a table'` would mean text."""


class TenantError(Exception):
    """Parties or promises that cannot be used as they are described. Root of this package's errors.

    Attributes:
        code:    stable word for scripts: bad_file, unknown_key, missing_key, bad_value, duplicate, unknown_name.
        message: what is wrong, without the place.
        file:    the file as the caller named it, if there is one.
        path:    key path inside it, such as `tenant[2].kind`.
        found:   the value at fault; a table or an array only by its kind.
        allowed: what may stand there: a list of names, or a description.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "bad_value",
        file: str | None = None,
        path: str | None = None,
        found: object = None,
        allowed: Sequence[str] | str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.file = file
        self.path = path
        self.found = found
        self.allowed = allowed

    def __str__(self) -> str:
        details = []
        if self.found is not None:
            details.append(f"found {_shown(self.found)}")
        if self.allowed:
            details.append(f"allowed {_listed(self.allowed)}")
        text = ": ".join(part for part in (self.file, self.path, self.message) if part)
        text += f" ({'; '.join(details)})" if details else ""
        return " ".join(text.split())


class Complaint(NamedTuple):
    """One complaint about an input, in the fields that every error of Spillway carries."""

    code: str
    message: str
    path: str | None
    found: object
    allowed: Sequence[str] | str | None


def from_validation(error: "ValidationError", file: str | None, model: "type[BaseModel]") -> TenantError:
    """Return the one error to show for `error`, which arose while `file` was read as a `model`."""
    complaint = first_complaint(error, model)
    return TenantError(file=file, **complaint._asdict())


def first_complaint(error: "ValidationError", model: "type[BaseModel]") -> Complaint:
    """Return the complaint of `error` to fix first, with what `model` allows at its place.

    That is the first one in the order of the model's fields, except that an unknown key goes before everything else:
    a misspelt key is also a missing one, and only the misspelling tells the user what to do.
    """
    report = min(error.errors(include_url=False), key=lambda each: each["type"] not in _UNKNOWN_KEY)
    kind, context = report["type"], report.get("ctx", {})
    path, table, node = _follow(report["loc"], model.model_json_schema())
    if kind in _UNKNOWN_KEY:
        keys = tuple(table.get("properties", ()))
        misspelt = str(report["loc"][-1])
        return Complaint("unknown_key", f"unknown key{did_you_mean(misspelt, keys)}", path, None, keys)
    if kind.startswith("union_tag_") and "discriminator" in node:
        # The key that says which kind of table this is is not there, or names no kind.
        kind = "missing" if kind == "union_tag_not_found" else "literal_error"
        union = node["discriminator"]
        path, node = f"{path}.{union['propertyName']}", {"enum": list(union["mapping"])}
        report["input"] = context.get("tag")

    found = None if kind.startswith("missing") else _scalar(report["input"])
    allowed = _allowed(node) or context.get("expected")
    if kind in ("value_error", "assertion_error"):
        # Our own validators say what is allowed in their sentence.
        found = None if isinstance(found, Words) else found
        return Complaint("bad_value", str(context["error"]), path, found, None)
    message = "wrong type" if kind.endswith("_type") else _MESSAGES.get(kind, report["msg"])
    if isinstance(report["input"], Mapping) and node.get("type") == "array":
        message += f", a row of it is written [[{path}]]"
    if message == "unknown value" and isinstance(allowed, tuple):
        message += did_you_mean(str(found), allowed)
    return Complaint("missing_key" if message == "missing" else "bad_value", message, path, found, allowed)


def unknown_name(what: str, name: str, known: Iterable[str], path: str | None = None) -> TenantError:
    """Return the error for a `name` that refers to no `what` (a word such as "tenant") among `known`."""
    allowed = tuple(known)
    message = f"unknown {what}{did_you_mean(name, allowed)}" if allowed else f"unknown {what}, none is defined"
    return TenantError(message, code="unknown_name", path=path, found=name, allowed=allowed)


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return ", did you mean 'x'?" for the name in `known` nearest to `word`, or "" when none is near."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word[:_FOUND_CHARS_MAX].lower(), by_lower, n=1)
    return f", did you mean {by_lower[near[0]]!r}?" if near else ""


def _follow(loc: tuple[int | str, ...], schema: Schema) -> tuple[str | None, Schema, Schema]:
    """Walk a pydantic location through its schema; return (key path, node of the last table, node at the place).

    Where the schema has a union, pydantic puts the name of the branch into the location. It is no key of the file, so
    it picks the branch and is left out of the path. A place that the schema does not know has an empty node.
    """
    definitions: Schema = schema.get("$defs", {})
    path = ""
    table = node = _resolve(schema, definitions)
    for step in loc:
        if _branches(node) and isinstance(step, str):
            node = _resolve(_branch(node, step), definitions)
            continue
        table = node
        path += _selector(step, first=not path)
        node = _resolve(_child(node, step), definitions)
    return path or None, table, node


def _resolve(node: Schema, definitions: Schema) -> Schema:
    """Follow references, and take an optional value for the value."""
    while "$ref" in node or len(_branches(node)) == 1:
        node = definitions[node["$ref"].rpartition("/")[2]] if "$ref" in node else _branches(node)[0]
    return node


def _branches(node: Schema) -> list[Schema]:
    """The alternatives of a union; TOML has no null, so that is not one of them."""
    return [member for member in node.get("anyOf") or node.get("oneOf") or [] if member.get("type") != "null"]


def _branch(union: Schema, label: str) -> Schema:
    """The model that pydantic calls `label` in a union. A value that is no table might fit any branch: the union."""
    tags = union.get("discriminator", {}).get("mapping", {})
    models = [branch["$ref"] for branch in _branches(union) if branch.get("$ref", "").endswith(f"/{label}")]
    return {"$ref": tags.get(label) or models[0]} if label in tags or models else union


def _child(node: Schema, step: int | str) -> Schema:
    """The node of one row of an array, or of one key of a table."""
    if isinstance(step, int):
        places = node.get("prefixItems", ())
        child = places[step] if step < len(places) else node.get("items")
    else:
        others = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        child = node.get("properties", {}).get(step, others[0])
    return child if isinstance(child, Mapping) else {}


def _selector(step: int | str, *, first: bool) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    if not _BARE_KEY.fullmatch(step):
        step = json.dumps(step[:_FOUND_CHARS_MAX], ensure_ascii=not step.isprintable())
    return step if first else f".{step}"


def _allowed(node: Schema) -> Sequence[str] | str | None:
    """What a schema node lets stand in its place: a tuple of names, a description, or None if it does not say."""
    if "enum" in node or "const" in node:
        return tuple(str(value) for value in node.get("enum", [node.get("const")]))
    if "pattern" in node:
        return str(node.get("description", f"text that matches {node['pattern']}"))
    if branches := _branches(node):
        words = ["a table" if "$ref" in branch else _allowed(branch) for branch in branches]
        return " or ".join(dict.fromkeys(word for word in words if isinstance(word, str)))
    kind = node.get("type")
    if kind not in ("integer", "number"):
        return _TYPE_WORDS.get(str(kind))
    noun = "an integer" if kind == "integer" else "a number"
    if "minimum" in node and "maximum" in node:
        return f"{noun} from {node['minimum']} to {node['maximum']}"
    bounds = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    limits = " and ".join(f"{sign} {node[key]}" for key, sign in bounds if key in node)
    return f"{noun} {limits}".strip()


def _scalar(value: object) -> object:
    """`value` if it can be shown and put into JSON as it is, else a few words about it."""
    if isinstance(value, int) and value.bit_length() > _INT_BITS_MAX:
        return Words(f"an integer of {value.bit_length()} bits")
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return Words("a table")
    return Words("an array" if isinstance(value, list | tuple) else value)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) and not isinstance(value, Words) else str(value)
    return text if len(text) <= _FOUND_CHARS_MAX else f"{text[:_FOUND_CHARS_MAX]}..."


def _listed(allowed: Sequence[str] | str) -> str:
    if isinstance(allowed, str):
        return allowed
    more = len(allowed) - _LISTED_MAX
    return ", ".join(allowed[:_LISTED_MAX]) + (f" and {more} more" if more > 0 else "")
