"""The published V5 schedules, read from the file: EASY, first come first served, early ends, ties and the canary."""

import pytest

import broken_cores
from case_file import Case, case
from flat_jobs import schedule, starts


def started(given: Case, policy: str) -> dict[str, int]:
    """Start of each job by name; rows are in order of submission already."""
    columns = dict(zip(given["columns"], zip(*given["jobs"], strict=True), strict=True))
    core = schedule(
        columns["submit_s"],
        columns["nodes"],
        columns["run_s"],
        columns["estimate_s"],
        nodes=given["nodes"],
        policy=policy,
    )
    return dict(zip(columns["job"], starts(core), strict=True))


@pytest.mark.parametrize("case_id", ["V5", "V5-fcfs", "V5-early", "V5-ties"])
def test_a_published_schedule_is_reproduced_start_by_start(case_id: str) -> None:
    one = case(case_id)
    assert started(one["inputs"], one["inputs"]["policy"]) == one["expected"]["start_s"]


def test_v5_canary_gives_the_published_wrong_answer_and_is_told_from_the_right_one() -> None:
    one = case("V5-canary")
    with broken_cores.first_condition_only():
        wrong = started(one["inputs"], "easy")
    assert wrong == one["expected"]["start_s"]
    assert wrong != case(one["expected"]["must_differ_from"])["expected"]["start_s"]
