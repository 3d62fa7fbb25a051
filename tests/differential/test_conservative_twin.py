"""Conservative backfill against its slow, list-based twin, and what a planned start promises."""

import random

import pytest

import broken_cores
from flat_jobs import schedule, starts
from reference.slow_conservative import SlowConservative
from scheduler.conservative import planned_start_s
from scheduler.errors import TableError
from scheduler.events import NEVER
from small_worlds import flat_drive, small_world
from tenancy_worlds import random_quota_world

SEEDS = range(120)
Row = tuple[int, int, int, int]  # submit_s, nodes, run_s, estimate_s


def drawn(seed: int, honest: bool = False) -> tuple[list[Row], int]:
    """Jobs with many ties and estimates that are wrong both ways (`honest`: never too short), and a number of nodes."""
    rng = random.Random(seed)
    nodes = rng.randint(1, 8)
    rows = []
    for _ in range(rng.randint(1, 40)):
        run_s = rng.choice((0, 1, 5, 10, rng.randint(1, 60)))
        over_s = rng.choice((0, 0, 3, 30)) if honest else rng.choice((0, 0, 3, 30, -2, -20))
        submit_s = rng.choice((0, 5, rng.randint(0, 60), rng.randint(0, 200)))
        rows.append((submit_s, rng.randint(1, nodes), run_s, max(0, run_s + over_s)))
    return sorted(rows, key=lambda row: row[0]), nodes


def fast(rows: list[Row], nodes: int, policy: str = "conservative") -> list[int]:
    """Starts by the core."""
    submit_s, gpus, run_s, estimate_s = zip(*rows, strict=True)
    return starts(schedule(submit_s, gpus, run_s, estimate_s, nodes=nodes, policy=policy))


def differences(seed: int, late_s: int = 0, policy: str = "conservative") -> list[str]:
    """What core and twin do not agree on, with the line that repeats it."""
    rows, nodes = drawn(seed)
    ours, theirs = fast(rows, nodes, policy), SlowConservative(rows, nodes, late_s).starts()
    return [] if ours == theirs else [f"differences({seed}): {ours} and {theirs}"]


def test_the_plan_is_the_twins_start_by_start() -> None:
    assert [text for seed in SEEDS for text in differences(seed)] == []


@pytest.mark.slow
def test_the_plan_is_the_twins_on_thousands_of_queues() -> None:
    assert [text for seed in range(1000, 6000) for text in differences(seed)] == []


def test_a_plan_as_deep_as_the_queue_is_the_whole_plan() -> None:
    assert [text for seed in SEEDS for text in differences(seed, policy="conservative_depth")] == []


def test_canary_holes_that_are_found_a_second_late_are_caught() -> None:
    assert any(differences(seed, late_s=1) for seed in SEEDS)
    with broken_cores.planned_start_delayed():
        assert any(differences(seed) for seed in SEEDS)


def broken_plans(seed: int) -> list[str]:
    """Jobs that start later than they were promised when they came, though no estimate was too short."""
    rows, nodes = drawn(seed, honest=True)
    twin = SlowConservative(rows, nodes)
    twin.starts()
    return [
        f"seed {seed}: job {job} was promised {twin.promises[job]}, starts at {start_s}"
        for job, start_s in enumerate(fast(rows, nodes))
        if job in twin.promises and start_s > twin.promises[job]
    ]


def test_nobody_starts_later_than_promised_at_submission() -> None:
    assert [text for seed in SEEDS for text in broken_plans(seed)] == []


def test_every_job_that_waits_is_in_the_timetable_and_nobody_else_whatever_fails() -> None:
    """Worlds of several bands and pools, with faults, cleaning, contracts, renters and parts of nodes."""
    for seed in range(40):
        world = small_world(seed)
        core = world.core("conservative")
        found: list[str] = []

        def look(now_s: int, core=core, found=found) -> None:
            for (index, tier), table in core.timetables.items():
                waiting = set(core.pools[index].queue[tier].jobs())
                if waiting and index in core.touched and set(table.start_s) != waiting:
                    found.append(f"at {now_s}: the timetable holds other jobs than those that wait")
                if any(planned_start_s(core, core.pools[index], tier, job) == NEVER for job in waiting):
                    found.append(f"at {now_s}: a job has no planned start")

        flat_drive(core, world, each_step=look)
        assert found == [], f"seed {seed}"


def test_quotas_are_refused_since_a_planned_start_would_hold_nodes_without_them() -> None:
    with pytest.raises(TableError) as caught:
        random_quota_world(1).core("conservative")
    assert "policy" in str(caught.value) and "conservative" in str(caught.value)
