"""From the events of allocations to segments: who held how many GPUs from when to when.

The history of an allocation is read as a set: its first start and its first end count, resizings in between change the
level, and what contradicts them is set aside. An allocation of which any such event is set aside is not billed at all,
since nobody knows how long it was. Histories are kept by (tenant, allocation), so no tenant can write into another's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from billing.log.event import Event
from billing.log.facts import EventRef
from billing.log.shapes import ENDED, RESIZED, SPAN_S_MAX, STARTED

Told = tuple[Event, Mapping[str, Any]]  # an event and its data
_AT_ONCE = ("start_refused", "evicted")  # causes with which an allocation may end in the second in which it began


class Piece(NamedTuple):
    """GPUs held at one level over [start_s, end_s), Unix seconds."""

    gpus: int
    start_s: int
    end_s: int
    events: tuple[EventRef, ...]


@dataclass(slots=True)
class History:
    """What was told of one allocation, each list in the order of (time, source, seq)."""

    started: list[Told] = field(default_factory=list)
    resized: list[Told] = field(default_factory=list)
    ended: list[Told] = field(default_factory=list)
    others: list[Told] = field(default_factory=list)
    broken: str = ""  # why it cannot be billed

    def every(self) -> list[Told]:
        return [*self.started, *self.resized, *self.ended, *self.others]


@dataclass(slots=True)
class Allocation:
    """An allocation that can be billed. `cause` is "" while it is open."""

    tenant: str
    id: str
    told: Mapping[str, Any]
    start: Event
    start_s: int
    end_s: int
    cause: str
    pieces: list[Piece]
    history: History

    def gpus_at(self, time_s: int) -> int:
        """Return the GPUs held in the second before `time_s`, or at the start."""
        levels = [piece.gpus for piece in self.pieces if piece.start_s < time_s or piece.start_s == self.start_s]
        return levels[-1] if levels else int(self.told["gpus"])


SetAside = Callable[[Event, str], None]


def histories(told: list[Told], broken: Mapping[tuple[str, str], str]) -> dict[tuple[str, str], History]:
    """Return the history of every (tenant, allocation). `broken`: those of which an event was set aside, and why."""
    found: dict[tuple[str, str], History] = {}
    for event, data in told:
        history = found.setdefault((event.subject, data["allocation"]), History())
        lists = {STARTED: history.started, RESIZED: history.resized, ENDED: history.ended}
        lists.get(event.type, history.others).append((event, data))
    for key, reason in broken.items():
        if key in found:
            found[key].broken = reason
    return found


def settled(tenant: str, id_: str, history: History, cut_s: int, set_aside: SetAside) -> Allocation | None:
    """Return the allocation that a history tells of, or None after having set it aside.

    Args:
        cut_s: Unix seconds until which an allocation is taken to be held that has not ended.
    """
    if not history.broken and not history.started:
        history.broken = "its allocation has not started"
    if history.broken:
        for event, _ in history.every():
            set_aside(event, history.broken)
        return None
    (start, told), *again = history.started
    for event, _ in again:
        set_aside(event, f"allocation has started already, by event {start.id}")
    end_s, cause = max(cut_s, start.time_s), ""
    if history.ended:
        (end, how), *again = history.ended
        end_s, cause = end.time_s, how["cause"]
        for event, _ in again:
            set_aside(event, f"allocation has ended already, by event {end.id}")
        if end_s < start.time_s or (end_s == start.time_s and cause not in _AT_ONCE):
            length_s = end_s - start.time_s
            for event, _ in history.every():
                set_aside(event, f"interval of {length_s} s: the end must be later than the start")
            return None
    if end_s - start.time_s > SPAN_S_MAX:
        for event, _ in history.every():
            set_aside(event, f"interval of {end_s - start.time_s} s, allowed {SPAN_S_MAX}")
        return None
    pieces = _pieces(history, end_s, set_aside)
    return Allocation(tenant, id_, told, start, start.time_s, end_s, cause, pieces, history)


def without_shared_gpus(allocations: list[Allocation], set_aside: SetAside) -> list[Allocation]:
    """Return the allocations without those that hold a GPU that an earlier one held at that time, whoever it is of.

    A GPU is known by its place and its name. No GPU-second is billed twice, neither to one tenant nor to two; who is
    told of it learns nothing of the other's allocation.
    """
    held: dict[tuple[str, str, str], Allocation] = {}
    kept = []
    for each in sorted(allocations, key=lambda each: (each.start_s, each.end_s, each.id, each.tenant)):
        names = each.told.get("gpu_ids") or ()
        gpus = [(each.told["region"], each.told["sku"], gpu) for gpu in names]
        clash = next((gpu for gpu in gpus if gpu in held and held[gpu].end_s > each.start_s), None)
        if clash is None:
            held.update((gpu, each) for gpu in gpus)
            kept.append(each)
            continue
        other = held[clash]
        who = f"allocation {other.id}" if other.tenant == each.tenant else "another tenant"
        for event, _ in each.history.every():
            set_aside(event, f"GPU {clash[2]} was held by {who} at that time")
    return kept


def _pieces(history: History, end_s: int, set_aside: SetAside) -> list[Piece]:
    """Return the levels of an allocation. Of several sizes told for one second, the last in the log's order holds."""
    start, told = history.started[0]
    ending = tuple(_ref(event) for event, _ in history.ended[:1])
    levels = [(start.time_s, int(told["gpus"]), start)]
    for event, data in history.resized:
        if not start.time_s <= event.time_s < end_s:
            set_aside(event, "its time lies outside its allocation")
            continue
        if levels[-1][0] == event.time_s:
            levels.pop()
        levels.append((event.time_s, int(data["gpus"]), event))
    bounds_s = [level[0] for level in levels[1:]] + [end_s]
    return [
        Piece(gpus, from_s, until_s, tuple(dict.fromkeys((_ref(start), _ref(event), *ending))))
        for (from_s, gpus, event), until_s in zip(levels, bounds_s, strict=True)
        if from_s < until_s and gpus
    ]


def _ref(event: Event) -> EventRef:
    return EventRef(event.source, event.id)
