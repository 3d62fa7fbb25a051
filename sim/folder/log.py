"""A run as a log: the events that a metering source would have sent while it ran, numbered and linked.

The same run gives the same events, whoever reads its folder and however often, so importing it twice changes nothing.
Times in events are Unix seconds; the ids of allocations are the job's and the number of its start.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from billing.log.event import OPERATOR, Event, chained
from billing.log.known import EVERYBODY
from billing.metering.states import HELD
from billing.money import SECONDS_PER_HOUR
from sim.folder.run_folder import RunFolder
from sim.folder.terms import run_maintenance
from sim.result import IntArray
from sim.told import allocation_names, eviction_event, outage_event

_SOURCE_DIGITS = 16
Told = tuple[str, str, dict[str, Any]]  # id, subject, data


class _Kind(NamedTuple):
    """Events of one type: when each took place, and what the one of a row says."""

    type: str
    time_s: IntArray
    told: Callable[[int], Told]


def source_of(run: RunFolder) -> str:
    """Return the name of the log that a run is: equal for equal runs."""
    return f"run/{run.manifest['config_sha256'][:_SOURCE_DIGITS]}"


def events_of(run: RunFolder) -> Iterator[Event]:
    """Yield the events of a metered run in the order of time; those of one second in the order of `_kinds`.

    Raises:
        SimError: a file of the folder is damaged.

    Cost: O(n log n) in the allocations; their columns are held in memory.
    """
    kinds = _kinds(run)
    time_s = np.concatenate([kind.time_s for kind in kinds])
    number = np.repeat(np.arange(len(kinds)), [len(kind.time_s) for kind in kinds])
    row = np.concatenate([np.arange(len(kind.time_s)) for kind in kinds])
    order = np.lexsort((row, number, time_s))

    def facts() -> Iterator[tuple[str, str, int, str, dict[str, Any]]]:
        at = zip(number[order].tolist(), row[order].tolist(), time_s[order].tolist(), strict=True)
        for kind, place, when_s in at:
            id_, subject, data = kinds[kind].told(place)
            yield id_, kinds[kind].type, when_s, subject, data

    return chained(source_of(run), facts())


def event_count(run: RunFolder) -> int:
    """Return how many events a run is. Raises SimError as `events_of`."""
    return sum(len(kind.time_s) for kind in _kinds(run))


def _kinds(run: RunFolder) -> list[_Kind]:
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
        _Kind("source.ended", np.array([epoch_s + run.manifest["horizon_s"]]), lambda _: ("ended", OPERATOR, {})),
    ]


def _allocations(held: dict[str, list[Any]], names: list[str], epoch_s: int) -> list[_Kind]:
    start_s, end_s = epoch_s + _ints(held["start_s"]), epoch_s + _ints(held["end_s"])

    def started(row: int) -> Told:
        data = {key: held[key][row] for key in ("product", "region", "sku", "gpus")}
        waited = {"pending_s": epoch_s + held["pending_s"][row]} if held["pending_s"][row] >= 0 else {}
        data |= {"allocation": names[row], "job": held["job_id"][row], **waited}
        return f"{names[row]}.started", held["tenant"][row], data

    def ended(row: int) -> Told:
        spent = {key: held[key][row] for key in ("stalled_s", "lost_s", "written_s") if held[key][row]}
        return (
            f"{names[row]}.ended",
            held["tenant"][row],
            {"allocation": names[row], "cause": held["cause"][row], **spent},
        )

    return [
        _Kind("allocation.ended", end_s, ended),
        _Kind("allocation.started", start_s, started),
    ]


def _outages(held: dict[str, list[Any]], names: list[str], epoch_s: int) -> list[_Kind]:
    """What a fault took away, from the end of an allocation until the job ran again, left, or the run ended."""
    rows = np.flatnonzero(_ints(held["outage_until_s"]) >= 0)

    def told(place: int, word: str) -> Told:
        row = int(rows[place])
        data = {"outage": f"{names[row]}.outage", "job": held["job_id"][row]}
        data |= {"product": held["product"][row], "gpus": held["gpus"][row]}
        id_ = outage_event(names[row]) if word == "started" else f"{names[row]}.outage.{word}"
        return id_, held["tenant"][row], data

    from_s, until_s = (epoch_s + _ints(held[key])[rows] for key in ("end_s", "outage_until_s"))
    return [
        _Kind("outage.started", from_s, lambda place: told(place, "started")),
        _Kind("outage.ended", until_s, lambda place: told(place, "ended")),
    ]


def _evictions(run: RunFolder, held: dict[str, list[Any]], names: list[str]) -> _Kind:
    wanted = ("job_id", "tenant", "product", "gpus", "noticed_s", "evicted_s", "guaranteed_until_s")
    gone = {name: column.tolist() for name, column in run.columns("evictions", *wanted).items()}
    epoch_s = run.names.epoch_s
    name_of = dict(zip(zip(held["job_id"], held["end_s"], strict=True), names, strict=True))

    def told(row: int) -> Told:
        key = (gone["job_id"][row], gone["evicted_s"][row])
        name = name_of.get(key, f"{key[0]}@{key[1]}")
        data = {"allocation": name, "noticed_s": epoch_s + gone["noticed_s"][row]}
        data["guaranteed_until_s"] = epoch_s + gone["guaranteed_until_s"][row]
        if key not in name_of:
            data |= {"job": key[0], "product": gone["product"][row], "gpus": gone["gpus"][row]}
        return eviction_event(name_of.get(key), *key), gone["tenant"][row], data

    return _Kind("preemption.executed", epoch_s + _ints(gone["evicted_s"]), told)


def _installed(run: RunFolder) -> _Kind:
    gpus: dict[tuple[str, str], int] = {}
    per_node: dict[tuple[str, str], int] = {}
    for pool in run.manifest["pools"]:
        key = pool["region"], pool["sku"]
        gpus[key] = gpus.get(key, 0) + pool["nodes"] * pool["gpus_per_node"]
        per_node[key] = pool["gpus_per_node"]
    pools = list(gpus)

    def told(row: int) -> Told:
        region, sku = pools[row]
        size = {"gpus": gpus[region, sku], "gpus_per_node": per_node[region, sku]}
        return f"pool.{row + 1}", OPERATOR, {"region": region, "sku": sku, **size}

    return _Kind("pool.installed", np.full(len(pools), run.names.epoch_s, dtype=np.int64), told)


def _capacity(run: RunFolder) -> _Kind:
    """What nobody held, each hour at its end; what was held is metered."""
    idle = run.columns("capacity")
    rows = np.flatnonzero([not state.startswith(HELD) for state in idle["state"].tolist()])
    columns = {name: column[rows].tolist() for name, column in idle.items()}
    epoch_s = run.names.epoch_s
    end_s = np.minimum(_ints(columns["hour_s"]) + SECONDS_PER_HOUR, run.manifest["horizon_s"])

    def told(row: int) -> Told:
        data = {name: columns[name][row] for name in ("region", "sku", "state", "gpu_s")}
        return f"capacity.{row + 1}", OPERATOR, {"hour_s": epoch_s + columns["hour_s"][row], **data}

    return _Kind("capacity.recorded", epoch_s + end_s, told)


def _excluded(run: RunFolder) -> _Kind:
    """Maintenance that was agreed to be left out of service levels; what the terms exclude, they say themselves."""
    epoch_s = run.names.epoch_s
    windows = run_maintenance(run)

    def told(row: int) -> Told:
        window = windows[row]
        span = {"from_s": epoch_s + window.from_s, "until_s": epoch_s + window.until_s}
        data = {"cause": window.cause, "product": EVERYBODY, "region": window.region, "sku": window.sku, **span}
        return f"excluded.{row + 1}", EVERYBODY, data

    return _Kind("sla.excluded", epoch_s + _ints([window.until_s for window in windows]), told)


def _ints(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)
