"""Real traces, against start times and waits that other programs found."""

import csv
import gzip
from pathlib import Path

import pytest

import broken_cores
from flat_jobs import schedule, starts
from sim.traces import philly, swf


def golden(trace_file) -> tuple[swf.Trace, dict[str, int]]:
    trace = swf.read(trace_file("golden_easy/kth5k_tf_perf.swf.gz"))
    with gzip.open(trace_file("golden_easy/start_kth5k_tf_perf_easy.csv.gz"), "rt") as rows:
        return trace, {row["id"]: int(row["start"]) for row in csv.DictReader(rows)}


def equal_starts(trace: swf.Trace, expected: dict[str, int], nodes: int, gpus_per_node: int) -> int:
    jobs = trace.jobs
    core = schedule(jobs.submit_s, jobs.gpus, jobs.run_s, jobs.estimate_s, nodes=nodes, gpus_per_node=gpus_per_node)
    return sum(expected[job] == start_s for job, start_s in zip(jobs.job_id, starts(core), strict=True))


@pytest.mark.traces
@pytest.mark.parametrize(("nodes", "gpus_per_node"), [(100, 1), (1, 100)])
def test_v5_golden_easy_5000_of_5000_starts_are_those_of_two_other_simulators(trace_file, nodes, gpus_per_node) -> None:
    assert equal_starts(*golden(trace_file), nodes, gpus_per_node) == 5000


@pytest.mark.traces
def test_v5_golden_easy_with_the_first_condition_only_agrees_on_2848(trace_file) -> None:
    with broken_cores.first_condition_only():
        assert equal_starts(*golden(trace_file), 100, 1) == 2848


@pytest.mark.traces
def test_v5_kth_raw_the_mean_wait_is_the_twins(trace_file) -> None:
    jobs = swf.read(trace_file("swf_kth_sp2/KTH-SP2-1996-2.1-cln.swf.gz")).jobs
    core = schedule(jobs.submit_s, jobs.gpus, jobs.run_s, jobs.estimate_s, nodes=100)
    wait_s = [start_s - submit_s for start_s, submit_s in zip(starts(core), jobs.submit_s.tolist(), strict=True)]
    assert len(wait_s) == 28_481
    assert round(sum(wait_s) / len(wait_s), 4) == 6834.5873


def philly_total_wait_s(path: Path, gpus: int) -> int:
    """Count mode: one node of all GPUs, one band."""
    jobs = philly.read(path).jobs
    core = schedule(jobs.submit_s, jobs.gpus, jobs.run_s, jobs.estimate_s, nodes=1, gpus_per_node=gpus)
    return sum(starts(core)) - int(jobs.submit_s.sum())


PHILLY = "philly_chronus/trace_job_Philly_MIX1.csv.gz"


@pytest.mark.traces
@pytest.mark.parametrize(
    ("gpus", "wait_s"),
    [
        (1280, 134_746_020),
        pytest.param(1112, 982_059_780, marks=pytest.mark.slow),
        pytest.param(900, 3_382_371_660, marks=pytest.mark.slow),
        pytest.param(600, 11_479_383_180, marks=pytest.mark.slow),
    ],
)
def test_v28_philly_in_count_mode_waits_as_long_as_the_twins_jobs(trace_file, gpus, wait_s) -> None:
    assert philly_total_wait_s(trace_file(PHILLY), gpus) == wait_s
