"""Everything that befalls the nodes and jobs of a scenario's pools: faults, crashes, maintenance, in rows of the core.

Draws are made for servers. In a pool of MIG slices a fault or a drain of a server is one of all its slices, and a crash
hits the slice that was drawn.
"""

from typing import NamedTuple

import numpy as np

from scheduler.events import EventKind
from sim.failures.crashes import drains, draw_crashes
from sim.failures.faults import Window, draw_faults
from sim.pools import Pool, faulty_rows, rack_sizes
from sim.result import FaultRows, Mishap
from sim.scenario.check import pool_index
from sim.scenario.model import Scenario


class Hazards(NamedTuple):
    """What a world holds of it."""

    faults: FaultRows
    mishaps: tuple[Mishap, ...]


def hazards(scenario: Scenario, horizon_s: int) -> Hazards:
    """Draw and plan all that goes wrong before `horizon_s`. Cost: O(nodes + faults)."""
    names = [f"{pool.region}/{pool.sku}" for pool in scenario.pool]
    sizes = [pool.nodes for pool in scenario.pool]
    per_node = [pool.slices or pool.gpus_per_node for pool in scenario.pool]
    level = scenario.faults.racks.level if scenario.faults and scenario.faults.racks else ""
    racks = [rack_sizes(pool, domains, level) for pool, domains in zip(scenario.pool, scenario.domains, strict=True)]
    windows = _windows(scenario, horizon_s)
    pools = list(zip(names, sizes, strict=True))
    faults = draw_faults(scenario.faults, pools, scenario.seed, horizon_s, windows, racks)
    sized = list(zip(names, sizes, per_node, strict=True))
    mishaps = draw_crashes(scenario.faults, sized, scenario.seed, horizon_s) + drains(windows, horizon_s)
    if any(pool.slices for pool in scenario.pool):
        faults, mishaps = _of_rows(faults, scenario.pool), _mishaps_of_rows(mishaps, scenario.pool)
    return Hazards(faults, tuple(sorted(mishaps)))


def _windows(scenario: Scenario, horizon_s: int) -> list[Window]:
    """Return all planned maintenance, with nodes that count over all pools."""
    first = [sum(pool.nodes for pool in scenario.pool[:row]) for row in range(len(scenario.pool))]
    return [
        window
        for row, each in enumerate(scenario.maintenance)
        for window in each.windows(first[pool_index(scenario, each.region, each.sku, f"maintenance[{row}]")], horizon_s)
    ]


def _of_rows(faults: FaultRows, pools: tuple[Pool, ...]) -> FaultRows:
    """Return the faults of servers as faults of what the core places: all slices of a server fail at once."""
    hit = [list(faulty_rows(pools, node)) for node in faults.node.tolist()]
    count = np.array([len(rows) for rows in hit], dtype=np.int64)
    node = np.array([row for rows in hit for row in rows], dtype=np.int64)
    cause = None if faults.cause is None else np.repeat(faults.cause, count)
    return FaultRows(node, np.repeat(faults.down_s, count), np.repeat(faults.up_s, count), cause)


def _mishaps_of_rows(mishaps: list[Mishap], pools: tuple[Pool, ...]) -> list[Mishap]:
    found: list[Mishap] = []
    for at_s, kind, node, number in mishaps:
        hit = list(faulty_rows(pools, node))
        if kind == EventKind.JOB_CRASH and len(hit) > 1:
            found.append((at_s, kind, hit[number], 0))
        else:
            found += [(at_s, kind, row, number) for row in hit]
    return found
