"""What the core remembers for policies that look at the past: usage, service, run times. Other policies have none.

It hangs on three moments: a job is queued (its estimate and rank), an allocation ends (usage, run time), and a control
tick (standings are worked out, queues are put in their new order, and somebody may be told to make way).
"""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scheduler.errors import PolicyError
from scheduler.events import Cause, Status
from scheduler.jobs.usage import Usage
from scheduler.nodes.capacity import Room
from scheduler.policy.estimate import REMEMBERED, size_class, user_limit
from scheduler.policy.fair_tree import FairShare, fair_places, whole_tree
from scheduler.policy.rank import RANK_MAX, Facts, Standing
from scheduler.policy.rotate import Runner
from scheduler.state.pool import Pool
from scheduler.state.waiting import Queue
from tenants.band import TIER_COUNT

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives

ROW_BITS = 40  # as in `scheduler.policy.order`
RANK_BITS = RANK_MAX.bit_length()


class Past:
    """The memory of one core whose policy has a rank, a rotation or an estimate of its own."""

    def __init__(self, core: "Lives", fair: FairShare) -> None:
        """Remember nothing yet. Raises TableError: an impossible tree of shares or half-life."""
        self.core = core
        tenant_count = max(len(core.domain), int(core.jobs.array("tenant").max(initial=0)) + 1)
        self.tree = whole_tree(fair.tree, tenant_count)
        self.usage = Usage(tenant_count, fair.half_life_s, fair.factor_bp)
        self._stood = (0, self.usage.gpu_s())  # at the last tick: when it was, what each tenant had used
        self._standing: Standing | None = None  # worked out from that when it is asked for: often nobody waits
        self.run_s: dict[tuple[int, int], deque[int]] = {}  # (tenant, size class) -> of its last finished jobs
        self.predicts = core.policy.estimate is not user_limit

    @property
    def standing(self) -> Standing:
        """Where everybody stood at the last tick. O(tenants log tenants) for the first question after it."""
        if self._standing is None:
            at_s, gpu_s = self._stood
            self._standing = Standing(at_s, fair_places(self.tree, gpu_s))
        return self._standing

    # -- a job is queued -----------------------------------------------------------------------------------------

    def predict(self, job: int) -> None:
        """Estimate a job as it is submitted. Raises PolicyError: the estimate is no number of seconds."""
        core = self.core
        if self.predicts:
            past = self.run_s.get(self._kind(job), ())
            found = core.policy.estimate(tuple(past), core.jobs.estimate_s[job])
            if not isinstance(found, int) or found < 0:
                path = f"policy {core.policy.name}: estimate: job[{job}]"
                raise PolicyError("impossible estimate", path=path, found=found, allowed="whole seconds, at least 0")
            core.estimate_s[job] = found

    def rank(self, pool: Pool, job: int) -> int:
        """Return the rank of a job now. Raises PolicyError: it is out of range."""
        policy = self.core.policy
        assert policy.rank is not None, "asked only where there is one"
        found = policy.rank(self.standing, self._facts(pool, job))
        if not isinstance(found, int) or not 0 <= found <= RANK_MAX:
            path = f"policy {policy.name}: rank: job[{job}]"
            raise PolicyError("impossible rank", path=path, found=found, allowed=f"0 to {RANK_MAX}")
        return found

    def queued(self, pool: Pool, job: int) -> None:
        """Give a job that is about to wait its key, by the standing of the last tick."""
        if self.core.policy.rank is not None:
            self.core.key[job] = self._key(pool, job)

    def _key(self, pool: Pool, job: int) -> int:
        return ((self.core.jobs.band[job] << RANK_BITS | self.rank(pool, job)) << ROW_BITS) | job

    def _facts(self, pool: Pool, job: int) -> Facts:
        core, jobs = self.core, self.core.jobs
        gpus = jobs.full[job] * pool.per_node + jobs.part[job]
        runs = jobs.status[job] in (Status.RUNNING, Status.EVICTING)
        given_s = jobs.work_s[job] + (core.now_s - jobs.start_s[job] if runs else 0)
        waited_s = 0 if runs else core.now_s - jobs.pending_s[job]
        estimate_s, pool_gpus = core.estimate_s[job], pool.node_count * pool.per_node
        return Facts(jobs.tenant[job], gpus, estimate_s, waited_s, gpus * given_s, pool_gpus)

    def _kind(self, job: int) -> tuple[int, int]:
        return self.core.jobs.tenant[job], size_class(self.core.jobs.gpus[job])

    # -- an allocation ends --------------------------------------------------------------------------------------

    def ended(self, job: int, gpus: int, cause: int) -> None:
        """Book what a job used since the last tick, and how long it ran if it is finished."""
        core, jobs = self.core, self.core.jobs
        self._use(job, gpus)
        if cause == Cause.FINISHED and self.predicts:
            self.run_s.setdefault(self._kind(job), deque(maxlen=REMEMBERED)).append(jobs.work_s[job])
        assert jobs.start_s[job] <= core.now_s

    def _use(self, job: int, gpus: int) -> None:
        core, jobs = self.core, self.core.jobs
        seconds = core.now_s - max(jobs.start_s[job], self.usage.at_s)
        self.usage.add(jobs.tenant[job], jobs.band[job], gpus * seconds)

    # -- a tick --------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Work out where everybody stands, and put the queues in order. O(running + waiting log waiting)."""
        core = self.core
        if core.policy.rank is not None:
            for pool in core.pools:
                for job in pool.holders():
                    self._use(job, pool.hold[job].gpu_count(pool.per_node))
            self.usage.decay(core.now_s)
            self._stood, self._standing = (core.now_s, self.usage.gpu_s()), None
        for pool in core.pools:
            if self.predicts:
                self._correct(pool)
            if core.policy.rank is not None:
                self._reorder(pool)
                if core.policy.rotate is not None:
                    for tier in (0, 1):
                        self._rotate(pool, tier)

    def _correct(self, pool: Pool) -> None:
        """Who has outlived a prediction is taken to need what its user asked for. O(who has outlived one)."""
        core, jobs = self.core, self.core.jobs
        for tier in range(TIER_COUNT):
            for _, job, _, hold, _ in [end for end in pool.ends[tier] if end[0] <= core.now_s]:
                if core.estimate_s[job] < jobs.estimate_s[job]:
                    core.estimate_s[job] = jobs.estimate_s[job]
                    pool.drop_end(tier, job)
                    pool.set_end(tier, job, core.end_by_estimate(job), hold, hold.gpu_count(pool.per_node))
                    pool.stir(tier)
                    core.touched.add(pool.index)

    def _reorder(self, pool: Pool) -> None:
        """Rank everybody who waits anew; tiers whose order changed are asked again."""
        for tier, queue in enumerate(pool.queue):
            queues = [queue, *(pool.gate.lines[tier].values() if pool.gate is not None and tier < 2 else ())]
            if tier == 0:
                queues.append(pool.contract_queue)
            changed = [self._rekey(pool, each) for each in queues]  # all of them, whatever the first one says
            if any(changed):
                pool.stir(tier, tier + 1)
                self.core.touched.add(pool.index)

    def _rekey(self, pool: Pool, queue: Queue) -> bool:
        """Give every waiter of a queue its new key; say whether their order changed."""
        if not queue.count:
            return False
        before = list(queue.jobs())
        keys = {job: self._key(pool, job) for job in before}
        for job, key in keys.items():
            self.core.key[job] = key
        queue.rekey(keys)
        return before != list(queue.jobs())

    def _rotate(self, pool: Pool, tier: int) -> None:
        """Tell running jobs of a tier to make way for its head, if the policy wants that and nobody is leaving yet."""
        core, jobs = self.core, self.core.jobs
        queue = pool.queue[tier]
        if not queue.count or any(gather.tier == tier for gather in pool.granted.values()):
            return
        if any(jobs.status[job] != Status.RUNNING for job in pool.running[tier]):
            return
        head = queue.head()
        full, part, within = jobs.shape[head]
        room, kept = pool.room_within(tier, within), pool.kept_nodes(tier)
        if room.fits(full, part, kept):
            return
        runners = [
            Runner(job, self.rank(pool, job))
            for job in pool.running[tier]
            if core.products[jobs.product[job]].requeue
            and jobs.band[job] == jobs.band[head]
            and (pool.gate is None or not pool.gate.guaranteed(job))
        ]

        def enough(leaving: Sequence[int]) -> bool:
            capacity = room.capacity.copy()
            for job in leaving:
                capacity.give(pool.hold[job])
            return Room(capacity, room.closed, -1, -1, room.levels, within).fits(full, part, kept)

        assert core.policy.rotate is not None
        chosen = core.policy.rotate(self.rank(pool, head), runners, enough)
        known = {runner.job for runner in runners}
        if not known.issuperset(chosen) or len(set(chosen)) != len(chosen):
            path = f"policy {core.policy.name}: rotate: job[{head}]"
            raise PolicyError("names somebody who may not be told to leave", path=path, found=chosen, allowed="runners")
        for job in chosen:
            core.serve_notice(pool, job, head)
