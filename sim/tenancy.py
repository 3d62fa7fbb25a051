"""Quotas, budgets and guarantees of a scenario as rows for the core, and whether they fit its cluster."""

from typing import TYPE_CHECKING

import numpy as np

from billing.months import month_bounds, month_numbers
from scheduler.errors import TableError
from scheduler.tables import PoolRow
from scheduler.tenancy import (
    NO_LIMIT,
    BudgetRow,
    CohortRow,
    QuotaRow,
    Tenancy,
    refuse_impossible_tenancy,
)
from sim.draw import DAY_S, HOUR_S
from sim.errors import ScenarioError
from sim.scenario_check import pool_index

if TYPE_CHECKING:
    from sim.scenario import Scenario


def tenancy_rows(scenario: "Scenario") -> Tenancy:
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
    tenancy = Tenancy(cohorts, quotas, budgets, (), months_s(scenario) if budgets else (), scenario.policy.fair_reclaim)
    if not (quotas or budgets):
        return Tenancy()
    try:
        refuse_impossible_tenancy(tenancy, tuple(PoolRow(pool.rows, pool.row_gpus, 0) for pool in scenario.pool))
    except TableError as error:
        raise ScenarioError(
            error.message, code="impossible_size", path=error.path, found=error.found, allowed=error.allowed
        ) from None
    return tenancy


def months_s(scenario: "Scenario") -> tuple[int, ...]:
    """Return when the calendar months of a run begin, in seconds since its epoch; the first one is the one it starts
    in, and so at most 0."""
    ends = np.array([0, scenario.days * DAY_S], dtype=np.int64)
    first, last = month_numbers(scenario.epoch_s, ends).tolist()
    return tuple(month_bounds(scenario.epoch_s, month)[0] for month in range(first, last + 1))


def _or_none(number: int | None, times: int = 1) -> int:
    return NO_LIMIT if number is None else number * times
