"""What the trace readers keep of a log, and what they refuse with a finding."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scheduler.events import NEVER
from sim.traces import philly, swf
from trace_files import found, swf_line, write_lines

TraceFile = Callable[[str], Path]


@pytest.fixture
def swf_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a log of these lines."""
    return partial(write_lines, tmp_path / "log.swf")


class TestRealTraces:
    """The published counts (case V27) hold to the last row."""

    def test_kth_has_its_published_counts(self, trace_file: TraceFile, case_file: TraceFile) -> None:
        expected = v27(case_file)
        path = trace_file("swf_kth_sp2/KTH-SP2-1996-2.1-cln.swf.gz")
        trace, rows = swf.read(path), swf.parse(path)
        assert trace.rows_read == len(trace.jobs.job_id) == expected["rows"][1]
        assert int((trace.jobs.gpus * trace.jobs.run_s).sum()) == expected["kth_requested_proc_seconds"]
        assert int((rows.allocated * rows.run_s).sum()) == expected["kth_allocated_proc_seconds"]
        below = expected["kth_rows_requested_below_allocated"]
        assert found(trace) == {"kept: requested size below the allocated one": below}
        assert (trace.epoch_s, trace.processors, len(trace.tenants)) == (843480031, 100, 214)
        assert trace.tenant_kind == "internal"

    def test_philly_has_its_published_counts(self, trace_file: TraceFile, case_file: TraceFile) -> None:
        expected = v27(case_file)
        path = trace_file("philly_chronus/trace_job_Philly_MIX1.csv.gz")
        trace, rows = philly.read(path), philly.parse(path)
        assert trace.rows_read == expected["rows"][0]
        assert len(trace.jobs.job_id) == expected["philly_kept_rows"]
        assert found(trace)["refused: zero GPUs"] == expected["philly_zero_gpu_rows"]
        assert int((trace.jobs.gpus * trace.jobs.run_s).sum()) == expected["philly_gpu_minutes"] * 60
        assert int((rows.product == trace.products.index("bare.spot")).sum()) == expected["philly_best_effort_rows"]
        assert len(trace.tenants) == expected["philly_tenants"]
        assert trace.tenant_kind == "external"

    def test_philly_is_sorted_by_submission_then_job_id(self, trace_file: TraceFile) -> None:
        jobs = philly.read(trace_file("philly_chronus/trace_job_Philly_MIX1.csv.gz")).jobs
        keys = list(zip(jobs.submit_s.tolist(), map(int, jobs.job_id), strict=True))
        assert keys == sorted(keys)
        assert len(set(jobs.submit_s.tolist())) <= 3883

    @pytest.mark.parametrize("name", ["kth5k_tf", "kth5k_tf_perf"])
    def test_ticks_of_a_millisecond_are_read_unshifted(self, trace_file: TraceFile, name: str) -> None:
        path = trace_file(f"golden_easy/{name}.swf.gz")
        jobs = swf.read(path).jobs
        assert len(jobs.job_id) == 5000
        assert len(set(jobs.submit_s.tolist())) == 5000
        assert jobs.submit_s[0] == swf.parse(path).submit_s.min() > 0


def v27(case_file: TraceFile) -> dict[str, Any]:
    """Return what case V27 expects."""
    cases = json.loads(case_file("scheduling_cases.json").read_text())["cases"]
    return next(case["expected"] for case in cases if case["id"] == "V27")


class TestSwfRows:
    def test_dirty_rows_of_case_v26(self, swf_file: Callable[..., Path]) -> None:
        """The row larger than the cluster stays: only the core knows how large the cluster is."""
        trace = swf.read(
            swf_file(
                swf_line(1, allocated=0, requested=0),
                swf_line(2, requested=16),
                swf_line(3, run=0),
                swf_line(4, run=-1),
                swf_line(5, run=20),
                swf_line(6, estimate=-1),
            )
        )
        assert trace.jobs.job_id == ["2", "3", "5", "6"]
        assert trace.jobs.gpus.tolist() == [16, 4, 4, 4]
        assert trace.jobs.run_s.tolist() == [10, 0, 20, 10]
        assert trace.jobs.estimate_s.tolist() == [10, 10, 10, 10]
        assert [tuple(finding) for finding in trace.findings] == [
            ("log.swf: line 1", "refused: zero GPUs", 1),
            ("log.swf: line 4", "refused: negative run time", 1),
            ("log.swf: line 6", "kept: estimate missing, run time taken", 1),
            ("log.swf: line 5", "kept: run time above estimate", 1),
            ("log.swf: line 3", "kept: run time 0, never holds a GPU-second", 1),
        ]

    def test_columns_of_a_plain_job(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file("; UnixStartTime: 1000", "; MaxProcs: 64", swf_line(7, 50, 20, 8, 6, 30, 42)))
        jobs = trace.jobs
        assert (trace.epoch_s, trace.processors, trace.file) == (1000, 64, "log.swf")
        assert trace.products == ("int.research",)
        assert [trace.tenants[row] for row in jobs.tenant] == ["user-42"]
        row = (jobs.job_id, jobs.submit_s[0], jobs.run_s[0], jobs.gpus[0], jobs.estimate_s[0], jobs.patience_s[0])
        assert row == (["7"], 50, 20, 6, 30, NEVER)
        assert all(
            column.dtype == np.int64
            for column in (jobs.tenant, jobs.product, jobs.pool, jobs.gpus, jobs.submit_s, jobs.run_s, jobs.estimate_s)
        )

    def test_allocated_size_stands_in_for_a_missing_request(self, swf_file: Callable[..., Path]) -> None:
        refused = swf_line(3, allocated=8, requested=-1, run=-1)  # not counted as kept
        log = swf_file(swf_line(1, allocated=8, requested=-1), swf_line(2, allocated=8, requested=3), refused)
        trace = swf.read(log)
        assert trace.jobs.gpus.tolist() == [8, 3]
        assert found(trace) == {
            "refused: negative run time": 1,
            "kept: requested size missing, allocated size taken": 1,
            "kept: requested size below the allocated one": 1,
        }

    def test_actual_estimates_are_the_run_times(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(1, run=20, estimate=5), swf_line(2, run=7, estimate=-1)), estimates="actual")
        assert trace.jobs.estimate_s.tolist() == [20, 7]
        assert not trace.findings

    def test_a_later_line_with_a_known_job_id_is_refused_and_the_first_line_named(
        self, swf_file: Callable[..., Path]
    ) -> None:
        trace = swf.read(swf_file("; header", swf_line(5), swf_line(6), swf_line(5, run=99), swf_line(5)))
        assert trace.jobs.job_id == ["5", "6"]
        assert trace.jobs.run_s.tolist() == [10, 10]
        assert [tuple(f) for f in trace.findings] == [
            ("log.swf: line 4", "refused: duplicate job id (5 first stands on line 2)", 2)
        ]

    def test_unsorted_rows_are_sorted_and_counted(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(1, 30), swf_line(2, 10), swf_line(3, 20)))
        assert trace.jobs.job_id == ["2", "3", "1"]
        (finding,) = trace.findings
        assert (finding.where, finding.count) == ("log.swf: line 2", 1)
        assert "rows sorted by (submit time, job id)" in finding.what

    def test_equal_submit_times_are_no_fault_and_end_in_the_job_id(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(10, 5), swf_line(9, 5), swf_line(11, 5)))
        assert trace.jobs.job_id == ["9", "10", "11"]
        assert not trace.findings

    def test_negative_submit_times_and_impossible_sizes_are_refused(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(1), swf_line(2, submit=-5), swf_line(3, requested=2**31)))
        assert trace.jobs.job_id == ["1"]
        assert found(trace) == {"refused: more GPUs than 2147483647": 1, "refused: negative submit time": 1}

    def test_times_of_1e11_are_kept_as_they_are(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(1, 10**11, 10**11, estimate=10**11)))
        assert (trace.jobs.submit_s[0], trace.jobs.run_s[0], trace.jobs.estimate_s[0]) == (10**11, 10**11, 10**11)

    def test_an_unknown_user_is_a_tenant_of_its_own(self, swf_file: Callable[..., Path]) -> None:
        trace = swf.read(swf_file(swf_line(1, user=-1), swf_line(2, user=3)))
        assert [trace.tenants[row] for row in trace.jobs.tenant] == ["user-unknown", "user-3"]

    @pytest.mark.parametrize("header", ["; UnixStartTime: soon", "; UnixStartTime: -1", "; UnixStartTime:", "; none"])
    def test_an_unreadable_header_leaves_the_epoch_at_zero(self, swf_file: Callable[..., Path], header: str) -> None:
        assert swf.read(swf_file(header, swf_line())).epoch_s == 0
