"""Golden and published cases of backfill and order: V5-golden-conservative."""

import csv
import gzip

import pytest

from case_file import case
from flat_jobs import schedule, starts
from sim.traces import swf


@pytest.mark.traces
def test_v5_golden_conservative_5000_of_5000_starts(trace_file) -> None:
    one = case("V5-golden-conservative")
    given, expected = one["inputs"], one["expected"]
    jobs = swf.read(trace_file(given["input"])).jobs
    with gzip.open(trace_file(given["expected_file"]), "rt") as rows:
        golden = {row["id"]: int(row["start"]) for row in csv.DictReader(rows)}
    found = {}
    for policy in ("conservative", "easy"):
        core = schedule(jobs.submit_s, jobs.gpus, jobs.run_s, jobs.estimate_s, nodes=given["processors"], policy=policy)
        found[policy] = starts(core)
    equal = sum(golden[job] == start for job, start in zip(jobs.job_id, found["conservative"], strict=True))
    assert equal == expected["equal_starts"] == expected["jobs"]
    wait = {policy: sum(each) - int(jobs.submit_s.sum()) for policy, each in found.items()}
    assert round(wait["conservative"] / equal, 4) == expected["mean_wait_ticks"]
    assert round(wait["easy"] / equal, 4) == expected["easy_mean_wait_ticks_same_input"]
    differ = sum(a != b for a, b in zip(found["conservative"], found["easy"], strict=True))
    assert differ == expected["jobs_whose_start_differs_from_easy"]
