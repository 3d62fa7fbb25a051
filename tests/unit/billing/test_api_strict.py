"""Requests that nobody honest sends are refused before anyone reads them, in words that repeat nothing of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.api.problems import Problem, document, faults_of, place_of
from billing.api.strict import DEPTH_MAX, depth_of, require_json, require_query

JSON = "application/json"
NESTED = st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


def slow_depth(value: object) -> int:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return 1 + max(map(slow_depth, inner), default=0)
    return 0


@given(NESTED)
def test_depth_is_that_of_the_document(value: object) -> None:
    found = depth_of(json.dumps(value).encode())
    assert min(found, DEPTH_MAX + 1) == min(slow_depth(value), DEPTH_MAX + 1)


@pytest.mark.parametrize("text", ['"[[[["', r'"\"[[["', r'"\\"', r'["\\", "["]', r'"\\\"[["'])
def test_brackets_in_text_nest_nothing(text: str) -> None:
    assert depth_of(text.encode()) == slow_depth(json.loads(text))


def test_a_megabyte_of_brackets_is_no_work() -> None:
    assert depth_of(b"[" * (1 << 20)) == DEPTH_MAX + 1


REFUSED = {
    "no JSON": b"{",
    "nothing": b"",
    "no UTF-8": b'{"a": "\xff"}',
    "a key twice": b'{"a": 1, "a": 2}',
    "a key twice, inside": b'[{"a": {"b": 1, "b": 1}}]',
    "NaN": b'{"a": NaN}',
    "infinity": b"-Infinity",
    "a number without end": b"9" * 5_000,
    "two documents": b"{}{}",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "too deep": b"[" * 17 + b"]" * 17,
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_a_body_that_is_no_plain_document_is_refused(body: bytes) -> None:
    with pytest.raises(Problem) as refused:
        require_json(JSON, body)
    assert refused.value.slug == "invalid_request"


@pytest.mark.parametrize("kind", ["", "text/plain", "application/json; charset=latin-1", "multipart/form-data"])
def test_another_type_is_refused(kind: str) -> None:
    with pytest.raises(Problem) as refused:
        require_json(kind, b"{}")
    assert refused.value.slug == "unsupported_media_type"


def test_plain_documents_pass() -> None:
    require_json(JSON, b'{"a": [1, -2.5, null, "\\ud83d\\ude00"]}')
    require_json("Application/JSON; charset=UTF-8", b"[]")


@pytest.mark.parametrize("pairs", [[("tenant", "x")], [("limit", "1"), ("limit", "2")], [("Limit", "1")], [("", "")]])
def test_an_unknown_or_repeated_parameter_is_refused(pairs: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem):
        require_query(pairs, ["limit", "cursor"])


def test_places_name_our_words_and_never_what_was_sent() -> None:
    assert place_of(("body", "events", 3, "from_s")) == "body.events[3].from_s"
    assert place_of(("body", "spw_live_abc")) == "body.?"
    assert place_of(("body", "Bearer 12345")) == "body.?"
    told = document(Problem("invalid_request", faults_of([{"type": "novel", "loc": ("body",), "input": "secret"}])))
    assert told["errors"] == [{"at": "body", "reason": "is not valid"}]
