"""Node faults, drawn per node and time and never per occupant.

Who holds a node has no influence on when it fails, so switching rentals on leaves every fault where it was: without
that, "internal jobs do not notice the renters" could not even be tested.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from sim.draw import DAY_S, stream
from sim.param import Exact, Param, Positive
from sim.result import FaultRows
from tenants.model import Record


class Faults(Record):
    """Hardware hazard and repair. Keep hardware (2.3-6.5) and all-cause (21-24) rates apart: never mix them."""

    rate_per_1000_node_days: Param[Exact] = Param(
        value=Decimal("3.79"),
        unit="1/1000 node-days",
        source="419 unexpected stops in 54 days on 2,048 nodes, Llama 3 paper",
        confidence="derived",
    )
    repair_s: Param[Positive] = Param(value=43_200, unit="s", source="no public figure", confidence="guess")


def draw_faults(faults: Faults | None, pools: Sequence[tuple[str, int]], seed: int, horizon_s: int) -> FaultRows:
    """Draw all faults that begin before `horizon_s`.

    Args:
        faults:    None: nothing ever fails.
        pools:     (name, nodes) of each pool in the scenario's order; the name keys the pool's streams.
        seed:      the run's seed.
        horizon_s: end of the run; a repair may end after it.

    Returns:
        Rows sorted by (down_s, node); `node` counts over all pools. On one node, the next time to failure starts when
        the repair ends and is at least 1 s, so that its intervals never overlap or touch.

    Each node has its own stream: a larger pool or a longer run only adds faults. Cost: O(nodes + faults).
    """
    node: list[int] = []
    down: list[int] = []
    first = 0
    for name, count in pools:
        for index in range(count):
            times = _node_faults(faults, name, index, seed, horizon_s) if faults else []
            down += times
            node += [first + index] * len(times)
        first += count
    repair_s = faults.repair_s.value if faults else 0
    node_of, down_s = np.array(node, dtype=np.int64), np.array(down, dtype=np.int64)
    order = np.lexsort((node_of, down_s))
    return FaultRows(node=node_of[order], down_s=down_s[order], up_s=down_s[order] + repair_s)


def _node_faults(faults: Faults, pool: str, index: int, seed: int, horizon_s: int) -> list[int]:
    """Times at which one node goes down: exponential gaps, floored to seconds, counted from the last repair."""
    rate = faults.rate_per_1000_node_days.value
    if not rate:
        return []
    rng = stream(seed, f"faults/{pool}", index)
    mean_gap_s = float(1000 * DAY_S / rate)
    times: list[int] = []
    at_s = max(int(rng.exponential(mean_gap_s)), 1)
    while at_s < horizon_s:
        times.append(at_s)
        at_s += faults.repair_s.value + max(int(rng.exponential(mean_gap_s)), 1)
    return times
