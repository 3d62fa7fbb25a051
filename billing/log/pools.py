"""Which GPUs the check of capacity counts where a source is live, or a desk rents out others in the same log.

Sources that say what is installed are checked against it, up to where they told everything. The desk's GPUs are in
pools of its own, also where region and SKU are the same: nobody says how many are installed, and what it tells of them
is left out on both sides.
"""

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from billing.finding import Finding
from billing.log.allocations import Told
from billing.log.facts import Facts, Pools, index_of, table_of
from billing.log.watermark import OF_DESK, Watermark
from billing.metering.meter import meter
from billing.metering.states import StateTable, all_states
from billing.money import SECONDS_PER_HOUR
from billing.reconcile import check_capacity
from billing.usage import STATES, CapacityTable, Names, SegmentTable


def pools_in_part(
    installed: Sequence[Told], capacity: Sequence[Told], mark: Watermark, names: Names, cut_s: int
) -> Pools | None:
    """Return what is checked of a log that goes on or in which a desk rents; None: all of it, or nothing is installed.

    Args:
        cut_s: Unix seconds at which open allocations are cut. Of a source that is live, the hour of it is open.
    """
    ends = {each.source: each for each in mark.sources}
    if not installed or (mark.finished and OF_DESK not in ends):
        return None
    until_s = cut_s - (cut_s - names.epoch_s) % SECONDS_PER_HOUR
    sources = [ends[event.source] for event, _ in installed if event.source in ends]
    if all(each.ended for each in sources):
        last_s = max(each.until_s for each in sources)
        until_s = last_s if last_s <= cut_s else until_s
    region, sku = index_of(names.regions), index_of(names.skus)
    rows = [
        (data["hour_s"] - names.epoch_s, region[data["region"]], sku[data["sku"]], STATES.index(data["state"]), gpu_s)
        for event, data in capacity
        if event.source != OF_DESK and (gpu_s := data["gpu_s"])
    ]
    return Pools(max(0, until_s - names.epoch_s), table_of(CapacityTable, sorted(rows)))


def check_pools(facts: Facts, pools: Pools) -> list[Finding]:
    """Return where the GPUs that are installed do not add up. Raises UsageError as `meter`."""
    theirs = np.array([refs[0].source != OF_DESK for refs in facts.events], dtype=np.bool_)
    segments = SegmentTable(*(getattr(facts.segments, each.name)[theirs] for each in fields(SegmentTable)))
    every = all_states(facts.names, meter(segments), pools.capacity)
    known = (every.hour_s < pools.until_s) & (every.hour_s % SECONDS_PER_HOUR == 0)
    columns = (getattr(every, each.name)[known] for each in fields(StateTable)[1:])
    return list(check_capacity(facts.names, StateTable(every.state_names, *columns), facts.installed, pools.until_s))
