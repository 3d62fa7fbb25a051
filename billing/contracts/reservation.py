"""Reserved capacity by the hour: what a contract had, and whether its tenant, somebody else or nobody used it.

    used + unused + lent == delivered,   delivered + late + recalled == promised

all in GPU-seconds, exact. *Used* is what the tenant held of the contract's product in its pool, contract by contract in
order of (beginning, id); usage past all of them is no contract's. *Lent* is what renters held while the pool had fewer
idle reserved nodes than its contracts left unused; contracts of one pool share it in proportion to what each left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from billing.contracts.hours import Owed, Pool, hour_count, owed
from billing.errors import ContractError
from billing.metering.meters import GPU_S
from billing.metering.states import StateTable
from billing.money import SECONDS_PER_HOUR, product
from billing.rating.rate import LineItemTable
from billing.usage import STATES, IntArray, Names
from tenants.band import LENDABLE
from tenants.contract import Contract
from tenants.registry import Registry

_IDLE = STATES.index("idle.reserved_unused")


@dataclass(frozen=True, slots=True)
class Reservation:
    """One contract's hours, (hours,) int64 GPU-seconds each: used + unused + lent == owed.delivered."""

    contract: Contract
    tenant: int
    product: int
    pool: Pool
    owed: Owed
    used: IntArray
    unused: IntArray
    lent: IntArray


def reservations(
    names: Names,
    registry: Registry,
    node_gpus: Mapping[tuple[int, int], int],
    lines: LineItemTable,
    states: StateTable | None,
    horizon_s: int,
) -> list[Reservation]:
    """Return the hours of every contract with nodes, in the order of the registry.

    `node_gpus` are the GPUs of a node of each pool, for contracts that do not say it. Without `states`, as where usage
    was imported and nobody counted idle nodes, nothing is known to be lent.

    Raises:
        ContractError: nobody says how many GPUs a node of a contract has.

    Cost: O(line items + contracts x hours).
    """
    rows = [row for row, contract in enumerate(registry.contracts) if _has_nodes(contract)]
    keys, due = [], []
    for row in rows:
        contract = registry.contracts[row]
        pool = Pool(names.regions.index(contract.region), names.skus.index(contract.sku))
        gpus = contract.gpus_per_node or node_gpus.get(pool)
        if gpus is None:
            allowed = f"GPUs of a node of {contract.region}/{contract.sku}"
            raise ContractError("missing", code="missing_key", path=f"contract[{row}].gpus_per_node", allowed=allowed)
        keys.append((names.tenants.index(contract.tenant), names.products.index(contract.product), pool))
        due.append(owed(contract, gpus, horizon_s))
    used = _used([registry.contracts[row] for row in rows], keys, due, lines, hour_count(horizon_s))
    left = [each.delivered - mine for each, mine in zip(due, used, strict=True)]
    lent = _lent(names, registry, [pool for _, _, pool in keys], left, states, hour_count(horizon_s))
    return [
        Reservation(registry.contracts[row], tenant, product_row, pool, each, mine, rest - away, away)
        for row, (tenant, product_row, pool), each, mine, rest, away in zip(
            rows, keys, due, used, left, lent, strict=True
        )
    ]


def _has_nodes(contract: Contract) -> bool:
    return bool(contract.nodes or contract.steps)


def _used(
    contracts: Sequence[Contract],
    keys: Sequence[tuple[int, int, Pool]],
    due: Sequence[Owed],
    lines: LineItemTable,
    hours: int,
) -> list[IntArray]:
    """Deal what each (tenant, product, pool) held out to its contracts, the earliest first."""
    rest: dict[tuple[int, int, Pool], IntArray] = {}
    used = [np.zeros(hours, dtype=np.int64) for _ in contracts]
    for row in sorted(range(len(contracts)), key=lambda row: (contracts[row].from_s, contracts[row].id)):
        key = keys[row]
        if key not in rest:
            rest[key] = held(lines, hours, *key)
        used[row] = np.minimum(due[row].delivered, rest[key])
        rest[key] = rest[key] - used[row]
    return used


def held(lines: LineItemTable, hours: int, tenant: int, product_row: int, pool: Pool) -> IntArray:
    """Return the GPU-seconds that a tenant held of a product in a pool, (hours,) int64, whatever was charged for."""
    mine = (lines.tenant == tenant) & (lines.product == product_row) & (lines.meter == GPU_S)
    mine &= (lines.region == pool.region) & (lines.sku == pool.sku)
    gpu_s = np.zeros(hours, dtype=np.int64)
    np.add.at(gpu_s, lines.hour_s[mine] // SECONDS_PER_HOUR, lines.quantity[mine])
    return gpu_s


def _lent(
    names: Names,
    registry: Registry,
    pools: Sequence[Pool],
    left: Sequence[IntArray],
    states: StateTable | None,
    hours: int,
) -> list[IntArray]:
    """Return what renters held of each contract's unused nodes."""
    lent = [np.zeros(hours, dtype=np.int64) for _ in pools]
    if states is None:
        return lent
    for pool in dict.fromkeys(pools):
        rows = [row for row, each in enumerate(pools) if each == pool]
        whole = np.sum([left[row] for row in rows], axis=0, dtype=np.int64)
        idle, rented = _pool_hours(names, registry, pool, states, hours)
        away = np.minimum(np.maximum(whole - idle, 0), rented)
        # Shares by differences of floors: whole numbers that add up, none above what its contract left.
        before = dealt = np.zeros(hours, dtype=np.int64)
        for row in rows:
            before = before + left[row]
            until_here = product(away, before) // np.maximum(whole, 1)
            lent[row] = (until_here - dealt).astype(np.int64)
            dealt = until_here
    return lent


def _pool_hours(
    names: Names, registry: Registry, pool: Pool, states: StateTable, hours: int
) -> tuple[IntArray, IntArray]:
    """Return (idle and reserved, held by renters) GPU-seconds of a pool in each hour."""
    bands = [registry.products[registry.product_index(code)].band for code in names.products]
    rented = [len(STATES) + row for row, band in enumerate(bands) if band in LENDABLE]
    here = (states.region == pool.region) & (states.sku == pool.sku)
    found = []
    for wanted in ([_IDLE], rented):
        rows = here & np.isin(states.state, wanted)
        gpu_s = np.zeros(hours, dtype=np.int64)
        np.add.at(gpu_s, states.hour_s[rows] // SECONDS_PER_HOUR, states.gpu_s[rows])
        found.append(gpu_s)
    return found[0], found[1]
