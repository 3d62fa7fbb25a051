"""The run over time: who held what in each bin, what rentals brought in, and the training gaps they were sold into."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from billing.books import Books
from billing.sla.indicators import RENTED
from billing.usage import STATES
from sim.report.model import HOLDERS, CapacityRow, Gap, Series, Timeline
from sim.report.text import DAY_S, HOUR_S
from sim.result import IntArray, RunResult
from tenants.band import Band

HOLDER_OF_BAND = {
    Band.INTERNAL_CRITICAL: "critical",
    Band.INTERNAL: "internal",
    Band.RESERVED: "reserved",
    Band.ON_DEMAND: "ondemand",
    Band.SPOT: "spot",
}
FRONTIER = "int.frontier"
GAP_MIN_S = DAY_S  # shorter breaks are restarts after a fault
BINS_MAX = 550
_HOURLY_UNTIL_S = 14 * DAY_S
_NOT_IDLE = ("down", "scrubbing")
# State: (label, what it means), in the order in which the page shows them.
_STATE_WORDS = {
    "idle.no_demand": ("no demand", "nobody asked for it"),
    "idle.spare": ("spare", "free beside waiting jobs that need more, or must not delay an earlier one"),
    "idle.fragmented": ("fragmented", "free GPUs that do not add up to the whole nodes that are asked for"),
    "idle.held_back": ("held back", "renters wait, and the lend policy does not offer it"),
    "idle.reserved_unused": ("reserved, unused", "promised to a contract that does not use it"),
    "idle.gathering": ("gathering", "kept for a granted job until its gang is complete"),
    "scrubbing": ("cleaning", "scrubbed between two trust domains"),
    "down": ("down", "failed, or in repair"),
}


def bin_length_s(horizon_s: int) -> int:
    """Return the length of a bin: hours up to two weeks, else days, else as many whole weeks as it takes."""
    if horizon_s <= _HOURLY_UNTIL_S:
        return HOUR_S
    if horizon_s <= BINS_MAX * DAY_S:
        return DAY_S
    return 7 * DAY_S * -(-horizon_s // (BINS_MAX * 7 * DAY_S))


def installed_gpus(result: RunResult) -> int:
    """Return the GPUs of all pools."""
    return sum(pool.nodes * pool.gpus_per_node for pool in result.world.pools)


def timeline(result: RunResult, books: Books) -> Timeline:
    """Return the run in bins. Evictions count where they took place; the gaps are those of the frontier runs."""
    bin_s = bin_length_s(books.horizon_s)
    count = max(1, -(-books.horizon_s // bin_s))
    start_s = np.arange(count, dtype=np.int64) * bin_s
    installed = installed_gpus(result) * np.minimum(bin_s, np.maximum(books.horizon_s - start_s, 0))
    runs = _frontier_runs(result, books.horizon_s)
    evictions = np.zeros(count, dtype=np.int64)
    np.add.at(evictions, np.minimum(result.evictions.evicted_s // bin_s, count - 1), 1)
    return Timeline(
        bin_s=bin_s,
        installed_gpu_s=tuple(installed.tolist()),
        holders=_holders(result, books, bin_s, count),
        revenue=_revenue(result, books, bin_s, count),
        evictions=tuple(evictions.tolist()),
        gaps=tuple(_gaps(result, books, runs)),
        frontier_starts_s=tuple(start for start, _ in runs),
    )


def unheld(books: Books) -> tuple[CapacityRow, ...]:
    """Return the capacity that no job held, by reason, each state once."""
    total = np.zeros(len(STATES), dtype=np.int64)
    free = books.capacity.state < len(STATES)
    np.add.at(total, books.capacity.state[free], books.capacity.gpu_s[free])
    return tuple(
        CapacityRow(state.removeprefix("idle."), *words, int(total[STATES.index(state)]))
        for state, words in _STATE_WORDS.items()
    )


def bands(result: RunResult) -> IntArray:
    """Return the band of each product, (products,) int64."""
    return np.array([row.band for row in result.world.products], dtype=np.int64)


def is_rented(result: RunResult) -> NDArray[np.bool_]:
    """Return, per product, whether the outside world rents it, (products,) bool."""
    return np.isin(bands(result), [int(band) for band in RENTED])


def _holders(result: RunResult, books: Books, bin_s: int, count: int) -> tuple[Series, ...]:
    keys = [key for key, _ in HOLDERS]
    of_product = [keys.index(HOLDER_OF_BAND[Band(row.band)]) for row in result.world.products]
    of_state = [keys.index("down" if state in _NOT_IDLE else "idle") for state in STATES]
    # The states of closed books are the free ones, then one per product.
    holder = np.array([*of_state, *of_product], dtype=np.int64)[books.capacity.state]
    held = np.zeros((len(keys), count), dtype=np.int64)
    np.add.at(held, (holder, np.minimum(books.capacity.hour_s // bin_s, count - 1)), books.capacity.gpu_s)
    return tuple(Series(key, label, tuple(row)) for (key, label), row in zip(HOLDERS, held.tolist(), strict=True))


def _revenue(result: RunResult, books: Books, bin_s: int, count: int) -> tuple[Series, ...]:
    lines, found = books.lines, []
    words = dict(HOLDERS)
    band_of_line = bands(result)[lines.product]
    for band in RENTED:
        charged = np.zeros(count, dtype=np.int64)
        here = band_of_line == band
        np.add.at(charged, np.minimum(lines.hour_s[here] // bin_s, count - 1), lines.amount_micro_usd[here])
        key = HOLDER_OF_BAND[band]
        found.append(Series(key, words[key], tuple(charged.tolist())))
    return tuple(found)


def _frontier_runs(result: RunResult, horizon_s: int) -> list[tuple[int, int]]:
    """Return [from_s, until_s) of the times with a frontier run, breaks shorter than GAP_MIN_S joined."""
    names, segments = result.world.names, result.segments
    if FRONTIER not in names.products:
        return []
    mine = np.flatnonzero(segments.product == names.products.index(FRONTIER))
    runs: list[tuple[int, int]] = []
    for row in mine[np.lexsort((mine, segments.start_s[mine]))].tolist():
        start_s, end_s = int(segments.start_s[row]), min(int(segments.end_s[row]), horizon_s)
        if runs and start_s - runs[-1][1] < GAP_MIN_S:
            runs[-1] = (runs[-1][0], max(runs[-1][1], end_s))
        else:
            runs.append((start_s, end_s))
    return runs


def _gaps(result: RunResult, books: Books, runs: list[tuple[int, int]]) -> Iterator[Gap]:
    """Yield the gaps before, between and after the runs; none of a programme that has no frontier runs."""
    if not runs:
        return
    edges = [0, *(edge for run in runs for edge in run), books.horizon_s]
    rented = is_rented(result)
    usage, lines, states = books.usage.held(), books.lines, books.capacity
    for from_s, until_s in zip(edges[::2], edges[1::2], strict=True):
        first_s, last_s = from_s // HOUR_S * HOUR_S, until_s // HOUR_S * HOUR_S
        if last_s - first_s < GAP_MIN_S:
            continue
        used = (usage.hour_s >= first_s) & (usage.hour_s < last_s)
        sold = used & rented[usage.product]
        ill = (states.hour_s >= first_s) & (states.hour_s < last_s) & (states.state == STATES.index("down"))
        charged = (lines.hour_s >= first_s) & (lines.hour_s < last_s) & rented[lines.product]
        internal_gpu_s = int(usage.quantity[used & ~rented[usage.product]].sum())
        room_gpu_s = installed_gpus(result) * (last_s - first_s) - internal_gpu_s - int(states.gpu_s[ill].sum())
        revenue = int(lines.amount_micro_usd[charged].sum())
        yield Gap(first_s, last_s, room_gpu_s, int(usage.quantity[sold].sum()), revenue)
