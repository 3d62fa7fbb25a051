"""Conservative backfill against its slow, list-based twin, and what a planned start promises."""

import random

import numpy as np
import pytest

import broken_cores
from flat_jobs import schedule, starts
from reference.slow_conservative import SlowConservative
from scheduler.errors import TableError
from scheduler.events import NEVER, Event, EventKind
from scheduler.plan.conservative import planned_start_s
from scheduler.plan.timetable import plannable
from scheduler.tables import PoolRow, ProductRow
from small_worlds import HORIZON_S, SmallWorld, flat_drive, small_world
from swarm_worlds import world_for
from tenancy_worlds import random_quota_world
from tenants.band import Band

SEEDS = range(120)
PART_SEEDS = [*range(30), 2035, 21075]  # the last two: what it takes for somebody to gain
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


PER_NODE = 4
PartRow = tuple[int, int, int, int, int]  # submit_s, whole nodes, run_s, estimate_s, GPUs of one node more


def drawn_parts(seed: int, honest: bool = False) -> tuple[list[PartRow], int]:
    """The same with parts of nodes of four GPUs: most jobs need one, some beside whole nodes."""
    rng = random.Random(seed)
    whole, nodes = drawn(seed, honest)
    rows = []
    for submit_s, full, run_s, estimate_s in whole:
        part = rng.choice((0, 1, 1, 2, 3))
        full = full if not part else rng.choice((0, 0, 0, max(0, full - 1)))
        rows.append((submit_s, full, run_s, estimate_s, part))
    return rows, nodes


def fast_parts(rows: list[PartRow], nodes: int, policy: str = "conservative") -> list[int]:
    """Starts by the core."""
    submit_s, full, run_s, estimate_s, part = zip(*rows, strict=True)
    gpus = [PER_NODE * whole + rest for whole, rest in zip(full, part, strict=True)]
    core = schedule(submit_s, gpus, run_s, estimate_s, nodes=nodes, gpus_per_node=PER_NODE, policy=policy)
    return starts(core)


def part_differences(seed: int, policy: str = "conservative") -> list[str]:
    """What core and twin do not agree on where parts of nodes are asked for."""
    rows, nodes = drawn_parts(seed)
    ours, theirs = fast_parts(rows, nodes, policy), SlowConservative(rows, nodes, per_node=PER_NODE).starts()
    return [] if ours == theirs else [f"part_differences({seed}): {ours} and {theirs}"]


def broken_part_plans(seed: int) -> list[str]:
    """Jobs that start later than they were promised when they came, parts of nodes among them."""
    rows, nodes = drawn_parts(seed, honest=True)
    twin = SlowConservative(rows, nodes, per_node=PER_NODE)
    twin.starts()
    return [
        f"seed {seed}: job {job} was promised {twin.promises[job]}, starts at {start_s}"
        for job, start_s in enumerate(fast_parts(rows, nodes))
        if start_s > twin.promises[job]
    ]


def test_parts_of_nodes_start_when_the_twin_starts_them_and_not_later_than_promised() -> None:
    assert [text for seed in PART_SEEDS for text in part_differences(seed)] == []
    assert [text for seed in PART_SEEDS for text in broken_part_plans(seed)] == []


@pytest.mark.slow
def test_parts_of_nodes_start_when_the_twin_starts_them_on_thousands_of_queues() -> None:
    assert [text for seed in range(1000, 3000) for text in part_differences(seed)] == []
    assert [text for seed in range(3000, 5000) for text in broken_part_plans(seed)] == []


def test_canary_parts_that_outstay_their_neighbours_without_a_node_are_caught() -> None:
    with broken_cores.shared_nodes_for_nothing():
        assert any(part_differences(seed) for seed in PART_SEEDS)
        assert any(broken_part_plans(seed) for seed in PART_SEEDS)


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


def out_of_step(seed: int, policy: str = "conservative") -> list[str]:
    """Timetables that, as a tier was asked, counted others than who holds nodes, or nodes that are out of reach."""
    core, found = world_for(policy, seed).core(policy), []

    def look(now_s: int) -> None:
        for (index, tier), table in core.timetables.items():
            pool = core.pools[index]
            holders = {end[1] for line in pool.ends[: tier + 1] for end in line}
            holders |= {job for job, gather in pool.granted.items() if gather.tier <= tier}
            asked = pool.queue[tier].count and table.profile.times[0] == now_s and not table.outdated
            if asked and {job for _, job in table.held} != holders:
                found.append(f"at {now_s}: tier {tier} is planned around others than {sorted(holders)}")
            if asked and table.base != plannable(pool, tier):
                found.append(f"at {now_s}: tier {tier} is planned on {table.base} nodes: out_of_step({seed})")

    flat_drive(core, world_for(policy, seed), each_step=look)
    return found


def test_whoever_is_planned_is_planned_around_everybody_who_holds_nodes() -> None:
    assert [text for seed in range(60) for text in out_of_step(seed)] == []


def shared_or_spare(rows: list[tuple[int, int, int]], nodes: int, spare_nodes: int) -> list[int]:
    """Starts of (submit_s, gpus, run_s) of internal jobs by plan, on nodes of 4 GPUs."""
    columns = dict(zip(("submit_s", "gpus", "run_s"), np.array(rows).T, strict=True))
    columns |= {name: np.zeros(len(rows), dtype=np.int64) for name in ("tenant", "product", "pool")}
    columns |= {"estimate_s": columns["run_s"], "patience_s": np.full(len(rows), NEVER)}
    product = ProductRow(Band.INTERNAL, 0, False, 0, False, True, 0, 0)
    told = tuple((int(at_s), Event(EventKind.SUBMIT, job)) for job, at_s in enumerate(columns["submit_s"]))
    pools = (PoolRow(nodes, 4, 0, spare_nodes=spare_nodes),)
    world = SmallWorld(pools, (product,), (), (0,), columns, told, HORIZON_S)
    core = world.core("conservative")
    flat_drive(core, world)
    return core.jobs.array("start_s").tolist()


def test_spares_are_not_planned_on() -> None:
    """Three nodes and a spare: the gang of three waits for the one that is held, a short job goes before it."""
    assert shared_or_spare([(0, 4, 100), (1, 12, 50), (2, 4, 60)], 4, 1) == [0, 100, 2]


def test_what_shares_a_node_leaves_the_other_one_to_those_behind_it() -> None:
    """Halves of a node are planned on a node each; both start on one, so the whole node need not wait."""
    assert shared_or_spare([(0, 2, 100), (0, 2, 100), (0, 4, 50)], 2, 0) == [0, 0, 0]


def test_quotas_are_refused_since_a_planned_start_would_hold_nodes_without_them() -> None:
    with pytest.raises(TableError) as caught:
        random_quota_world(1).core("conservative")
    assert "policy" in str(caught.value) and "conservative" in str(caught.value)
