"""Every job that waits can say why, at every step of random worlds; and what it says is what holds it back."""

from dataclasses import replace

import pytest

from core_checks import overstayed
from scheduler.events import NEVER, Reason, Status
from scheduler.policies import POLICIES
from scheduler.why.reasons import why
from small_worlds import flat_drive, small_world

SEEDS = range(25)


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_waiting_job_has_a_reason_after_every_step(policy: str) -> None:
    seen: set[Reason] = set()
    for seed in SEEDS:
        world = small_world(seed)
        core = world.core(policy)

        def ask(now_s: int, core=core, seed=seed) -> None:
            for job, status in enumerate(core.jobs.array("status").tolist()):
                if status in (Status.PENDING, Status.GRANTED):
                    found = why(core, job)
                    assert found.reason != Reason.NONE, f"seed {seed}, job {job} at {now_s}"
                    assert found.promised_s > now_s
                    seen.add(found.reason)

        flat_drive(core, world, each_step=ask)
    assert {Reason.CAPACITY, Reason.RECLAIM, Reason.SCRUB, Reason.OFFER, Reason.RESERVED} <= seen


def test_nobody_waits_longer_than_its_patience_not_even_after_a_grant_that_was_taken_back() -> None:
    for seed in range(150):
        world = small_world(seed)
        core = world.core()

        def ask(_: int, core=core, seed=seed, before=[]) -> None:  # noqa: B006  # one list a world
            now = overstayed(core)  # a grant taken back at this second leaves one more
            assert not set(now) & set(before), f"seed {seed}"
            before[:] = now

        flat_drive(core, world, each_step=ask)


def test_asking_changes_nothing() -> None:
    for seed in SEEDS:
        world = small_world(seed)
        quiet, asked = world.core(), world.core()
        log = flat_drive(quiet, world)

        def ask(_: int, asked=asked) -> None:
            for job in range(asked.jobs.count):
                why(asked, job)

        assert flat_drive(asked, world, each_step=ask).decisions == log.decisions


def test_run_times_are_hidden_from_decisions_until_a_job_ends() -> None:
    """Jobs that are told to run longer than the world lasts, without an end, are decided on as before they end."""
    for seed in SEEDS:
        world = small_world(seed, faults=False)
        log = flat_drive(world.core(), world)
        first_end_s = min((part.end_s for part in log.segments if part.cause == 0), default=NEVER)
        poisoned = dict(world.jobs)
        poisoned["run_s"] = world.jobs["run_s"] + 10_000 * (world.jobs["run_s"] > 0)
        other = replace(world, jobs=poisoned)
        found = flat_drive(other.core(), other)
        before = [entry for entry in log.decisions if entry[0] < first_end_s]
        assert [entry for entry in found.decisions if entry[0] < first_end_s] == before, f"seed {seed}"
