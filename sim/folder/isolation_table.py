"""The table of a run folder that tells what happened to nodes; only runs with [isolation] have it."""

import numpy as np

from scheduler.isolation.states import NodeState
from sim.engine.warden import WHYS
from sim.folder.columns import Columns, column, place
from sim.folder.parquet import Cells, Labels
from sim.result import IsolationLog, World

TABLE = "isolation"
STATES = tuple(state.name.lower() for state in NodeState)


def isolation(world: World, log: IsolationLog) -> Columns:
    """One row per change of a node, in order of time: its state from then on, for which job, and why if it went wrong.

    `node` is its row in its pool. `why` is what a start was refused for, or the first bad field of a scrub's report.
    """
    at_s, node, state, job, why = log.changes
    first = np.cumsum([0, *(pool.nodes for pool in world.pools)])
    pool = np.searchsorted(first, node, side="right") - 1
    ids = np.array(world.jobs.job_id, dtype=object)
    names = np.array(world.names.tenants, dtype=object)
    known = job >= 0
    return {
        "at_s": at_s,
        **place(world.names, column(world.pool_region)[pool], column(world.pool_sku)[pool]),
        "node": node - first[pool],
        "state": Labels(state, STATES),
        "job_id": Cells([ids[each] if there else None for each, there in zip(job, known, strict=True)]),
        "tenant": Cells(
            [names[world.jobs.tenant[each]] if there else None for each, there in zip(job, known, strict=True)]
        ),
        "why": Labels(why, WHYS),
    }
