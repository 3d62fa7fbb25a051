"""Budgets: when what a month comes to has reached parts of a sum at which a tenant wants to be told.

A budget watches what the draft of a month comes to: with contracts, credits and tax, after wallets; what is to be paid.
It watches months that were not over when it was made. Each threshold is told once a month, also if a credit takes the
sum below it again.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from billing.money import BP
from billing.months import month_bounds, parse_month


class Budget(NamedTuple):
    """A sum of `limit_micro` for each month, and the parts of it to be told at. Made at Unix second `created_s`."""

    tenant: str
    id: str
    name: str
    limit_micro: int
    currency: str
    thresholds_bp: tuple[int, ...]
    created_s: int


class Spent(NamedTuple):
    """What a tenant's month ("2026-11") comes to so far, micro-units."""

    tenant: str
    period: str
    currency: str
    amount_micro: int


class Reached(NamedTuple):
    """A threshold of a budget that a month has reached."""

    tenant: str
    budget: str
    period: str
    threshold_bp: int
    amount_micro: int


def alerts_due(
    budgets: Iterable[Budget], spent: Collection[Spent], told: Collection[tuple[str, str, str, int]]
) -> list[Reached]:
    """Return what is to be told now, in order of (tenant, budget, month, threshold).

    Args:
        told: (tenant, budget, period, threshold_bp) of what was told already.

    Cost: O(budgets x months of their tenants).
    """
    of_tenant: dict[str, list[Spent]] = {}
    for each in spent:
        of_tenant.setdefault(each.tenant, []).append(each)
    return sorted(
        Reached(budget.tenant, budget.id, each.period, threshold_bp, each.amount_micro)
        for budget in budgets
        for each in of_tenant.get(budget.tenant, ())
        if each.currency == budget.currency and month_bounds(0, parse_month(each.period))[1] > budget.created_s
        for threshold_bp in budget.thresholds_bp
        if each.amount_micro * BP >= budget.limit_micro * threshold_bp
        if (budget.tenant, budget.id, each.period, threshold_bp) not in told
    )
