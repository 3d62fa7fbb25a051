"""Case V15: a gang of 1,024 GPUs that broken nodes take down again and again, beside small jobs that it may evict."""

import heapq
import random

import numpy as np

from scheduler.core import Core
from scheduler.events import NEVER, Event, EventKind, Evicted
from scheduler.jobs.damping import Damping
from scheduler.policies import POLICIES
from scheduler.tables import JobTable, PoolRow, ProductRow

GANG_NODES, NODES, PER_NODE = 128, 144, 8
RUN_S, REPAIR_S, UP_S = 10**7, 300, 600  # each run of the gang lasts for UP_S, each repair for REPAIR_S


def crash_loop(requeues: int, spare_nodes: int = 0, damping: Damping | None = None) -> tuple[Core, list[Evicted]]:
    """Let the gang fail `requeues` times and start once more; small jobs of 1 GPU fill what it and the spares leave."""
    pools = (PoolRow(NODES, PER_NODE, 0, (), spare_nodes),)
    products = (
        ProductRow(0, 0, False, 0, False, True, 60, 30),
        ProductRow(2, 0, False, 0, False, True, 60, 30),
    )
    small = (NODES - GANG_NODES - spare_nodes) * PER_NODE
    columns = {
        "gpus": [GANG_NODES * PER_NODE] + [1] * small,
        "product": [0] + [1] * small,
        "run_s": [RUN_S] * (small + 1),
        "estimate_s": [RUN_S] * (small + 1),
        "patience_s": [NEVER] * (small + 1),
    }
    names = ("tenant", "product", "pool", "gpus", "submit_s", "run_s", "estimate_s", "patience_s")
    table = {name: np.array(columns.get(name, [0] * (small + 1)), dtype=np.int64) for name in names}
    core = Core(JobTable(table, pools, products), pools, products, POLICIES["easy"], damping=damping)
    heap = [(0, Event(EventKind.SUBMIT, job)) for job in range(small + 1)]
    rng, evicted, starts = random.Random(1), [], 0
    while heap:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        for timer in core.step(now_s, events):
            if timer.at_s < RUN_S:
                heapq.heappush(heap, tuple(timer))
        evicted += core.out.evicted
        for started in core.out.started:
            if started.job == 0 and starts <= requeues:
                starts += 1
                held = [node for node in range(NODES) if core.pools[0].hold[0].nodes >> node & 1]
                for node in rng.sample(held, 2) if starts <= requeues else ():
                    heapq.heappush(heap, (now_s + UP_S, Event(EventKind.NODE_DOWN, node)))
                    heapq.heappush(heap, (now_s + UP_S + REPAIR_S, Event(EventKind.NODE_UP, node)))
        core.out.clear()
    assert core.jobs.faults[0] == requeues
    return core, evicted
