"""The gate: where internal work of a pool waits for its quota and its budget, before it waits for nodes.

A pool has a gate only where quotas, budgets or guarantees were given. Then every job of tiers 0 and 1, contracts aside,
waits in a line of its tenant, and a pass lets jobs through one at a time, into the ordinary queue of the tier:

    1  within their tenant's nominal (or of a tenant without a quota), in the order of the queue
    2  borrowers, the smallest dominant share first, then the order of the queue
    3  jobs of tenants past the soft stop of their budget

A job that lacks quota stays in its line and is in nobody's way. One that has it but not the nodes stands in the queue
for the rest of the pass, with the promise that the backfill rule knows, and goes back to its line before the next one.
Quota is held from the grant on: so what waits for nodes keeps nobody from borrowing. A job within its nominal that is
not granted for want of quota or nodes may reclaim both from borrowers (`scheduler.quotas.reclaim`).
"""

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING

from scheduler.errors import TableError
from scheduler.events import NEVER, Event, EventKind, Reason, Status, Timer
from scheduler.quotas.budget import Ledger
from scheduler.quotas.guarantee import Guarantees, grant_guaranteed, guarantees_of
from scheduler.quotas.quota import Quotas, add, headroom
from scheduler.quotas.reclaim import reclaim
from scheduler.quotas.rows import NO_LIMIT, Tenancy, refuse_impossible_tenancy
from scheduler.quotas.turns import BORROWING, NOMINAL, Turn, next_turn
from scheduler.state.pool import Pool
from scheduler.state.waiting import Queue, Shape
from scheduler.tables import JobTable, PoolRow
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

ServeTier = Callable[["Lives", Pool, int], None]


class Gate:
    """The gate of one pool: lines by tier and tenant, and what the tenants hold."""

    __slots__ = (
        "charged",
        "count",
        "guarantees",
        "index",
        "jobs",
        "ledger",
        "lines",
        "per_node",
        "quota",
        "quotas",
        "tenancy",
    )

    def __init__(self, pool: Pool, jobs: JobTable, tenancy: Tenancy, quotas: Quotas, ledger: Ledger) -> None:
        self.index, self.per_node = pool.index, pool.per_node
        self.jobs, self.tenancy, self.quotas, self.ledger = jobs, tenancy, quotas, ledger
        self.quota = quotas.pools[pool.index]
        self.lines: tuple[dict[int, Queue], dict[int, Queue]] = ({}, {})
        self.count = 0  # waiting in lines
        self.guarantees: Guarantees | None = None
        self.charged: dict[int, int] = {}  # job -> GPUs that it holds of its tenant's quota

    # -- lines ---------------------------------------------------------------------------------------------------

    def push(self, job: int, key: int, shape: Shape, need_s: int) -> None:
        """Let a job wait in its tenant's line."""
        tier = TIER_OF_BAND[self.jobs.band[job]]
        self.lines[tier].setdefault(self.jobs.tenant[job], Queue()).push(key, job, shape, need_s)
        self.count += 1

    def drop(self, job: int, key: int, shape: Shape) -> bool:
        """Take a job out of its line; False when it stands in none."""
        tier, tenant = TIER_OF_BAND[self.jobs.band[job]], self.jobs.tenant[job]
        queue = self.lines[tier].get(tenant) if tier < len(self.lines) else None
        if queue is None or not queue.holds(key, job, shape):
            return False
        queue.remove(key, job, shape)
        if not queue.count:
            del self.lines[tier][tenant]
        self.count -= 1
        return True

    # -- what is held --------------------------------------------------------------------------------------------

    def hold(self, job: int) -> None:
        """Charge a grant to its tenant's quota; what lies in guaranteed cells is beside it."""
        jobs = self.jobs
        if self.guaranteed(job):
            return
        node = self.quotas.leaf.get(jobs.tenant[job])
        if node is None or jobs.band[job] == Band.RESERVED or not self.quota.has[node]:
            return
        gpus = self.charged[job] = self.gpus(job)
        add(self.quota, self.quota.used, node, gpus)

    def let_go(self, pool: Pool, job: int) -> None:
        """Give a job's quota back, and ask those who wait for some again."""
        gpus = self.charged.pop(job, 0)
        if gpus:
            add(self.quota, self.quota.used, self.quotas.leaf[self.jobs.tenant[job]], -gpus)
        elif self.guarantees is None or not self.guarantees.unbind(job):
            return
        if self.count or pool.queue[0].count or pool.queue[1].count or pool.contract_queue.count or pool.meek:
            pool.stir(0, 2)

    def guaranteed(self, job: int) -> bool:
        """Whether a job holds cells of its tenant's guarantee: then nobody may evict it."""
        return self.guarantees is not None and job in self.guarantees.jobs

    def run(self, job: int, gpus: int, now_s: int) -> None:
        """The job's tenant holds so many GPUs more (negative: fewer) from now on: its budget is used."""
        if self.jobs.band[job] in (Band.INTERNAL_CRITICAL, Band.INTERNAL):
            self.ledger.run(self.jobs.tenant[job], gpus, now_s)

    def gpus(self, job: int) -> int:
        """GPUs of a job."""
        return self.jobs.full[job] * self.per_node + self.jobs.part[job]

    def allowance(self, tenant: int) -> tuple[int, int]:
        """Return (GPUs more that the tenant may hold now, of these within its nominal); NO_LIMIT without a quota.

        The second may be the larger one: then others have borrowed what is its own.
        """
        node = self.quotas.leaf.get(tenant)
        if node is None or not self.quota.has[node]:
            return NO_LIMIT, NO_LIMIT
        used = self.quota.used
        return headroom(self.quota, used, node), self.quota.nominal[node] - used[node]

    def why(self, core: "Lives", job: int) -> tuple[Reason, int, int] | None:
        """Return (reason, GPUs needed, GPUs allowed) if a waiting job lacks budget or quota; None: it lacks nodes."""
        gpus, tenant = self.gpus(job), self.jobs.tenant[job]
        if self.ledger.over_hard(tenant, core.now_s):
            return Reason.BUDGET, gpus, 0
        may, _ = self.allowance(tenant)
        return (Reason.QUOTA, gpus, max(0, may)) if gpus > may else None

    # -- one pass ------------------------------------------------------------------------------------------------

    def serve(self, core: "Lives", pool: Pool, tier: int, serve_tier: ServeTier) -> None:
        """Let through and grant what may be granted now. Cost: O(tenants x shapes) per job that is let through."""
        self._recall(core, pool, tier)
        self._wake_next_month(core, pool, tier)
        if self.guarantees is not None:
            grant_guaranteed(core, pool, tier)
        # Of each shape the shortest job that found no nodes in this pass: nobody that needs as long will find some.
        refused: dict[Shape, int] = {}
        lacking: set[tuple[int, Shape]] = set()  # tenant and shape that lack quota and could not reclaim it
        while (turn := next_turn(self, core.now_s, tier, refused, lacking)) is not None:
            if turn.free:
                self._let_through(core, pool, tier, turn, serve_tier)
                if self.jobs.status[turn.job] != Status.PENDING:
                    continue
            if self._may_reclaim(core, turn) and reclaim(core, pool, tier, turn.job):
                self._recall(core, pool, tier)
                refused.clear()
                lacking.clear()
            elif turn.free:
                refused[turn.shape] = min(turn.need_s, refused.get(turn.shape, turn.need_s))
            else:
                lacking.add((turn.tenant, turn.shape))
        pool.fresh[tier].clear()

    def _may_reclaim(self, core: "Lives", turn: Turn) -> bool:
        """Within its nominal, or in its turn to borrow where shares decide; and not itself evicted at this instant:
        nobody takes back at once what he has lost."""
        node = self.quotas.leaf.get(turn.tenant)
        known = node is not None and self.quota.has[node]
        kinds = (NOMINAL, BORROWING) if self.tenancy.fair_reclaim else (NOMINAL,)
        return known and turn.kind in kinds and self.jobs.end_s[turn.job] != core.now_s

    def _recall(self, core: "Lives", pool: Pool, tier: int) -> None:
        """What still stands in the queue goes back to its line: who is asked first is decided anew."""
        queue = pool.queue[tier]
        for line in list(queue.lines.values()):
            shape = self.jobs.shape[line[0][1]]
            for key, job, need_s in list(line):
                queue.remove(key, job, shape)
                self.push(job, key, shape, need_s)

    def _let_through(self, core: "Lives", pool: Pool, tier: int, turn: Turn, serve_tier: ServeTier) -> None:
        queue = pool.queue[tier]
        before = queue.head() if queue.count else turn.job
        self.drop(turn.job, turn.key, turn.shape)
        queue.push(turn.key, turn.job, turn.shape, turn.need_s)
        if queue.head() != before:
            pool.forget(tier)  # what is known of the head's start was found out for another one
        pool.fresh[tier][:] = [turn.job]
        serve_tier(core, pool, tier)
        if queue.count and self.jobs.status[turn.job] != Status.PENDING:
            # What was just granted may have used up what those in the queue were let through for.
            self._recall_unfit(core, pool, tier)

    def _recall_unfit(self, core: "Lives", pool: Pool, tier: int) -> None:
        queue = pool.queue[tier]
        for job in list(queue.jobs()):
            if self.gpus(job) > self.allowance(self.jobs.tenant[job])[0]:
                shape = self.jobs.shape[job]
                place = queue.place(core.key[job], shape)
                need_s = queue.lines[shape][place][2]
                if queue.head() == job:
                    pool.forget(tier)
                queue.remove(core.key[job], job, shape)
                self.push(job, core.key[job], shape, need_s)

    def _wake_next_month(self, core: "Lives", pool: Pool, tier: int) -> None:
        """Where somebody waits who has used up his budget, ask to be told when the next month begins."""
        at_s = self.ledger.next_month_s(core.now_s)
        if self.ledger.woken_s < at_s < NEVER and any(
            self.ledger.over_hard(tenant, core.now_s)
            for tenant in chain(self.lines[tier], (self.jobs.tenant[job] for job in pool.meek))
        ):
            self.ledger.woken_s = at_s
            core.timers.append(Timer(at_s, Event(EventKind.MONTH)))


def open_gates(core: "Lives", rows: tuple[PoolRow, ...], tenancy: Tenancy) -> None:
    """Give every pool its gate. Raises TableError for a tenancy that the pools cannot honour."""
    refuse_impossible_tenancy(tenancy, rows)
    if core.policy.depth:  # a planned start holds nodes for a job that may have no quota by then
        name, allowed = core.policy.name, "a policy without planned starts, such as easy"
        raise TableError("quotas do not go with planned starts", path="policy", found=name, allowed=allowed)
    quotas, ledger = Quotas(tenancy, len(rows)), Ledger(tenancy)
    for pool in core.pools:
        pool.gate = Gate(pool, core.jobs, tenancy, quotas, ledger)
    for pool, guarantees in zip(core.pools, guarantees_of(tenancy, rows), strict=True):
        assert pool.gate is not None
        pool.gate.guarantees = guarantees
