"""Which events of a log can be read at all: each once, of a type that is known, whole, and told by a clock that runs
forward. The rest is set aside with its reason."""

from collections.abc import Iterable
from typing import NamedTuple

from billing.errors import BillingError
from billing.log.allocations import SetAside, Told
from billing.log.authority import overreach
from billing.log.clock import jumps
from billing.log.event import Event, data_of, require_event
from billing.log.shapes import ENDED, RESIZED, SHAPES, STARTED, read
from billing.log.watermark import SOURCE_BEAT, SOURCE_ENDED

_ELSEWHERE = ("reservation.", "contract.", "wallet.", "price.")  # read by others, who say what is wrong with them
_LIFECYCLE = (STARTED, RESIZED, ENDED)


class Admitted(NamedTuple):
    """Events that can be read, by (time, source, seq), and the (tenant, allocation) of which one cannot."""

    told: list[Told]
    broken: dict[tuple[str, str], str]


def admitted(events: Iterable[Event], epoch_s: int, set_aside: SetAside) -> Admitted:
    """Return the events of a log that can be read, whatever the order and number in which they came.

    Args:
        epoch_s: Unix time before which there is nothing to bill.
    """
    once = _once(events, set_aside)
    broken: dict[tuple[str, str], str] = {}
    told: list[Told] = []
    off = _off_the_clock(once)
    for event in once:
        if said := overreach(event):  # not even a reason to doubt the allocation that it names
            set_aside(event, said)
            continue
        if event.type.startswith(_ELSEWHERE) or event.type in (SOURCE_BEAT, SOURCE_ENDED):
            continue
        try:
            if event.type not in SHAPES:
                set_aside(event, f"unknown type {event.type[:60]!r}")
                continue
            require_event(event)
            data = read(event)
        except BillingError as error:
            data = str(error)
        reason = off.get(event) if not isinstance(data, str) else data
        if reason is None and event.time_s < epoch_s:
            reason = "its time lies before the epoch of the terms"
        if reason is None and not isinstance(data, str):
            told.append((event, data))
            continue
        set_aside(event, str(reason))
        if event.type in _LIFECYCLE and (allocation := _allocation(event)):
            broken.setdefault((event.subject, allocation), f"event {event.id} of its allocation was set aside")
    return Admitted(told, broken)


def _once(events: Iterable[Event], set_aside: SetAside) -> list[Event]:
    """Return each event once, sorted. Of two contents under one name neither can be trusted."""
    found: dict[tuple[str, str, str], set[Event]] = {}
    for event in events:
        found.setdefault((event.source, event.subject, event.id), set()).add(event)
    single: list[Event] = []
    for same in found.values():
        if len(same) == 1:
            single += same
            continue
        for event in sorted(same):
            set_aside(event, "one id with different contents")
    return sorted(single, key=lambda event: (event.time_s, event.source, event.seq, event.id))


def _off_the_clock(events: list[Event]) -> dict[Event, str]:
    """Return the events that cannot have happened when they say. Each tenant's are judged by themselves."""
    by_source: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        by_source.setdefault((event.source, event.subject), []).append(event)
    off = {}
    for mine in by_source.values():
        mine.sort(key=lambda event: (event.seq, event.id))
        for place in jumps([event.time_s for event in mine]):
            off[mine[place]] = "the clock of its source jumped: events before or after it tell another time"
    return off


def _allocation(event: Event) -> str:
    """Return the allocation that a broken event names, "" if that cannot be told either."""
    try:
        allocation = data_of(event).get("allocation")
    except BillingError:
        return ""
    return allocation if isinstance(allocation, str) else ""
