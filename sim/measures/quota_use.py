"""What tenants made of their quotas and budgets in a run: used, borrowed, lent; budgets by month. Exact, from segments.

What a tenant's internal work held counts as used, guaranteed cells included. *Borrowed* is what it held above its
nominal. *Lent* is its unused nominal while others of its cohort's tree held more than theirs, beyond what the cohorts
have of their own: shared among the lenders in proportion to what each could lend at that second, rounded down.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from billing.money import exact_sum, product
from billing.months import month_label, month_numbers
from billing.usage import IntArray
from scheduler.quotas.quota import Quotas
from scheduler.quotas.rows import NO_LIMIT, QuotaRow
from sim.result import Finding, RunResult
from sim.workload.draw import HOUR_S
from tenants.band import Band

_INTERNAL = (Band.INTERNAL_CRITICAL, Band.INTERNAL)


def quota_use(result: RunResult) -> dict[str, Any]:
    """Return {"quota": {"tenants": [...], "budgets": [...]}}, a row for each tenant and pool with a quota and for each
    budget and month; empty for a run without either. Cost: O(segments log segments x tenants)."""
    if not result.world.tenancy.quotas and not result.world.tenancy.budgets:
        return {}
    rows = [row for pool in range(len(result.world.pools)) for row in _pool_rows(result, pool)]
    return {"quota": {"tenants": rows, "budgets": _budget_rows(result)}}


def budget_findings(result: RunResult) -> list[Finding]:
    """Return a warning for each budget and month in which a stop was reached."""
    found = []
    for row in _budget_rows(result):
        for stop in ("hard", "soft"):
            if row[f"{stop}_gpu_s"] is not None and row["used_gpu_s"] >= row[f"{stop}_gpu_s"]:
                used = f"{row['used_gpu_s'] // HOUR_S} of {row[f'{stop}_gpu_s'] // HOUR_S} GPU-hours in {row['month']}"
                found.append(Finding(f"budget of {row['tenant']}", f"{stop} stop reached: {used}", 1))
                break
    return found


def _pool_rows(result: RunResult, pool: int) -> list[dict[str, Any]]:
    world = result.world
    quotas = [row for row in world.tenancy.quotas if row.pool == pool and row.tenant >= 0]
    edges, held = _held(result, pool, [row.tenant for row in quotas])
    seconds = np.diff(edges)
    nominal = np.array([row.nominal_gpus for row in quotas], dtype=np.int64).reshape(-1, 1)
    borrowed = np.maximum(held - nominal, 0)
    lent = _lent(result, pool, quotas, held, borrowed)
    return [
        {
            "tenant": world.names.tenants[row.tenant],
            "region": world.names.regions[world.pool_region[pool]],
            "sku": world.names.skus[world.pool_sku[pool]],
            "nominal_gpus": row.nominal_gpus,
            "used_gpus_max": int(held[number].max(initial=0)),
            "used_gpu_s": exact_sum(product(held[number], seconds)),
            "borrowed_gpu_s": exact_sum(product(borrowed[number], seconds)),
            "lent_gpu_s": exact_sum(product(lent[number], seconds)),
        }
        for number, row in enumerate(quotas)
    ]


def _held(result: RunResult, pool: int, tenants: list[int]) -> tuple[IntArray, IntArray]:
    """Return (times at which it may change, GPUs that each tenant's internal work held from each to the next)."""
    segments = result.segments
    mine = _internal(result) & (result.world.jobs.pool[segments.job] == pool)
    start_s, end_s = segments.start_s[mine], segments.end_s[mine]
    edges = np.unique(np.concatenate([np.array([0, result.horizon_s], dtype=np.int64), start_s, end_s]))
    held = np.zeros((len(tenants), len(edges)), dtype=np.int64)
    for number, tenant in enumerate(tenants):
        own = segments.tenant[mine] == tenant
        gpus = segments.gpus[mine][own]
        np.add.at(held[number], np.searchsorted(edges, start_s[own]), gpus)
        np.subtract.at(held[number], np.searchsorted(edges, end_s[own]), gpus)
    return edges, np.cumsum(held, axis=1)[:, :-1]


def _lent(result: RunResult, pool: int, quotas: list[QuotaRow], held: IntArray, borrowed: IntArray) -> IntArray:
    tenancy = result.world.tenancy
    tree = Quotas(tenancy, len(result.world.pools))
    roots = [tree.root(tree.leaf[row.tenant]) for row in quotas]
    lent = np.zeros_like(held)
    for root in set(roots):
        members = [number for number, each in enumerate(roots) if each == root]
        own = sum(
            row.nominal_gpus
            for row in tenancy.quotas
            if row.pool == pool and row.tenant < 0 and tree.root(row.cohort) == root
        )
        wanted = np.maximum(borrowed[members].sum(axis=0) - own, 0)
        spare = np.stack(
            [
                np.minimum(np.maximum(quotas[number].nominal_gpus - held[number], 0), quotas[number].lending_limit_gpus)
                for number in members
            ]
        )
        together = spare.sum(axis=0)
        lent[members] = np.minimum(wanted, together) * spare // np.maximum(together, 1)
    return lent


def _budget_rows(result: RunResult) -> list[dict[str, Any]]:
    world, segments = result.world, result.segments
    months_s = (*(at_s for at_s in world.tenancy.months_s if at_s < result.horizon_s), result.horizon_s)
    found = []
    for budget in world.tenancy.budgets:
        mine = _internal(result) & (segments.tenant == budget.tenant)
        gpus, start_s, end_s = segments.gpus[mine], segments.start_s[mine], segments.end_s[mine]
        soft_s, hard_s = (None if stop >= NO_LIMIT else stop for stop in (budget.soft_gpu_s, budget.hard_gpu_s))
        for from_s, until_s in pairwise(months_s):
            inside_s = np.maximum(np.minimum(end_s, until_s) - np.maximum(start_s, from_s), 0)
            month = int(month_numbers(world.names.epoch_s, np.array([max(from_s, 0)], dtype=np.int64))[0])
            found.append(
                {
                    "tenant": world.names.tenants[budget.tenant],
                    "month": month_label(month),
                    "used_gpu_s": exact_sum(product(gpus, inside_s)),
                    "soft_gpu_s": soft_s,
                    "hard_gpu_s": hard_s,
                }
            )
    return found


def _internal(result: RunResult) -> NDArray[np.bool_]:
    bands = np.array([row.band for row in result.world.products], dtype=np.int64)
    inside: NDArray[np.bool_] = np.isin(bands, _INTERNAL)[result.segments.product]
    return inside
