"""Standard Workload Format: 18 whitespace-separated columns a job, header lines that start with `;`, times in seconds.

Processors are read as GPUs and every user is a tenant; all jobs are internal research, in one band. The submit column
is taken as it stands, not shifted to 0. Source: the description of version 2.2 in the Parallel Workloads Archive; a
log's own quirks are counted as findings.
"""

import re
from array import array
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np

from sim.errors import SimError
from sim.result import IntArray
from sim.traces.clean import RawRows, clean
from sim.traces.trace import NUMBER_MAX, Trace, bad_line, file_name, lines, shown

COLUMN_COUNT = 18
_USED = {
    "job number": 1,
    "submit time": 2,
    "run time": 4,
    "allocated processors": 5,
    "requested processors": 8,
    "requested time": 9,
    "user": 12,
}  # name -> column, counted from 1 as the format does
_pick = itemgetter(*(column - 1 for column in _USED.values()))
_NUMBER = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)")


@dataclass(frozen=True, slots=True)
class SwfRows:
    """The columns of a log that matter here, as they stand in the file; int64, (n,), -1 where the log knows nothing."""

    line: IntArray
    job: IntArray
    submit_s: IntArray
    run_s: IntArray
    allocated: IntArray
    requested: IntArray
    estimate_s: IntArray
    user: IntArray
    header: dict[str, str]  # `; Key: value`, the first of each key


def read(path: Path, *, estimates: Literal["requested", "actual"] = "requested") -> Trace:
    """Read a log as jobs of internal research.

    The size of a job is what its user requested (column 8); what was allocated (column 5) counts only where nothing
    was requested. `estimates="requested"` tells the scheduler column 9, `"actual"` the run time itself.

    Raises:
        SimError: the file is not such a log, or no job in it can be run.
    """
    rows = parse(path)
    unsized = rows.requested <= 0
    users, tenant = np.unique(rows.user, return_inverse=True)
    raw = RawRows(
        line=rows.line,
        job=rows.job,
        tenant=tenant.astype(np.int64),
        product=np.zeros(len(rows.line), dtype=np.int64),
        gpus=np.where(unsized, rows.allocated, rows.requested),
        submit_s=rows.submit_s,
        run_s=rows.run_s,
        estimate_s=rows.estimate_s if estimates == "requested" else None,
    )
    notes = (
        (unsized, "kept: requested size missing, allocated size taken"),
        (~unsized & (rows.requested < rows.allocated), "kept: requested size below the allocated one"),
    )
    return Trace(
        file=file_name(path),
        jobs=clean(path, raw, notes),
        tenants=tuple("user-unknown" if user < 0 else f"user-{user}" for user in users.tolist()),
        tenant_kind="internal",
        products=("int.research",),
        epoch_s=max(0, _header_number(rows.header, "UnixStartTime")),
        processors=max(0, _header_number(rows.header, "MaxProcs")),
        rows_read=len(rows.line),
    )


def parse(path: Path) -> SwfRows:
    """Read the columns that matter, unchanged and in the file's order.

    Raises:
        SimError: a line has not 18 columns, a field is no number (or no whole number, in a column that matters), or
            there is no job line at all.
    """
    values, numbers = array("q"), array("q")
    header: dict[str, str] = {}
    for number, line in lines(path):
        fields = line.split()
        if not fields:
            continue
        if fields[0].startswith(b";"):
            key, colon, value = line.decode("latin-1").lstrip("; \t").partition(":")
            if colon:
                header.setdefault(key.strip(), value.strip())
            continue
        # One pass over the bytes shows that no field holds a letter; which one does is asked only when one does.
        if len(fields) != COLUMN_COUNT or line.translate(None, b"0123456789-+. \t\r\n"):
            raise _bad_fields(path, number, fields)
        try:
            values.extend(map(int, _pick(fields)))
        except (ValueError, OverflowError):
            raise _bad_fields(path, number, fields) from None
        numbers.append(number)
    if not numbers:
        raise SimError("no job line", code="trace.empty", file=str(path), allowed="lines of 18 columns")
    columns = np.frombuffer(values, dtype=np.int64).reshape(-1, len(_USED)).T
    line_numbers = np.frombuffer(numbers, dtype=np.int64)
    for name, column in zip(_USED, columns, strict=True):
        too_large = np.flatnonzero(np.abs(column) > NUMBER_MAX)
        if len(too_large):
            raise _bad_number(path, int(line_numbers[too_large[0]]), name, str(column[too_large[0]]))
    job, submit_s, run_s, allocated, requested, estimate_s, user = (column.copy() for column in columns)
    return SwfRows(line_numbers, job, submit_s, run_s, allocated, requested, estimate_s, user, header)


def _bad_fields(path: Path, number: int, fields: list[bytes]) -> SimError:
    """Make the error for a line: wrong count first, then the first field at fault."""
    if len(fields) != COLUMN_COUNT:
        return bad_line(path, number, "wrong number of columns", found=str(len(fields)), allowed=str(COLUMN_COUNT))
    for column, field in enumerate(fields, 1):
        if not _NUMBER.fullmatch(field):
            return bad_line(path, number, f"column {column} is no number", found=shown(field), allowed="a number")
    names = {column: name for name, column in _USED.items()}
    for column, name in names.items():
        field = fields[column - 1]
        if not field.lstrip(b"+-").isdigit() or abs(int(field)) > NUMBER_MAX:
            return _bad_number(path, number, name, shown(field))
    raise AssertionError("a line without fault was refused")


def _bad_number(path: Path, number: int, name: str, found: str) -> SimError:
    """Make the error for a field that is not a whole number that this project can hold."""
    message = f"column {_USED[name]} ({name}) is out of range"
    return bad_line(path, number, message, found=found, allowed=f"a whole number up to {NUMBER_MAX}")


def _header_number(header: dict[str, str], key: str) -> int:
    """Return a header's number; 0 where it is missing or no number, as headers are free text in old logs."""
    words = header.get(key, "").split()
    try:
        return int(words[0]) if words else 0
    except ValueError:
        return 0
