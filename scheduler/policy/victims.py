"""Victims: which gangs leave so that a granted job can have their nodes. Whole gangs, and no more than needed.

A rule gets the gangs that may be evicted, and a `Need` that says when their leaving is enough and what it would cost.
Where the job has to lie in one domain, rules plan for each domain by itself and take the best plan: victims scattered
over domains would leave the job stuck (V21). A gang that leaves is lost as a whole, wherever its other nodes are, so
its cost counts once and in full (V21b). Internal work is taken only where no plan without it is enough: bands are
strict, whatever a plan costs (ADR 0031).
"""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import chain
from math import lcm
from typing import Any

from scheduler.nodes.nodeset import NodeSet, rows
from scheduler.policy.many import drafts_of_many
from scheduler.policy.need import Enough, Holder, Need, vacated
from scheduler.policy.plans import Bounds, Draft, Gang, Gangs, best_domain, bounds_in, by_domain, least_cost, told

# (renters, sharers, need): both least important band first, youngest first inside a band. Renters are looked at one by
# one by rules that can do so, so that a plan costs as much as it has victims, not as much as there are renters.
Victims = Callable[[Iterable[Holder], Sequence[Holder], Need], list[Holder] | None]


def youngest_first(renters: Iterable[Holder], sharers: Sequence[Holder], enough: Enough) -> list[Holder] | None:
    """Take the youngest gangs of the least important band until the job fits, then drop whoever is not needed.

    The reverse walk is Kueue's rule: from the last but one back, keep a victim out if the plan still fits (V21c).
    Returns None when even all of them are not enough. Cost: O(victims), times O(sharers) where nodes are shared.
    """
    chosen: list[Holder] = []
    for holder in chain(renters, sharers):
        chosen.append(holder)
        staying = [other for other in sharers if other not in chosen]
        if enough(vacated(chosen, staying)):
            return _pruned(chosen, staying, enough)
    return None


def cheapest(renters: Iterable[Holder], sharers: Sequence[Holder], need: Need) -> list[Holder] | None:
    """Take the plan with the earliest ready time, then the least cost, the fewest gangs, the youngest, the lowest rows.

    Source: the design's section 8.6; cases V21, V21b. No guarantee is ever broken: a gang leaves at its end, and the
    ready time counts that. In one domain the least cost is found exactly where only renters are asked and the gangs
    that may matter times missing nodes are few (`scheduler.policy.plans.EXACT_STEPS`), else by greedy choice and the
    reverse walk. Cost: O(gangs log gangs), and a plan for each domain that may still be better than the second best so
    far.
    """
    names = ("band", "ready time", "cost", "number of gangs", "youngest", "row")
    if need.rentals is not None:
        domains = need.domains()
        many = drafts_of_many(need.rentals, sharers, need, domains, _rank)
        if many is not None:
            return told(many, domains, names)
    bounded: list[tuple[tuple[int, ...], int, Bounds]] = []
    domains, near = by_domain(renters, sharers, need)
    for place, domain in enumerate(domains):
        bounds = bounds_in(near[place], sharers, need, domain)
        if bounds is not None:
            bounded.append((bounds.rank, place, bounds))
    drafts: list[Draft] = []
    for low, place, bounds in sorted(bounded, key=lambda one: one[:2]):
        if len(drafts) == 2 and low > drafts[1][0][: len(low)]:
            break
        gangs, missing = bounds.gangs, bounds.missing
        chosen = least_cost(gangs, missing, domains[place] & need.fresh) if missing else None
        if chosen is None:

            def merit(gang: Gang, domain: NodeSet = domains[place]) -> tuple[Any, ...]:
                gain = max(1, (gang[0].nodes & domain).bit_count())
                return Fraction(gang[1].cost_micro_usd, gain), -gain, -gang[1].start_s, gang[0].job

            chosen = _greedy(sorted(gangs, key=merit), sharers, need, domains[place])
        if chosen:
            drafts = sorted([*drafts, (_rank(chosen, need), place, chosen)], key=lambda draft: draft[:2])[:2]
    return told(drafts, domains, names)


def _rank(chosen: list[Holder], need: Need) -> tuple[Any, ...]:
    partings = [need.parting(holder.job) for holder in chosen]
    return (
        -min(parting.tier for parting in partings),
        max(parting.leave_s for parting in partings),
        sum(parting.cost_micro_usd for parting in partings),
        len(chosen),
        sorted(-parting.start_s for parting in partings),
        sorted(holder.job for holder in chosen),
    )


def lyra(renters: Iterable[Holder], sharers: Sequence[Holder], need: Need) -> list[Holder] | None:
    """Empty node after node, always the one with the least preemption cost, renters' nodes before internal ones.

    The cost of a node is the sum over its gangs of 1/span, span being how many nodes a gang holds: evicting a gang
    that holds many nodes empties them all. Source: server preemption cost, Lyra (EuroSys 2023), arXiv 2202.07896.
    """

    def plan(gangs: Gangs, domain: NodeSet) -> list[Holder] | None:
        spans = [gang[0].nodes.bit_count() for gang in gangs]
        common = lcm(*spans)  # costs are counted in 1/common of an eviction
        cost: dict[tuple[bool, int], int] = {}
        on: dict[int, list[Gang]] = {}
        for gang, span in zip(gangs, spans, strict=True):
            for row in rows(gang[0].nodes & domain):
                node = gang[0].shares, row
                cost[node] = cost.get(node, 0) + common // span
                on.setdefault(row, []).append(gang)
        ordered: dict[int, Gang] = {}
        for _, row in sorted(cost, key=lambda node: (node[0], cost[node], node[1])):
            for gang in on[row]:
                ordered.setdefault(gang[0].job, gang)
        return _greedy(list(ordered.values()), sharers, need, domain)

    def rank(chosen: list[Holder]) -> tuple[Any, ...]:
        partings = [need.parting(holder.job) for holder in chosen]
        return -min(parting.tier for parting in partings), len(chosen), sorted(holder.job for holder in chosen)

    return best_domain(renters, sharers, need, plan, rank, ("band", "number of gangs", "row"))


def gfs_waste(renters: Iterable[Holder], sharers: Sequence[Holder], need: Need) -> list[Holder] | None:
    """Take the gangs that waste the least: failed guarantees, and GPU time since their start.

    A plan of x victims costs (F + x)/(F + S + x) + 5 sum(GPUs x seconds since the start)/(G T), with F and S the
    evicted and the completed rentals so far, G the GPUs of the pool and T the time so far. Compared exactly.
    Source: GFS (ASPLOS 2026) as stated in the design's section 5.9.
    """
    now = need.ledger()

    def waste_gpu_s(gang: Gang) -> int:
        return gang[1].gpus * (now.now_s - gang[1].start_s)

    def plan(gangs: Gangs, domain: NodeSet) -> list[Holder] | None:
        ordered = sorted(gangs, key=lambda gang: (gang[0].shares, waste_gpu_s(gang), gang[0].job))
        return _greedy(ordered, sharers, need, domain)

    def rank(chosen: list[Holder]) -> tuple[Any, ...]:
        gangs = [(holder, need.parting(holder.job)) for holder in chosen]
        failed = now.evicted + len(chosen)
        score = Fraction(failed, failed + now.kept)
        score += Fraction(5 * sum(map(waste_gpu_s, gangs)), now.gpus * max(1, now.now_s))
        return -min(parting.tier for _, parting in gangs), score, sorted(holder.job for holder in chosen)

    return best_domain(renters, sharers, need, plan, rank, ("band", "waste", "row"))


def _greedy(ordered: Gangs, sharers: Sequence[Holder], need: Need, domain: NodeSet) -> list[Holder] | None:
    holders = [holder for holder, _ in ordered]
    renters = [holder for holder in holders if not holder.shares]
    mine = [holder for holder in holders if holder.shares]
    apart = {holder.job for holder in sharers} - {holder.job for holder in mine}
    stay = ~vacated([holder for holder in sharers if holder.job in apart], ())  # nodes of those who are not asked
    return youngest_first(renters, mine, lambda vacant: need.inside(vacant & stay, domain))


def _pruned(chosen: list[Holder], staying: list[Holder], enough: Enough) -> list[Holder]:
    kept = list(chosen)
    for holder in reversed(chosen[:-1]):
        without = [other for other in kept if other is not holder]
        stays = [*staying, holder] if holder.shares else staying
        if enough(vacated(without, stays)):
            kept, staying = without, stays
    return kept


VICTIMS: dict[str, Victims] = {
    "youngest_first": youngest_first,
    "cheapest": cheapest,
    "lyra": lyra,
    "gfs_waste": gfs_waste,
}
COUNTING = frozenset({cheapest})  # those that look at all rentals at once; who rents each node is noted for them alone
