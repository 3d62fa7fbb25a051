"""The contract that every row of POLICIES keeps with every entry of LENDS, by being listed there.

Each combination runs on worlds of its own, drawn from a number that its names fix: the same input twice gives the same
decisions, in whatever order events of one instant are told; nothing that a policy is shown is written to; gangs are
whole and their nodes disjoint; the Offer, guarantees and notices hold; every GPU-second is accounted for and no work is
lost; and internal work does not notice the renters. Whatever is found names the line that repeats it.
"""

import random
import zlib

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import broken_cores
from core_checks import (
    broken_guarantees,
    crowded_nodes,
    grants_taken_back,
    internal_starts,
    late_starts,
    overstayed,
    partial_gangs,
    rental_differences,
    unaccounted,
)
from core_invariants import Watch, lost_work
from scheduler.policies import POLICIES
from scheduler.policy.lend import LENDS
from small_worlds import Log, SmallWorld, flat_drive
from swarm_worlds import world_for

COMBINATIONS = [(policy, lend) for policy in sorted(POLICIES) for lend in LENDS]
WORLDS = 4  # of each combination in `make test`


def seeds(policy: str, lend: str, count: int) -> range:
    """Worlds of its own for each combination, the same in every run."""
    first = zlib.crc32(f"{policy}/{lend}".encode())
    return range(first, first + count)


def driven(world: SmallWorld, policy: str, lend: str, shuffled: bool = False):
    """(core, log, what was found inside it) of one run in which everything shown to the policy is watched."""
    core = world.core(policy, lend, headroom_nodes=1)
    core.watched = True
    if shuffled:
        step, rng = core.step, random.Random(0)
        core.step = lambda now_s, events: step(now_s, rng.sample(events, len(events)))
    log = Log([], [], [], [], [], [])
    watch = Watch(core, log)
    flat_drive(core, world, each_step=watch.step, log=log)
    return core, log, watch.found


def told(log: Log) -> list:
    """All that a core let go of, to compare."""
    return [log.decisions, log.segments, log.started, log.evicted, log.idle]


def broken_promises(policy: str, lend: str, seed: int) -> list[str]:
    """What one run did that it must not do."""
    world = world_for(policy, seed)
    core, log, found = driven(world, policy, lend)
    for check in (late_starts, grants_taken_back, crowded_nodes, broken_guarantees, partial_gangs):
        found += check(world, core, log)
    found += overstayed(core) + unaccounted(world, log) + lost_work(core, log)
    return found


def moods(policy: str, lend: str, seed: int) -> list[str]:
    """How two runs of one world differ, the second with the events of each instant in another order."""
    world = world_for(policy, seed)
    first, second = (driven(world, policy, lend, shuffled)[1] for shuffled in (False, True))
    return [] if told(first) == told(second) else ["two runs of one world differ"]


def interference(policy: str, lend: str, seed: int) -> list[str]:
    """How internal starts depend on who would like to rent, where nothing is lent."""
    found = []
    if lend == "none":
        starts = []
        for rentals in (True, False):
            core, log, _ = driven(world_for(policy, seed, rentals=rentals), policy, lend)
            starts.append(internal_starts(core, log))
        found += ["renters that get nothing change internal starts"] * (starts[0] != starts[1])
    elif POLICIES[policy].blind:
        found += rental_differences(seed, policy, lend)
    return found


def complaints(policy: str, lend: str, seed: int) -> list[str]:
    """Everything that is wrong with a combination on one world, with the line that repeats it."""
    found = broken_promises(policy, lend, seed) + moods(policy, lend, seed) + interference(policy, lend, seed)
    return [f"{text}: repeat with complaints({policy!r}, {lend!r}, {seed})" for text in found]


@pytest.mark.parametrize(("policy", "lend"), COMBINATIONS)
def test_every_listed_policy_keeps_the_contract_under_every_lend_function(policy: str, lend: str) -> None:
    assert [text for seed in seeds(policy, lend, WORLDS) for text in complaints(policy, lend, seed)] == []


# A smaller seed is no simpler world, so nothing is gained by shrinking. `make fuzz` asks for thousands of examples.
@settings(phases=(Phase.reuse, Phase.generate), max_examples=max(20, settings.default.max_examples // 4))
@given(st.sampled_from(COMBINATIONS), st.integers(0, 2**48))
def test_the_contract_holds_on_worlds_that_nobody_has_seen(combination: tuple[str, str], seed: int) -> None:
    assert complaints(*combination, seed) == []


@pytest.mark.parametrize(
    ("check", "canary", "lend"),
    [
        (broken_promises, broken_cores.rented_nodes_not_counted, "all_idle"),
        (broken_promises, broken_cores.offer_ignored, "fixed_headroom"),
        (broken_promises, broken_cores.a_second_of_work_forgotten, "all_idle"),
        (broken_promises, broken_cores.scrub_forgotten, "all_idle"),
        (broken_promises, broken_cores.notice_served_twice_as_long, "all_idle"),
        (broken_promises, broken_cores.guarantee_ignored, "all_idle"),
        (broken_promises, broken_cores.grants_recomputed, "all_idle"),
        (broken_promises, broken_cores.last_second_dropped, "all_idle"),
        (moods, broken_cores.events_in_the_order_told, "all_idle"),
        (moods, broken_cores.moods, "all_idle"),
        (interference, broken_cores.waiting_renters_count, "none"),
    ],
)
def test_a_broken_core_does_not_keep_it(check, canary, lend) -> None:
    with canary():
        assert any(check("easy", lend, seed) for seed in range(60))


def test_the_identity_of_a_blind_policy_catches_rentals_that_stand_in_the_way() -> None:
    with broken_cores.rentals_in_the_way():
        assert any(interference("easy_blind", "all_idle", seed) for seed in range(60))
