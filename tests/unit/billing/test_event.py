"""The envelope of a usage event: hash, admission, what is refused, and CloudEvents in and out."""

import hashlib
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.errors import EventError
from billing.log import event as envelope
from billing.log.cloudevents import from_cloudevent, read_cloudevents, to_cloudevent
from billing.log.event import Admission, Answer, Event, Known, admit, canonical, chained, data_of, event_hash
from billing.log.event import require_event as require
from billing.log.gaps import Arrived, arrive
from log_events import TIME_S, chain

FIRST = chain(count=1)[0]


def test_the_hash_is_that_of_the_eight_fields_one_a_line() -> None:
    """Anybody can recompute it with printf and sha256sum."""
    text = "sim-1\nsim\nallocation.resized\n1767225601\nacme\n1\n\n" + '{"allocation":"a1","gpus":1}'
    assert event_hash(FIRST) == hashlib.sha256(text.encode()).hexdigest()


def test_a_source_is_a_chain_from_seq_1() -> None:
    first, second, third = chain(count=3)
    assert (first.seq, first.prevhash) == (1, "")
    assert (second.seq, second.prevhash) == (2, event_hash(first))
    assert third.prevhash == event_hash(second)
    fact = ("sim-3", third.type, third.time_s, "acme", data_of(third))
    assert list(chained("sim", [fact], seq=3, prevhash=event_hash(second))) == [third]


def test_admission_new_then_duplicate_then_conflict() -> None:
    known = Known()
    assert admit(known, FIRST) == Admission(Answer.NEW, event_hash(FIRST))
    known.add(FIRST, event_hash(FIRST))
    assert admit(known, FIRST) == Admission(Answer.DUPLICATE, event_hash(FIRST), event_hash(FIRST))
    other = FIRST._replace(data=canonical({"gpus": 2}))
    assert admit(known, other) == Admission(Answer.CONFLICT, event_hash(other), event_hash(FIRST))


def test_another_id_under_a_known_seq_is_a_conflict_and_another_source_is_not() -> None:
    known = Known()
    known.add(FIRST, event_hash(FIRST))
    assert admit(known, FIRST._replace(id="fork")).answer is Answer.CONFLICT
    assert admit(known, FIRST._replace(source="other")).answer is Answer.NEW


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"source": "a\x00"}, "source"),
        ({"subject": "\ud800"}, "subject"),
        ({"type": "x" * 256}, "type"),
        ({"subject": None}, "subject"),
        ({"time_s": -1}, "time_s"),
        ({"time_s": 1 << 41}, "time_s"),
        ({"time_s": True}, "time_s"),
        ({"seq": 0}, "seq"),
        ({"seq": 1 << 63}, "seq"),
        ({"prevhash": "0" * 64}, "prevhash"),
        ({"seq": 2}, "prevhash"),
        ({"seq": 2, "prevhash": "A" * 64}, "prevhash"),
        ({"data": "[]"}, "data"),
        ({"data": '{"ü":1}'}, "data"),
        ({"data": None}, "data"),
    ],
)
def test_a_malformed_envelope_is_refused_by_event_and_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(EventError, match=r"event .* of .*malformed event") as refused:
        require(FIRST._replace(**change))
    assert refused.value.path is not None and refused.value.path.endswith(field)


@pytest.mark.parametrize(
    "data",
    [
        {"gpus": 1.0},
        {"gpus": 1 << 63},
        {"job": "a\nb"},
        {"deep": [{"x": float("nan")}]},
        {1: "key"},
        {"x": b"bytes"},
        [1],
    ],
)
def test_data_without_one_spelling_is_refused(data: Any) -> None:
    with pytest.raises(EventError):
        canonical(data)


@pytest.mark.parametrize("text", ['{"b":1,"a":2}', '{"a": 1}', "[]", "{", '{"a":1.5}x'])
def test_data_that_is_not_canonical_is_told(text: str) -> None:
    with pytest.raises(EventError, match="malformed event"):
        data_of(FIRST._replace(data=text))


plain = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.builds(
        Event,
        id=plain,
        source=plain,
        type=plain,
        time_s=st.integers(0, 250_000_000_000),
        subject=plain,
        seq=st.integers(2, 2**63 - 1),
        prevhash=st.text("0123456789abcdef", min_size=64, max_size=64),
        data=st.dictionaries(plain, values, max_size=4).map(canonical),
    )
)
def test_an_event_survives_the_wire(event: Event) -> None:
    wire = json.dumps(to_cloudevent(event))
    again = from_cloudevent(json.loads(wire))
    assert again == event
    assert event_hash(again) == event_hash(event)


def test_what_is_finer_than_a_second_is_cut_off() -> None:
    wire = to_cloudevent(FIRST)
    for time in ("2026-01-01T00:00:01.999999Z", "2026-01-01T01:00:01.5+01:00"):
        assert from_cloudevent({**wire, "time": time}).time_s == TIME_S + 1


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"traceparent": "00"}, "event.traceparent"),
        ({"specversion": "0.3"}, "event.specversion"),
        ({"dataschema": "urn:other"}, "event.dataschema"),
        ({"time": "2026-01-01T00:00:00"}, "event"),
        ({"time": 5}, "event: time"),
        ({"seq": "1"}, "event: event 'sim-1' of 'sim', seq"),
        ({"data": {"x": 1.5}}, "event: data.x"),
    ],
)
def test_an_attribute_at_fault_is_named(change: dict[str, Any], path: str) -> None:
    with pytest.raises(EventError) as refused:
        from_cloudevent({**to_cloudevent(FIRST), **change})
    assert refused.value.path == path


def test_a_missing_attribute_is_named() -> None:
    wire = to_cloudevent(FIRST)
    del wire["subject"]
    with pytest.raises(EventError, match=r"event\.subject: missing"):
        from_cloudevent(wire)


def test_a_file_yields_its_faults_beside_its_events() -> None:
    good, other = (json.dumps(to_cloudevent(event)) for event in chain(count=2))
    read = list(read_cloudevents([good, "\n", "nonsense\n", '{"id":1,"id":2}\n', other], "log.jsonl"))
    assert [entry for entry in read if isinstance(entry, Event)] == chain(count=2)
    faults = [str(entry) for entry in read if isinstance(entry, EventError)]
    assert [fault.partition(": ")[2][:7] for fault in faults] == ["line 3:", "line 4:"]
    assert all(fault.startswith("log.jsonl: ") for fault in faults)


@given(st.lists(st.sets(st.integers(1, 40), max_size=12), max_size=6))
def test_gaps_are_what_is_missing_below_the_highest_seq(batches: list[set[int]]) -> None:
    arrived = Arrived()
    for batch in batches:
        arrived = arrive(arrived, batch)
    come = set().union(*batches)
    missing = set(range(1, max(come, default=0) + 1)) - come
    assert arrived.last_seq == max(come, default=0)
    assert {seq for start, end in arrived.gaps for seq in range(start, end)} == missing
    assert all(end < start for (_, end), (start, _) in pairwise(arrived.gaps))
    assert arrived.contiguous_seq == min(missing, default=max(come, default=0) + 1) - 1


VALUES = st.one_of(
    st.integers(),
    st.integers(-(2**64), 2**64),
    st.booleans(),
    st.none(),
    st.floats(),
    st.text(max_size=4),
    st.just([1]),
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_a_quick_yes_is_always_a_yes(data: dict[str, object]) -> None:
    """What the quick look lets through, the thorough one does; and what is flat, plain and printable needs no other."""
    if envelope._is_plain(data):
        envelope._require_plain(data, "data")
    elif all(isinstance(each, str) and each.isprintable() for each in [*data, *data.values()]):
        raise AssertionError("plain text was looked at twice")
