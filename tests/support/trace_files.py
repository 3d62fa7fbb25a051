"""Small traces as text, and the one line with which a reader refuses one."""

from pathlib import Path

import pytest

from sim.errors import SimError
from sim.traces import readers
from sim.traces.trace import Trace


def write_lines(path: Path, *lines: str, end: str = "\n") -> Path:
    """Write a file of these lines and return its path."""
    path.write_text("\n".join(lines) + end)
    return path


def swf_line(
    job: object = 1,
    submit: object = 0,
    run: object = 10,
    allocated: object = 4,
    requested: object = 4,
    estimate: object = 10,
    user: object = 1,
) -> str:
    """Return one job line of 18 columns."""
    return f"{job} {submit} -1 {run} {allocated} -1 -1 {requested} {estimate} -1 1 {user} 1 -1 -1 -1 -1 -1"


def found(trace: Trace) -> dict[str, int]:
    """Return the findings as what -> count."""
    return {finding.what: finding.count for finding in trace.findings}


def failure(path: Path, trace_format: str) -> str:
    """Return the one line with which reading fails."""
    with pytest.raises(SimError) as caught:
        readers.read(path, trace_format)
    text = str(caught.value)
    assert "\n" not in text
    return text
