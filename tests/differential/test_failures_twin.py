"""Checkpoints that take time, node by node and second by second: the core against slow twins."""

import random

import pytest

import broken_cores
from reference.slow_job import split, time_for
from reference.slow_scheduler import SlowScheduler, drive_slow
from scheduler.events import Cause, Status
from scheduler.jobs.work import settle_work, settle_writes, with_writes
from small_worlds import HORIZON_S, flat_drive, small_world

SEEDS = range(60)
ENDINGS = {Cause.FINISHED: "finished", Cause.HORIZON: "horizon", Cause.NODE_FAULT: "fault", Cause.EVICTED: "warned"}


def test_every_second_of_a_segment_is_accounted_for_as_a_job_lives_it() -> None:
    rng = random.Random(1)
    for _ in range(4000):
        elapsed_s, startup_s = rng.randint(0, 200), rng.choice((0, 0, 5, 40))
        checkpoint_s, write_s = rng.choice((0, 1, 7, 30, 500)), rng.choice((1, 2, 9, 30))
        notice_s = rng.choice((0, write_s - 1, write_s, 60))
        cause = rng.choice(list(ENDINGS))
        ending = "fault" if cause == Cause.EVICTED and notice_s < write_s else ENDINGS[cause]
        ours = settle_writes(elapsed_s, startup_s, cause, notice_s, checkpoint_s, write_s)
        twin = split(elapsed_s, startup_s, ending, checkpoint_s, write_s)
        terms = (elapsed_s, startup_s, cause, notice_s, checkpoint_s, write_s)
        assert ours == (twin["stalled"], twin["kept"], twin["lost"], twin["written"]), terms
        assert sum(ours) == elapsed_s, terms
        plain = split(
            elapsed_s, startup_s, ENDINGS[cause] if notice_s or cause != Cause.EVICTED else "fault", checkpoint_s
        )
        assert settle_work(*terms[:5]) == (plain["stalled"], plain["kept"], plain["lost"]), terms


def test_work_takes_its_time_and_that_of_the_checkpoints_inside_it() -> None:
    rng = random.Random(2)
    for _ in range(2000):
        terms = rng.randint(0, 300), rng.choice((0, 1, 7, 30, 300)), rng.choice((0, 1, 9))
        assert with_writes(*terms) == time_for(*terms), terms


def differences(seed: int) -> list[str]:
    world = small_world(seed, writes=True)
    core = world.core()
    log = flat_drive(core, world)
    twin = SlowScheduler(world)
    drive_slow(twin, world, HORIZON_S)
    ours = sorted((part.job, part.start_s, part.end_s, int(part.cause)) for part in log.segments if part.cause != 4)
    theirs = sorted((row, start_s, end_s, cause) for row, start_s, end_s, _, _, cause in twin.segments)
    return [] if ours == theirs else [f"segments differ: differences({seed})"]


def test_the_core_lives_through_writes_as_the_slow_scheduler_does() -> None:
    assert [text for seed in SEEDS for text in differences(seed)] == []


def test_every_second_held_is_startup_writing_work_kept_or_work_lost() -> None:
    """What a job keeps over all its segments is what it has done; who is done has done all of it."""
    for seed in SEEDS:
        world = small_world(seed, writes=True)
        core = world.core()
        kept = [0] * core.jobs.count
        for part in flat_drive(core, world).segments:
            if part.cause != Cause.HORIZON:
                kept[part.job] += part.end_s - part.start_s - part.stalled_s - part.lost_s - part.written_s
                assert min(part.stalled_s, part.lost_s, part.written_s) >= 0
        assert kept == core.jobs.array("work_s").tolist(), f"seed {seed}"
        for job in range(core.jobs.count):
            if core.jobs.status[job] == Status.DONE:
                assert kept[job] == core.jobs.run_s[job], f"seed {seed}"


@pytest.mark.parametrize("canary", [broken_cores.write_cost_dropped])
def test_a_core_that_forgets_the_cost_of_writes_is_caught(canary) -> None:
    with canary():
        assert any(differences(seed) for seed in SEEDS)
