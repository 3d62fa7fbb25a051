"""Delay attribution: for how long each job waited for what, to the second, while a run is under way.

After each step of a core the ledger is told; it changes nothing. Jobs of one shape, product and pool that wait in a
queue wait for the same thing (`scheduler.why.reasons.refusal`), so they stand in one line that counts seconds by cause;
a job notes the counts when it joins and takes the difference when it leaves. So a step costs the lines whose answer
changes, not the jobs that wait. Whole-node shapes of a tier are told apart by a few thresholds (free nodes, the Offer,
...), and only those between an old threshold and a new one are looked at again.

The seconds of a job add up to its waiting time with residual 0, by construction: each second of it belongs to exactly
one cause, that which held after the last decision about its pool.
"""

from array import array
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from operator import sub
from typing import TYPE_CHECKING

from scheduler.events import Event, EventKind, Status
from scheduler.state.pool import Pool
from scheduler.why.reasons import refusal
from scheduler.why.wait_cause import WaitCause, cause_of_grant, cause_of_refusal
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


_CAUSES = len(WaitCause)
_WAITING = (int(Status.PENDING), int(Status.GRANTED))
_GRANTED = int(Status.GRANTED)
_RESERVED = int(Band.RESERVED)


Key = int | tuple[int, ...]  # whole nodes, where these say it all; else the shape, and the tenant of a contract


class Line:
    """Jobs that wait for the same thing: seconds by cause since the line began."""

    __slots__ = ("cause", "count", "key", "like", "since_s", "sums")

    def __init__(self, like: int, key: Key, cause: int, now_s: int) -> None:
        self.like, self.key = like, key  # one of the jobs, to ask about all of them; its name in its family
        self.cause, self.since_s = cause, now_s
        self.sums = [0] * _CAUSES
        self.count = 0

    def turn(self, cause: int, now_s: int) -> None:
        """From now on they wait for `cause`."""
        if cause != self.cause:
            self.sums[self.cause] += now_s - self.since_s
            self.cause, self.since_s = cause, now_s

    def at(self, now_s: int) -> list[int]:
        """Return the seconds by cause up to now."""
        sums = self.sums.copy()
        sums[self.cause] += now_s - self.since_s
        return sums


Marks = tuple[int, int, int, int, int]  # thresholds of whole nodes, see `Family.cause`


class Family:
    """The lines of one tier and product (renters) or of one tier (internal work) in one pool."""

    __slots__ = ("guarantee_s", "lines", "marks", "odd", "sizes", "tier")

    def __init__(self, tier: int, guarantee_s: int) -> None:
        self.tier, self.guarantee_s = tier, guarantee_s
        self.lines: dict[int, Line] = {}  # of whole nodes anywhere, by how many
        self.sizes: list[int] = []  # ascending
        self.odd: dict[tuple[int, ...], Line] = {}  # parts of nodes, gangs of one domain, contracts: asked one by one
        self.marks: Marks | None = None

    def look(self, pool: Pool) -> Marks:
        """Return the thresholds that decide about whole nodes now."""
        room = pool.room(self.tier)
        whole = room.whole().bit_count()
        down = pool.down.bit_count()
        offer = pool.offer_room(self.tier, self.guarantee_s) if self.tier >= 2 else pool.node_count
        gathered = room.free_gpus() // pool.per_node if self.sizes[-1] > whole else whole
        return whole, whole + down - pool.kept_nodes(self.tier), gathered, pool.node_count - down, offer

    def cause(self, full: int, marks: Marks) -> int:
        """What a gang of `full` whole nodes waits for: the rules of `refusal`, as comparisons."""
        whole, repaired, gathered, healthy, offer = marks
        if full > healthy:
            return WaitCause.FAILURE
        if full > offer:
            return WaitCause.OFFER
        if full <= whole:
            return WaitCause.PROMISED
        if full <= repaired:
            return WaitCause.FAILURE
        return WaitCause.FRAGMENTATION if full <= gathered else WaitCause.CAPACITY


class WaitLedger:
    """Counts for every job of a core how long it waited for what. Tell it each step, then `close` it once."""

    def __init__(self, core: "Lives") -> None:
        self.core = core
        self.rows = array("q")  # job, cause, seconds (above 0), when a wait is over
        self._families: list[dict[int, Family]] = [{} for _ in core.pools]
        self._queued: dict[int, tuple[Family, Line, list[int]]] = {}  # with the counts when it joined
        self._granted: dict[int, tuple[int, int]] = {}  # cause, since_s
        self._paused: dict[int, int] = {}  # held back after failures, since_s
        self._sums: dict[int, list[int]] = {}  # of jobs that wait now, or did before they were granted

    def after_step(self, now_s: int, events: Iterable[Event]) -> None:
        """Take note of a step; call it before the core's outbox is emptied. Cost: O(jobs that moved + lines asked)."""
        core, out = self.core, self.core.out
        for index in core.touched:
            if self._families[index]:
                self._look(core.pools[index], self._families[index], now_s)
        queued, granted, paused, status = self._queued, self._granted, self._paused, core.jobs.status
        moved = [row for kind, row, _ in events if kind == EventKind.SUBMIT]
        moved += [decision[1] for decision in out.decisions]
        moved += [segment.job for segment in out.segments]
        if paused:
            moved += [job for job in paused if job not in core.paused and job not in core.meek]
        for job in moved:
            if job in queued or job in granted or job in paused or status[job] in _WAITING:
                self._move(job, now_s)
        if granted:
            for index in core.touched:
                for job, gather in core.pools[index].granted.items():
                    cause, since_s = granted[job]
                    if (now := cause_of_grant(core, gather)) != cause:
                        self._count(job, cause, now_s - since_s)
                        granted[job] = (now, now_s)

    def close(self, now_s: int) -> "array[int]":
        """End every wait at `now_s` and return the rows: job, cause, seconds; a job may have several of one cause."""
        for job in [*self._queued, *self._granted, *self._paused]:
            self._leave(job, now_s)
        for job in list(self._sums):
            self._write(job)
        return self.rows

    def _move(self, job: int, now_s: int) -> None:
        """A job may have begun or ceased to wait, or waits in another way now."""
        self._leave(job, now_s)
        status = self.core.jobs.status[job]
        if status not in _WAITING:
            self._write(job)
        elif status == _GRANTED:
            pool = self.core.pools[self.core.jobs.pool[job]]
            self._granted[job] = (cause_of_grant(self.core, pool.granted[job]), now_s)
        elif job in self.core.paused or job in self.core.meek:
            self._paused[job] = now_s
        else:
            self._join(job, now_s)

    def _join(self, job: int, now_s: int) -> None:
        core, jobs = self.core, self.core.jobs
        index, band, product = jobs.pool[job], jobs.band[job], jobs.product[job]
        pool, tier = core.pools[index], TIER_OF_BAND[band]
        name = product + 1 if tier >= 2 else -tier  # products of one tier may differ in their guarantee
        family = self._families[index].get(name)
        if family is None:
            guarantee_s = core.products[product].guarantee_s
            family = self._families[index][name] = Family(tier, guarantee_s)
        full, part, within = shape = jobs.shape[job]
        gated = pool.gate is not None and tier < 2
        if part or within or gated or band == _RESERVED:
            key = (*shape, jobs.tenant[job] if gated or band == _RESERVED else -1, band)
            line = family.odd.get(key)
            if line is None:
                cause = cause_of_refusal(core, job, refusal(core, pool, job).reason)
                line = family.odd[key] = Line(job, key, cause, now_s)
        else:
            line = family.lines.get(full)
            if line is None:
                insort(family.sizes, full)
                if family.marks is None or family.sizes[-1] == full:
                    family.marks = family.look(pool)
                line = family.lines[full] = Line(job, full, family.cause(full, family.marks), now_s)
        line.count += 1
        self._queued[job] = (family, line, line.at(now_s))

    def _leave(self, job: int, now_s: int) -> None:
        """Take what a job has waited for since it joined its line, or was granted."""
        if job in self._granted:
            cause, since_s = self._granted.pop(job)
            self._count(job, cause, now_s - since_s)
        elif job in self._paused:
            self._count(job, WaitCause.DAMPING, now_s - self._paused.pop(job))
        elif job in self._queued:
            family, line, before = self._queued.pop(job)
            for cause, seconds in enumerate(map(sub, line.at(now_s), before)):
                if seconds:
                    self._count(job, cause, seconds)
            line.count -= 1
            if not line.count:
                self._close_line(family, line)

    def _close_line(self, family: Family, line: Line) -> None:
        if isinstance(line.key, tuple):
            del family.odd[line.key]
            return
        del family.lines[line.key]
        family.sizes.remove(line.key)
        if not family.sizes:
            family.marks = None

    def _count(self, job: int, cause: int, seconds: int) -> None:
        if seconds:
            self._sums.setdefault(job, [0] * _CAUSES)[cause] += seconds

    def _write(self, job: int) -> None:
        for cause, seconds in enumerate(self._sums.pop(job, ())):
            if seconds:
                self.rows.extend((job, cause, seconds))

    def _look(self, pool: Pool, families: dict[int, Family], now_s: int) -> None:
        """Ask again where the answer may have changed."""
        for family in families.values():
            for line in family.odd.values():
                reason = refusal(self.core, pool, line.like).reason
                line.turn(cause_of_refusal(self.core, line.like, reason), now_s)
            if family.sizes:
                before, marks = family.marks, family.look(pool)
                if marks != before:
                    family.marks = marks
                    for full in _between(family.sizes, before, marks):
                        family.lines[full].turn(family.cause(full, marks), now_s)


def _between(sizes: Sequence[int], before: Marks | None, after: Marks) -> Sequence[int]:
    """Return the sizes for which one of the thresholds has moved."""
    if before is None:
        return sizes
    moved = [mark for pair in zip(before, after, strict=True) if pair[0] != pair[1] for mark in pair]
    return sizes[bisect_right(sizes, min(moved)) : bisect_right(sizes, max(moved))]
