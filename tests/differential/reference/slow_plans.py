"""The slow, obvious planner of evictions: every set of gangs in every domain, and the best of those that are enough.

It knows no order of search, no knapsack and no pruning; it shares only the question (`Need`) with the fast one.
"""

from itertools import combinations


def every_plan(renters, sharers, need):
    """(rank, domain, jobs) of every set that makes room in a domain; only gangs that touch the domain count for it."""
    gangs = [*renters, *sharers]
    for domain in need.domains():
        near = [gang for gang in gangs if gang.nodes & domain]
        for size in range(1, len(near) + 1):
            for chosen in combinations(near, size):
                vacant = 0
                for gang in chosen:
                    vacant |= gang.nodes
                for gang in sharers:
                    if gang not in chosen:
                        vacant &= ~gang.nodes
                if need.inside(vacant, domain):
                    yield rank(chosen, need), domain, sorted(gang.job for gang in chosen)


def rank(chosen, need):
    """Least important bands, ready time, cost, gangs, youngest, rows: the design's section 8.6, bands before all."""
    facts = [need.parting(gang.job) for gang in chosen]
    return (
        -min(one.tier for one in facts),
        max(one.leave_s for one in facts),
        sum(one.cost_micro_usd for one in facts),
        len(facts),
        sorted(-one.start_s for one in facts),
        sorted(gang.job for gang in chosen),
    )
