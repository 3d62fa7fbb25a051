"""Every GPU-second of a run is in exactly one state, and the check can fail."""

import numpy as np
import pytest

import broken_cores
from billing.metering.meter import meter
from core_checks import crowded_nodes, partial_gangs, unaccounted
from scheduler.policies import POLICIES
from sim.engine.run import run
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import installed, settle
from small_worlds import flat_drive, small_world

SEEDS = range(60)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_segments_and_idle_counts_add_up_to_what_is_installed(policy: str) -> None:
    for seed in SEEDS:
        world = small_world(seed)
        core = world.core(policy)
        assert unaccounted(world, flat_drive(core, world)) == [], f"seed {seed}"


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_nodes_are_never_overfull_shared_between_domains_or_handed_on_uncleaned(policy: str) -> None:
    for seed in SEEDS:
        world = small_world(seed)
        core = world.core(policy)
        log = flat_drive(core, world)
        assert crowded_nodes(world, core, log) + partial_gangs(world, core, log) == [], f"seed {seed}"


@pytest.mark.parametrize(("seed", "days", "lend"), [(1, 3, "all_idle"), (2, 2, "fixed_headroom"), (3, 3, "none")])
def test_a_run_closes_with_residual_0_for_every_hour_sku_and_region(seed: int, days: int, lend: str) -> None:
    result = run(build(load("small"), seed=seed, days=days), lend=lend, tape=False)
    books = settle(result)
    assert books.findings == []
    table = books.capacity
    for (region, sku), gpus in installed(result.world).items():
        mine = (table.region == region) & (table.sku == sku)
        hours, place = np.unique(table.hour_s[mine], return_inverse=True)
        found = np.zeros(len(hours), dtype=np.int64)
        np.add.at(found, place, table.gpu_s[mine])
        assert found.tolist() == [gpus * 3600] * len(hours)
        assert len(hours) == days * 24


def test_hourly_usage_equals_the_segments_it_came_from() -> None:
    result = run(build(load("small"), seed=5), tape=False)
    held = result.segments.gpus * (result.segments.end_s - result.segments.start_s)
    assert int(meter(result.segments).quantity.sum()) == int(held.sum())


def complaints(check, canary) -> list[str]:
    found: list[str] = []
    with canary():
        for seed in SEEDS:
            world = small_world(seed)
            core = world.core()
            found += check(world, core, flat_drive(core, world))
    return found


def test_a_second_that_is_dropped_is_found() -> None:
    assert complaints(lambda world, core, log: unaccounted(world, log), broken_cores.last_second_dropped) != []


@pytest.mark.parametrize("canary", [broken_cores.scrub_forgotten, broken_cores.one_victim_too_few])
def test_nodes_that_are_shared_or_not_cleaned_are_found(canary) -> None:
    assert complaints(crowded_nodes, canary) != []


def test_a_gang_that_starts_one_node_short_is_found() -> None:
    assert complaints(partial_gangs, broken_cores.part_of_a_gang) != []
