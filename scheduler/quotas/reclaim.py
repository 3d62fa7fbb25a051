"""Reclaim: a job within its tenant's nominal takes quota and nodes back from borrowers of its cohort, all or nothing.

Candidates hold more than is theirs (in their cohorts too, up to the one that both share), or are the same tenant's less
important jobs. Others' borrowing first, then the least important band, the most recently granted, the highest row. They
are taken until quota *and* shape fit, then dropped in reverse where the plan fits without them (V21c's rule). A victim
is served its notice and keeps its guaranteed time; the job is granted at once and holds quota and nodes from then on,
so that nobody borrows them in between.

Source: Kueue's preemption within a cohort, and KEP-1714 for `fair_reclaim`, as stated in the design's 5.6 and 8.6.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from scheduler import guard
from scheduler.events import Status
from scheduler.nodes.capacity import Capacity, Hold
from scheduler.nodes.nodeset import NOTHING
from scheduler.policy.place import Step
from scheduler.quotas.quota import (
    NOTHING_OVER,
    add,
    borrowed,
    gives_back,
    headroom,
    less,
    may_take,
    rivals,
    within_nominal,
)
from scheduler.state.pool import Pool
from tenants.band import TIER_OF_BAND

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives
    from scheduler.quotas.gate import Gate


class Borrower(NamedTuple):
    """A job that may be evicted by a reclaim, and what it holds."""

    job: int
    tenant: int
    gpus: int
    hold: Hold


Fits = Callable[[Iterable[Borrower]], Capacity | None]


class Plan(NamedTuple):
    """What a reclaim would do: the nodes of the job, and who has to go for its quota or for its nodes."""

    hold: Hold
    victims: list[int]


def reclaim(core: "Lives", pool: Pool, tier: int, job: int) -> bool:
    """Grant a waiting job by a reclaim; False when evicting every candidate would not be enough."""
    gate = pool.gate
    assert gate is not None
    plan = plan_reclaim(core, pool, gate, tier, job)
    if plan is None:
        return False
    shape = core.jobs.shape[job]
    if not gate.drop(job, core.key[job], shape):
        pool.queue[tier].remove(core.key[job], job, shape)
    core.grant(pool, tier, job, plan.hold, also=plan.victims)
    return True


def plan_reclaim(core: "Lives", pool: Pool, gate: "Gate", tier: int, job: int) -> Plan | None:
    """Return the smallest plan found, or None. Changes nothing. Cost: O(jobs that hold quota x victims)."""
    jobs, quotas = core.jobs, gate.quotas
    full, part, within = jobs.shape[job]
    node, gpus = quotas.leaf[jobs.tenant[job]], gate.gpus(job)
    used = gate.quota.used.copy()
    view = (pool.firm if tier == 0 else pool.internal).copy()
    for other, held in gate.charged.items():
        if jobs.status[other] == Status.EVICTING:  # has been told to go: its quota and its nodes are on their way
            add(gate.quota, used, quotas.leaf[jobs.tenant[other]], -held)
            if TIER_OF_BAND[jobs.band[other]] <= tier:
                view.give(pool.hold[other])

    def fits(chosen: Iterable[Borrower]) -> Capacity | None:
        """The view that the chosen ones leave, if the job fits by quota and, there, by shape."""
        left, vacated = used.copy(), view.copy()
        for each in chosen:
            add(gate.quota, left, quotas.leaf[each.tenant], -each.gpus)
            if TIER_OF_BAND[jobs.band[each.job]] <= tier:
                vacated.give(each.hold)
        if headroom(gate.quota, left, node) < gpus:
            return None
        room = pool.room_within(tier, within)._replace(capacity=vacated)
        return vacated if room.fits(full, part, pool.kept_nodes(tier)) else None

    chosen: list[Borrower] = []
    left = used.copy()
    found = fits(chosen)
    fair = not within_nominal(gate.quota, gate.quota.used, node, gpus)
    candidates = _candidates(core, pool, gate, tier, job)
    while found is None:
        each = _next_fair(core, gate, job, candidates, left) if fair else _next(core, gate, job, candidates, left)
        if each is None:
            return None
        candidates.remove(each)
        chosen.append(each)
        add(gate.quota, left, quotas.leaf[each.tenant], -each.gpus)
        found = fits(chosen)
    chosen, found = _pruned(chosen, found, fits)
    hold = _placed(core, pool, tier, job, found)
    going = [
        other
        for other in chain.from_iterable(pool.running[: tier + 1])
        if jobs.status[other] == Status.EVICTING and pool.hold[other].nodes & hold.nodes
    ]
    return Plan(hold, [*(each.job for each in chosen), *going])


def _next(core: "Lives", gate: "Gate", job: int, candidates: list[Borrower], used: list[int]) -> Borrower | None:
    """Return the first candidate who is the tenant's own, or holds what the job's tenant lent: not what is left to it
    of its own after those that were taken before."""
    quotas, tenant = gate.quotas, core.jobs.tenant[job]
    for each in candidates:
        leaf = quotas.leaf[each.tenant]
        if tenant == each.tenant or gives_back(quotas, gate.quota, used, leaf, quotas.leaf[tenant]):
            return each
    return None


def _next_fair(core: "Lives", gate: "Gate", job: int, candidates: list[Borrower], used: list[int]) -> Borrower | None:
    """Return whom a borrower may evict: of those that rule (a), or else (b), allows, the one with the largest share.

    Shares are compared where the paths of two tenants part; of one tenant's jobs the first of the candidates.
    """
    quotas, tenant = gate.quotas, core.jobs.tenant[job]
    node = quotas.leaf[tenant]
    allowed: dict[str, list[Borrower]] = {"a": [], "b": []}
    for each in candidates:
        leaf = quotas.leaf[each.tenant]
        sides = rivals(quotas, node, leaf)
        if sides is None or tenant == each.tenant or not borrowed(gate.quota, used, leaf):
            continue
        mine = quotas.share(sides[0], gate.index, gate.gpus(job), used)
        theirs = [quotas.share(sides[1], gate.index, more, used) for more in (0, -each.gpus)]
        rule = may_take(mine, *theirs) if theirs[0] != NOTHING_OVER else ""
        if rule:
            allowed[rule].append(each)
    best: Borrower | None = None
    for each in allowed["a"] or allowed["b"]:
        sides = rivals(quotas, quotas.leaf[best.tenant], quotas.leaf[each.tenant]) if best is not None else None
        if best is None or (
            sides and less(quotas.share(sides[0], gate.index, 0, used), quotas.share(sides[1], gate.index, 0, used))
        ):
            best = each
    return best


def _pruned(chosen: list[Borrower], view: Capacity, fits: Fits) -> tuple[list[Borrower], Capacity]:
    """Drop in reverse, the last one aside, every victim without whom the job fits."""
    for each in reversed(chosen[:-1]):
        without = [other for other in chosen if other is not each]
        if (fewer := fits(without)) is not None:
            chosen, view = without, fewer
    return chosen, view


def _candidates(core: "Lives", pool: Pool, gate: "Gate", tier: int, job: int) -> list[Borrower]:
    """Whoever may have to go, in the order in which they are taken."""
    jobs = core.jobs
    tenant, band = jobs.tenant[job], jobs.band[job]
    ranked = []
    for other, gpus in gate.charged.items():
        if jobs.status[other] == Status.EVICTING or TIER_OF_BAND[jobs.band[other]] < tier:
            continue
        own = jobs.tenant[other] == tenant
        if own:
            if jobs.band[other] <= band:
                continue
        elif not borrowed(gate.quota, gate.quota.used, gate.quotas.leaf[jobs.tenant[other]]):
            continue
        order = (own, -jobs.band[other], -jobs.granted_s[other], -other)
        ranked.append((order, Borrower(other, jobs.tenant[other], gpus, pool.hold[other])))
    return [each for _, each in sorted(ranked)]


def _placed(core: "Lives", pool: Pool, tier: int, job: int, view: Capacity) -> Hold:
    """Choose the nodes in the view that the victims leave: free ones first, and of these the ones without renters."""
    _, part, within = core.jobs.shape[job]
    whole = pool.internal.exact[-1]
    partly = pool.internal.at_least(part) if part else NOTHING
    rented = NOTHING if core.policy.blind else pool.busy
    steps = (Step(whole & ~rented, partly & ~rented), Step(whole, partly), Step(-1, -1))
    choice = guard.place(core, job, pool.room_within(tier, within)._replace(capacity=view), steps)
    assert choice is not None, "what fits can be placed"
    return Hold(choice.whole, choice.part, part)
