"""Gangs in one domain: the fast scheduler against its slow twin on random pools with ragged domains."""

import pytest

import broken_cores
from scheduler.nodes.nodeset import rows
from small_worlds import flat_drive, small_world
from test_scheduler_twin import TWINS, differences_in

POLICIES = {**TWINS, "easy_domain": {"compact": True}, "easy_fgd": {"compact": True, "fgd": True}}
SEEDS = range(120)


def differences(seed: int, policy: str) -> list[str]:
    return differences_in(small_world(seed, topology=True), policy, POLICIES[policy], f"topology, seed {seed}")


def scattered(seed: int, policy: str) -> list[str]:
    """Segments that leave the one domain in which their job had to lie, and jobs that stay out of every domain."""
    world = small_world(seed, topology=True)
    log = flat_drive(world.core(policy), world)
    found = []
    for segment in log.segments:
        within = int(world.jobs["within"][segment.job])
        if within and segment.nodes:
            sizes = world.pools[world.jobs["pool"][segment.job]].topology[within - 1]
            homes = [row for row, size in enumerate(sizes) for _ in range(size)]
            if len({homes[node] for node in rows(segment.nodes)}) > 1:
                found.append(f"seed {seed}, {policy}: job {segment.job} on nodes {list(rows(segment.nodes))}")
    return found


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_the_fast_scheduler_places_in_domains_as_the_slow_one(policy: str) -> None:
    assert [text for seed in SEEDS for text in differences(seed, policy)] == []


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_no_gang_leaves_its_domain(policy: str) -> None:
    assert [text for seed in SEEDS for text in scattered(seed, policy)] == []


@pytest.mark.slow
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_they_agree_on_thousands_of_worlds(policy: str) -> None:
    assert [text for seed in range(1000, 3000) for text in differences(seed, policy)] == []


@pytest.mark.parametrize("canary", [broken_cores.domains_ignored, broken_cores.part_of_a_gang])
def test_a_broken_scheduler_does_not_agree(canary) -> None:
    with canary():
        assert any(differences(seed, "easy_domain") for seed in SEEDS)


def test_a_gang_scattered_over_domains_is_caught() -> None:
    with broken_cores.domains_ignored():
        assert any(scattered(seed, "easy") for seed in SEEDS)
