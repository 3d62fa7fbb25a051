"""The fast scheduler against its slow, list-based twin on random worlds: every grant, start, eviction and segment."""

import pytest

import broken_cores
from reference.slow_scheduler import SlowScheduler, drive_slow
from scheduler.events import Cause
from scheduler.nodes.nodeset import rows
from small_worlds import HORIZON_S, flat_drive, small_world

TWINS = {
    "easy": {},
    "fcfs": {"backfill": "none"},
    "easy_first_fit": {"packed": False},
    "easy_blind": {"blind": True},
}
SEEDS = range(150)


def differences(seed: int, policy: str, lend: str = "all_idle") -> list[str]:
    """What the two cores do not agree on, with the line that repeats it."""
    return differences_in(small_world(seed), policy, TWINS[policy], f"differences({seed}, {policy!r}, {lend!r})", lend)


def differences_in(world, policy: str, twin_of: dict, repeat: str, lend: str = "all_idle") -> list[str]:
    """What they do not agree on in a world; `twin_of` is the policy as the slow one knows it."""
    core = world.core(policy, lend, headroom_nodes=1)
    log = flat_drive(core, world)
    twin = SlowScheduler(world, lend=lend, headroom_nodes=1, **twin_of)
    drive_slow(twin, world, HORIZON_S)
    ours = {
        "starts": sorted((start.job, start.granted_s, start.start_s) for start in log.started),
        "evictions": sorted((gone.job, gone.noticed_s, gone.evicted_s) for gone in log.evicted),
        "segments": sorted(
            (part.job, part.start_s, part.end_s, part.gpus, tuple(rows(part.nodes)), int(part.cause))
            for part in log.segments
            if part.cause != Cause.HORIZON
        ),
    }
    theirs = {
        "starts": sorted(twin.started),
        "evictions": sorted(twin.evicted),
        "segments": sorted(twin.segments),
    }
    return [f"{what} differ: repeat with {repeat}" for what in ours if ours[what] != theirs[what]]


@pytest.mark.parametrize("policy", sorted(TWINS))
def test_the_fast_scheduler_decides_as_the_slow_one(policy: str) -> None:
    assert [text for seed in SEEDS for text in differences(seed, policy)] == []


@pytest.mark.parametrize("lend", ["none", "fixed_headroom"])
def test_they_agree_under_every_lend_policy(lend: str) -> None:
    assert [text for seed in range(60) for text in differences(seed, "easy", lend)] == []


@pytest.mark.slow
@pytest.mark.parametrize("policy", sorted(TWINS))
def test_the_fast_scheduler_decides_as_the_slow_one_on_thousands_of_worlds(policy: str) -> None:
    assert [text for seed in range(1000, 4000) for text in differences(seed, policy)] == []


@pytest.mark.parametrize(
    "canary",
    [
        broken_cores.first_condition_only,
        broken_cores.head_delayed,
        broken_cores.one_victim_too_few,
        broken_cores.one_victim_too_many,
        broken_cores.part_of_a_gang,
        broken_cores.scrub_forgotten,
        broken_cores.rentals_in_the_way,
        broken_cores.guarantee_ignored,
        broken_cores.last_second_dropped,
    ],
)
def test_a_broken_scheduler_does_not_agree(canary) -> None:
    with canary():
        assert any(differences(seed, "easy") for seed in SEEDS)
