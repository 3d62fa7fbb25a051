"""The formats that can be replayed, by the names that the command line uses."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from sim.errors import SimError
from sim.traces import philly, swf
from sim.traces.trace import Trace

Estimates = Literal["requested", "actual"]
READERS: dict[str, Callable[..., Trace]] = {"swf": swf.read, "philly-chronus": philly.read}


def read(path: Path, trace_format: str, *, estimates: Estimates = "requested") -> Trace:
    """Read a trace of a named format.

    Args:
        path:         plain or gzipped.
        trace_format: a key of READERS.
        estimates:    what the scheduler is told about run times: the users' own estimates, or the truth.

    Raises:
        SimError: no such format, or the file is not a trace of that format.
    """
    if trace_format not in READERS:
        raise SimError("unknown trace format", code="trace.format", found=trace_format, allowed=tuple(READERS))
    if estimates not in get_args(Estimates):
        raise SimError("unknown estimates", code="trace.estimates", found=estimates, allowed=get_args(Estimates))
    return READERS[trace_format](path, estimates=estimates)
