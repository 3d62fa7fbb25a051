"""Whatever is lent, by whatever function, with prices and a forecast: nobody's promise is broken, and Offers hold.

Every entry of LENDS is told terms here, so that those that look ahead do sell. The checkers are those of every other
policy; that they can fail is shown in test_sharing_safety, and for the Offer below.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest

from core_checks import broken_guarantees, crowded_nodes, internal_starts, late_starts, partial_gangs, unaccounted
from lend_worlds import lend_world
from scheduler.policy.lend import LENDS, LOOKS, Look, lend_by_name
from scheduler.state.pool import Pool
from small_worlds import HORIZON_S, flat_drive
from tenants.band import TIER_OF_BAND

SEEDS = range(12)
SELLING = [lend for lend in LENDS if lend != "none"]


def complaints(policy: str, lend: str, seed: int) -> list[str]:
    world = lend_world(seed)
    core = world.core(policy, LOOKS.get(lend, Look.NOTHING), lend_by_name(lend, 1))
    over = []

    def within_the_offer(now_s: int) -> None:
        """What was granted at this second had room in the Offer, at its own guarantee and at every shorter one."""
        for at_s, (what, job, _, _) in reversed(log):
            if at_s < now_s:
                break
            tier = TIER_OF_BAND[core.jobs.band[job]]
            if what == "grant" and tier >= 2:
                pool = core.pools[core.jobs.pool[job]]
                limits = zip(pool.offer.guarantee_s, pool.offer.nodes_max, strict=True)
                lent = sum(pool.lent_nodes[2 : tier + 1])
                guarantee_s = core.products[core.jobs.product[job]].guarantee_s
                over.extend(
                    f"job {job} at {now_s}: {lent} lent, {nodes} offered for {reach_s} s"
                    for reach_s, nodes in limits
                    if reach_s <= guarantee_s and lent > nodes
                )

    log: list = []
    with patch.object(type(core), "step", recording(type(core).step, log)):
        done = flat_drive(core, world.small, HORIZON_S, within_the_offer)
    found = [*over, *broken_guarantees(world.small, core, done), *late_starts(world.small, core, done)]
    found += [*crowded_nodes(world.small, core, done), *partial_gangs(world.small, core, done)]
    return [f"seed {seed}, {policy}, {lend}: {text}" for text in [*found, *unaccounted(world.small, done)]]


def recording(real, log):
    """`step` that keeps its decisions in `log`, too: a driver takes them before it is asked."""

    def step(self, now_s, events):
        timers = real(self, now_s, events)
        log.extend((now_s, decision) for decision in self.out.decisions)
        return timers

    return step


@pytest.mark.parametrize("lend", SELLING)
@pytest.mark.parametrize("policy", ["easy", "gfs"])
def test_no_promise_is_broken_and_every_sale_lies_within_its_offer(policy: str, lend: str) -> None:
    assert [text for seed in SEEDS for text in complaints(policy, lend, seed)] == []


@pytest.mark.parametrize("lend", sorted(LOOKS))
def test_functions_that_look_ahead_do_sell_in_these_worlds(lend: str) -> None:
    sold = 0
    for seed in SEEDS:
        world = lend_world(seed)
        core = world.core("easy", LOOKS[lend], lend_by_name(lend))
        sold += sum(TIER_OF_BAND[core.jobs.band[start.job]] >= 2 for start in flat_drive(core, world.small).started)
    assert sold > 20


@pytest.mark.parametrize("lend", SELLING)
def test_with_instant_reclaim_internal_starts_are_those_without_rentals(lend: str) -> None:
    for seed in SEEDS:
        world = lend_world(seed, instant=True)
        starts = []
        for name in ("none", lend):
            core = world.core("easy_blind", LOOKS.get(name, Look.NOTHING), lend_by_name(name, 1))
            starts.append(internal_starts(core, flat_drive(core, world.small)))
        assert starts[0] == starts[1], f"seed {seed}"


@contextmanager
def longer_guarantees_forgotten() -> Iterator[None]:
    """Room that is only looked up at the shortest guarantee."""
    real = Pool.offer_room
    with patch.object(Pool, "offer_room", lambda self, tier, guarantee_s: real(self, tier, 0)):
        yield


def test_a_core_that_forgets_longer_guarantees_is_caught() -> None:
    with longer_guarantees_forgotten():
        assert any(complaints("easy", "priced_quota", seed) for seed in range(60))
