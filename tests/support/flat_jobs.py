"""Hand-made jobs on one pool, scheduled by the core without any world: for golden cases and traces."""

import heapq
from collections.abc import Callable, Sequence

import numpy as np

from scheduler.core import Core
from scheduler.events import NEVER, Event, EventKind
from scheduler.policies import POLICIES
from scheduler.tables import JobTable, PoolRow, ProductRow

RESEARCH = ProductRow(2, 0, False, 60, False, True, 3600, 0)


def schedule(
    submit_s: Sequence[int],
    gpus: Sequence[int],
    run_s: Sequence[int],
    estimate_s: Sequence[int],
    *,
    nodes: int,
    gpus_per_node: int = 1,
    policy: str = "easy",
) -> Core:
    """Run jobs of one band to their end and return the core; rows are in order of submission."""
    pools = (PoolRow(nodes, gpus_per_node, 0),)
    zeros = np.zeros(len(submit_s), dtype=np.int64)
    jobs = JobTable.from_columns(
        pools,
        (RESEARCH,),
        tenant=zeros,
        product=zeros,
        pool=zeros,
        gpus=np.array(gpus, dtype=np.int64),
        submit_s=np.array(submit_s, dtype=np.int64),
        run_s=np.array(run_s, dtype=np.int64),
        estimate_s=np.array(estimate_s, dtype=np.int64),
        patience_s=zeros + NEVER,
    )
    core = Core(jobs, pools, (RESEARCH,), POLICIES[policy])
    drive(core, submit_s, lambda now_s, events: None)
    return core


def drive(core: Core, submit_s: Sequence[int], after_step: Callable[[int, list[Event]], None]) -> None:
    """Submit every job at its second and tell the core what it asked to be told, until nothing is left to happen."""
    heap = [(int(at_s), Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(submit_s)]
    while heap:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        for timer in core.step(now_s, events):
            heapq.heappush(heap, tuple(timer))
        core.out.clear()
        after_step(now_s, events)


def starts(core: Core) -> list[int]:
    """First start of each job."""
    return core.jobs.array("first_start_s").tolist()
