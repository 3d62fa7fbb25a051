"""Values for the schemas of openapi.json, good ones and hostile ones, as Hypothesis strategies."""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from asking import resolved

Schema = Mapping[str, Any]
# Text that breaks lines, terminals, queries, templates, paths, readers of text, or limits.
HOSTILE = (
    "a\r\nSet-Cookie: x=1", "\x00", "\x1b[2J", "\u202egnp", "{{7*7}}", "' OR 1=1 --", "../../etc/passwd", "a\nb",
    "\ufeff", "%00", "a" * 5_000, "", " ", "null", "-1", "9" * 30, "é", "日本", "\U0001f600", "<script>",
)  # fmt: skip
_IN_JSON = (*HOSTILE, "\ud800")  # half a character, which JSON can write and UTF-8 cannot
_ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(HOSTILE),
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.just([]),
    st.just({}),
    st.just(1.5),
)


def values(schema: Schema, document: Schema, hints: Schema) -> st.SearchStrategy[Any]:
    """Values that are of a schema's shape more often than not, with hints for fields that need a special one."""
    schema = resolved(schema, document)
    return st.one_of(_fitting(schema, document, hints), _fitting(schema, document, hints), _ANYTHING)


def _fitting(
    schema: Mapping[str, Any], document: Mapping[str, Any], hints: Mapping[str, Any]
) -> st.SearchStrategy[Any]:
    if "enum" in schema or "const" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    kind = schema.get("type", "object")
    if kind == "object":
        fields = {name: values(each, document, hints) for name, each in schema.get("properties", {}).items()}
        fields |= {name: st.one_of(st.just(hints[name]), fields[name]) for name in fields if name in hints}
        must = {name: fields.pop(name) for name in schema.get("required", ()) if name in fields}
        more = st.dictionaries(st.sampled_from(("tenant", "role", "__proto__", "price")), _ANYTHING, max_size=1)
        return st.builds(lambda known, other: {**other, **known}, st.fixed_dictionaries(must, optional=fields), more)
    if kind == "array":
        return st.lists(values(schema.get("items", {}), document, hints), max_size=3)
    if kind == "string":
        return st.one_of(st.sampled_from(_IN_JSON), st.text(max_size=20), st.just("abc"))
    if kind == "integer":
        return st.sampled_from((0, 1, -1, 7, 2**31, 2**63, 10**30))
    return st.booleans()
