"""The world as a few long-lived SimPy processes: arrivals, node faults and repairs, contracts, the control clock.

Jobs are rows, not processes: their story is the scheduler's to tell. All randomness was drawn when the world was built.
"""

from collections.abc import Callable, Generator, Sequence
from itertools import groupby
from operator import itemgetter

import simpy

from scheduler.events import NEVER, Event, EventKind
from scheduler.tables import ReservationRow
from sim.result import FaultRows, IntArray, Mishap

Happen = Callable[[list[Event]], None]  # what happened now, all of it at once
Process = Generator[simpy.events.Timeout, None, None]


def arrivals(
    env: simpy.Environment, happen: Happen, submit_s: IntArray, others: frozenset[int] = frozenset()
) -> Process:
    """Submit each row at its time, but for those that `others` submit; rows are in order of submission."""
    row, rows, submit = 0, memoryview(submit_s.data), int(EventKind.SUBMIT)
    while row < len(rows):
        yield env.timeout(max(0, rows[row] - int(env.now)))
        now_s, first = int(env.now), row
        while row < len(rows) and rows[row] <= now_s:
            row += 1
        mine = [number for number in range(first, row) if number not in others] if others else range(first, row)
        if mine:
            happen([Event(submit, number) for number in mine])


def faults(env: simpy.Environment, happen: Happen, rows: FaultRows) -> Process:
    """Take nodes down and bring them back, at the times that were drawn per node."""
    changes = sorted(
        [(int(at_s), EventKind.NODE_DOWN, int(node)) for at_s, node in zip(rows.down_s, rows.node, strict=True)]
        + [(int(at_s), EventKind.NODE_UP, int(node)) for at_s, node in zip(rows.up_s, rows.node, strict=True)]
    )
    yield from _tell(env, happen, changes)


def mishaps(env: simpy.Environment, happen: Happen, rows: Sequence[Mishap]) -> Process:
    """Let jobs crash and nodes begin to drain, at the times that were drawn or planned."""
    for at_s, group in groupby(rows, key=itemgetter(0)):
        if at_s > env.now:
            yield env.timeout(at_s - int(env.now))
        happen([Event(kind, row, number) for _, kind, row, number in group])


def contracts(env: simpy.Environment, happen: Happen, rows: tuple[ReservationRow, ...]) -> Process:
    """Begin and end each contract."""
    changes = sorted(
        [(row.from_s, EventKind.CONTRACT_BEGIN, index) for index, row in enumerate(rows)]
        + [(row.until_s, EventKind.CONTRACT_END, index) for index, row in enumerate(rows) if row.until_s < NEVER]
    )
    yield from _tell(env, happen, changes)


def _tell(env: simpy.Environment, happen: Happen, changes: list[tuple[int, EventKind, int]]) -> Process:
    """Tell (at_s, kind, row) in order of time, everything of one instant at once."""
    for at_s, group in groupby(changes, key=itemgetter(0)):
        if at_s > env.now:
            yield env.timeout(at_s - int(env.now))
        happen([Event(kind, row) for _, kind, row in group])


def control(env: simpy.Environment, happen: Happen, interval_s: int, goes_on: Callable[[], bool]) -> Process:
    """Tick for lend, at time 0 and every interval after it, as long as there is anything left to lend for."""
    while goes_on():
        happen([Event(EventKind.CONTROL)])
        yield env.timeout(interval_s)
