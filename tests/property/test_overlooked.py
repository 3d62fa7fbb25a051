"""Nobody waits who would be granted if he were asked: every change that gives a tier more to plan on wakes it."""

from unittest.mock import patch

import pytest

from overlooked import overlooked
from scheduler.policies import POLICIES
from scheduler.state.pool import Pool
from small_worlds import flat_drive
from swarm_worlds import swarm_world

POLICY_NAMES = sorted(name for name, policy in POLICIES.items() if not policy.depth)


def waiting_for_nothing(seed: int, policy: str, lend: str, **fixed: bool) -> list[str]:
    """Whoever is overlooked in one run."""
    world, found = swarm_world(seed, **fixed), []
    core = world.core(policy, lend, headroom_nodes=1)
    flat_drive(core, world, each_step=lambda now_s: found.extend(overlooked(core)))
    return [f"{text}: waiting_for_nothing({seed}, {policy!r}, {lend!r}, **{fixed})" for text in found]


@pytest.mark.parametrize("policy", POLICY_NAMES)
def test_nobody_is_overlooked(policy: str) -> None:
    first = 1000 * POLICY_NAMES.index(policy)
    mixed = [(seed, ("all_idle", "fixed_headroom")[seed % 2]) for seed in range(first, first + 12)]
    assert [text for seed, lend in mixed for text in waiting_for_nothing(seed, policy, lend)] == []


def test_a_spare_that_is_used_is_an_ordinary_node_for_those_above() -> None:
    """An internal job that lost its node takes a spare; a contract may reclaim that node at once, not at the next
    change of its own tier."""
    assert waiting_for_nothing(348, "easy_fgd", "all_idle") == []
    assert waiting_for_nothing(463, "easy_blind", "all_idle") == []


def test_who_may_push_nobody_aside_is_asked_when_renters_leave() -> None:
    for seed, policy in ((206, "easy_fgd"), (1845, "easy_cheapest"), (5234, "easy_fgd"), (5946, "easy")):
        assert waiting_for_nothing(seed, policy, "fixed_headroom") == []


def stirs_forgotten_below(pool: Pool, tier: int, below: int = 4) -> None:
    """The tier itself is asked, nobody else."""
    pool.asked[tier] = True
    pool.forget(tier)


def stirs_forgotten_above(pool: Pool, tier: int, below: int = 4) -> None:
    """Those who may push nobody aside are forgotten."""
    for lower in range(tier, below):
        pool.asked[lower] = True
    pool.forget(tier)


@pytest.mark.parametrize(
    ("canary", "seeds", "policy"),
    [(stirs_forgotten_below, range(40), "easy"), (stirs_forgotten_above, range(200, 210), "easy_fgd")],
)
def test_a_core_that_forgets_to_ask_is_caught(canary, seeds, policy: str) -> None:
    with patch.object(Pool, "stir", canary):
        assert any(waiting_for_nothing(seed, policy, "fixed_headroom") for seed in seeds)
