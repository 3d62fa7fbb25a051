"""What tenants were promised and allowed, as rows of ints: cohorts, quotas, budgets, guarantees.

`tenants.quota` reads these from TOML; `scheduler.quotas.quota`, `scheduler.quotas.budget` and `scheduler.quotas.cells`
work on them.
"""

from typing import NamedTuple

from scheduler.errors import TableError
from scheduler.events import NEVER
from scheduler.tables import PoolRow

NO_LIMIT = NEVER  # of a borrowing or lending limit that was not given


class CohortRow(NamedTuple):
    """A group of tenants and cohorts that may use each other's unused quota. `parent`: row of a cohort, -1: none."""

    parent: int
    weight: int  # of its share among its siblings; 0: always the first to give back


class QuotaRow(NamedTuple):
    """GPUs of one pool that are a tenant's own (`tenant` -1: the cohort's own, for all in it).

    `cohort` is the row of the cohort in which the tenant borrows and lends, -1: in none. It and `weight` are the same
    in all rows of a tenant.
    """

    tenant: int
    cohort: int
    pool: int
    nominal_gpus: int
    borrowing_limit_gpus: int  # at most this much above nominal; NO_LIMIT: whatever the cohort has
    lending_limit_gpus: int  # at most this much of the unused nominal is lent; NO_LIMIT: all of it
    weight: int


class BudgetRow(NamedTuple):
    """GPU-seconds that a tenant's internal work may use in a month, over all pools. NO_LIMIT: no such stop."""

    tenant: int
    soft_gpu_s: int  # from here on its jobs are asked last
    hard_gpu_s: int  # from here on none of its jobs is granted until the next month


class GuaranteeRow(NamedTuple):
    """So many cells of a level (`scheduler.quotas.cells`) of a pool that are a tenant's whenever it asks."""

    tenant: int
    pool: int
    level: int
    cells: int


class Tenancy(NamedTuple):
    """All of it. `months_s`: the seconds at which the months of the budgets begin, ascending, the first one <= 0."""

    cohorts: tuple[CohortRow, ...] = ()
    quotas: tuple[QuotaRow, ...] = ()
    budgets: tuple[BudgetRow, ...] = ()
    guarantees: tuple[GuaranteeRow, ...] = ()
    months_s: tuple[int, ...] = ()
    fair_reclaim: bool = False  # a borrower may take from one with a larger share, by the rules of KEP-1714


NO_TENANCY = Tenancy()


def tenancy_of(rows: list[list[list[int]] | list[int] | int]) -> Tenancy:
    """Return the tenancy that JSON brought back as lists. Raises TypeError or ValueError when it is none."""
    cohorts, quotas, budgets, guarantees, months_s, fair_reclaim = rows
    return Tenancy(
        tuple(CohortRow(*row) for row in cohorts),  # type: ignore[union-attr, misc]
        tuple(QuotaRow(*row) for row in quotas),  # type: ignore[union-attr, misc]
        tuple(BudgetRow(*row) for row in budgets),  # type: ignore[union-attr, misc]
        tuple(GuaranteeRow(*row) for row in guarantees),  # type: ignore[union-attr, misc]
        tuple(months_s),  # type: ignore[arg-type]
        bool(fair_reclaim),
    )


def refuse_impossible_tenancy(tenancy: Tenancy, pools: tuple[PoolRow, ...]) -> None:
    """Raise TableError, naming the row, for cycles, unknown rows, limits below zero, and promises above capacity."""
    cohort_count = len(tenancy.cohorts)
    for row, cohort in enumerate(tenancy.cohorts):
        path = f"cohort[{row}]"
        if not -1 <= cohort.parent < cohort_count or cohort.weight < 0:
            raise TableError("impossible cohort", path=path, found=cohort, allowed="a cohort's row, weight >= 0")
        if row in ancestors(tenancy.cohorts, cohort.parent):
            raise TableError("a cohort is its own ancestor", path=f"{path}.parent", found=cohort.parent)
    nominal_gpus = [0] * len(pools)
    for row, quota in enumerate(tenancy.quotas):
        path = f"quota[{row}]"
        if not 0 <= quota.pool < len(pools) or not -1 <= quota.cohort < cohort_count or quota.tenant < -1:
            raise TableError("impossible quota", path=path, found=quota, allowed="rows of a pool and of a cohort")
        if quota.tenant == quota.cohort == -1:
            raise TableError("a quota of nobody", path=path, found=quota, allowed="a tenant, a cohort, or both")
        if min(quota.nominal_gpus, quota.borrowing_limit_gpus, quota.lending_limit_gpus, quota.weight) < 0:
            raise TableError("below zero", path=path, found=quota, allowed="at least 0")
        nominal_gpus[quota.pool] += quota.nominal_gpus
    for index, pool in enumerate(pools):
        if nominal_gpus[index] > pool.nodes * pool.gpus_per_node:
            message = f"quotas promise more than pool[{index}] has"
            allowed = f"at most {pool.nodes * pool.gpus_per_node} GPUs"
            raise TableError(message, path="quota", found=nominal_gpus[index], allowed=allowed)
    for row, budget in enumerate(tenancy.budgets):
        if not 0 <= budget.soft_gpu_s <= budget.hard_gpu_s or not tenancy.months_s or tenancy.months_s[0] > 0:
            raise TableError("impossible budget", path=f"budget[{row}]", found=budget, allowed="0 <= soft <= hard")


def ancestors(cohorts: tuple[CohortRow, ...], row: int) -> list[int]:
    """Return `row` and the cohorts above it, each once: a cycle ends where it closes."""
    found: list[int] = []
    while row >= 0 and row not in found:
        found.append(row)
        row = cohorts[row].parent
    return found
