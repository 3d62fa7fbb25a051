"""The scheduler: a function from what happened to what to do.

`Core.step(now_s, events) -> timers` owns no clock, no randomness and no I/O. Whoever owns a clock may drive it: SimPy
in the simulator, a heap loop in the tests, a recorded tape in the debugger. Events move jobs and nodes through their
life cycles (the writers are in `scheduler.jobs.lives`), then `scheduler.decide.serve` decides, once per instant. What
the core lets go of (segments, starts, evictions, idle counts, decisions) lies in `core.out` until the driver takes it.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from operator import gt

from scheduler import guard
from scheduler.decide import serve
from scheduler.events import Cause, Event, EventKind, Idle, Reason, Status, Timer
from scheduler.jobs import failures
from scheduler.jobs.lives import EVICTED, FINISHED, Decision, Lives, Outbox, new
from scheduler.nodes.nodeset import NodeSet
from scheduler.policy.forecast import NO_FORECAST
from scheduler.state.pool import Pool
from scheduler.tables import ReservationRow
from tenants.band import TIER_OF_BAND

__all__ = ["Core", "Decision", "Outbox"]


class Core(Lives):
    """One scheduler for all pools of a cluster."""

    @cached_property
    def _handle(self) -> dict[int, Callable[[int, int], None]]:
        """What is done with (row, epoch) of each kind of event."""
        return {
            EventKind.FINISH: self._finish,
            EventKind.NOTICE_END: self._notice_end,
            EventKind.SCRUB_END: self._scrub_end,
            EventKind.NODE_UP: self._node_up,
            EventKind.NODE_DOWN: self._node_down,
            EventKind.EXPIRE: self._expire,
            EventKind.START_REFUSED: self._start_refused,
            EventKind.CONTRACT_BEGIN: self._contract_begin,
            EventKind.CONTRACT_END: self._contract_end,
            EventKind.SUBMIT: self._submit,
            EventKind.CONTROL: self._control,
            EventKind.MONTH: self._month,
            EventKind.JOB_CRASH: partial(failures.crash, self),
            EventKind.DRAIN: partial(failures.drain, self),
            EventKind.RETRY: partial(failures.retry, self),
            EventKind.NOTICE: partial(failures.notice, self),
        }

    @cached_property
    def _rolling(self) -> dict[int, tuple[int, int]]:
        """Tier and guarantee_s of each product whose guarantee rolls on."""
        return {
            row: (TIER_OF_BAND[product.band], product.guarantee_s)
            for row, product in enumerate(self.products)
            if product.rolling
        }

    @cached_property
    def _idle(self) -> list[tuple[int, ...]]:
        """The idle counts of each pool that were last let go of."""
        return [()] * len(self.pools)

    def step(self, now_s: int, events: Sequence[Event]) -> list[Timer]:
        """Apply everything that happened at `now_s`, decide once, and return the timers to arm.

        Events of one instant are applied in the order of `EventKind`, then row: their order in `events` does not
        matter. `now_s` must not go back. Stale timers (a job's earlier epoch) are ignored. Every timer lies later than
        `now_s`.
        """
        assert now_s > self.now_s, "one step per instant, in order"
        self.now_s = now_s
        self.step_count += 1
        self.timers = []
        touched = self.touched
        touched.clear()
        handle = self._handle
        for kind, row, epoch in sorted(events) if len(events) > 1 else events:
            handle[kind](row, epoch)
        for index in sorted(touched) if len(touched) > 1 else touched:
            pool = self.pools[index]
            serve.serve(self, pool)
            if pool.lent_changed:
                pool.lent_changed = False
                for product, (tier, guarantee_s) in self._rolling.items():
                    pool.note_renewable(product, now_s, pool.offer_room(tier, guarantee_s) >= 0)
            idle = pool.idle_gpus(pool.waits())
            if idle != self._idle[index]:
                self._idle[index] = idle
                self.out.idle.append(new(Idle, (now_s, index, idle)))
        return self.timers

    # -- what happened -------------------------------------------------------------------------------------------

    def _submit(self, job: int, _: int) -> None:
        jobs = self.jobs
        pool = self.pool_of(job)
        self.touched.add(pool.index)
        jobs.pending_s[job] = self.now_s
        full, part, within = jobs.shape[job]
        need = full + (part > 0)
        if need > pool.node_count - pool.spare_nodes:
            self.cancel(job, Reason.TOO_LARGE)
        elif within and need > pool.largest_domain(within):
            self.cancel(job, Reason.NO_DOMAIN)
        else:
            if pool.mix:
                pool.see(TIER_OF_BAND[jobs.band[job]], full, part)
            if self.past is not None:
                self.past.predict(job)
            self.wait(job, pool)

    def _finish(self, job: int, epoch: int) -> None:
        if self.jobs.epoch[job] == epoch:
            self.release(job, FINISHED)

    def _notice_end(self, job: int, epoch: int) -> None:
        if self.jobs.epoch[job] == epoch:
            self.release(job, EVICTED)

    def _scrub_end(self, batch: int, _: int) -> None:
        pool = self.pools[batch % len(self.pools)]
        nodes = pool.batches.pop(batch)
        pool.scrubbing &= ~nodes
        pool.gather_changed = True
        self.touched.add(pool.index)

    def _node_down(self, node: int, _: int) -> None:
        pool, bit = self.locate(node)
        if pool.down & bit:
            return
        pool.down |= bit
        if pool.draining & bit:
            pool.draining ^= bit
            pool.reach_changed()
        self.touched.add(pool.index)
        hit = sorted(job for job, hold in pool.hold.items() if (hold.whole | hold.part) & bit)
        for job in [job for job in hit if job in pool.granted]:
            self.revoke(pool, job)
            hit.remove(job)
        for job in hit:
            self.release(job, Cause.NODE_FAULT)
        pool.node_down(bit)
        pool.stir(0)

    def _node_up(self, node: int, _: int) -> None:
        pool, bit = self.locate(node)
        if not pool.down & bit:
            return
        self.touched.add(pool.index)
        pool.node_up(bit)
        pool.stir(0)
        self.scrub(pool, bit)

    def _expire(self, job: int, epoch: int) -> None:
        jobs = self.jobs
        if jobs.epoch[job] != epoch or jobs.status[job] != Status.PENDING:
            return
        pool = self.pool_of(job)
        self.touched.add(pool.index)
        if pool.gate is not None and pool.gate.drop(job, self.key[job], jobs.shape[job]):
            self.cancel(job, Reason.PATIENCE)
            return
        if job in pool.meek or job in self.paused:  # it stands in no queue
            pool.meek.discard(job)
            self.paused.pop(job, None)
            self.cancel(job, Reason.PATIENCE)
            return
        queue = self.queue_of(job, pool)
        if queue.head() == job:  # only the head keeps others from starting
            tier = TIER_OF_BAND[jobs.band[job]]
            pool.stir(tier, tier + 1)
        queue.remove(self.key[job], job, jobs.shape[job])
        self.cancel(job, Reason.PATIENCE)

    def _start_refused(self, job: int, epoch: int) -> None:
        """The world could not start it: the nodes are cleaned again, the job keeps its place and is granted anew."""
        if self.jobs.epoch[job] == epoch:
            pool = self.pool_of(job)
            nodes = pool.hold[job].nodes
            self.release(job, Cause.START_REFUSED)
            self.scrub(pool, nodes & ~pool.down & ~pool.scrubbing & pool.internal.exact[-1])

    def _contract_begin(self, row: int, _: int) -> None:
        kept = self.reservations[row]
        self._change_contract(kept, kept.nodes)

    def _contract_end(self, row: int, _: int) -> None:
        kept = self.reservations[row]
        self._change_contract(kept, -kept.nodes)

    def _change_contract(self, kept: ReservationRow, nodes: int) -> None:
        pool = self.pools[kept.pool]
        pool.change_contract(kept.tenant, nodes)
        pool.stir(0, 1)
        self.touched.add(kept.pool)

    def _control(self, _: int, __: int) -> None:
        """Work out where everybody stands, if the policy asks for it; ask lend what may be sold until the next tick."""
        if self.past is not None:
            self.past.tick()
        for pool in self.pools:
            supply, lending = pool.supply(), pool.lending
            told = (supply, NO_FORECAST, ()) if lending is None else lending.told(self, pool, supply)
            offer = guard.offer(self.policy, *told)
            if offer != pool.offer:
                if offer.guarantee_s != pool.offer.guarantee_s or any(map(gt, offer.nodes_max, pool.offer.nodes_max)):
                    pool.stir(2)
                pool.offer = offer
                pool.lent_changed = True
                self.touched.add(pool.index)

    def _month(self, _: int, __: int) -> None:
        """Budgets begin anew: whoever waited for that is asked."""
        for pool in self.pools:
            if pool.gate is not None and (pool.gate.count or pool.meek):
                pool.stir(0, 2)
                self.touched.add(pool.index)

    def locate(self, node: int) -> tuple[Pool, NodeSet]:
        """Return the pool of a node that counts over all pools, and the set that holds it."""
        for pool in self.pools:
            if node < pool.first_node + pool.node_count:
                return pool, 1 << (node - pool.first_node)
        raise AssertionError(f"no node {node}")
