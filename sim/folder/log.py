"""A run as a log: the events that a metering source would have sent while it ran, numbered and linked.

The same run gives the same events, whoever reads its folder and however often, so importing it twice changes nothing;
`sim.feed.live` tells the same ones while the run goes on. Times in events are Unix seconds.
"""

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from billing.log.event import Event, chained
from billing.metering.states import HELD
from billing.money import SECONDS_PER_HOUR
from sim.feed import facts
from sim.feed.facts import TYPES, Held, Told
from sim.folder.run_folder import RunFolder
from sim.folder.terms import run_maintenance
from sim.result import IntArray
from sim.told import allocation_names


class _Kind(NamedTuple):
    """Events of one type: when each took place, and what the one of a row says."""

    time_s: IntArray
    told: Callable[[int], Told]


def source_of(run: RunFolder) -> str:
    """Return the name of the log that a run is: equal for equal runs."""
    return facts.source_of(run.manifest["config_sha256"])


def events_of(run: RunFolder) -> Iterator[Event]:
    """Yield the events of a metered run in the order of `sim.feed.facts`.

    Raises:
        SimError: a file of the folder is damaged.

    Cost: O(n log n) in the allocations; their columns are held in memory.
    """
    kinds = _kinds(run)
    time_s = np.concatenate([kind.time_s for kind in kinds])
    number = np.repeat(np.arange(len(kinds)), [len(kind.time_s) for kind in kinds])
    row = np.concatenate([np.arange(len(kind.time_s)) for kind in kinds])
    order = np.lexsort((number, time_s))

    def told() -> Iterator[tuple[str, str, int, str, dict[str, Any]]]:
        at = zip(time_s[order].tolist(), number[order].tolist(), row[order].tolist(), strict=True)
        for (when_s, kind), rows in groupby(at, key=lambda each: each[:2]):
            same = [kinds[kind].told(place) for _, _, place in rows]
            for id_, subject, data in sorted(same, key=lambda each: each[0]):
                yield id_, TYPES[kind], when_s, subject, data

    return chained(source_of(run), told())


def event_count(run: RunFolder) -> int:
    """Return how many events a run is. Raises SimError as `events_of`."""
    return sum(len(kind.time_s) for kind in _kinds(run))


def _kinds(run: RunFolder) -> list[_Kind]:
    """Return the events by type, in the order of `TYPES`."""
    epoch_s = run.names.epoch_s
    held = {name: column.tolist() for name, column in run.columns("allocations").items() if name != "nodes"}
    names = allocation_names(held["job_id"], held["start_s"])
    return [
        *_allocations(held, names, epoch_s),
        *_outages(held, names, epoch_s),
        _evictions(run, held, names),
        _installed(run),
        _capacity(run),
        _excluded(run),
        _Kind(np.array([epoch_s + run.manifest["horizon_s"]]), lambda _: facts.run_ended()),
    ]


def _held(held: dict[str, list[Any]], names: list[str], row: int) -> Held:
    job, *place = (held[key][row] for key in ("job_id", "product", "region", "sku", "gpus"))
    return Held(names[row], held["tenant"][row], job, *place)


def _allocations(held: dict[str, list[Any]], names: list[str], epoch_s: int) -> list[_Kind]:
    def started(row: int) -> Told:
        pending_s = held["pending_s"][row]
        return facts.started(_held(held, names, row), epoch_s + pending_s if pending_s >= 0 else None)

    def ended(row: int) -> Told:
        spent = (held[key][row] for key in ("stalled_s", "lost_s", "written_s"))
        return facts.ended(_held(held, names, row), held["cause"][row], *spent)

    return [_Kind(epoch_s + _ints(held["end_s"]), ended), _Kind(epoch_s + _ints(held["start_s"]), started)]


def _outages(held: dict[str, list[Any]], names: list[str], epoch_s: int) -> list[_Kind]:
    """What a fault took away, from the end of an allocation until the job ran again, left, or the run ended."""
    rows = np.flatnonzero(_ints(held["outage_until_s"]) >= 0)

    def told(place: int, ends: bool) -> Told:
        return facts.outage(_held(held, names, int(rows[place])), ends=ends)

    from_s, until_s = (epoch_s + _ints(held[key])[rows] for key in ("end_s", "outage_until_s"))
    return [_Kind(from_s, lambda place: told(place, False)), _Kind(until_s, lambda place: told(place, True))]


def _evictions(run: RunFolder, held: dict[str, list[Any]], names: list[str]) -> _Kind:
    wanted = ("job_id", "tenant", "product", "gpus", "noticed_s", "evicted_s", "guaranteed_until_s")
    gone = {name: column.tolist() for name, column in run.columns("evictions", *wanted).items()}
    epoch_s = run.names.epoch_s
    name_of = dict(zip(zip(held["job_id"], held["end_s"], strict=True), names, strict=True))

    def told(row: int) -> Told:
        job, tenant, product, gpus, noticed_s, evicted_s, until_s = (gone[name][row] for name in wanted)
        times_s = noticed_s, evicted_s, until_s
        return facts.evicted(name_of.get((job, evicted_s)), tenant, job, product, gpus, times_s, epoch_s)

    return _Kind(epoch_s + _ints(gone["evicted_s"]), told)


def _installed(run: RunFolder) -> _Kind:
    gpus: dict[tuple[str, str], int] = {}
    per_node: dict[tuple[str, str], int] = {}
    for pool in run.manifest["pools"]:
        key = pool["region"], pool["sku"]
        gpus[key] = gpus.get(key, 0) + pool["nodes"] * pool["gpus_per_node"]
        per_node[key] = pool["gpus_per_node"]
    pools = list(gpus)

    def told(row: int) -> Told:
        return facts.installed(row + 1, *pools[row], gpus[pools[row]], per_node[pools[row]])

    return _Kind(np.full(len(pools), run.names.epoch_s, dtype=np.int64), told)


def _capacity(run: RunFolder) -> _Kind:
    """What nobody held, each hour at its end; what was held is metered."""
    idle = run.columns("capacity")
    rows = np.flatnonzero([not state.startswith(HELD) for state in idle["state"].tolist()])
    columns = {name: column[rows].tolist() for name, column in idle.items()}
    epoch_s = run.names.epoch_s
    end_s = np.minimum(_ints(columns["hour_s"]) + SECONDS_PER_HOUR, run.manifest["horizon_s"])

    def told(row: int) -> Told:
        region, sku, state = (columns[name][row] for name in ("region", "sku", "state"))
        return facts.capacity(row + 1, region, sku, state, epoch_s + columns["hour_s"][row], columns["gpu_s"][row])

    return _Kind(epoch_s + end_s, told)


def _excluded(run: RunFolder) -> _Kind:
    """Maintenance that was agreed to be left out of service levels; what the terms exclude, they say themselves."""
    epoch_s, windows = run.names.epoch_s, run_maintenance(run)

    def told(row: int) -> Told:
        return facts.excluded(row + 1, windows[row], epoch_s)

    return _Kind(epoch_s + _ints([window.until_s for window in windows]), told)


def _ints(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
