"""Usage events at the edge: CloudEvents 1.0 in JSON, one object an event.

`seq` and `prevhash` are our two extension attributes. A time is RFC 3339 with an offset; what is finer than a second is
cut off, on every event alike, so that durations telescope. What the envelope has no place for is refused, not dropped.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from billing.errors import BillingError, EventError
from billing.log.event import Event, canonical, data_of, require_event
from billing.months import parse_utc, utc_text

SCHEMA = "urn:spillway:usage:1"  # of `data`
_FIXED = {"specversion": "1.0", "datacontenttype": "application/json", "dataschema": SCHEMA}
_WANTED = ("id", "source", "type", "time", "subject", "seq", "data")
_ALLOWED = ("specversion", *_WANTED, "prevhash", "datacontenttype", "dataschema")
_FRACTION = re.compile(r"(:[0-9]{2})\.[0-9]+(?=[Zz+-])")


def to_cloudevent(event: Event) -> dict[str, Any]:
    """Return an event as a CloudEvents object; JSON of it is the structured mode of CloudEvents."""
    link = {"prevhash": event.prevhash} if event.prevhash else {}
    head = {"specversion": "1.0", "id": event.id, "source": event.source, "type": event.type}
    time = {"time": utc_text(event.time_s), "subject": event.subject}
    kind = {"datacontenttype": "application/json", "dataschema": SCHEMA}
    return {**head, **time, **kind, "seq": event.seq, **link, "data": data_of(event)}


def from_cloudevent(attributes: Mapping[str, Any], path: str = "event") -> Event:
    """Return the event that a CloudEvents object describes.

    Args:
        path: where the object stands, for the message.

    Raises:
        EventError: an attribute is missing, unknown or malformed.
    """
    if not isinstance(attributes, Mapping):
        raise EventError("not an object", path=path, found=attributes, allowed="a CloudEvents object")
    for name in attributes:
        if name not in _ALLOWED:
            raise EventError(
                "unknown attribute", code="unknown_key", path=f"{path}.{name}", allowed=", ".join(_ALLOWED)
            )
    for name, value in _FIXED.items():
        if attributes.get(name, value if name != "specversion" else None) != value:
            raise EventError("unknown value", path=f"{path}.{name}", found=attributes.get(name), allowed=value)
    for name in _WANTED:
        if name not in attributes:
            raise EventError("missing", code="missing_key", path=f"{path}.{name}", allowed=", ".join(_WANTED))
    try:
        event = Event(
            id=attributes["id"],
            source=attributes["source"],
            type=attributes["type"],
            time_s=_floored(attributes["time"]),
            subject=attributes["subject"],
            seq=attributes["seq"],
            prevhash=attributes.get("prevhash", ""),
            data=canonical(attributes["data"]),
        )
        require_event(event)
    except BillingError as error:
        place = f"{path}: {error.path}" if error.path else path
        fields = {"code": "bad_event", "path": place, "found": error.found, "allowed": error.allowed}
        raise EventError(error.message, **fields) from None  # type: ignore[arg-type]
    return event


def read_cloudevents(lines: Iterable[str], file: str | None = None) -> Iterator[Event | EventError]:
    """Yield the events of a file with one JSON object a line; for a line that is none, its error. Empty lines pass."""
    for row, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            yield from_cloudevent(_object(line), f"line {row + 1}")
        except EventError as error:
            error.file, error.path = file, error.path or f"line {row + 1}"
            yield error


def _object(line: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError):
        return line.strip()


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one key have no meaning on which two readers agree."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise EventError("key stands twice", code="duplicate", found=[key for key, _ in pairs], allowed="each key once")
    return found


def _floored(time: object) -> int:
    """Return an RFC 3339 time in Unix seconds, what is finer cut off."""
    if not isinstance(time, str):
        raise EventError("not a time", path="time", found=time, allowed="RFC 3339 with an offset")
    return parse_utc(_FRACTION.sub(r"\1", time))
