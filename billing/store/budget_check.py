"""The check of all budgets, as the worker: what has been reached is written down and told."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, insert, select

from billing.currency import currency_of
from billing.money import money_json, parse_usd
from billing.settling.budgets import Budget, Reached, Spent, alerts_due
from billing.store.door import Bound, Door
from billing.store.notices import notify
from billing.store.tables_rentals import alert, budget
from billing.store.tables_settled import month_paper
from billing.store.tenant_budgets import with_thresholds
from tenants.access.scope import Scope


class BudgetCheck:
    """The check of all budgets: `check` tells what has been reached since, and does next to nothing in between.

    Args:
        scope: of the worker.
    """

    def __init__(self, door: Door, scope: Scope, now_s: Callable[[], int]) -> None:
        self._door, self._scope, self._now_s = door, scope, now_s
        self._before: object = None

    def check(self) -> int:
        """Write and tell what has been reached, each threshold once a month; how many. Raises Forbidden, StoreError."""
        with self._door.working(self._scope, write=False) as bound:
            budgets = _live_budgets(bound)
            drafts = bound.connection.execute(_drafts_of(budgets, "hash")).all() if budgets else []
        if (now := (budgets, drafts)) == self._before:
            return 0
        with self._door.working(self._scope) as bound:
            due = _due(bound)
            codes = {(each.tenant, each.id): each.currency for each in _live_budgets(bound)} if due else {}
            for each in due:
                _tell(bound, each, codes[each.tenant, each.budget], self._now_s())
        self._before = now
        return len(due)


def _due(bound: Bound) -> list[Reached]:
    budgets = _live_budgets(bound)
    if not budgets:
        return []
    spent = [_spent(*row) for row in bound.connection.execute(_drafts_of(budgets, "body"))]
    columns = alert.c
    told = bound.connection.execute(select(columns.tenant, columns.budget, columns.period, columns.threshold_bp))
    return alerts_due(budgets, spent, {tuple(row) for row in told})


def _live_budgets(bound: Bound) -> list[Budget]:
    wanted = select(*(budget.c[name] for name in Budget._fields)).where(budget.c.disabled_s.is_(None))
    rows = bound.connection.execute(wanted.order_by(budget.c.tenant, budget.c.id))
    return [Budget._make(with_thresholds(row)) for row in rows]


def _drafts_of(budgets: list[Budget], column: str) -> Select[Any]:
    """The drafts of the tenants that have budgets, of months that one of them watches."""
    columns = month_paper.c
    tenants = sorted({each.tenant for each in budgets})
    wanted = select(columns.tenant, columns.period, columns[column]).where(columns.kind == "draft")
    return wanted.where(columns.tenant.in_(tenants)).order_by(columns.tenant, columns.period)


def _spent(tenant: str, period: str, body: str) -> Spent:
    draft = json.loads(body)
    return Spent(tenant, period, draft["currency"], parse_usd(draft["total"]))


def _tell(bound: Bound, each: Reached, currency: str, now_s: int) -> None:
    bound.connection.execute(insert(alert), each._asdict() | {"reached_s": now_s})
    amount = money_json(each.amount_micro, currency, currency_of(currency).decimals)
    body = {"period": each.period, "threshold_bp": each.threshold_bp, "amount": amount}
    notify(bound, each.tenant, "budget.reached", each.budget, body, now_s)
