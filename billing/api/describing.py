"""The description of the API, made whole: tags by noun, words for every field, and an example for every operation.

Examples of requests and answers are put together from those of their fields, so that no example is written twice.
"""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from fastapi import FastAPI

from billing.api.formats import JSON
from billing.api.wording import PLACES, WORDS, Word

Schema = Mapping[str, Any]
TITLE = "Spillway"
ABOUT = (
    "Rents out, meters and bills the idle capacity of a GPU cluster. A key goes into the header `Authorization: Bearer "
    "KEY`. Money is text, as a decimal and in minor units, with its currency; times are RFC 3339 in UTC; a name that "
    "ends in `_s` is in seconds. Lists are pages: `next` is the `cursor` of the page behind. A change may carry an "
    "`Idempotency-Key`. Refusals are problems of RFC 9457."
)
# The noun of a path, and what is found there.
TAGS: Mapping[str, str] = {
    "service": "Whether the service is there, and this description.",
    "me": "Who a key is.",
    "usage": "What was used, hour by hour, and added up.",
    "bill": "What an hour costs so far.",
    "events": "The events that use is measured by.",
    "invoices": "Invoices, their lines, and what each line rests on.",
    "invoice-preview": "An invoice of use that has not happened.",
    "credit-notes": "What was given back of an invoice.",
    "ledger": "Both sides of every movement.",
    "price-books": "Prices in force, and those before.",
    "rate-preview": "A price model applied to quantities.",
    "quotes": "What something would cost.",
    "contracts": "Contracts and what is committed in them.",
    "wallets": "Money that was paid ahead.",
    "budgets": "Bounds for a month's bill.",
    "alerts": "Bounds that were reached.",
    "sla": "What was promised, what was reached, and what was given back.",
    "exports": "Bills and use as files.",
    "products": "What can be rented.",
    "availability": "What may be had now, at what price and for how long.",
    "rentals": "GPUs asked for, held and given back.",
    "notices": "What there is to be told of.",
    "webhooks": "Where it is told by itself, signed.",
    "keys": "Keys: made, replaced and ended.",
    "accounts": "People and services of a tenant.",
    "tokens": "Short keys for agents.",
    "tool-calls": "Calls of tools by agents.",
    "quota": "How much of each a tenant may have.",
    "audit": "Who did what, with proofs.",
    "operator": "For people of the house.",
    "auditor": "For auditors, reading only.",
}


def describe(app: FastAPI) -> None:
    """Let an application describe itself with tags, words and examples. Made once, at the first question."""
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema is None:
            _make_whole(plain())
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = whole  # type: ignore[method-assign]


def tag_of(path: str) -> str:
    """Return the noun of a path."""
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" else "service"


def example_of(schema: Schema, document: Schema) -> Any:
    """Return a value that fits a schema, from the examples of its fields. What may be left out and would be null is."""
    if "examples" in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        return example_of(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    for ways in (schema.get("anyOf"), schema.get("oneOf")):
        if ways:
            return example_of(ways[0], document)
    if schema.get("type") == "array":
        return [example_of(schema["items"], document)]
    must = schema.get("required", ())
    made = {name: example_of(each, document) for name, each in schema.get("properties", {}).items()}
    return {name: value for name, value in made.items() if value is not None or name in must}


def _make_whole(document: MutableMapping[str, Any]) -> None:
    components = document["components"]
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for name, schema in components["schemas"].items():
        if name.startswith("Page_"):
            schema.setdefault("description", "A page of a list.")
        for field, each in schema.get("properties", {}).items():
            _word(each, WORDS.get(f"{name}.{field}") or WORDS.get(field) or Word(""))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["tags"] = [tag_of(path)]
            for each in operation.get("parameters", ()):
                if each["name"] in PLACES:
                    each.setdefault("description", PLACES[each["name"]])
            for content in _bodies(operation):
                content["example"] = example_of(content["schema"], document)
    document["tags"] = [{"name": name, "description": about} for name, about in TAGS.items()]


def _word(schema: MutableMapping[str, Any], word: Word) -> None:
    """Give a field its words, and a likely value, where it has none."""
    if word.about:
        schema.setdefault("description", word.about)
    if "examples" in schema or "const" in schema:
        schema.setdefault("examples", [schema.get("const")])
        return
    ways = [schema, *schema.get("anyOf", ())]
    nested = [each for each in ways if "$ref" in each or "$ref" in each.get("items", {})]
    if nested:
        return
    allowed = next((each["enum"] for each in ways if "enum" in each), None)
    if allowed:
        schema["examples"] = [schema.get("default") or allowed[0]]
    elif schema.get("default") is not None:
        schema["examples"] = [schema["default"]]
    elif any(each.get("type") == "boolean" for each in ways):
        schema["examples"] = [True]
    elif word.likely is not None:
        schema["examples"] = [word.likely]
    elif any(each.get("type") == "null" for each in ways):
        schema["examples"] = [None]


def _bodies(operation: Schema) -> Iterator[MutableMapping[str, Any]]:
    """What is sent and what is answered as JSON, refusals apart."""
    told = [operation.get("requestBody", {})]
    told += [each for status, each in operation["responses"].items() if status.startswith("2")]
    for each in told:
        if each.get("content", {}).get(JSON, {}).get("schema"):
            yield each["content"][JSON]
