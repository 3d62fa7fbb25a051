"""Trace readers under any rows and any bytes: nothing is lost, nothing is invented, and nothing crashes."""

import gzip
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from sim.errors import SimError
from sim.traces import philly, swf
from sim.traces.readers import READERS, read


class Row(NamedTuple):
    """A job line, in the order of the format's columns."""

    job: int
    submit: int
    run: int
    allocated: int
    requested: int
    estimate: int
    user: int

    def text(self) -> str:
        """Return the line."""
        job, submit, run, allocated, requested, estimate, user = self
        return f"{job} {submit} -1 {run} {allocated} -1 -1 {requested} {estimate} -1 1 {user} 1 -1 -1 -1 -1 -1"


small = st.integers(-2, 6)
times = st.integers(-1, 10**11)
any_rows = st.lists(
    st.builds(Row, st.integers(1, 9), times, times, small, small, times, small), min_size=1, max_size=12
)


def twin(rows: Sequence[Row]) -> list[tuple[int, int, int, int, int, int]]:
    """Say row by row which jobs a log holds: (submit, job, run, gpus, estimate, user), in order of submission."""
    seen: set[int] = set()
    kept = []
    for row in rows:
        gpus = row.requested if row.requested > 0 else row.allocated
        known = row.job in seen
        seen.add(row.job)
        if gpus > 0 and row.run >= 0 and row.submit >= 0 and not known:
            estimate = row.estimate if row.estimate > 0 else row.run
            kept.append((row.submit, row.job, row.run, gpus, estimate, row.user))
    return sorted(kept)


def written(content: bytes, folder: str) -> Path:
    """Return a file that holds these bytes."""
    path = Path(folder, "trace")
    path.write_bytes(content)
    return path


def log_of(rows: Sequence[Row]) -> bytes:
    """Return the rows as a log."""
    return "\n".join(row.text() for row in rows).encode()


@given(any_rows, st.booleans())
def test_swf_keeps_exactly_the_rows_that_a_reader_by_hand_would_keep(rows: list[Row], zipped: bool) -> None:
    log = log_of(rows)
    expected = twin(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = written(gzip.compress(log) if zipped else log, folder)
        if not expected:
            try:
                swf.read(path)
            except SimError as error:
                assert "no job can be run" in str(error)
                return
            raise AssertionError("a log without a job was taken")
        trace = swf.read(path)
    jobs = trace.jobs
    users = [trace.tenants[row].removeprefix("user-").replace("unknown", "-1") for row in jobs.tenant.tolist()]
    columns = (jobs.submit_s, jobs.run_s, jobs.gpus, jobs.estimate_s)
    submit, run, gpus, estimate = (column.tolist() for column in columns)
    found = list(zip(submit, map(int, jobs.job_id), run, gpus, estimate, strict=True))
    assert found == [row[:-1] for row in expected]
    assert users == [str(max(-1, row[-1])) for row in expected]
    refused = sum(finding.count for finding in trace.findings if finding.what.startswith("refused"))
    assert refused == trace.rows_read - len(jobs.job_id) == len(rows) - len(expected)


@given(any_rows, st.data())
def test_the_order_of_lines_with_distinct_ids_does_not_matter(rows: list[Row], data: st.DataObject) -> None:
    distinct = list({row.job: row for row in rows}.values())
    shuffled = data.draw(st.permutations(distinct))
    if not twin(distinct):
        return
    with tempfile.TemporaryDirectory() as folder:
        first = swf.read(written(log_of(distinct), folder)).jobs
        second = swf.read(written(log_of(shuffled), folder)).jobs
    assert first.job_id == second.job_id
    assert first.submit_s.tolist() == second.submit_s.tolist()
    assert first.tenant.tolist() == second.tenant.tolist()


lines_of_noise = st.lists(st.text("0123456789 -.,;_\t\"'abvct\x00é\n", max_size=60), max_size=6).map("\n".join)
noise = st.one_of(st.binary(max_size=200), lines_of_noise.map(str.encode), st.binary(max_size=80).map(gzip.compress))


@given(noise, st.sampled_from(sorted(READERS)))
def test_any_bytes_are_read_or_refused_in_one_line(content: bytes, trace_format: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            trace = read(written(content, folder), trace_format)
        except SimError as error:
            assert "\n" not in str(error)
        else:
            assert trace.jobs.job_id


@given(any_rows, st.data())
def test_a_log_cut_anywhere_loses_whole_rows_or_is_refused(rows: list[Row], data: st.DataObject) -> None:
    """A cut inside the last number of a line cannot be seen; any other cut is an error or drops the rows behind it."""
    log = log_of(rows)
    cut = data.draw(st.integers(0, len(log)))
    with tempfile.TemporaryDirectory() as folder:
        try:
            parsed = swf.parse(written(log[:cut], folder))
        except SimError:
            return
    assert parsed.job.tolist() == [row.job for row in rows][: len(parsed.job)]
    assert parsed.run_s.tolist() == [row.run for row in rows][: len(parsed.job)]


@given(any_rows, st.data())
def test_a_gzipped_log_cut_anywhere_is_refused(rows: list[Row], data: st.DataObject) -> None:
    log = gzip.compress(log_of(rows))
    cut = data.draw(st.integers(0, len(log) - 1))
    with tempfile.TemporaryDirectory() as folder:
        try:
            swf.parse(written(log[:cut], folder))
        except SimError:
            return
    raise AssertionError("a truncated gzip file was taken")


kinds = st.sampled_from(["0,strict", "1,best"])
philly_row = st.tuples(st.integers(0, 6), st.sampled_from("xyz"), st.integers(0, 8), small, small, kinds)


@given(st.lists(philly_row, min_size=1, max_size=12))
def test_philly_gpu_minutes_of_the_kept_rows_become_gpu_seconds(
    rows: list[tuple[int, str, int, int, int, str]],
) -> None:
    text = "\n".join(",".join(map(str, row)) for row in rows)
    header = "job_id,user,num_gpu,submit_time,duration,best_effort,job_type"
    seen: set[int] = set()
    gpu_minutes, spot = 0, 0
    for job, _, gpus, submit, run, kind in rows:
        if job not in seen and gpus > 0 and run >= 0 and submit >= 0:
            gpu_minutes += gpus * run
            spot += kind == "1,best"
        seen.add(job)
    with tempfile.TemporaryDirectory() as folder:
        try:
            trace = philly.read(written(f"{header}\n{text}".encode(), folder))
        except SimError as error:
            assert "no job can be run" in str(error)
            assert gpu_minutes == 0
            return
    jobs = trace.jobs
    assert int((jobs.gpus * jobs.run_s).sum()) == gpu_minutes * 60
    assert int((jobs.product == trace.products.index("bare.spot")).sum()) == spot
