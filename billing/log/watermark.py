"""How far a log is known to be complete: the watermark, and in words what holds it back.

A source has told everything up to the time of its last event before which none of its seq is missing. The watermark is
the earliest such time among the sources that are live; a source that has said `source.ended`, with nothing missing,
holds back nobody, and one that has nothing to tell says `source.beat` now and then. Events with a time off their
source's clock do not move it.

What tenants report themselves (`api/TENANT`) has no say: nobody would ever know that one has told everything, and no
tenant may hold back the bills of another, or bring them forward.
"""

from collections.abc import Iterable
from typing import NamedTuple

from billing.log.clock import jumps
from billing.log.event import Event
from billing.log.gaps import Arrived, arrive
from billing.months import utc_text

SOURCE_ENDED = "source.ended"
SOURCE_BEAT = "source.beat"  # nothing happened, up to its time
OF_DESK = "rentals"  # the source of the desk that rents out GPUs
OF_TENANTS = "api/"  # how sources begin that tenants report through


class SourceMark(NamedTuple):
    """What one source has told: everything before `until_s` (Unix seconds), unless `gaps` [from_seq, until_seq)."""

    source: str
    until_s: int
    ended: bool
    gaps: tuple[tuple[int, int], ...]


class Watermark(NamedTuple):
    """Everything before `until_s` (Unix seconds) is known. `finished`: no source is live, nothing will follow."""

    until_s: int
    finished: bool
    sources: tuple[SourceMark, ...]


def watermark(events: Iterable[Event]) -> Watermark:
    """Return the watermark of a log; that of one without events is 0. Depends on the set of events alone.

    Cost: O(events log events).
    """
    by_source: dict[str, dict[int, Event]] = {}
    for event in events:
        if event.source.startswith(OF_TENANTS):
            continue
        by_source.setdefault(event.source, {}).setdefault(event.seq, event)
    marks = tuple(_mark(source, by_source[source]) for source in sorted(by_source))
    live = [mark.until_s for mark in marks if not mark.ended]
    last_s = max((mark.until_s for mark in marks), default=0)
    return Watermark(min(live, default=last_s), bool(marks) and not live, marks)


def behind(mark: Watermark, until_s: int) -> list[str]:
    """Return in words why not everything before `until_s` (Unix seconds) is known; nothing if it is."""
    found = [] if mark.sources else ["no event has come"]
    for source, told_s, ended, gaps in mark.sources:
        if ended or told_s >= until_s:
            continue
        for from_seq, until_seq in gaps:
            found.append(f"source {source}: events {from_seq} to {until_seq - 1} are missing")
        found.append(f"source {source}: has told everything before {utc_text(told_s)}, and nothing for certain since")
    return found


def _mark(source: str, by_seq: dict[int, Event]) -> SourceMark:
    last_seq, gaps = arrived = arrive(Arrived(), by_seq)
    in_order = [by_seq[seq] for seq in sorted(by_seq)]
    off = set(jumps([event.time_s for event in in_order]))
    told = [
        event.time_s for place, event in enumerate(in_order) if place not in off and event.seq <= arrived.contiguous_seq
    ]
    ended = not gaps and by_seq[last_seq].type == SOURCE_ENDED
    return SourceMark(source, max(told, default=0), ended, gaps)
