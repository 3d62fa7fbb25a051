"""Collects what the core lets go of, in columns, while a run is under way.

Memory is what bounds long runs: facts lie in flat int64 arrays, node lists in one array with offsets, and idle counts
are folded into hours as they come. Nothing here decides anything.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from struct import Struct

import numpy as np

from billing.usage import STATES, CapacityTable
from scheduler.core import Core
from scheduler.events import Event, EventKind, Segment, Status
from scheduler.nodes.nodeset import NodeSet, of_rows, row_array, rows
from scheduler.tape import step_line
from scheduler.why.reasons import why
from scheduler.why.wait_cause import WaitCause
from scheduler.why.waits import WaitLedger
from sim.result import IntArray, IsolationLog, World

HOUR_S = 3600
IDLE_WIDTH = 2 + len(STATES)
FLUSH_AT = 200_000 * IDLE_WIDTH
# An array takes packed integers in a third of the time that it takes to convert them one by one.
_FOUR, _EIGHT, _IDLE = (Struct(f"{width}q").pack for width in (4, 8, IDLE_WIDTH))


class NodeSets(Sequence[NodeSet]):
    """Node sets of many segments in one int32 array with offsets; each is built when asked for."""

    def __init__(self) -> None:
        self.offsets = array("q", [0])
        self.rows = array("i")

    def add(self, nodes: NodeSet) -> None:
        """Append a set. O(nodes in it)."""
        first = max(0, (nodes & -nodes).bit_length() - 1)
        block = nodes >> first
        if nodes and not block & (block + 1):  # rows without a gap, or only one
            self.rows.extend(range(first, first + block.bit_length()))
        else:
            self.rows.extend(rows(nodes) if nodes.bit_count() < 32 else row_array(nodes).tolist())
        self.offsets.append(len(self.rows))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: "int | slice") -> "NodeSet | list[NodeSet]":  # type: ignore[override]
        if isinstance(index, slice):
            return [self._at(place) for place in range(*index.indices(len(self)))]
        return self._at(index if index >= 0 else len(self) + index)

    def __iter__(self) -> Iterator[NodeSet]:
        return map(self._at, range(len(self)))

    def _at(self, index: int) -> NodeSet:
        if not 0 <= index < len(self):
            raise IndexError(index)
        return of_rows(self.rows[self.offsets[index] : self.offsets[index + 1]].tolist())


class Recorder:
    """Columns of one run. Call `after_step` after each step of the core, then `close` once."""

    def __init__(
        self, core: Core, world: World, tape: list[str] | None, reasons: bool = True, metered: bool = True
    ) -> None:
        """`tape`: lines to append to; `reasons`: note what jobs wait for; `metered`: count idle time by the hour."""
        self.core, self.world, self.tape, self.metered = core, world, tape, metered
        self.waits = WaitLedger(core) if reasons else None
        self.segments = array("q")  # job, start_s, end_s, gpus, cause, stalled_s, lost_s, written_s
        self.nodes = NodeSets()
        self.started = array("q")  # job, pending_s, granted_s, start_s
        self.evicted = array("q")  # the fields of Evicted
        self.faulted = array("q")  # job, gpus, at_s, due_s
        self.progress: Callable[[int], None] | None = None
        self.isolation: Callable[[], IsolationLog] | None = None  # asked at the end, where somebody watches over it
        self._idle = array("q")  # pool, from_s, GPUs by state
        # What the latest record of each pool says; before the first event everything is idle and nobody waits.
        self._open = [(0, pool.idle_gpus(waiting=False)) for pool in core.pools]
        self._hours: list[dict[int, IntArray]] = [{} for _ in core.pools]

    def after_step(self, now_s: int, events: list[Event]) -> None:
        """Take what the core has let go of."""
        out = self.core.out
        for segment in out.segments:
            self._add_segment(segment)
        for started in out.started:
            self.started.frombytes(_FOUR(*started))
        for evicted in out.evicted:
            self.evicted.extend(evicted)
        for faulted in out.faulted:
            self.faulted.extend(faulted)
        if self.metered:
            for from_s, pool, gpus in out.idle:
                self._idle.frombytes(_IDLE(pool, from_s, *gpus))
        if self.waits is not None:
            self.waits.after_step(now_s, events)
            self._note_reasons(events)
        if self.tape is not None:
            self.tape.append(step_line(now_s, events, out.decisions))
        out.clear()
        if len(self._idle) >= FLUSH_AT:
            self._fold_idle()
        if self.progress and not self.core.step_count % 4096:
            self.progress(now_s)

    def take_columns(
        self,
        segments: IntArray,
        node_ends: IntArray,
        node_rows: IntArray,
        started: IntArray,
        evicted: IntArray,
        faulted: IntArray,
        idle: IntArray,
    ) -> None:
        """Take the same facts by the thousand, (n, width) each; segment i holds node_rows[node_ends[i-1]:node_ends[i]].

        Idle counts are (pool, from_s, GPUs by state).
        """
        self.segments.frombytes(segments.tobytes())
        self.nodes.offsets.frombytes((node_ends + self.nodes.offsets[-1]).tobytes())
        self.nodes.rows.frombytes(node_rows.astype(np.int32).tobytes())
        self.started.frombytes(started.tobytes())
        self.evicted.frombytes(evicted.tobytes())
        self.faulted.frombytes(faulted.tobytes())
        self._idle.frombytes(idle.tobytes())
        if len(self._idle) >= FLUSH_AT:
            self._fold_idle()

    def close(self, horizon_s: int) -> CapacityTable:
        """End the run at `horizon_s`: cut what is still open, and return the idle GPU-seconds by hour and state."""
        for segment in self.core.cut(horizon_s):
            self._add_segment(segment)
        if self.metered:
            self._idle_until(horizon_s)
        found = [row for pool in range(len(self._hours)) for row in self._hours_of(pool, 0, horizon_s)]
        columns = np.array(found, dtype=np.int64).reshape(-1, 5).T
        return CapacityTable(*(column.copy() for column in columns))

    def idle_hours(self, now_s: int, from_s: int, until_s: int) -> Iterator[tuple[int, int, int, int, int]]:
        """Yield (hour_s, region, sku, state, GPU-seconds) of what was idle, pool by pool, in the hours that begin in
        [from_s, until_s). All before `now_s` must have been taken."""
        self._idle_until(now_s)
        for pool in range(len(self._hours)):
            yield from self._hours_of(pool, from_s, until_s)

    def waits_by_cause(self, horizon_s: int) -> IntArray:
        """Return (job, cause, seconds), (3, n), ascending by job and cause; nothing where reasons were not noted."""
        rows = self.table(self.waits.close(horizon_s) if self.waits is not None else array("q"), 3)
        keys, place = np.unique(rows[0] * len(WaitCause) + rows[1], return_inverse=True)
        seconds = np.zeros(len(keys), dtype=np.int64)
        np.add.at(seconds, place, rows[2])
        return np.vstack([*np.divmod(keys, len(WaitCause)), seconds])

    def table(self, flat: array, width: int) -> IntArray:  # type: ignore[type-arg]
        """Return a flat array as (width, n) int64 columns."""
        return np.array(flat, dtype=np.int64).reshape(-1, width).T

    def _add_segment(self, segment: Segment) -> None:
        job, start_s, end_s, gpus, nodes, cause, stalled_s, lost_s, written_s = segment
        if end_s > start_s:
            self.segments.frombytes(_EIGHT(job, start_s, end_s, gpus, cause, stalled_s, lost_s, written_s))
            self.nodes.add(nodes)

    def _note_reasons(self, events: list[Event]) -> None:
        """Write down why a job that was just submitted does not start at once."""
        jobs = self.core.jobs
        for kind, job, _ in events:
            if kind == EventKind.SUBMIT and jobs.status[job] in (Status.PENDING, Status.GRANTED):
                jobs.reason[job] = why(self.core, job, promise=False).reason

    def _fold_idle(self) -> None:
        records = np.array(self._idle, dtype=np.int64).reshape(-1, IDLE_WIDTH)
        self._idle = array("q")
        for pool in range(len(self._open)):
            mine = records[records[:, 0] == pool, 1:]
            since, counts = self._open[pool]
            mine = np.vstack([np.array([[since, *counts]], dtype=np.int64), mine])
            self._open[pool] = (int(mine[-1, 0]), tuple(mine[-1, 1:].tolist()))
            if len(mine) > 1:
                self._add_idle(pool, mine[:-1], mine[1:, 0])

    def _add_idle(self, pool: int, records: IntArray, until_s: IntArray) -> None:
        """Integrate constant counts over [from_s, until_s) into hours, exactly."""
        from_s = records[:, 0]
        first, last = from_s // HOUR_S, (until_s - 1) // HOUR_S
        count = np.maximum(last - first + 1, 0)
        which = np.repeat(np.arange(len(records)), count)
        hour = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count) + first[which]
        seconds = np.minimum(until_s[which], (hour + 1) * HOUR_S) - np.maximum(from_s[which], hour * HOUR_S)
        hours, place = np.unique(hour, return_inverse=True)
        table = np.zeros((len(hours), len(STATES)), dtype=np.int64)
        np.add.at(table, place, records[which, 1:] * seconds[:, None])
        mine = self._hours[pool]
        for index, number in enumerate(hours.tolist()):
            mine[number] = mine[number] + table[index] if number in mine else table[index]

    def _idle_until(self, now_s: int) -> None:
        """Add what has been idle until now."""
        self._fold_idle()
        for pool, (since_s, counts) in enumerate(self._open):
            if since_s < now_s:
                self._add_idle(pool, np.array([[since_s, *counts]]), np.array([now_s]))
                self._open[pool] = now_s, counts

    def _hours_of(self, pool: int, from_s: int, until_s: int) -> Iterator[tuple[int, int, int, int, int]]:
        region, sku = self.world.pool_region[pool], self.world.pool_sku[pool]
        for number in range(from_s // HOUR_S, -(-until_s // HOUR_S)):
            for state, gpu_s in enumerate(self._hours[pool].get(number, ())):
                if gpu_s:
                    yield number * HOUR_S, region, sku, state, int(gpu_s)
