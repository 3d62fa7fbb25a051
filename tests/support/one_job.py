"""One job on its nodes, hit by faults at times that are chosen: how much of its time is work, through the real core."""

import heapq
import math
import random

import numpy as np

from scheduler.core import Core
from scheduler.events import NEVER, Cause, Event, EventKind, Segment
from scheduler.policies import POLICIES
from scheduler.tables import JobTable, PoolRow, ProductRow

FOREVER_S = 1 << 40


def core_of_one_job(nodes: int, checkpoint_s: int, write_s: int, restart_s: int, run_s: int = FOREVER_S) -> Core:
    """A pool with one node more than its only job needs, so that a fault never makes it wait."""
    pools = (PoolRow(nodes + 1, 8, 0),)
    products = (ProductRow(0, 0, False, 0, False, True, checkpoint_s, restart_s, write_s),)
    columns = {"gpus": nodes * 8, "run_s": run_s, "estimate_s": run_s, "patience_s": NEVER}
    names = ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s")
    table = {name: np.array([columns.get(name, 0)], dtype=np.int64) for name in names}
    return Core(JobTable(table, pools, products), pools, products, POLICIES["easy"])


def gaps(mean_s: float, count: int, seed: int) -> list[int]:
    """Exponential gaps, one from each of `count` equal parts of their law, shuffled: little is left to chance."""
    rng = random.Random(seed)
    drawn = [max(1, round(-mean_s * math.log((part + rng.random()) / count))) for part in range(count)]
    rng.shuffle(drawn)
    return drawn


def live(core: Core, lengths: list[int], after_restart_s: int) -> list[Segment]:
    """Fail a node of the job `length` seconds after each (re)start, or after `after_restart_s` more from the second on.

    Returns its segments. A broken node is back a second later.
    """
    nodes = random.Random(0)
    heap: list[tuple[int, Event]] = [(0, Event(EventKind.SUBMIT, 0))]
    left = iter(lengths)
    found: list[Segment] = []
    while heap:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        for timer in core.step(now_s, events):
            if timer.at_s < FOREVER_S:
                heapq.heappush(heap, tuple(timer))
        found += core.out.segments
        for _ in core.out.started:
            length = next(left, None)
            if length is None:
                return found
            held, node = core.pools[0].hold[0].nodes, -1
            while node < 0 or not held >> node & 1:
                node = nodes.randrange(core.pools[0].node_count)
            at_s = now_s + length + (after_restart_s if found else 0)
            heapq.heappush(heap, (at_s, Event(EventKind.NODE_DOWN, node)))
            heapq.heappush(heap, (at_s + 1, Event(EventKind.NODE_UP, node)))
        core.out.clear()
    return found


def work_share(found: list[Segment]) -> float:
    """Seconds of work that was kept, as a share of all seconds held."""
    assert all(part.cause == Cause.NODE_FAULT for part in found)
    held = sum(part.end_s - part.start_s for part in found)
    return sum(part.end_s - part.start_s - part.stalled_s - part.lost_s - part.written_s for part in found) / held
