"""Philly traces, and files that are not what they claim to be: errors that name the line."""

import gzip
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sim.errors import SimError
from sim.traces import philly, readers, swf
from trace_files import failure, swf_line, write_lines

PHILLY_HEADER = "job_id,user,num_gpu,submit_time,duration,best_effort,job_type"


@pytest.fixture
def swf_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a log of these lines."""
    return partial(write_lines, tmp_path / "log.swf")


@pytest.fixture
def philly_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a trace of these rows under the usual header."""

    def write(*rows: str, header: str = PHILLY_HEADER) -> Path:
        return write_lines(tmp_path / "trace.csv", header, *rows)

    return write


class TestFiles:
    """Files that are not what they claim to be: one line with file, place, what was found and what is allowed."""

    def test_plain_and_gzipped_are_told_apart_by_content(self, tmp_path: Path) -> None:
        text = f"; MaxProcs: 8\r\n\r\n{swf_line()}\r\n{swf_line(2)}".encode()  # no final newline either
        (tmp_path / "zipped.swf").write_bytes(gzip.compress(text))
        (tmp_path / "plain.gz").write_bytes(text)
        assert (
            swf.read(tmp_path / "zipped.swf").jobs.job_id == swf.read(tmp_path / "plain.gz").jobs.job_id == ["1", "2"]
        )

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("1 2 3", "line 2: wrong number of columns (found 3; allowed 18)"),
            (swf_line() + " 1", "line 2: wrong number of columns (found 19; allowed 18)"),
            (swf_line(submit="soon"), "line 2: column 2 is no number (found 'soon'; allowed a number)"),
            (swf_line(run="1-2"), "line 2: column 4 is no number (found '1-2'; allowed a number)"),
            (swf_line(job="1_0"), "line 2: column 1 is no number (found '1_0'; allowed a number)"),
            (swf_line(run="1.5"), "line 2: column 4 (run time) is out of range (found '1.5'; allowed a whole number"),
            (swf_line(run=10**13), "line 2: column 4 (run time) is out of range (found 10000000000000; allowed"),
            (swf_line(run=10**30), "line 2: column 4 (run time) is out of range (found '1000000000"),
            (swf_line(user="1\u0663"), "line 2: column 12 is no number (found '1"),
        ],
    )
    def test_a_bad_line_is_named(self, swf_file: Callable[..., Path], line: str, message: str) -> None:
        path = swf_file(swf_line(7), line)
        error = failure(path, "swf")
        assert error.startswith(f"{path}: {message}")

    def test_decimals_in_columns_that_do_not_matter_are_let_pass(self, swf_file: Callable[..., Path]) -> None:
        fields = swf_line().split()
        fields[5] = "12.75"
        assert swf.read(swf_file(" ".join(fields))).jobs.job_id == ["1"]

    @pytest.mark.parametrize("keep", [12, 40, -1, -9])
    def test_a_truncated_gzip_file_is_an_error(self, tmp_path: Path, keep: int) -> None:
        log = gzip.compress("\n".join(swf_line(job) for job in range(1, 500)).encode())
        path = tmp_path / "log.swf.gz"
        path.write_bytes(log[:keep])
        assert "gzip stream is truncated (found " in failure(path, "swf")

    def test_a_damaged_gzip_file_is_an_error(self, tmp_path: Path) -> None:
        log = bytearray(gzip.compress("\n".join(swf_line(job) for job in range(1, 500)).encode()))
        log[-6] ^= 0xFF  # in the checksum; elsewhere the text itself would be found wrong first
        path = tmp_path / "log.swf.gz"
        path.write_bytes(log)
        assert "gzip stream is damaged" in failure(path, "swf")

    @pytest.mark.parametrize("trace_format", ["swf", "philly-chronus"])
    @pytest.mark.parametrize("content", [b"\x7fELF\x02\x01\x01\0\0\0", b"PK\x03\x04\0\0\n\0", b"\xff\xfe1\x002\0"])
    def test_a_binary_file_is_an_error(self, tmp_path: Path, trace_format: str, content: bytes) -> None:
        path = tmp_path / "binary"
        path.write_bytes(content)
        assert f"{path}: line 1: not a text file" in failure(path, trace_format)

    @pytest.mark.parametrize("trace_format", ["swf", "philly-chronus"])
    def test_files_that_cannot_be_read_are_errors(self, tmp_path: Path, trace_format: str) -> None:
        assert "missing: trace cannot be read (found No such file" in failure(tmp_path / "missing", trace_format)
        assert "trace cannot be read (found Is a directory)" in failure(tmp_path, trace_format)

    def test_a_log_without_jobs_is_an_error(self, swf_file: Callable[..., Path]) -> None:
        assert "log.swf: no job line" in failure(swf_file("", end=""), "swf")
        assert "log.swf: no job line" in failure(swf_file("; MaxProcs: 3"), "swf")
        left = failure(swf_file(swf_line(run=-1), swf_line(2, allocated=-1, requested=0)), "swf")
        assert left.endswith(
            "log.swf: no job can be run (found 1 x refused: zero GPUs; 1 x refused: negative run time)"
        )

    def test_unknown_formats_and_estimates_are_errors(self, swf_file: Callable[..., Path]) -> None:
        path = swf_file(swf_line())
        assert "unknown trace format (found csv; allowed swf, philly-chronus)" in failure(path, "csv")
        with pytest.raises(SimError, match=r"unknown estimates \(found guessed; allowed requested, actual\)"):
            readers.read(path, "swf", estimates="guessed")  # type: ignore[arg-type]


class TestPhilly:
    def test_minutes_become_seconds_and_kinds_become_products(self, philly_file: Callable[..., Path]) -> None:
        trace = philly.read(philly_file("3,vc_b,2,7,30,0,strict", "4,vc_a,1,8,45,1,best"))
        jobs = trace.jobs
        assert jobs.submit_s.tolist() == [420, 480]
        assert jobs.run_s.tolist() == jobs.estimate_s.tolist() == [1800, 2700]
        assert trace.tenants == ("vc_a", "vc_b")
        assert [trace.tenants[row] for row in jobs.tenant] == ["vc_b", "vc_a"]
        assert [trace.products[row] for row in jobs.product] == ["int.research", "bare.spot"]
        assert trace.epoch_s == 0

    def test_blank_lines_are_let_pass(self, philly_file: Callable[..., Path]) -> None:
        assert philly.read(philly_file("", "3,vc_b,2,7,30,0,strict", "", "")).jobs.job_id == ["3"]

    def test_columns_may_stand_in_any_order_behind_a_byte_order_mark(self, philly_file: Callable[..., Path]) -> None:
        header = "\ufeffjob_type,best_effort,extra,duration,submit_time,num_gpu,user,job_id"
        trace = philly.read(philly_file('best,1,"a,b",30,7,2,vc_a,3', header=header))
        assert (trace.jobs.job_id, trace.jobs.gpus.tolist()) == (["3"], [2])

    def test_dirty_rows_are_refused_and_counted(self, philly_file: Callable[..., Path]) -> None:
        trace = philly.read(
            philly_file("1,v,0,0,5,0,strict", "2,v,1,9,-1,0,strict", "3,v,1,9,5,1,best", "3,v,1,8,5,1,best")
        )
        assert trace.jobs.job_id == ["3"]
        assert [tuple(finding) for finding in trace.findings] == [
            ("trace.csv: line 2", "refused: zero GPUs", 1),
            ("trace.csv: line 3", "refused: negative run time", 1),
            ("trace.csv: line 5", "refused: duplicate job id (3 first stands on line 4)", 1),
        ]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("1,v,1,2", "line 3: wrong number of columns (found 4; allowed 7)"),
            ("x,v,1,2,3,0,strict", "line 3: column job_id is out of range (found 'x'; allowed a whole number"),
            ("1,v,1,2.5,3,0,strict", "line 3: column submit_time is out of range (found '2.5'; allowed"),
            ("1,v,1,2,12345678901,0,strict", "line 3: column duration is out of range (found '12345678901'; allowed"),
            ("1,,1,2,3,0,strict", "line 3: column user is empty"),
            ("1,v,1,2,3,1,strict", "line 3: unknown kind of job (found job_type 'strict', best_effort '1'; allowed"),
            ("1,v,1,2,3,0,soft", "line 3: unknown kind of job (found job_type 'soft', best_effort '0'; allowed"),
            ('1,"v,1,2,3,0,strict', "line 4: not a CSV row (found unexpected end of data"),
        ],
    )
    def test_a_bad_row_is_named(self, philly_file: Callable[..., Path], row: str, message: str) -> None:
        path = philly_file("9,v,1,2,3,0,strict", row, "")
        assert failure(path, "philly-chronus").startswith(f"{path}: {message}")

    @pytest.mark.parametrize("header", ["", "job_id,user", "a table of jobs", swf_line()])
    def test_another_header_is_an_error_that_lists_the_columns(
        self, philly_file: Callable[..., Path], header: str
    ) -> None:
        error = failure(philly_file("1,v,1,2,3,0,strict", header=header), "philly-chronus")
        assert "line 1: header without column" in error
        assert error.endswith("allowed job_id, num_gpu, submit_time, duration, user, job_type, best_effort)")

    def test_an_empty_file_or_one_without_rows_is_an_error(
        self, tmp_path: Path, philly_file: Callable[..., Path]
    ) -> None:
        (tmp_path / "empty.csv").write_text("")
        assert "line 1: header without column job_id" in failure(tmp_path / "empty.csv", "philly-chronus")
        assert "no job row" in failure(philly_file(), "philly-chronus")
