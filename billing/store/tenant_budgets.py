"""Budgets of a tenant, and the alerts that came of them, through the views of the wall."""

from typing import Any, NamedTuple

from sqlalchemy import insert, select, update

from billing.store.door import Bound
from billing.store.pages import Key, page
from billing.store.walls.views import view

_BUDGET, _ALERT = view("budget"), view("alert")


class BudgetRow(NamedTuple):
    """A budget as its tenant reads it; Unix seconds."""

    id: str
    name: str
    limit_micro: int
    currency: str
    thresholds_bp: tuple[int, ...]
    created_s: int
    disabled_s: int | None


class AlertRow(NamedTuple):
    """A threshold that a month ("2026-11") has reached, when it was found, Unix seconds."""

    budget: str
    period: str
    threshold_bp: int
    amount_micro: int
    currency: str
    reached_s: int


def budgets_of(bound: Bound, tenant: str, after: Key | None, limit: int) -> list[BudgetRow]:
    """Return a page of a tenant's budgets by id, those that are disabled too."""
    wanted = page(_BUDGET, BudgetRow._fields, ("id",), after, limit).where(_BUDGET.c.tenant == tenant)
    return [BudgetRow._make(with_thresholds(row)) for row in bound.connection.execute(wanted)]


def add_budget(bound: Bound, tenant: str, made: BudgetRow) -> None:
    """Keep a budget."""
    words = {"tenant": tenant, "thresholds_bp": ",".join(map(str, made.thresholds_bp))}
    bound.connection.execute(insert(_BUDGET), made._asdict() | words)


def disable_budget(bound: Bound, tenant: str, id_: str, now_s: int) -> bool:
    """Disable a budget; False if the tenant has none of that id that is not disabled."""
    mine = (_BUDGET.c.tenant == tenant) & (_BUDGET.c.id == id_) & _BUDGET.c.disabled_s.is_(None)
    # Asked first: rows that are changed through a view of the wall are not counted.
    if bound.connection.execute(select(_BUDGET.c.id).where(mine)).first() is None:
        return False
    bound.connection.execute(update(_BUDGET).where(mine).values(disabled_s=now_s))
    return True


def alerts_of(bound: Bound, tenant: str) -> list[AlertRow]:
    """Return a tenant's alerts, those of disabled budgets too."""
    same = (_ALERT.c.tenant == _BUDGET.c.tenant) & (_ALERT.c.budget == _BUDGET.c.id)
    columns = [_BUDGET.c[name] if name == "currency" else _ALERT.c[name] for name in AlertRow._fields]
    wanted = select(*columns).select_from(_ALERT.join(_BUDGET, same)).where(_ALERT.c.tenant == tenant)
    return [AlertRow._make(row) for row in bound.connection.execute(wanted)]


def with_thresholds(row: Any) -> tuple[Any, ...]:
    """Return the values of a row with its thresholds as numbers."""
    told = row._asdict()
    return tuple((told | {"thresholds_bp": tuple(map(int, told["thresholds_bp"].split(",")))}).values())
