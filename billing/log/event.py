"""The envelope of a usage event: what it holds, what its hash is, and whether a log that knows others lets it in.

An event is named by (source, id). `seq` counts the events of one source, gapless from 1, and `prevhash` is the hash of
the one before, so that a source's events are a chain: what was left out, changed or slipped in shows.

    hash   SHA-256 of the eight fields in their order, one a line, in UTF-8 (no field can hold a line end)
    admit  unknown (source, id): NEW. The same content again: DUPLICATE, which is never an error. Other content under a
           known id or a known seq: CONFLICT; the first one stays, the second is put aside with its reason

Neither order of arrival nor gaps matter to admission: late events are welcome for ever. What an event's `data` must
hold is its reader's business (`billing.log.fold`); here it is canonical JSON and nothing more.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, NamedTuple

from billing.errors import EventError
from billing.money import INT64_MAX

OPERATOR = "operator"  # subject of what no tenant causes
TIME_S_MAX = 1 << 40  # 34,000 years: as far as the meter counts
_TEXT_CHARS_MAX = 255
_DATA_CHARS_MAX = 1 << 20  # one event is one fact, not a file
# No control character (no line end among them), no half of a surrogate pair: text that any database and file can hold.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_TEXT = re.compile(rf"{_PLAIN}{{1,{_TEXT_CHARS_MAX}}}")
_ANY_TEXT = re.compile(rf"{_PLAIN}*")
_HASH = re.compile(r"[0-9a-f]{64}")
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":"))
_TEXT_ALLOWED = f"1 to {_TEXT_CHARS_MAX} characters, none of them a control character"


class Event(NamedTuple):
    """One usage event. `time_s` is Unix seconds, `subject` the tenant's id, `data` canonical JSON text.

    `prevhash` is the hex SHA-256 of the source's event before, "" for seq 1.
    """

    id: str
    source: str
    type: str
    time_s: int
    subject: str
    seq: int
    prevhash: str
    data: str


class Answer(StrEnum):
    """What became of an event that arrived."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"


class Admission(NamedTuple):
    """An answer, the arriving event's hash, and that of the event which stands in its way (None when it is new)."""

    answer: Answer
    hash: str
    known_hash: str | None = None


@dataclass(slots=True)
class Known:
    """Hashes of the events that a log holds, by (source, id) and by (source, seq)."""

    by_id: dict[tuple[str, str], str] = field(default_factory=dict)
    by_seq: dict[tuple[str, int], str] = field(default_factory=dict)

    def add(self, event: Event, hash_: str) -> None:
        """Note an event that was let in."""
        self.by_id[event.source, event.id] = hash_
        self.by_seq[event.source, event.seq] = hash_


def event_hash(event: Event) -> str:
    """Return the hex SHA-256 of an event. Two events are the same exactly when their hashes are."""
    id_, source, type_, time_s, subject, seq, prevhash, data = event
    text = f"{id_}\n{source}\n{type_}\n{time_s}\n{subject}\n{seq}\n{prevhash}\n{data}"
    return sha256(text.encode()).hexdigest()


def admit(known: Known, event: Event) -> Admission:
    """Return whether the log that holds `known` lets an event in. Changes nothing: `known.add` does."""
    hash_ = event_hash(event)
    same_id = known.by_id.get((event.source, event.id))
    if same_id is not None:
        return Admission(Answer.DUPLICATE if same_id == hash_ else Answer.CONFLICT, hash_, same_id)
    same_seq = known.by_seq.get((event.source, event.seq))
    return Admission(Answer.NEW if same_seq is None else Answer.CONFLICT, hash_, same_seq)


def chained(
    source: str, facts: Iterable[tuple[str, str, int, str, Mapping[str, Any]]], seq: int = 1, prevhash: str = ""
) -> Iterator[Event]:
    """Yield the events of one source from (id, type, time_s, subject, data), numbered and linked.

    Args:
        seq, prevhash: of the first event, for a source that goes on.

    Raises:
        EventError: a fact that makes no event.
    """
    for id_, type_, time_s, subject, data in facts:
        event = Event(id_, source, type_, time_s, subject, seq, prevhash, canonical(data))
        require_event(event)
        yield event
        seq, prevhash = seq + 1, event_hash(event)


def canonical(data: Mapping[str, Any]) -> str:
    """Return an object as canonical JSON: keys sorted, no spaces, ASCII alone.

    Raises:
        EventError: a float, an int past 64 bits, text with control characters, or anything that is not JSON.
    """
    if not isinstance(data, Mapping):
        raise EventError("not an object", path="data", found=data, allowed="a JSON object")
    if not _is_plain(data):
        _require_plain(data, "data")
    return _ENCODER.encode(data)


def data_of(event: Event) -> dict[str, Any]:
    """Return the data of an event as an object.

    Raises:
        EventError: the text is not the canonical JSON of an object.
    """
    try:
        data = json.loads(event.data)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict) or _ENCODER.encode(data) != event.data:
        raise _fault(event, "data", event.data, "canonical JSON of an object: keys sorted, no spaces, ASCII")
    return data


def require_event(event: Event) -> None:
    """Refuse an event whose envelope is malformed. `data` is only looked at for its characters: see `data_of`.

    Raises:
        EventError: names the event and the field.
    """
    id_, source, type_, time_s, subject, seq, prevhash, data = event
    if not _are_names(id_, source, type_, subject):
        for name, text in (("id", id_), ("source", source), ("type", type_), ("subject", subject)):
            if type(text) is not str or not _TEXT.fullmatch(text):
                raise _fault(event, name, text, _TEXT_ALLOWED)
    if type(time_s) is not int or not 0 <= time_s <= TIME_S_MAX:
        raise _fault(event, "time_s", time_s, f"Unix seconds, 0 to {TIME_S_MAX}")
    if type(seq) is not int or not 1 <= seq <= INT64_MAX:
        raise _fault(event, "seq", seq, "an integer from 1")
    if type(prevhash) is not str or not (prevhash == "" if seq == 1 else _HASH.fullmatch(prevhash)):
        raise _fault(event, "prevhash", prevhash, "64 hex digits, lower case; none for seq 1")
    if type(data) is not str or len(data) > _DATA_CHARS_MAX or not (data.isascii() and data.isprintable()):
        raise _fault(event, "data", data, f"canonical JSON, at most {_DATA_CHARS_MAX} characters")
    if not (data.startswith("{") and data.endswith("}")):
        raise _fault(event, "data", data, "canonical JSON of an object")


def _are_names(id_: str, source: str, type_: str, subject: str) -> bool:
    """A quick yes for texts without control characters; a no may still be a yes, since `isprintable` is stricter."""
    try:
        head = id_ + source + type_ + subject
    except TypeError:
        return False
    return bool(id_ and source and type_ and subject) and len(head) <= _TEXT_CHARS_MAX and head.isprintable()


def _fault(event: Event, name: str, found: object, allowed: str) -> EventError:
    place = f"event {event.id!r} of {event.source!r}, {name}"
    return EventError("malformed event", code="bad_event", path=place, found=found, allowed=allowed)


def _is_plain(data: Mapping[str, Any]) -> bool:
    """A quick yes for a flat object of numbers and text without control characters; a no may still be a yes."""
    for key, value in data.items():
        kind = type(value)
        fits = value.isprintable() if kind is str else kind is int and -INT64_MAX <= value <= INT64_MAX
        if not fits or type(key) is not str or not key.isprintable():
            return False
    return True


def _require_plain(value: object, path: str) -> None:
    """Refuse what canonical JSON has no one spelling for, or what no integer column can hold."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        if abs(value) > INT64_MAX:
            raise EventError("integer past 64 bits", path=path, found=value, allowed="digits in text, for big numbers")
    elif isinstance(value, str):
        if not _ANY_TEXT.fullmatch(value):
            raise EventError("control character in text", path=path, found=value, allowed="plain text")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise EventError("key is not text", path=path, found=key, allowed="text")
            _require_plain(key, path)
            _require_plain(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for row, inner in enumerate(value):
            _require_plain(inner, f"{path}[{row}]")
    else:
        raise EventError(
            "neither text nor integer", path=path, found=value, allowed="text, integers, true, false, null"
        )
