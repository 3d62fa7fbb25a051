"""Plans by columns, for thousands of rentals, against the same rule gang by gang: on every question that random runs of
the core ask, and on crowded pools with ties, which are larger than any twin that tries every plan could look at."""

import random
from dataclasses import replace
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest

from reference.slow_plans import rank
from scheduler.decide import rentals
from scheduler.events import Status
from scheduler.nodes.nodeset import of_rows, rows
from scheduler.policies import POLICIES
from scheduler.policy import many
from scheduler.policy.lend import all_idle
from scheduler.policy.need import Holder, Ledger, Need, Parting, Partings, Rentals
from scheduler.policy.victims import VICTIMS
from small_worlds import flat_drive
from test_eviction_plans import dear_world

SEEDS = range(200)


def told(chosen):
    """Everything that a rule says of its plan."""
    return chosen and (list(chosen), chosen.domain, list(chosen.runner_up), chosen.decided_by)


def crowd(seed: int) -> tuple[list[Holder], Need]:
    """A pool of up to 300 nodes full of renters, in one domain or in several, with ties everywhere."""
    rng = random.Random(f"{seed}/crowd")
    count = rng.randint(20, 300)
    nodes = list(range(count))
    cut = sorted(rng.sample(nodes[1:], rng.choice((0, 0, 3, 12))))
    full = rng.choice((1, 2, 5, 17, 40))
    every = [of_rows(range(low, high)) for low, high in pairwise([0, *cut, count])]
    rng.shuffle(nodes)
    ready = of_rows([nodes.pop() for _ in range(rng.choice((0, 2)))])
    gangs: list[Holder] = []
    while nodes:
        size = min(len(nodes), rng.choice((1, 1, 2, 3, 8)))
        gangs.append(Holder(len(gangs), of_rows([nodes.pop() for _ in range(size)]), False))
    dear, late = rng.choice(((0,), (0, 100, 250), tuple(range(900)))), rng.choice(((60,), (60, 60, 600)))
    facts = [
        Parting(rng.choice((2, 3, 3)), rng.choice(late), rng.choice(dear), rng.randint(0, 9), one.nodes.bit_count())
        for one in gangs
    ]
    gangs.sort(key=lambda one: (-facts[one.job].tier, -facts[one.job].start_s))
    owner = np.full(count, -1)
    for one in gangs:
        owner[list(rows(one.nodes))] = one.job
    columns = [np.array(column) for column in zip(*(fact[:4] for fact in facts), strict=True)]
    by_job, in_part = {one.job: one for one in gangs}, rng.random() < 0.3

    def lacking(domain: int) -> int:
        return full - (domain & ready).bit_count()

    return gangs, Need(
        inside=lambda vacant, domain: ((ready | vacant) & domain).bit_count() >= full,
        domains=lambda: [one for one in every if one.bit_count() >= full > (one & ready).bit_count()],
        missing=lambda domain: -1 if in_part else lacking(domain),
        parting=facts.__getitem__,
        ledger=lambda: Ledger(3, 4, count, 10),
        fresh=~ready,
        rentals=Rentals(
            owner,
            lacking,
            lambda jobs: Partings(*(column[jobs] for column in columns)),
            by_job.get,
            lambda: (one.job for one in gangs),
        ),
    )


def other_plans(seeds) -> list[int]:
    """Seeds of the crowds in which the plan by columns is another one."""
    found = []
    for seed in seeds:
        gangs, need = crowd(seed)
        slow = VICTIMS["cheapest"](gangs, [], replace(need, rentals=None))
        if told(slow) != told(VICTIMS["cheapest"]([], [], need)):
            found.append(seed)
    return found


def compared(seed: int) -> tuple[int, int]:
    """(plans, those made by columns) of one run of the core in which both ways must agree on each of them."""
    world, rng = dear_world(seed), random.Random(f"{seed}/terms")
    terms = [
        row._replace(notice_s=rng.choice((0, row.notice_s)), checkpoint_write_s=rng.choice((0, 4, 90)))
        for row in world.products
    ]
    world = replace(world, products=tuple(terms))
    counts = [0, 0]

    def both(renters, sharers, need):
        renters = list(renters)
        slow = VICTIMS["cheapest"](renters, sharers, replace(need, rentals=None))
        counts[0] += 1
        if need.rentals is not None:
            pool = core.pools[core.jobs.pool[renters[0].job]] if renters else core.pools[0]
            check_partings(core, pool, renters)
            counts[1] += many.drafts_of_many(need.rentals, sharers, need, need.domains(), rank) is not None
        assert told(slow) == told(VICTIMS["cheapest"](iter(renters), sharers, need)), f"seed {seed}"
        return slow

    core = world.core("easy_cheapest")
    core.policy = replace(POLICIES["easy_cheapest"], victims=both, lend=all_idle)
    with patch.object(rentals, "MANY", 0):
        flat_drive(core, world)
    return counts[0], counts[1]


def check_partings(core, pool, renters) -> None:
    jobs = np.array([one.job for one in renters], dtype=np.int64)
    found = rentals.partings_of(core, pool, 1, jobs)
    assert found is not None
    for job, *facts in zip(jobs.tolist(), *(column.tolist() for column in found), strict=True):
        if core.jobs.status[job] != Status.EVICTING:
            assert tuple(facts) == core.parting(pool, job)[:4]


def test_plans_in_a_crowd_are_those_of_the_rule_gang_by_gang() -> None:
    assert other_plans(range(250)) == []


def test_plans_in_the_real_core_are_those_of_the_rule_gang_by_gang() -> None:
    counts = [compared(seed) for seed in SEEDS]
    plans, by_columns = map(sum, zip(*counts, strict=True))
    assert by_columns > 150 and by_columns * 2 > plans, (plans, by_columns)


@pytest.mark.slow
def test_plans_are_the_same_in_thousands_of_crowds_and_worlds() -> None:
    assert other_plans(range(1_000, 6_000)) == []
    assert sum(compared(seed)[1] for seed in range(1_000, 4_000)) > 1_000


CANARIES = {
    "a bound that cuts plans which are as good": ("_first_plan", lambda real: lambda *words: (real(*words)[0], 0)),
    "guarantees that are not waited for": ("_earliest", lambda real: lambda *words: real(*words) * 0 + 60),
    "spot and on-demand alike": ("_tiers", lambda real: lambda *words: real(*words) * 0 + 2),
    "another order of merit": ("_by_merit", lambda real: lambda near, gain: real(near, gain)[::-1]),
}


@pytest.mark.parametrize("name", CANARIES)
def test_another_choice_is_caught(name: str) -> None:
    part, broken = CANARIES[name]
    with patch.object(many, part, broken(getattr(many, part))):
        try:
            found = other_plans(range(100))
        except (KeyError, ValueError, IndexError):
            return
    assert found


def test_costs_that_may_not_fit_are_worked_out_gang_by_gang() -> None:
    world = dear_world(3)
    world.jobs["micro_usd_per_gpu_h"][:] = 1 << 61
    world = replace(world, products=tuple(row._replace(notice_s=0) for row in world.products))
    core = world.core("easy_cheapest")
    pool, jobs = core.pools[0], np.arange(2)
    core.jobs.start_s[0] = core.jobs.first_start_s[0] = 0
    core.now_s = 10_000
    assert rentals.partings_of(core, pool, 1, jobs) is None
