"""A run as a log while it goes on: the events of everything before now, as soon as it is now.

    live = LiveLog(world, source)
    run(world, ..., watch=lambda now_s, recorder: send(live.until(now_s, recorder)))

What comes out, piece by piece, is the chain that `sim.folder.log` makes of the finished run's folder, event by event.
It is written from the recorder's side and shares no reader with that one, so that each is a check of the other.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from billing.log.event import Event, chained, event_hash
from billing.money import SECONDS_PER_HOUR
from billing.usage import CAUSES, STATES
from scheduler.events import Status
from sim.engine.recorder import Recorder
from sim.feed import facts
from sim.feed.facts import Held, Told
from sim.result import World

_ENDED, _STARTED, _DOWN, _UP, _EVICTED, _INSTALLED, _CAPACITY, _EXCLUDED, _LAST = range(len(facts.TYPES))
_Rows = list[list[int]]


class _Down(NamedTuple):
    """GPUs that a fault took from a job, at `from_s`; the job was to leave them at `due_s` anyway."""

    held: Held
    from_s: int
    due_s: int


class LiveLog:
    """Tells a run. Ask it at each tick of the control clock, and once more when the run has been closed."""

    def __init__(self, world: World, source: str) -> None:
        """`source` is the name of the log."""
        self.world, self.source, self.epoch_s = world, source, world.names.epoch_s
        self.seq, self._hash = 0, ""
        self._done = dict.fromkeys(("segments", "started", "evicted", "faulted"), 0)
        self._starts: dict[int, list[int]] = {}  # of each job, in order of time, whether or not it held anything
        self._named: dict[int, int] = {}  # allocations of each job so far
        self._pending: dict[tuple[int, int], int] = {}  # (job, start_s) of what is not told yet: waiting since
        self._open: dict[int, tuple[int, Held]] = {}  # job: since when it holds what
        self._ends: dict[tuple[int, int], Held] = {}  # (job, end_s) since the last tick
        self._down: dict[int, list[_Down]] = {}
        self._hour_s, self._rows = 0, 0  # how far, and in how many rows, idle hours have been told
        self._excluded = list(enumerate(world.exclusions, 1))
        self._begun = False

    def until(self, now_s: int, recorder: Recorder) -> list[Event]:
        """Return the events before `now_s` (seconds since the epoch) that have not been returned yet; at the horizon,
        once the recorder is closed, all that are left."""
        last = now_s >= self.world.horizon_s
        found: list[tuple[int, int, Told]] = []

        def tell(at_s: int, kind: int, told: Told) -> None:
            found.append((self.epoch_s + at_s, kind, told))

        self._ends.clear()
        self._take_starts(recorder)
        self._tell_segments(now_s, recorder, tell)
        self._tell_outages(now_s, last, recorder, tell)
        self._tell_evictions(recorder, tell)
        self._tell_hours(now_s, last, recorder, tell)
        if not self._begun:
            self._begun = True
            for told in _installed(self.world):
                tell(0, _INSTALLED, told)
        for number, window in [each for each in self._excluded if last or each[1].until_s < now_s]:
            self._excluded.remove((number, window))
            tell(window.until_s, _EXCLUDED, facts.excluded(number, window, self.epoch_s))
        if last:
            tell(self.world.horizon_s, _LAST, facts.run_ended())
        return self._linked(found)

    def _linked(self, found: list[tuple[int, int, Told]]) -> list[Event]:
        found.sort(key=lambda each: (each[0], each[1], each[2][0]))
        told = ((id_, facts.TYPES[kind], at_s, subject, data) for at_s, kind, (id_, subject, data) in found)
        events = list(chained(self.source, told, self.seq + 1, self._hash))
        if events:
            self.seq, self._hash = events[-1].seq, event_hash(events[-1])
        return events

    def _new(self, recorder: Recorder, name: str, width: int) -> _Rows:
        """Rows of one of the recorder's columns that were not there at the last tick."""
        flat = getattr(recorder, name)
        new = flat[self._done[name] :].tolist()
        self._done[name] = len(flat)
        return [new[at : at + width] for at in range(0, len(new), width)]

    def _take_starts(self, recorder: Recorder) -> None:
        for job, pending_s, _, start_s in self._new(recorder, "started", 4):
            self._starts.setdefault(job, []).append(start_s)
            self._pending.setdefault((job, start_s), pending_s)

    def _tell_segments(self, now_s: int, recorder: Recorder, tell: Callable[[int, int, Told], None]) -> None:
        """What has begun and what has ended. Whoever held nothing, being gone in the second of its start, is not
        told: only what ended later, or is held now, has begun."""
        for job, start_s, end_s, gpus, cause, *spent in self._new(recorder, "segments", 8):
            if job not in self._open:
                self._begin(job, start_s, gpus, tell)
            held = self._open.pop(job)[1]
            self._ends[job, end_s] = held
            tell(end_s, _ENDED, facts.ended(held, CAUSES[cause], *spent))
        if self._pending and now_s < self.world.horizon_s:
            for segment in recorder.core.cut(now_s):
                if segment.job not in self._open:
                    self._begin(segment.job, segment.start_s, segment.gpus, tell)
        self._pending.clear()

    def _begin(self, job: int, start_s: int, gpus: int, tell: Callable[[int, int, Told], None]) -> None:
        number = self._named[job] = self._named.get(job, 0) + 1
        rows, names = self.world.jobs, self.world.names
        pool, id_ = int(rows.pool[job]), rows.job_id[job]
        place = names.regions[self.world.pool_region[pool]], names.skus[self.world.pool_sku[pool]]
        product = names.products[int(rows.product[job])]
        held = Held(f"{id_}.{number}", names.tenants[int(rows.tenant[job])], id_, product, *place, gpus)
        self._open[job] = start_s, held
        pending_s = self._pending.get((job, start_s), -1)
        tell(start_s, _STARTED, facts.started(held, self.epoch_s + pending_s if pending_s >= 0 else None))

    def _tell_outages(self, now_s: int, last: bool, recorder: Recorder, tell: Callable[[int, int, Told], None]) -> None:
        for job, _, at_s, due_s in self._new(recorder, "faulted", 4):
            held = self._ends.get((job, at_s))
            known = self._down.setdefault(job, [])
            if held is not None and all(each.from_s != at_s for each in known):
                known.append(_Down(held, at_s, due_s))
                tell(at_s, _DOWN, facts.outage(held, ends=False))
        for job in list(self._down):
            left = []
            for each in self._down.pop(job):
                until_s = self._back_s(recorder, job, each, now_s, last)
                if until_s is None:
                    left.append(each)
                else:
                    tell(until_s, _UP, facts.outage(each.held, ends=True))
            if left:
                self._down[job] = left

    def _back_s(self, recorder: Recorder, job: int, down: _Down, now_s: int, last: bool) -> int | None:
        """When a job had GPUs again, left, or would have left by its notice; None: not yet."""
        jobs = recorder.core.jobs
        again = next((start_s for start_s in self._starts[job] if start_s >= down.from_s), None)
        if again is None and jobs.status[job] == Status.CANCELLED:
            again = jobs.end_s[job]
        if again is None:
            again = self.world.horizon_s if last else None
        if again is not None:
            return min(again, down.due_s)
        return down.due_s if down.due_s < now_s else None

    def _tell_evictions(self, recorder: Recorder, tell: Callable[[int, int, Told], None]) -> None:
        rows, names = self.world.jobs, self.world.names
        for job, gpus, noticed_s, evicted_s, guaranteed_until_s, *_ in self._new(recorder, "evicted", 8):
            held = self._ends.get((job, evicted_s))
            who = names.tenants[int(rows.tenant[job])], rows.job_id[job], names.products[int(rows.product[job])]
            times_s = noticed_s, evicted_s, guaranteed_until_s
            told = facts.evicted(held.name if held else None, *who, gpus, times_s, self.epoch_s)
            tell(evicted_s, _EVICTED, told)

    def _tell_hours(self, now_s: int, last: bool, recorder: Recorder, tell: Callable[[int, int, Told], None]) -> None:
        """What nobody held, of each hour that is over."""
        horizon_s, names = self.world.horizon_s, self.world.names
        until_s = horizon_s if last else (now_s - 1) // SECONDS_PER_HOUR * SECONDS_PER_HOUR
        if until_s <= self._hour_s:
            return
        total: dict[tuple[int, int, int, int], int] = {}
        idle = recorder.idle_hours(now_s, self._hour_s, until_s)
        for *key, gpu_s in idle:
            place = (key[0], key[1], key[2], key[3])
            total[place] = total.get(place, 0) + gpu_s
        for (hour_s, region, sku, state), gpu_s in sorted(total.items()):
            self._rows += 1
            where = names.regions[region], names.skus[sku], STATES[state]
            told = facts.capacity(self._rows, *where, self.epoch_s + hour_s, gpu_s)
            tell(min(hour_s + SECONDS_PER_HOUR, horizon_s), _CAPACITY, told)
        self._hour_s = until_s


def _installed(world: World) -> Iterator[Told]:
    gpus: dict[tuple[int, int], int] = {}
    per_node: dict[tuple[int, int], int] = {}
    for key, pool in zip(zip(world.pool_region, world.pool_sku, strict=True), world.pools, strict=True):
        gpus[key] = gpus.get(key, 0) + pool.nodes * pool.gpus_per_node
        per_node[key] = pool.gpus_per_node
    for number, (region, sku) in enumerate(gpus, 1):
        where = world.names.regions[region], world.names.skus[sku]
        yield facts.installed(number, *where, gpus[region, sku], per_node[region, sku])
