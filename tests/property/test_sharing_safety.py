"""Internal jobs must not notice the renters (identity 10.1, cases V6b and V6c), and the checkers can fail."""

import pytest

import broken_cores
from core_checks import broken_guarantees, grants_taken_back, late_starts, rental_differences
from small_worlds import flat_drive, small_world

SEEDS = range(80)


def bound_complaints(policy: str, seeds: range = SEEDS) -> list[str]:
    found = []
    for seed in seeds:
        world = small_world(seed)
        core = world.core(policy)
        found += [f"seed {seed}: {text}" for text in late_starts(world, core, flat_drive(core, world))]
    return found


@pytest.mark.parametrize("policy", ["easy", "fcfs", "easy_first_fit", "easy_blind"])
def test_reserved_and_internal_jobs_start_within_notice_plus_cleaning_of_their_grant_whatever_fails(
    policy: str,
) -> None:
    assert bound_complaints(policy) == []


def test_with_instant_reclaim_internal_starts_are_the_same_with_rentals_on_and_off_even_when_nodes_fail() -> None:
    assert [text for seed in SEEDS for text in rental_differences(seed, "easy_blind")] == []


@pytest.mark.parametrize("policy", ["easy", "fcfs", "easy_first_fit"])
def test_without_faults_the_gentle_policies_keep_the_identity_on_whole_nodes(policy: str) -> None:
    assert [text for seed in SEEDS for text in rental_differences(seed, policy, faults=False, whole=True)] == []


def test_no_renter_is_evicted_inside_its_guarantee_or_without_its_notice() -> None:
    for seed in SEEDS:
        world = small_world(seed)
        core = world.core()
        assert broken_guarantees(world, core, flat_drive(core, world)) == [], f"seed {seed}"


def test_a_grant_is_only_taken_back_when_a_node_fails_or_a_higher_tier_needs_it() -> None:
    for seed in SEEDS:
        world = small_world(seed)
        core = world.core()
        assert grants_taken_back(world, core, flat_drive(core, world)) == [], f"seed {seed}"


def test_the_bound_catches_renters_that_get_more_than_their_notice() -> None:
    with broken_cores.notice_served_twice_as_long():
        assert bound_complaints("easy") != []


def test_grants_that_are_recomputed_at_each_step_are_caught() -> None:
    found = []
    with broken_cores.grants_recomputed():
        for seed in SEEDS:
            world = small_world(seed)
            core = world.core()
            found += grants_taken_back(world, core, flat_drive(core, world))
    assert found != []


def test_the_identity_catches_rentals_that_stand_in_the_way() -> None:
    with broken_cores.rentals_in_the_way():
        assert [text for seed in SEEDS for text in rental_differences(seed, "easy_blind")] != []


def test_the_guarantee_check_catches_a_core_that_ignores_guarantees() -> None:
    found = []
    with broken_cores.guarantee_ignored():
        for seed in SEEDS:
            world = small_world(seed)
            core = world.core()
            found += broken_guarantees(world, core, flat_drive(core, world))
    assert found != []
