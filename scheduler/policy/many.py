"""The plans of `scheduler.policy.victims.cheapest` where thousands rent: the same plans, found by columns.

Every node counts for the gang that rents it, so that one pass over the nodes says what each gang gains in each domain.
What no plan for a domain can beat is worked out for all domains at once; only those that may still be among the two
best are planned. A job asks for so many nodes more, whichever they are; where that is not so, gangs are looked at one
by one.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.events import NEVER
from scheduler.nodes.nodeset import NOTHING, NodeSet, row_array
from scheduler.policy import plans
from scheduler.policy.need import Holder, IntArray, Need, Rentals
from scheduler.policy.plans import Draft

Ranks = Callable[[list[Holder], Need], tuple[Any, ...]]


class Gains(NamedTuple):
    """What gangs gain in domains: an entry for each gang and each domain in which it vacates a node, by domain and job.

    `place` is the domain, `gain` the nodes that come free, `size` those of use that it holds there; (entries,) int64.
    """

    place: IntArray
    job: IntArray
    gain: IntArray
    size: IntArray
    tier: IntArray
    leave_s: IntArray
    cost: IntArray
    start_s: IntArray

    def only(self, kept: NDArray[np.bool_]) -> "Gains":
        """Return some of the entries."""
        return self if kept.all() else Gains(*(column[kept] for column in self))


def drafts_of_many(
    rentals: Rentals, sharers: Sequence[Holder], need: Need, domains: Sequence[NodeSet], rank: Ranks
) -> list[Draft] | None:
    """Return the two best plans, or None where gangs have to be looked at one by one.

    Cost: O(nodes log nodes + gangs log gangs), and a plan for each domain that may be better than the second best.
    """
    missing = np.array([rentals.lacking(domain) for domain in domains], dtype=np.int64)
    gains = _gains(rentals, need, domains) if len(missing) and missing.min() > 0 else None
    if gains is None or int(gains.cost.max(initial=0)) * int(missing.max()) >= NEVER:
        return None
    tier = _tiers(gains, missing)
    if sharers and np.count_nonzero(tier) < min(2, len(domains)):
        return None  # plans with internal work in them may be among the two best
    gains = gains.only((tier > 0)[gains.place] & (gains.tier >= tier[gains.place]))
    leave_s = _earliest(gains, missing)
    gains = gains.only(gains.leave_s <= leave_s[gains.place])
    firsts = np.searchsorted(gains.place, np.arange(len(domains) + 1)).tolist()
    found: list[Draft] = []
    for place, low in _bounds(gains, missing, tier, leave_s):
        if len(found) == 2 and low > found[1][0][: len(low)]:
            break
        near = Gains(*(column[firsts[place] : firsts[place + 1]] for column in gains))
        jobs = None
        if need.missing(domains[place]) > 0:
            jobs = _least_cost(near, int(missing[place]), rentals)
        holders = [rentals.holder(job) for job in jobs or _greedy(near, int(missing[place]))]
        chosen = [holder for holder in holders if holder is not None]
        found = sorted([*found, (rank(chosen, need), place, chosen)], key=lambda draft: draft[:2])[:2]
    return found


def _gains(rentals: Rentals, need: Need, domains: Sequence[NodeSet]) -> Gains | None:
    reach = NOTHING
    for domain in domains:
        reach |= domain
    nodes = row_array(reach)
    owner = rentals.owner[nodes]
    nodes, owner = nodes[owner >= 0], owner[owner >= 0]
    place = np.searchsorted(np.array([domain.bit_length() for domain in domains]), nodes, side="right")
    wide = int(owner.max(initial=0)) + 1
    held = place * wide + owner
    keys, size = np.unique(held, return_counts=True)
    gain = size
    if stale := reach & ~need.fresh:
        old = np.zeros(len(rentals.owner), dtype=bool)
        old[row_array(stale)] = True
        some, count = np.unique(held[old[nodes]], return_counts=True)
        gain = size.copy()
        gain[np.searchsorted(keys, some)] -= count
    place, job = np.divmod(keys, wide)
    jobs, gang = (job, slice(None)) if len(domains) == 1 else np.unique(job, return_inverse=True)
    partings = rentals.partings(jobs)
    if partings is None:
        return None
    found = Gains(place, job, gain, size, *(column[gang] for column in partings))
    return found.only((found.tier > 0) & (gain > 0))


def _tiers(gains: Gains, missing: IntArray) -> IntArray:
    """The least important tier down to which gangs have to be asked in each domain; 0: all of them are not enough."""
    tier = np.zeros(len(missing), dtype=np.int64)
    for least in (2, 3):
        asked, total = gains.tier >= least, np.zeros(len(missing), dtype=np.int64)
        np.add.at(total, gains.place[asked], gains.gain[asked])
        tier[total >= missing] = least
    return tier


def _earliest(gains: Gains, missing: IntArray) -> IntArray:
    """The earliest second at which enough nodes can be vacant in each domain; of no meaning where that is never."""
    order = np.lexsort((gains.leave_s, gains.place))
    place, total = gains.place[order], np.cumsum(gains.gain[order])
    before = np.concatenate([[0], total])[np.searchsorted(place, np.arange(len(missing)))]
    enough = np.minimum(np.searchsorted(total, before + missing), len(place) - 1)
    return gains.leave_s[order][enough]


def _bounds(gains: Gains, missing: IntArray, tier: IntArray, leave_s: IntArray) -> "list[tuple[int, tuple[Any, ...]]]":
    """Return (domain, what no plan for it can beat), the best first: tier, time, cost, gangs, start of the youngest."""
    cost, newest = (np.full(len(missing), NEVER, dtype=np.int64) for _ in range(2))
    most = np.ones(len(missing), dtype=np.int64)
    np.minimum.at(cost, gains.place, gains.cost * missing[gains.place] // gains.gain)
    np.minimum.at(newest, gains.place, -gains.start_s)
    np.maximum.at(most, gains.place, gains.gain)
    count = -(-missing // most)
    order = np.lexsort((newest, count, cost, leave_s, -tier))
    columns = [column[order].tolist() for column in (-tier, leave_s, cost, count, newest)]
    lows = [(*low[:4], [low[4]]) for low in zip(*columns, strict=True)]
    return [(place, low) for place, low in zip(order.tolist(), lows, strict=True) if low[0]]


def _least_cost(near: Gains, missing: int, rentals: Rentals) -> list[int] | None:
    """As `scheduler.policy.plans.least_cost`: of gangs that gain the same, only the first few can matter."""
    gain = np.minimum(near.gain, missing)
    order = np.lexsort((near.job, -near.start_s, near.cost, gain))
    gains = gain[order]
    turn = np.arange(len(gains)) - np.searchsorted(gains, gains)
    useful = order[turn < -(-missing // gains)]
    if len(useful) * missing > plans.EXACT_STEPS:
        return None
    ordered = _by_merit(Gains(*(column[useful] for column in near)), gain[useful])
    columns = [column[useful[ordered]].tolist() for column in (gain, near.cost, -near.start_s, near.job)]
    lines = list(zip(*columns, strict=True))
    jobs = _knapsack(lines, missing)
    chosen = sorted((line for line in lines if line[3] in jobs), key=lambda line: line[1:])
    if len({line[0] for line in chosen}) > 1:  # told group by group, as each is first met
        gain_of, met = dict(zip(near.job.tolist(), gain.tolist(), strict=True)), list[int]()
        for job in rentals.line():
            if job in gain_of and gain_of[job] not in met:
                met.append(gain_of[job])
        chosen.sort(key=lambda line: met.index(line[0]))
    return [line[3] for line in chosen]


def _knapsack(lines: list[tuple[int, int, int, int]], missing: int) -> list[int]:
    """Return the jobs that gain `missing` nodes at the least cost, then fewest, youngest, lowest rows.

    `lines` are (gain, cost, minus start, job), the least cost for each node first. What cannot end as well as the best
    known plan is not followed: to gain the rest costs at least so much for each node as the next line does.
    """
    limit = _first_plan(lines, missing)
    most, widest = [1] * len(lines), 1
    for place in range(len(lines) - 1, -1, -1):
        most[place] = widest = max(widest, lines[place][0])
    # Nodes gained -> cost, gangs, starts of the youngest first, rows.
    best: dict[int, tuple[int, int, list[int], list[int]]] = {0: (0, 0, [], [])}
    for (gain, cost, start, job), wide in zip(lines, most, strict=True):
        for had in sorted(best, reverse=True):
            rest = missing - had
            spent, count, starts, jobs = best[had]
            if rest <= 0 or (spent + rest * cost // gain, count - (-rest // wide)) > limit:
                continue
            to, spent, count = min(missing, had + gain), spent + cost, count + 1
            old = best.get(to)
            if old is not None and (spent, count) > old[:2]:
                continue
            starts, jobs = starts.copy(), jobs.copy()
            insort(starts, start)
            insort(jobs, job)
            if old is None or (spent, count, starts, jobs) < old:
                best[to] = spent, count, starts, jobs
                if to == missing:
                    limit = min(limit, (spent, count))
    return best[missing][3]


def _first_plan(lines: list[tuple[int, int, int, int]], missing: int) -> tuple[int, int]:
    """Cost and gangs of a plan that is often good: line by line, without those that turn out not to be needed."""
    taken, total = [], 0
    for line in lines:
        taken.append(line)
        total += line[0]
        if total >= missing:
            break
    kept = []
    for line in reversed(taken):
        if total - line[0] >= missing:
            total -= line[0]
        else:
            kept.append(line)
    return sum(line[1] for line in kept), len(kept)


def _by_merit(near: Gains, gain: IntArray) -> IntArray:
    """Order by cost for each node, exactly, then the most nodes, the youngest, the lowest rows."""
    whole, rest = np.divmod(near.cost, gain)
    # Two different fractions whose denominators are at most `wide` lie at least 1 / wide**2 apart.
    wide = int(gain.max(initial=1))
    return np.lexsort((near.job, -near.start_s, -gain, rest * (wide * wide) // gain, whole))


def _greedy(near: Gains, missing: int) -> list[int]:
    """As `scheduler.policy.victims.youngest_first` along the order of merit: take until it is enough, drop in
    reverse.
    """
    order = _by_merit(near, near.size)
    total = np.cumsum(near.gain[order])
    count = int(np.searchsorted(total, missing)) + 1
    spare = int(total[count - 1]) - missing
    taken = list(zip(near.job[order[:count]].tolist(), near.gain[order[:count]].tolist(), strict=True))
    kept = [taken[-1]]
    for job, gain in reversed(taken[:-1]):
        if gain <= spare:
            spare -= gain
        else:
            kept.append((job, gain))
    return [job for job, _ in reversed(kept)]
