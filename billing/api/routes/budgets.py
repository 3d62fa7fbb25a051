"""Routes of budgets: what a month may come to, and when parts of that were reached."""

from billing.api.call import Calling, Done, Told
from billing.api.ids import IdOfPath, new_id
from billing.api.moments import Month
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem
from billing.api.room import require_room
from billing.api.schemas.basic import Empty, Page
from billing.api.schemas.budgets import (
    BP_PER_PERCENT,
    AlertOut,
    BudgetOut,
    NewBudget,
    agreed_out,
    alert_out,
    budget_out,
)
from billing.api.sums import micro_of
from billing.api.table import Routes
from billing.store import tenant_budgets as store
from billing.store.door import Bound
from billing.store.tenant_usage import papers_of

routes = Routes()


@routes.get("/v1/budgets", Page[BudgetOut])
def list_budgets(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[BudgetOut]:
    """List the tenant's budgets."""
    after = call.after(cursor, str)
    with call.reading() as bound:
        found = store.budgets_of(bound, call.tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.id,))
    return Page[BudgetOut](items=[budget_out(row) for row in rows], next=following)


@routes.post("/v1/budgets", BudgetOut, status=201)
def create_budget(call: Calling, body: NewBudget) -> BudgetOut:
    """Be told when a month has come to parts of a sum: in the list of alerts, and as `budget.reached`."""
    limit_micro = micro_of(body.limit, "body.limit")
    thresholds_bp = tuple(sorted(percent * BP_PER_PERCENT for percent in body.thresholds_percent))

    def work(bound: Bound) -> Done:
        require_room(bound, call.tenant, "budget", call.now_s)
        id_ = new_id(call, "bud")
        made = store.BudgetRow(id_, body.name, limit_micro, body.limit.currency, thresholds_bp, call.now_s, None)
        store.add_budget(bound, call.tenant, made)
        told = {"name": made.name, "limit": body.limit.amount, "thresholds_bp": list(thresholds_bp)}
        return Done(budget_out(made), Told(made.id, told))

    made: BudgetOut = call.change(work)
    return made


@routes.delete("/v1/budgets/{id}", Empty)
def disable_budget(call: Calling, id: IdOfPath) -> Empty:
    """Watch no longer. What was reached stays in the list of alerts."""

    def work(bound: Bound) -> Done:
        if not store.disable_budget(bound, call.tenant, id, call.now_s):
            raise Problem("not_found")
        return Done(Empty(), Told(id))

    done: Empty = call.change(work)
    return done


@routes.get("/v1/alerts", Page[AlertOut])
def list_alerts(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[AlertOut]:
    """List which parts of budgets were reached, and of the sums that were agreed with the house, oldest first."""
    after = call.after(cursor, str, str, str, str, str)
    with call.reading() as bound:
        found = [alert_out(row) for row in store.alerts_of(bound, call.tenant) if period in (None, row.period)]
        papers = papers_of(bound, call.tenant, "spend", period)
        found += [agreed_out(month, alert) for month, paper in papers for alert in paper]
    ordered = sorted((row for row in found if after is None or _key(row) > after), key=_key)
    rows, following = call.page(ordered[: limit + 1], limit, _key)
    return Page[AlertOut](items=list(rows), next=following)


def _key(row: AlertOut) -> tuple[str, ...]:
    """An order in which no two alerts are alike; thresholds of one time stand as text, all of one length."""
    return row.time, row.budget, row.period, row.kind, row.threshold_percent.rjust(8)
