"""Where every GPU-second of the installed capacity was: held by a product, or in one of the free states."""

from dataclasses import dataclass

import numpy as np

from billing.columns import group_rows
from billing.metering.meter import UsageTable
from billing.usage import STATES, CapacityTable, IntArray, Names

HELD = "held."  # and the product's code


@dataclass(frozen=True, slots=True)
class StateTable:
    """GPU-seconds by state: int64 columns sorted by (hour_s, region, sku, state), each key once, gpu_s != 0.

    `state` is an index into `state_names`: the free states, then "held." and its code for each product. Per hour,
    region and SKU the states add up to the installed capacity; `billing.reconcile` says where they do not.
    """

    state_names: tuple[str, ...]
    hour_s: IntArray
    region: IntArray
    sku: IntArray
    state: IntArray
    gpu_s: IntArray

    def __len__(self) -> int:
        return len(self.gpu_s)


def all_states(names: Names, usage: UsageTable, capacity: CapacityTable) -> StateTable:
    """Return the hourly states: what usage says was held, and what the capacity table counted as free."""
    usage = usage.held()
    hour_s = np.concatenate((usage.hour_s, capacity.hour_s))
    region = np.concatenate((usage.region, capacity.region))
    sku = np.concatenate((usage.sku, capacity.sku))
    state = np.concatenate((usage.product + len(STATES), capacity.state))
    gpu_s = np.concatenate((usage.quantity, capacity.gpu_s))
    order, first = group_rows(hour_s, region, sku, state)
    total = np.add.reduceat(gpu_s[order], first) if len(first) else gpu_s
    row = order[first][total != 0]
    held = (f"{HELD}{product}" for product in names.products)
    return StateTable((*STATES, *held), hour_s[row], region[row], sku[row], state[row], total[total != 0])
