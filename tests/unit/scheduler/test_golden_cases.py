"""Golden schedules of the validation cases (V5, V20, V21c, V26): exact, small, and known to reject a broken EASY."""

import pytest

import broken_cores
from flat_jobs import schedule, starts
from scheduler.nodes.nodeset import of_rows
from scheduler.policy.need import Holder
from scheduler.policy.victims import youngest_first
from sim.traces import swf

JOBS = {"A": (0, 4, 10), "B": (1, 6, 20), "C": (2, 2, 100), "D": (3, 2, 100), "E": (4, 2, 5)}
EASY = {"A": 0, "C": 2, "E": 4, "B": 10, "D": 30}
FCFS = {"A": 0, "B": 10, "C": 10, "D": 30, "E": 30}
A_ENDS_AT_6 = {"A": 0, "C": 2, "E": 4, "B": 9, "D": 29}
FIRST_CONDITION_ONLY = {"A": 0, "E": 4, "B": 10, "C": 10, "D": 30}


def started(policy: str, a_runs_s: int = 10, gpus_per_node: int = 1) -> dict[str, int]:
    submit_s, nodes, estimate_s = zip(*JOBS.values(), strict=True)
    run_s = (a_runs_s, *estimate_s[1:])
    gpus = [count * gpus_per_node for count in nodes]
    core = schedule(submit_s, gpus, run_s, estimate_s, nodes=8, gpus_per_node=gpus_per_node, policy=policy)
    return dict(zip(JOBS, starts(core), strict=True))


@pytest.mark.parametrize("gpus_per_node", [1, 8])
def test_v5_easy_fcfs_and_an_early_end(gpus_per_node: int) -> None:
    assert started("easy", gpus_per_node=gpus_per_node) == EASY
    assert started("fcfs", gpus_per_node=gpus_per_node) == FCFS
    assert started("easy", a_runs_s=6, gpus_per_node=gpus_per_node) == A_ENDS_AT_6


def test_v5_canary_the_first_condition_alone_gives_another_answer_and_is_rejected() -> None:
    with broken_cores.first_condition_only():
        assert started("easy") == FIRST_CONDITION_ONLY != EASY


def test_v5_ties_all_releases_of_one_second_count() -> None:
    core = schedule([0, 0, 1, 2], [2, 2, 3, 1], [10, 10, 50, 100], [10, 10, 50, 100], nodes=5)
    assert starts(core) == [0, 0, 10, 2]


def test_v5_shapes_on_two_half_filled_nodes() -> None:
    # Two jobs of five GPUs cannot share a node of eight, so P and Q sit on a node each, three GPUs free on both.
    core = schedule([0, 0, 1, 2], [5, 5, 8, 3], [100, 50, 10, 200], [100, 50, 10, 200], nodes=2, gpus_per_node=8)
    assert starts(core) == [0, 0, 50, 2]  # H gets Q's node at 50; X fits beside P and does not touch it


def test_v20_the_earliest_eviction_is_the_later_of_notice_and_guarantee() -> None:
    rows = [(1000, 60, 0, 1060), (1000, 600, 1300, 1600), (1000, 600, 4600, 4600), (1000, 0, 1000, 1000)]
    for now_s, notice_s, guaranteed_until_s, expected in rows:
        assert max(now_s + notice_s, guaranteed_until_s) == expected


def test_v21c_victims_that_turn_out_not_to_be_needed_are_kept_out() -> None:
    sizes = {"a": 1, "b": 1, "c": 4}
    first, holders = 0, []
    for row, count in enumerate(sizes.values()):
        holders.append(Holder(row, of_rows(range(first, first + count)), False))
        first += count
    chosen = youngest_first(holders, [], lambda vacant: vacant.bit_count() >= 4)
    assert [list(sizes)[holder.job] for holder in chosen or ()] == ["c"]


def test_victims_are_the_youngest_and_no_more_than_needed() -> None:
    holders = [Holder(job, 1 << job, False) for job in (7, 5, 3, 1)]
    chosen = youngest_first(holders, [], lambda vacant: vacant.bit_count() >= 2)
    assert [holder.job for holder in chosen or ()] == [7, 5]
    assert youngest_first(holders, [], lambda vacant: vacant.bit_count() >= 5) is None


def test_v26_dirty_rows_are_refused_or_kept_and_never_block_the_queue(tmp_path) -> None:
    rows = [(1, 0, 0, 10, 10), (2, 16, 0, 10, 10), (3, 4, 0, 0, 10), (4, 4, 0, -1, 10), (5, 4, 0, 20, 10)]
    rows.append((6, 4, 0, 10, -1))
    text = "".join(
        f"{job} {submit} -1 {run} {gpus} -1 -1 {gpus} {estimate} -1 1 1 1 -1 -1 -1 -1 -1\n"
        for job, gpus, submit, run, estimate in rows
    )
    path = tmp_path / "dirty.swf"
    path.write_text(text)
    trace = swf.read(path)
    assert trace.jobs.job_id == ["2", "3", "5", "6"]
    core = schedule(
        trace.jobs.submit_s, trace.jobs.gpus, trace.jobs.run_s, trace.jobs.estimate_s, nodes=1, gpus_per_node=8
    )
    assert dict(zip(trace.jobs.job_id, starts(core), strict=True)) == {"2": -1, "3": 0, "5": 0, "6": 0}
    # Zero GPUs, no length, negative run time, run time above the estimate, no estimate.
    assert sum(finding.count for finding in trace.findings) == 5
