"""What the core remembers and measures so that lend can be asked: one `Lending` for each pool, looked at on ticks only.

Everything comes from the core's own events: a tape replays it. Nothing here reads a job that has neither been submitted
nor announced.
"""

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.policy.forecast import (
    HOUR_S,
    NO_FORECAST,
    Change,
    Forecast,
    History,
    IntArray,
    peak_samples,
    requirement,
    rises,
    slots_of,
    tenant_change,
)
from scheduler.policy.lend import UNIT_BP, Look, Prices, Supply, next_eta_bp
from scheduler.state.pool import Pool

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


class Terms(NamedTuple):
    """What is known beside the cluster itself: prices, and how a quota is to be worked out. Plain ints.

    `prices` and `truth` have an entry for each pool; `truth` holds (from_s, nodes) of the run without rentals,
    ascending, and is empty unless the future is known. `z_bp` is the normal quantile of the tenant rule, `target_bp`
    the share of spot jobs that it lets be evicted, `feedback_s` how often it looks at them.
    """

    look: int
    prices: tuple[Prices, ...]
    z_bp: int = 12_816
    target_bp: int = 1_000
    truth: tuple[tuple[tuple[int, int], ...], ...] = ()
    slot_s: int = HOUR_S
    feedback_s: int = HOUR_S


def demand_nodes(pool: Pool) -> int:
    """Return the nodes that internal work holds or claims, wholly or in part, and those that contracts may call on."""
    healthy = pool.node_count - pool.down.bit_count()
    return min(healthy, healthy - pool.internal.exact[-1].bit_count() + pool.reserved_unused_nodes)


def _shown(horizon_s: tuple[int, ...], peak_nodes: IntArray) -> Forecast:
    peak_nodes.flags.writeable = False  # a policy reads it
    return Forecast(horizon_s, peak_nodes)


class Lending:
    """What lend is told of one pool. `told` is to be called once per control tick."""

    def __init__(self, core: "Lives", pool: Pool, terms: Terms) -> None:
        """Start without a history. Cost: O(jobs), for finding those that are ever announced."""
        jobs = core.jobs
        self.terms = terms
        self.prices = terms.prices[pool.index]
        self.horizon_s = tuple(sorted({row.horizon_s for row in self.prices}))
        self.tenant_count = int(jobs.array("tenant").max(initial=-1)) + 1 if terms.look == Look.TENANTS else 0
        self.history = History(self.tenant_count)
        self.eta_bp = UNIT_BP
        self.ended_count = self.evicted_count = 0  # spot jobs that left since the last feedback
        self._feedback_s = terms.feedback_s  # when evictions are looked at next
        self._risen: list[IntArray] = []  # of each horizon, for the slot under way
        self._change: list[Change | None] = []  # of each hour ahead, for the slot under way
        self._truth = np.array(terms.truth[pool.index] if terms.truth else (), dtype=np.int64).reshape(-1, 2)
        announced_s = jobs.array("announced_s")
        mine = (jobs.array("pool") == pool.index) & (announced_s < jobs.array("submit_s"))
        rows = np.flatnonzero(mine)
        self._to_announce = rows[np.argsort(announced_s[rows], kind="stable")].tolist()[::-1]
        self._announced: list[int] = []  # known, and not submitted yet

    def told(self, core: "Lives", pool: Pool, supply: Supply) -> tuple[Supply, Forecast, Prices]:
        """Look at the pool, learn from it, and return what lend is asked with."""
        look = self.terms.look
        if look == Look.TRUTH:
            return supply, self._known(core.now_s), self.prices
        slot = core.now_s // self.terms.slot_s
        self._learn(core, pool, slot)
        if look == Look.SAMPLES:
            return supply, self._sampled(core, pool), self.prices
        self._feed_back(core, pool)
        return supply._replace(eta_bp=self.eta_bp), self._needed(core, pool), self.prices

    def note_end(self, evicted: bool) -> None:
        """A spot job has left its nodes, for whatever reason."""
        self.ended_count += 1
        self.evicted_count += evicted

    def _learn(self, core: "Lives", pool: Pool, slot: int) -> None:
        history, slot_s = self.history, self.terms.slot_s
        begins = history.begins(slot)
        history.note(slot, demand_nodes(pool), self._tenant_gpus(core, pool) if begins else None)
        if begins and self.terms.look == Look.SAMPLES:
            self._risen = [rises(history, slot, slots_of(each, slot_s), slot_s) for each in self.horizon_s]
        elif begins:
            most = slots_of(max(self.horizon_s, default=0), slot_s)
            self._change = [tenant_change(history, slot, ahead, slot_s) for ahead in range(1, most + 1)]

    def _sampled(self, core: "Lives", pool: Pool) -> Forecast:
        now_nodes, size = demand_nodes(pool), pool.node_count
        columns = [
            peak_samples(now_nodes, risen, self._announced_nodes(core, horizon_s), size)
            for horizon_s, risen in zip(self.horizon_s, self._risen, strict=True)
        ]
        return _shown(self.horizon_s, np.stack(columns, axis=1)) if columns else NO_FORECAST

    def _needed(self, core: "Lives", pool: Pool) -> Forecast:
        """Tenants are counted in GPUs, as published: a node that is held in part counts as that part."""
        healthy_gpus = (pool.node_count - pool.down.bit_count()) * pool.per_node
        now_gpus = healthy_gpus - pool.internal.free_gpus + pool.reserved_unused_nodes * pool.per_node
        need: list[int] = []
        for ahead, change in enumerate(self._change, start=1):
            if change is None:
                need.append(pool.node_count)
                continue
            soon_gpus = self._announced_nodes(core, ahead * self.terms.slot_s) * pool.per_node
            mean = now_gpus + soon_gpus + change.mean
            gpus = requirement(mean, change.variance, self.terms.z_bp, pool.node_count * pool.per_node)
            need.append(slots_of(gpus, pool.per_node) if gpus else 0)
        return NO_FORECAST._replace(need_nodes=tuple(need), slot_s=self.terms.slot_s)

    def _known(self, now_s: int) -> Forecast:
        from_s, nodes = self._truth.T
        first = max(0, int(np.searchsorted(from_s, now_s, side="right")) - 1)
        peaks = [
            int(nodes[first : int(np.searchsorted(from_s, now_s + each, side="right"))].max(initial=0))
            for each in self.horizon_s
        ]
        return _shown(self.horizon_s, np.array([peaks], dtype=np.int64))

    def _announced_nodes(self, core: "Lives", horizon_s: int) -> int:
        """Nodes of the announced runs that will be submitted within the horizon, all of them together."""
        jobs, now_s = core.jobs, core.now_s
        while self._to_announce and jobs.announced_s[self._to_announce[-1]] <= now_s:
            self._announced.append(self._to_announce.pop())
        self._announced = [job for job in self._announced if jobs.submit_s[job] > now_s]
        soon = [job for job in self._announced if jobs.submit_s[job] <= now_s + horizon_s]
        return sum(jobs.full[job] + (jobs.part[job] > 0) for job in soon)

    def _tenant_gpus(self, core: "Lives", pool: Pool) -> IntArray | None:
        """GPUs that each tenant's internal work holds or claims, (tenants,) int64; O(jobs that hold nodes)."""
        if not self.tenant_count:
            return None
        claims = (job for job, gather in pool.granted.items() if gather.tier < 2)
        rows = np.fromiter(chain(pool.running[0], pool.running[1], claims), dtype=np.int64)
        jobs = core.jobs
        gpus = jobs.array("full")[rows].astype(np.int64) * pool.per_node + jobs.array("part")[rows]
        held = np.zeros(self.tenant_count, dtype=np.int64)
        np.add.at(held, jobs.array("tenant")[rows], gpus)
        return held

    def _feed_back(self, core: "Lives", pool: Pool) -> None:
        if core.now_s < self._feedback_s:
            return
        self._feedback_s = core.now_s + self.terms.feedback_s
        pending_s = core.jobs.pending_s
        oldest_s = min((pending_s[job] for job in pool.queue[3].jobs()), default=core.now_s)
        queued_long = core.now_s - oldest_s > self.terms.feedback_s
        self.eta_bp = next_eta_bp(self.eta_bp, self.evicted_count, self.ended_count, queued_long, self.terms.target_bp)
        self.ended_count = self.evicted_count = 0
