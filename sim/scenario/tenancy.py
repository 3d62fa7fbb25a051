"""Quotas, budgets and guarantees of a scenario as rows for the core, and whether they fit its cluster."""

from collections.abc import Iterator

import numpy as np

from billing.months import month_bounds, month_numbers
from scheduler.errors import TableError
from scheduler.quotas.cells import CellTree
from scheduler.quotas.guarantee import guarantees_of
from scheduler.quotas.rows import (
    NO_LIMIT,
    BudgetRow,
    CohortRow,
    GuaranteeRow,
    QuotaRow,
    Tenancy,
    refuse_impossible_tenancy,
)
from scheduler.tables import PoolRow
from sim.errors import ScenarioError
from sim.scenario.check import contract_peak_nodes, pool_index
from sim.scenario.model import Scenario
from sim.workload.draw import DAY_S, HOUR_S
from tenants.errors import did_you_mean


def tenancy_rows(scenario: Scenario) -> Tenancy:
    """Return what the core must know of quotas, cohorts, budgets and guarantees; empty where there are none.

    Raises ScenarioError, naming the key path: a pool that does not exist or is not named clearly, or promises above its
    capacity. Cost: O(rows).
    """
    registry = scenario.registry
    cohort_row = {cohort.id: row for row, cohort in enumerate(registry.cohorts)}
    cohorts = tuple(
        CohortRow(-1 if cohort.parent is None else cohort_row[cohort.parent], cohort.weight)
        for cohort in registry.cohorts
    )
    quotas = tuple(
        QuotaRow(
            tenant=-1 if quota.tenant is None else registry.tenant_index(quota.tenant),
            cohort=-1 if quota.cohort is None else cohort_row[quota.cohort],
            pool=pool_index(scenario, quota.region, quota.sku, f"quota[{row}]"),
            nominal_gpus=quota.nominal_gpus,
            borrowing_limit_gpus=_or_none(quota.borrowing_limit_gpus),
            lending_limit_gpus=_or_none(quota.lending_limit_gpus),
            weight=quota.weight,
        )
        for row, quota in enumerate(registry.quotas)
    )
    budgets = tuple(
        BudgetRow(
            registry.tenant_index(budget.tenant),
            min(_or_none(budget.soft_gpu_hours, HOUR_S), _or_none(budget.hard_gpu_hours, HOUR_S)),
            _or_none(budget.hard_gpu_hours, HOUR_S),
        )
        for budget in registry.budgets
    )
    guarantees = tuple(_guarantees(scenario))
    if not (quotas or budgets or guarantees):
        return Tenancy()
    months = months_s(scenario) if budgets else ()
    tenancy = Tenancy(cohorts, quotas, budgets, guarantees, months, scenario.policy.fair_reclaim)
    pools = tuple(
        PoolRow(pool.rows, pool.row_gpus, 0, scenario.domains[index].sizes if guarantees else ())
        for index, pool in enumerate(scenario.pool)
    )
    try:
        refuse_impossible_tenancy(tenancy, pools)
        guarantees_of(tenancy, pools)
    except TableError as error:
        raise ScenarioError(
            error.message, code="impossible_size", path=error.path, found=error.found, allowed=error.allowed
        ) from None
    return tenancy


def _guarantees(scenario: Scenario) -> Iterator[GuaranteeRow]:
    """Yield a row for each level of each guarantee, the largest cells first. Raises ScenarioError, as above."""
    promised = [contract_peak_nodes(scenario, pool) for pool in range(len(scenario.pool))]
    for row, guarantee in enumerate(scenario.registry.guarantees):
        path = f"guarantee[{row}]"
        index = pool_index(scenario, guarantee.region, guarantee.sku, path)
        pool = scenario.pool[index]
        domains = scenario.domains[index]
        tree = CellTree(pool.rows, pool.row_gpus, domains.sizes)
        levels = level_names(tree, domains.names, "slice" if pool.slices else "node")
        for name, cells in sorted(guarantee.cells.items(), key=lambda each: -levels.get(each[0], 0)):
            if name not in levels:
                message = f"unknown level{did_you_mean(name, tuple(levels))}"
                raise ScenarioError(
                    message, code="unknown_name", path=f"{path}.cells", found=repr(name), allowed=tuple(levels)
                )
            promised[index] += -(-cells * min(tree.size_gpus[levels[name]]) // pool.row_gpus)
            if promised[index] > pool.rows:
                message = f"guarantees and contracts of one time promise more than pool[{index}] has"
                allowed = f"at most {pool.rows} nodes"
                raise ScenarioError(
                    message, code="impossible_size", path=f"{path}.cells.{name}", found=cells, allowed=allowed
                )
            yield GuaranteeRow(scenario.registry.tenant_index(guarantee.tenant), index, levels[name], cells)


def level_names(tree: CellTree, domains: tuple[str, ...], row: str) -> dict[str, int]:
    """Return the names of a pool's levels of cells, lowest first: `gpu`, `gpu_2`, `gpu_4` ..., `row`, its domains."""
    inside = [f"gpu_{line[0]}" if line[0] > 1 else "gpu" for line in tree.size_gpus[: tree.node_level]]
    return {name: level for level, name in enumerate([*inside, row, *domains])}


def months_s(scenario: Scenario) -> tuple[int, ...]:
    """Return when the calendar months of a run begin, in seconds since its epoch; the first one is the one it starts
    in, and so at most 0."""
    ends = np.array([0, scenario.days * DAY_S], dtype=np.int64)
    first, last = month_numbers(scenario.epoch_s, ends).tolist()
    return tuple(month_bounds(scenario.epoch_s, month)[0] for month in range(first, last + 1))


def _or_none(number: int | None, times: int = 1) -> int:
    return NO_LIMIT if number is None else number * times
