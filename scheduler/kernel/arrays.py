"""The four arrays of a run, seen from outside: what lies in the outbox, and what became of each job."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.jobs.lives import Lives
from scheduler.kernel import fields as f

IntArray = NDArray[np.int64]


class State(NamedTuple):
    """The arrays of one run, see `scheduler.kernel.fields`."""

    s: IntArray
    j: IntArray
    h: IntArray
    o: IntArray


def outbox_of(rows: int) -> IntArray:
    """Return an empty outbox with so many rows in each section."""
    sizes = [rows * width for width in f.SECTION_WIDTH]
    o = np.zeros(f.OUT_HEADER + sum(sizes), dtype=np.int64)
    at = f.OUT_HEADER
    for section, size in enumerate(sizes):
        o[3 * section], o[3 * section + 1] = at, rows
        at += size
    return o


def section_of(o: IntArray, section: int) -> IntArray:
    """Return what lies in a section, (rows, width); a view."""
    at, width, rows = int(o[3 * section]), f.SECTION_WIDTH[section], int(o[3 * section + 2])
    return o[at : at + rows * width].reshape(rows, width)


def empty_outbox(o: IntArray) -> None:
    """Forget what lies in the outbox."""
    o[2 : 3 * f.SECTION_COUNT : 3] = 0


def write_back(core: Lives, state: State) -> None:
    """Write what became of each job to the core's table, and how far the core came."""
    j = state.j.reshape(-1, f.JOB_WIDTH)
    for name, field in f.WRITTEN.items():
        np.asarray(getattr(core.jobs, name))[:] = j[:, field]
    core.now_s = int(state.s[f.NOW_S])
    core.step_count = int(state.s[f.STEP_COUNT])
    core.open_count = int(state.s[f.OPEN_COUNT])
