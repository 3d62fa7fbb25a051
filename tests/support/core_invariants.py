"""What must hold inside a core after every step, whatever the policy: every view recomputed from what is held.

`Watch` is told of each step by a driver and collects complaints; it also sees what a log alone does not show, such as
the Offer in force when a rental was granted.
"""

from scheduler.core import Core
from scheduler.events import Status
from scheduler.nodes.capacity import Capacity
from scheduler.nodes.nodeset import rows
from scheduler.state.pool import Pool
from tenants.band import TIER_OF_BAND

HOLDING = (Status.GRANTED, Status.RUNNING, Status.EVICTING)


def inconsistencies(core: Core) -> list[str]:
    """Views of a core that do not follow from what its jobs hold."""
    found = [text for pool in core.pools for text in _pool_inconsistencies(core, pool)]
    ended = sum(status in (Status.DONE, Status.CANCELLED) for status in core.jobs.status)
    if core.open_count != core.jobs.count - ended:
        found.append(f"{core.open_count} jobs are said to be open, {core.jobs.count - ended} are")
    return [f"at {core.now_s}: {text}" for text in found]


def _pool_inconsistencies(core: Core, pool: Pool) -> list[str]:
    jobs, found = core.jobs, []
    mine = [job for job in range(jobs.count) if jobs.pool[job] == pool.index]
    tier_of = {job: TIER_OF_BAND[jobs.band[job]] for job in mine}
    holding = {job for job in mine if jobs.status[job] in HOLDING}
    if holding != set(pool.hold):
        found.append(f"pool {pool.index}: {sorted(holding ^ set(pool.hold))} hold by status or by view, not by both")
    for name, view, tiers in (("firm", pool.firm, (0,)), ("internal", pool.internal, (0, 1))):
        fresh = Capacity(pool.node_count, pool.per_node)
        for row in rows(pool.down):
            fresh.remove(row)
        for job, hold in pool.hold.items():
            if tier_of[job] in tiers:
                fresh.take(hold)
        if (fresh.exact, fresh.excess, fresh.free_gpus) != (view.exact, view.excess, view.free_gpus):
            found.append(f"pool {pool.index}: the {name} view is not what its holders leave")
    for tier in (2, 3):
        rented = [pool.hold[job].whole for job in pool.hold if tier_of[job] == tier]
        if pool.rented[tier] != sum(rented) or pool.lent_nodes[tier] != pool.rented[tier].bit_count():
            found.append(f"pool {pool.index}: tier {tier} rents other nodes than it holds, or some of them twice")
    held = sum(pool.hold[job].gpu_count(pool.per_node) for job in pool.hold if jobs.status[job] != Status.GRANTED)
    if pool.held_gpus != held:
        found.append(f"pool {pool.index}: {pool.held_gpus} GPUs are said to be held, {held} are")
    if set(pool.granted) != {job for job in holding if jobs.status[job] == Status.GRANTED}:
        found.append(f"pool {pool.index}: granted by status or by view, not by both")
    if set(pool.holders()) != {job for job in holding if jobs.status[job] != Status.GRANTED}:
        found.append(f"pool {pool.index}: running by status or by view, not by both")
    if any(hold.nodes & pool.down for hold in pool.hold.values()):
        found.append(f"pool {pool.index}: a node that is down is held")
    cleaning = 0
    for nodes in pool.batches.values():
        cleaning |= nodes
    if cleaning != pool.scrubbing or pool.scrubbing & pool.down:
        found.append(f"pool {pool.index}: nodes are cleaned that no cleaning is about, or that are down")
    return found


class Watch:
    """Call `step(now_s)` after each step, with the decisions of that step still in the log."""

    def __init__(self, core: Core, log) -> None:
        self.core, self.log, self.found = core, log, []
        self._seen = 0

    def step(self, now_s: int) -> None:
        """Look at the core, and at what it decided in this step."""
        self.found += inconsistencies(self.core)
        fresh, self._seen = self.log.decisions[self._seen :], len(self.log.decisions)
        for _, (what, job, _, _) in fresh:
            if what == "grant":
                self.found += self._above_the_offer(now_s, job)

    def _above_the_offer(self, now_s: int, job: int) -> list[str]:
        jobs = self.core.jobs
        tier = TIER_OF_BAND[jobs.band[job]]
        if tier < 2 or jobs.status[job] not in HOLDING:
            return []
        pool, product = self.core.pools[jobs.pool[job]], self.core.products[jobs.product[job]]
        room = pool.offer_room(tier, product.guarantee_s)
        return [f"job {job} was rented out at {now_s} above the offer, by {-room} nodes"] if room < 0 else []


def lost_work(core: Core, log) -> list[str]:
    """Jobs whose seconds do not add up: held = starting up + kept + thrown away, and who is done has done its work."""
    jobs, found = core.jobs, []
    kept_s = [0] * jobs.count
    for segment in log.segments:
        seconds = segment.end_s - segment.start_s
        work_s = seconds - segment.stalled_s - segment.written_s
        if min(seconds, segment.stalled_s, segment.lost_s, segment.written_s, work_s - segment.lost_s) < 0:
            found.append(f"job {segment.job}: {segment} splits into less than nothing")
        kept_s[segment.job] += work_s - segment.lost_s
    return found + [
        f"job {job} is done after {kept_s[job]} s of work, not {jobs.run_s[job]}"
        for job in range(jobs.count)
        if jobs.status[job] == Status.DONE and kept_s[job] != jobs.run_s[job]
    ]
