"""Planning evictions domain by domain: who touches a domain, what no plan for it can beat, and the least cost in it."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from scheduler.nodes.nodeset import NodeSet
from scheduler.policy.need import Holder, Need, Parting, Ranked, vacated

EXACT_STEPS = 4_096  # gangs that may matter times nodes, up to which the least cost is found exactly

Gang = tuple[Holder, Parting]
Gangs = list[Gang]
Draft = tuple[tuple[Any, ...], int, list[Holder]]  # rank, which domain, who leaves


class Bounds(NamedTuple):
    """What a plan for one domain cannot be better than, the gangs it may choose from, and the nodes that are missing
    (0 where that is not a matter of counting)."""

    rank: tuple[int, ...]
    gangs: Gangs
    missing: int


def by_domain(
    renters: Iterable[Holder], sharers: Sequence[Holder], need: Need
) -> tuple[Sequence[NodeSet], list[list[Gang]]]:
    """Return the domains, and the gangs that touch each of them. O(gangs x (1 + domains that they touch))."""
    domains = need.domains()
    ends = [domain.bit_length() for domain in domains]
    near: list[list[Gang]] = [[] for _ in domains]
    for holder in chain(renters, sharers):
        nodes, gang = holder.nodes, (holder, need.parting(holder.job))
        place = bisect_left(ends, (nodes & -nodes).bit_length())
        last = nodes.bit_length()
        while place < len(ends):
            if nodes & domains[place]:
                near[place].append(gang)
            if ends[place] >= last:
                break
            place += 1
    return domains, near


def best_domain(
    renters: Iterable[Holder],
    sharers: Sequence[Holder],
    need: Need,
    plan: Callable[[Gangs, NodeSet], list[Holder] | None],
    rank: Callable[[list[Holder]], tuple[Any, ...]],
    names: tuple[str, ...],
) -> list[Holder] | None:
    """Plan for each domain by itself and return the plan of the least rank; `names` say what its parts are."""
    domains, near = by_domain(renters, sharers, need)
    drafts: list[Draft] = []
    for place, domain in enumerate(domains):
        chosen = plan(near[place], domain)
        if chosen:
            drafts.append((rank(chosen), place, chosen))
    return told(sorted(drafts, key=lambda draft: draft[:2]), domains, names)


def told(drafts: Sequence[Draft], domains: Sequence[NodeSet], names: tuple[str, ...]) -> list[Holder] | None:
    """Return the first of the plans, with the second and what decided between them."""
    if not drafts:
        return None
    rank, place, chosen = drafts[0]
    best = Ranked(chosen)
    best.domain, best.decided_by = domains[place], "the only plan"
    if len(drafts) > 1:
        best.runner_up = drafts[1][2]
        pairs = zip(names, rank, drafts[1][0], strict=True)
        best.decided_by = next((name for name, ours, theirs in pairs if ours != theirs), "lowest domain")
    return best


def bounds_in(gangs: Gangs, sharers: Sequence[Holder], need: Need, domain: NodeSet) -> Bounds | None:
    """Find the least important bands and the earliest ready time that make room in a domain; None if none do."""
    missing = need.missing(domain)
    fresh = domain & need.fresh
    gains = {holder.job: (holder.nodes & fresh).bit_count() for holder, _ in gangs}

    def enough(some: Gangs) -> bool:
        if counted:
            return sum(gains[holder.job] for holder, _ in some) >= missing
        chosen = [holder for holder, _ in some]
        jobs = {holder.job for holder in chosen}
        return need.inside(vacated(chosen, [other for other in sharers if other.job not in jobs]), domain)

    for tier in (3, 2, 1):
        some = [gang for gang in gangs if gang[1].tier >= tier]
        counted = missing > 0 and tier > 1  # renters hold whole nodes, each its own
        if some and enough(some):
            break
    else:
        return None
    times = sorted({parting.leave_s for _, parting in some})
    low, high = 0, len(times) - 1
    while low < high:
        middle = (low + high) >> 1
        if enough([gang for gang in some if gang[1].leave_s <= times[middle]]):
            high = middle
        else:
            low = middle + 1
    soon = [gang for gang in some if gang[1].leave_s <= times[high]]
    if not counted:
        return Bounds((-tier, times[high]), soon, 0)
    soon = [gang for gang in soon if gains[gang[0].job]]
    cost = min(parting.cost_micro_usd * missing // gains[holder.job] for holder, parting in soon)
    count = -(-missing // max(gains[holder.job] for holder, _ in soon))
    return Bounds((-tier, times[high], cost, count), soon, missing)


def least_cost(gangs: Gangs, missing: int, domain: NodeSet) -> list[Holder] | None:
    """Return the gangs that vacate `missing` nodes of a domain at the least cost, then fewest, youngest, lowest rows.

    A knapsack over the nodes gained; no two gangs hold the same node. Of gangs that gain the same, only the first few
    by cost, start and row can matter. None where it would take more than `EXACT_STEPS`. O(gangs log gangs + steps).
    """
    of_gain: dict[int, list[tuple[tuple[int, int, int], Holder]]] = {}
    for holder, parting in gangs:
        gain = min(missing, (holder.nodes & domain).bit_count())
        of_gain.setdefault(gain, []).append(((parting.cost_micro_usd, -parting.start_s, holder.job), holder))
    useful = [(gain, *one) for gain, line in of_gain.items() for one in sorted(line)[: -(-missing // gain)]]
    if len(useful) * missing > EXACT_STEPS:
        return None
    # Nodes gained -> (cost, gangs, starts of the youngest first, rows) and who leaves.
    best: dict[int, tuple[tuple[Any, ...], list[Holder]]] = {0: ((0, 0, [], []), [])}
    for gain, (cost_micro_usd, start, job), holder in useful:
        for had, ((cost, count, starts, jobs), chosen) in sorted(best.items(), reverse=True):
            if had < missing:
                to = min(missing, had + gain)
                key = (cost + cost_micro_usd, count + 1, sorted([*starts, start]), sorted([*jobs, job]))
                if to not in best or key < best[to][0]:
                    best[to] = key, [*chosen, holder]
    return best[missing][1]
