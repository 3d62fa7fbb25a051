"""The lives of jobs: the writers that start, claim, evict and release, and book what that means.

Who is granted what is decided in `scheduler.decide.serve`; here it is done. Nothing in this module chooses. It is
longer than most because everything that writes to a job's life stands in one place.
"""

from collections.abc import Sequence

import numpy as np

from scheduler import guard
from scheduler.events import (
    NEVER,
    Cause,
    Event,
    EventKind,
    Evicted,
    Faulted,
    Idle,
    Plan,
    Reason,
    Segment,
    Started,
    Status,
    Timer,
)
from scheduler.jobs import failures
from scheduler.jobs.damping import Damper, Damping
from scheduler.jobs.lending import Lending, Terms
from scheduler.jobs.life import check_move
from scheduler.jobs.past import Past
from scheduler.jobs.work import Written, settle_work, settle_writes, with_writes
from scheduler.nodes.capacity import Hold
from scheduler.nodes.nodeset import NodeSet
from scheduler.plan.timetable import Timetable
from scheduler.policies import Policy
from scheduler.policy.fair_tree import USUAL_SHARE, FairShare
from scheduler.policy.need import Parting
from scheduler.policy.place import LEARNING
from scheduler.policy.victims import COUNTING
from scheduler.quotas.gate import open_gates
from scheduler.quotas.rows import NO_TENANCY, Tenancy
from scheduler.state.obstacles import in_the_way
from scheduler.state.pool import Gather, Pool
from scheduler.state.waiting import Queue
from scheduler.tables import JobTable, PoolRow, ProductRow, ReservationRow, refuse_impossible_tables
from tenants.band import TIER_COUNT, TIER_OF_BAND, Band

# Members of an enum cost ten times a plain number to name, and these are named a dozen times in a job's life.
PENDING, GRANTED, RUNNING, EVICTING, DONE, CANCELLED = (int(status) for status in list(Status)[1:])
FINISHED, EVICTED, NODE_FAULT, START_REFUSED, _, CRASHED = (int(cause) for cause in Cause)
RESERVED = int(Band.RESERVED)
FINISH, SCRUB_END, EXPIRE = int(EventKind.FINISH), int(EventKind.SCRUB_END), int(EventKind.EXPIRE)
INTERNAL_BANDS = (int(Band.INTERNAL_CRITICAL), int(Band.INTERNAL))
new = tuple.__new__  # makes a named tuple in half the time, where one is made for each job
SPOT_TIER = TIER_OF_BAND[Band.SPOT]

Decision = tuple[str, int, int, int]  # what, job (or pool), a number, node set: the tape's line, see scheduler.tape


class Outbox:
    """What the core has let go of since the driver last emptied it."""

    __slots__ = ("decisions", "evicted", "faulted", "idle", "plans", "segments", "started")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.started: list[Started] = []
        self.evicted: list[Evicted] = []
        self.faulted: list[Faulted] = []
        self.idle: list[Idle] = []
        self.plans: list[Plan] = []  # evictions planned for a grant; the victims are told in `decisions`
        self.decisions: list[Decision] = []

    def clear(self) -> None:
        """Forget it all; the driver has taken what it wants."""
        self.segments.clear()
        self.started.clear()
        self.idle.clear()
        self.decisions.clear()
        if self.evicted or self.faulted or self.plans:
            self.evicted.clear()
            self.faulted.clear()
            self.plans.clear()


def _renters(jobs: JobTable, domain: list[int]) -> "memoryview[int]":
    """Return for each job whether its nodes belong to another trust domain than internal work: (jobs,) bool."""
    domains = np.zeros(max(len(domain), int(jobs.array("tenant").max(initial=0)) + 1), dtype=np.int64)
    domains[: len(domain)] = domain
    rents = np.isin(jobs.array("band"), (Band.RESERVED, Band.ON_DEMAND, Band.SPOT))
    renter: memoryview[int] = (rents & (domains[jobs.array("tenant")] != 0)).data
    return renter


class Lives:
    """All jobs and pools of a cluster, and the moves that a job can make."""

    def __init__(
        self,
        jobs: JobTable,
        pools: tuple[PoolRow, ...],
        products: tuple[ProductRow, ...],
        policy: Policy,
        tenant_domain: Sequence[int] = (),
        reservations: tuple[ReservationRow, ...] = (),
        tenancy: Tenancy = NO_TENANCY,
        terms: Terms | None = None,
        damping: Damping | None = None,
        fair: FairShare = USUAL_SHARE,
    ) -> None:
        """Start with every node free, healthy and clean.

        Args:
            tenant_domain: trust domain of each tenant; 0 is internal, and the default for tenants beyond its end.
            reservations:  contracts; each takes effect with its CONTRACT_BEGIN event.
            tenancy:       quotas, budgets and guarantees of internal tenants; the default binds nobody.
            terms:         what lend has to be told, if it looks at more than the supply.
            damping:       how jobs that fail again and again are held back; None: not at all.
            fair:          shares of the tenants and how usage fades, for policies that look at the past.
        """
        refuse_impossible_tables(pools, products, reservations)
        self.jobs = jobs
        self.products = products
        self.policy = policy
        self.watched = guard.foreign(policy)  # compare what a policy was shown with what it is afterwards
        self.reservations = reservations
        self.pool_rows = pools
        self.pools: list[Pool] = []
        for row in pools:
            first_node = self.pools[-1].first_node + self.pools[-1].node_count if self.pools else 0
            looks = policy.place in LEARNING, policy.victims in COUNTING
            self.pools.append(Pool(len(self.pools), row, first_node, *looks))
        self.tenancy = tenancy
        if tenancy != NO_TENANCY:
            open_gates(self, pools, tenancy)
        self.key: list[int] | memoryview[int] = guard.keys(policy, jobs)
        self.estimate_s: list[int] | memoryview[int] = jobs.estimate_s  # what the policy makes of it
        self.domain = list(tenant_domain)
        self.renter = _renters(jobs, self.domain)
        self.now_s = -1
        self.out = Outbox()
        self.timers: list[Timer] = []
        self.step_count = 0
        self.open_count = jobs.count  # jobs that are neither done nor cancelled
        self.looked_at = 0  # candidates examined: the work counter of benchmarks and tests
        self._batch_count = 0
        self.touched: set[int] = set()
        self.fair, self.terms = fair, terms
        self.past: Past | None = None
        self._remember()
        self.damper = Damper(damping) if damping else None
        self.restarting: set[int] = set()  # jobs that failed and have not started again
        self.paused: dict[int, bool] = {}  # those that wait out a pause, and whether a node of theirs broke
        self.meek: set[int] = set()  # those that may evict nobody
        self.warned: dict[int, int] = {}  # since when a job knows that a node of it will drain
        self.timetables: dict[tuple[int, int], Timetable] = {}  # of (pool, tier), where the policy plans ahead

    def _remember(self) -> None:
        """Give policies that look back and lend functions that look ahead the memory that they live on."""
        if self.policy.looks_back:
            self.key, self.estimate_s = list(self.key), list(self.estimate_s)  # they change as the policy learns
            self.past = Past(self, self.fair)
        if self.terms is not None:
            for pool in self.pools:
                pool.lending = Lending(self, pool, self.terms)

    def cut(self, now_s: int) -> list[Segment]:
        """Return the allocations that are open at `now_s` as segments that end there. Changes nothing; ends a run."""
        found: list[Segment] = []
        for pool in self.pools:
            for job in pool.holders():
                product = self.products[self.jobs.product[job]]
                start_s = self.jobs.start_s[job]
                kept = self._settled(now_s - start_s, self._startup_s(job, product), Cause.HORIZON, product, 0)
                hold = pool.hold[job]
                gpus = hold.gpu_count(pool.per_node)
                found.append(
                    Segment(job, start_s, now_s, gpus, hold.nodes, Cause.HORIZON, kept.stalled_s, 0, kept.written_s)
                )
        return found

    def grant(
        self, pool: Pool, tier: int, job: int, hold: Hold, at_once: bool = False, also: Sequence[int] = ()
    ) -> None:
        """Promise nodes to a waiting job, from now on and whatever else happens to lower tiers; start it if it can.

        Victims are served their notice, claims of lower tiers on these nodes are revoked, dirty nodes are cleaned.
        `at_once`: it is known that nothing of this is needed. `also`: jobs of its own tier, or on other nodes, that
        have to go for it.
        """
        jobs = self.jobs
        check_move(jobs.status[job], GRANTED)
        jobs.status[job] = GRANTED
        jobs.granted_s[job] = self.now_s
        holders = () if at_once or tier == 3 else in_the_way(pool, tier, hold)
        if pool.gate is not None and tier < 2:
            others = [job for job in holders if job not in also and not pool.gate.guaranteed(job)]
            holders = [*also, *others]
        pool.take(tier, job, hold)
        if tier == 0 and (pool.index, 1) in self.timetables:  # it holds nodes that others were planned on
            self.timetables[pool.index, 1].outdated = True
        if jobs.band[job] == RESERVED:
            pool.use_contract(jobs.tenant[job], hold.whole.bit_count())
        self.out.decisions.append(("grant", job, hold.gpus, hold.nodes))
        if at_once:
            self._start(pool, tier, job)
            return
        victims: set[int] = set()
        gather = pool.granted[job] = Gather(tier, victims)
        for other in holders:
            if jobs.status[other] == GRANTED:
                self.revoke(pool, other)
            else:
                victims.add(other)
        for other in [other for other in holders if jobs.status[other] == RUNNING]:
            self.serve_notice(pool, other, job)
        self.advance(pool, job, gather)

    def advance(self, pool: Pool, job: int, gather: Gather) -> None:
        """Bring a granted job nearer to its start: clean what has been vacated, start when every node is ready."""
        nodes = pool.hold[job].nodes
        if pool.dirty & nodes and self.renter[job]:
            vacated = nodes & pool.dirty & ~pool.scrubbing
            for victim in gather.victims:
                vacated &= ~pool.hold[victim].nodes
            if vacated:
                self.scrub(pool, vacated)
        if not gather.victims and not nodes & pool.scrubbing:
            del pool.granted[job]
            self._start(pool, gather.tier, job)

    def revoke(self, pool: Pool, job: int) -> None:
        """Take a grant back: a higher tier needs the nodes, or one failed. The job waits again, in its place."""
        gather = pool.granted.pop(job)
        hold = pool.give(gather.tier, job)
        if self.jobs.band[job] == RESERVED:
            pool.use_contract(self.jobs.tenant[job], -hold.whole.bit_count())
        self.out.decisions.append(("revoke", job, 0, hold.nodes))
        check_move(self.jobs.status[job], PENDING)
        self.jobs.status[job] = PENDING
        pool.stir(gather.tier)
        self._push(job, pool)
        patience_s = self.jobs.patience_s[job]
        if patience_s != NEVER and self.jobs.pending_s[job] + max(1, patience_s) <= self.now_s:
            self.arm(self.now_s + 1, EXPIRE, job)  # its patience ended while it held a grant

    def release(self, job: int, cause: int) -> None:
        """End a job's allocation: book its work, let go of the segment, and let it wait again or leave."""
        jobs = self.jobs
        pool = self.pool_of(job)
        self.touched.add(pool.index)
        product = self.products[jobs.product[job]]
        tier = TIER_OF_BAND[product.band]
        start_s = jobs.start_s[job]
        del pool.running[tier][job]
        pool.drop_end(tier, job)
        whole_nodes = pool.internal.exact[-1]
        hold = pool.give(tier, job)
        # Renters want whole nodes: the end of a job that shared its node is nothing to them.
        pool.stir(tier, 2 if tier < 2 and pool.internal.exact[-1] == whole_nodes else TIER_COUNT)
        if tier >= 2:
            pool.leaving &= ~hold.whole
            pool.evicted += cause == EVICTED
            pool.kept += cause == FINISHED
        if tier == SPOT_TIER and pool.lending is not None:
            pool.lending.note_end(cause == EVICTED)
        nodes = hold.whole | hold.part
        if pool.draining and pool.draining & nodes:
            failures.vacated(pool)
        gpus = hold.gpu_count(pool.per_node)
        pool.held_gpus -= gpus
        if pool.gate is not None:
            pool.gate.run(job, -gpus, self.now_s)
        if jobs.band[job] == RESERVED:
            pool.use_contract(jobs.tenant[job], -hold.whole.bit_count())
        stalled_s, kept_s, lost_s, written_s = self._settled(
            self.now_s - start_s, self._startup_s(job, product), cause, product, self._notice_given_s(job, cause)
        )
        jobs.work_s[job] += kept_s
        if self.past is not None:
            self.past.ended(job, gpus, cause)
        jobs.epoch[job] += 1
        jobs.end_s[job] = self.now_s
        segment = (job, start_s, self.now_s, gpus, nodes, cause, stalled_s, lost_s, written_s)
        self.out.segments.append(new(Segment, segment))
        if self.renter[job]:
            self.scrub(pool, nodes & ~pool.down)
        pool.gather_changed = True
        if pool.granted:
            for gather in pool.granted.values():
                gather.victims.discard(job)
        if cause == FINISHED:
            check_move(jobs.status[job], DONE)
            jobs.status[job] = DONE
            self.open_count -= 1
        else:
            self._go_on(pool, job, cause, gpus, lost_s)

    def _go_on(self, pool: Pool, job: int, cause: int, gpus: int, lost_s: int) -> None:
        """Note why a job lost its nodes before its end, and let it wait again or leave."""
        jobs = self.jobs
        product = self.products[jobs.product[job]]
        if cause == EVICTED:
            jobs.preemptions[job] += 1
            until_s, by = jobs.guaranteed_until_s[job], jobs.evictor[job]
            again = int(by in self.restarting)
            self.out.evicted.append(Evicted(job, gpus, jobs.noticed_s[job], self.now_s, until_s, by, lost_s, again))
        elif cause == NODE_FAULT:
            jobs.faults[job] += 1
            due_s = jobs.evict_at_s[job] if jobs.status[job] == EVICTING else NEVER
            self.out.faulted.append(Faulted(job, gpus, self.now_s, due_s))
        failed = cause in (NODE_FAULT, CRASHED)
        if self.damper is not None:
            self.damper.ran(job, self.now_s - jobs.start_s[job], failed)
        if product.requeue or cause == START_REFUSED:
            jobs.pending_s[job] = self.now_s
            if failed:
                failures.wait_again(self, pool, job, cause == NODE_FAULT)
            elif self.damper is not None and self.damper.is_meek(job):
                failures.queue(self, pool, job, lost_node=False)
            else:
                self.wait(job, pool)
        else:
            self.cancel(job, Reason.NO_REQUEUE)

    def scrub(self, pool: Pool, nodes: NodeSet) -> None:
        """Start to clean nodes; at once done where cleaning takes no time."""
        pool.dirty &= ~nodes
        if pool.scrub_s and nodes:
            pool.scrubbing |= nodes
            # The pool is part of the number, so that SCRUB_END finds it without a table.
            batch = self._batch_count * len(self.pools) + pool.index
            self._batch_count += 1
            pool.batches[batch] = nodes
            self.timers.append(Timer(self.now_s + pool.scrub_s, Event(SCRUB_END, batch)))

    def serve_notice(self, pool: Pool, job: int, by: int = -1, told_s: int = -1) -> None:
        """Make a running job leave when its notice and its guarantee are over. `told_s`: it has known since then."""
        jobs = self.jobs
        jobs.evictor[job] = by
        product = self.products[jobs.product[job]]
        if product.rolling:
            jobs.guaranteed_until_s[job] = self._rolled_on(pool, job, product)
        evict_at_s = max(self.now_s + product.notice_s, jobs.guaranteed_until_s[job])
        check_move(jobs.status[job], EVICTING)
        jobs.status[job] = EVICTING
        jobs.evict_at_s[job] = evict_at_s
        # A notice that would begin inside the guarantee is sent later; one that comes too late shows as too short.
        jobs.noticed_s[job] = told_s if told_s >= 0 else max(self.now_s, evict_at_s - product.notice_s)
        self.out.decisions.append(("evict", job, evict_at_s, pool.hold[job].nodes))
        if evict_at_s <= self.now_s:
            self.release(job, Cause.EVICTED)
            return
        if TIER_OF_BAND[jobs.band[job]] >= 2:
            pool.leaving |= pool.hold[job].whole
        self.arm(evict_at_s, EventKind.NOTICE_END, job)

    def parting(self, pool: Pool, job: int) -> Parting:
        """Say when a gang would leave if it were evicted now, and what that would cost. Changes nothing.

        A claim loses nothing; who is under notice is leaving already, whatever it costs.
        """
        jobs = self.jobs
        product = self.products[jobs.product[job]]
        tier, gpus = TIER_OF_BAND[product.band], pool.hold[job].gpu_count(pool.per_node)
        if jobs.status[job] == GRANTED:
            return Parting(tier, self.now_s, 0, jobs.granted_s[job], gpus)
        start_s = jobs.start_s[job]
        if jobs.status[job] == EVICTING:
            return Parting(tier, jobs.evict_at_s[job], 0, start_s, gpus)
        until_s = self._rolled_on(pool, job, product) if product.rolling else jobs.guaranteed_until_s[job]
        leave_s = max(self.now_s + product.notice_s, until_s)
        kept = self._settled(leave_s - start_s, self._startup_s(job, product), EVICTED, product, product.notice_s)
        lost_micro_usd = kept.lost_s * gpus * jobs.micro_usd_per_gpu_h[job] // 3600
        return Parting(tier, leave_s, jobs.credit_micro_usd[job] + lost_micro_usd, start_s, gpus)

    def _rolled_on(self, pool: Pool, job: int, product: ProductRow) -> int:
        """Return until when a rolling guarantee holds now.

        At the end of each period it was renewed for another one if the Offer, as the last decision before that second
        left it, still had room for all that was lent. Worked out when somebody asks: no timer an hour for each renter.
        """
        start_s = self.jobs.start_s[job]
        periods = (self.now_s - start_s) // product.guarantee_s
        renewed_s = start_s + periods * product.guarantee_s
        if periods and not pool.was_renewable(self.jobs.product[job], renewed_s):
            return renewed_s
        return renewed_s + product.guarantee_s

    def _start(self, pool: Pool, tier: int, job: int) -> None:
        jobs = self.jobs
        now_s = self.now_s
        product = self.products[jobs.product[job]]
        jobs.wait_s[job] += now_s - jobs.pending_s[job]
        startup_s = product.restart_s if jobs.first_start_s[job] >= 0 else 0
        jobs.start_s[job] = now_s
        self.out.started.append(new(Started, (job, jobs.pending_s[job], jobs.granted_s[job], now_s)))
        self.out.decisions.append(("start", job, 0, 0))
        if job in self.restarting:
            failures.started(self, pool, tier, job)
        left_s = jobs.run_s[job] - jobs.work_s[job]
        if product.checkpoint_write_s:
            left_s = self._with_writes(left_s, product)
        left_s += startup_s
        if jobs.first_start_s[job] < 0:
            jobs.first_start_s[job] = now_s
            jobs.first_granted_s[job] = jobs.granted_s[job]
        if not left_s:  # a job without length holds nothing: it is done as it starts
            hold = pool.give(tier, job)
            pool.stir(tier)
            if jobs.band[job] == RESERVED:
                pool.use_contract(jobs.tenant[job], -hold.whole.bit_count())
            jobs.end_s[job] = now_s
            jobs.epoch[job] += 1
            jobs.status[job] = DONE
            self.open_count -= 1
            return
        check_move(jobs.status[job], RUNNING)
        jobs.status[job] = RUNNING
        hold = pool.hold[job]
        pool.running[tier][job] = None
        gpus = hold.gpu_count(pool.per_node)
        pool.held_gpus += gpus
        if pool.gate is not None:
            pool.gate.run(job, gpus, now_s)
        if not self.renter[job]:
            pool.dirty |= hold.whole | hold.part
        pool.set_end(tier, job, self.end_by_estimate(job), hold, gpus)
        self.arm(now_s + left_s, FINISH, job)
        jobs.guaranteed_until_s[job] = now_s + product.guarantee_s

    def wait(self, job: int, pool: Pool) -> None:
        jobs = self.jobs
        if job not in self.paused:
            check_move(jobs.status[job], PENDING)
            jobs.status[job] = PENDING
        tier = TIER_OF_BAND[jobs.band[job]]
        if jobs.band[job] == RESERVED:
            pool.stir(0, 1)
        elif job not in self.meek:
            pool.fresh[tier].append(job)
        self._push(job, pool)
        patience_s = jobs.patience_s[job]
        if patience_s != NEVER:
            self.arm(self.now_s + max(1, patience_s), EXPIRE, job)

    def cancel(self, job: int, reason: Reason) -> None:
        jobs = self.jobs
        check_move(jobs.status[job], CANCELLED)
        if jobs.status[job] == PENDING:
            jobs.wait_s[job] += self.now_s - jobs.pending_s[job]
        jobs.status[job] = CANCELLED
        jobs.reason[job] = reason
        jobs.end_s[job] = self.now_s
        jobs.epoch[job] += 1
        self.open_count -= 1
        self.out.decisions.append(("cancel", job, reason, 0))

    def _push(self, job: int, pool: Pool) -> None:
        jobs = self.jobs
        if self.past is not None:
            self.past.queued(pool, job)
        if job in self.meek:
            pool.meek.add(job)
            return
        if pool.gate is not None and jobs.band[job] in INTERNAL_BANDS:
            pool.gate.push(job, self.key[job], jobs.shape[job], self.need_s(job))
        else:
            self.queue_of(job, pool).push(self.key[job], job, jobs.shape[job], self.need_s(job))

    def need_s(self, job: int) -> int:
        """Return how long a waiting job will hold its nodes, by its estimate. Seconds, at least 1."""
        jobs = self.jobs
        product = self.products[jobs.product[job]]
        left_s = self._left_by_estimate_s(job, product)
        return left_s + product.restart_s if jobs.first_start_s[job] >= 0 else left_s

    def arm(self, at_s: int, kind: int, job: int) -> None:
        """Ask to be told of an event of this life of a job."""
        self.timers.append(new(Timer, (at_s, new(Event, (kind, job, self.jobs.epoch[job])))))

    def _startup_s(self, job: int, product: ProductRow) -> int:
        """Seconds of the running segment that were start-up: none for a first start."""
        return product.restart_s if self.jobs.start_s[job] != self.jobs.first_start_s[job] else 0

    def end_by_estimate(self, job: int) -> int:
        """When a running job would give its nodes back, cleaned, if its estimate were right."""
        product = self.products[self.jobs.product[job]]
        return self.jobs.start_s[job] + self._left_by_estimate_s(job, product) + self._startup_s(job, product)

    def _left_by_estimate_s(self, job: int, product: ProductRow) -> int:
        left_s = self.estimate_s[job] - self.jobs.work_s[job]
        if left_s < 1:
            left_s = 1
        return self._with_writes(left_s, product) if product.checkpoint_write_s else left_s

    @staticmethod
    def _with_writes(work_s: int, product: ProductRow) -> int:
        write_s = product.checkpoint_write_s
        return with_writes(work_s, product.checkpoint_s, write_s) if write_s else work_s

    def _notice_given_s(self, job: int, cause: int) -> int:
        return self.jobs.evict_at_s[job] - self.jobs.noticed_s[job] if cause == EVICTED else 0

    @staticmethod
    def _settled(elapsed_s: int, startup_s: int, cause: int, product: ProductRow, notice_s: int) -> Written:
        """Split the seconds of a segment that ends now by what became of them."""
        if cause == FINISHED and not product.checkpoint_write_s:  # the usual end, without asking: nothing is lost
            stalled_s = elapsed_s if elapsed_s < startup_s else startup_s
            return Written(stalled_s, elapsed_s - stalled_s, 0, 0)
        terms = (elapsed_s, startup_s, cause, notice_s, product.checkpoint_s)
        if product.checkpoint_write_s:
            return settle_writes(*terms, product.checkpoint_write_s)
        stalled_s, kept_s, lost_s = settle_work(*terms)
        return Written(stalled_s, kept_s, lost_s, 0)

    def pool_of(self, job: int) -> Pool:
        return self.pools[self.jobs.pool[job]]

    def queue_of(self, job: int, pool: Pool) -> Queue:
        band = self.jobs.band[job]
        return pool.contract_queue if band == RESERVED else pool.queue[TIER_OF_BAND[band]]
