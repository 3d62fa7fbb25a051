"""Routes of finished runs, for operators: their headline numbers, who had to leave in them, and what they gave back."""

from typing import Annotated

from fastapi import Query

from billing.api.call import Call, Calling
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.ports import RunTold
from billing.api.problems import Problem
from billing.api.schemas.basic import Page
from billing.api.schemas.runs import (
    EvictionOut,
    HouseCredit,
    RunOut,
    RunResultOut,
    credit_out,
    eviction_out,
    figures_of,
    live_eviction_out,
    run_fields,
)
from billing.api.table import Routes
from billing.currency import DEFAULT
from billing.store.api_acts import acting
from billing.store.api_evictions import evictions_of_log

routes = Routes()
Run = Annotated[str | None, Query(min_length=1, max_length=128, description="A finished run; none: the live log.")]
OfRun = Annotated[str, Query(min_length=1, max_length=128, description="A finished run.")]


@routes.get("/v1/operator/runs", Page[RunOut])
def list_runs(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[RunOut]:
    """List the finished runs that can be looked at, oldest first."""
    after = call.after(cursor, int)
    first = 0 if after is None else int(after[0])
    found = list(enumerate(call.house.runs.runs(), 1))[first : first + limit + 1]
    rows, following = call.page(found, limit, lambda each: (each[0],))
    return Page[RunOut](items=[RunOut(**run_fields(run)) for _, run in rows], next=following)


@routes.get("/v1/operator/runs/{run}", RunResultOut)
def readrun_named(call: Calling, run: str) -> RunResultOut:
    """Read what was run, and its headline numbers."""
    told = run_named(call, run)
    return RunResultOut(**run_fields(told), figures=figures_of(call.house.runs.headline(told.id)))


@routes.get("/v1/operator/evictions", Page[EvictionOut])
def list_evictions(
    call: Calling, run: Run = None, limit: Limit = LIMIT_USUAL, cursor: Cursor = None
) -> Page[EvictionOut]:
    """List who had to leave: in a run, in order of time, with for whom and at what cost; without one as the log tells
    of late (its last 100,000 events), newest first."""
    after = call.after(cursor, int)
    if run is None:
        with acting(call.house.door, call.scope, call.policy.scope, write=False) as bound:
            live = evictions_of_log(bound, int(after[0]) if after else None, limit + 1)
        shown, following = call.page(live, limit, lambda each: (each.position,))
        return Page[EvictionOut](items=[live_eviction_out(row) for row in shown], next=following)
    first = 0 if after is None else int(after[0])
    found = list(enumerate(call.house.runs.evictions(run_named(call, run).id), 1))[first : first + limit + 1]
    rows, following = call.page(found, limit, lambda each: (each[0],))
    return Page[EvictionOut](items=[eviction_out(row, DEFAULT.code) for _, row in rows], next=following)


@routes.get("/v1/operator/credits", Page[HouseCredit])
def list_house_credits(call: Calling, run: OfRun) -> Page[HouseCredit]:
    """List what broken promises gave back in a run, by month and product, to all tenants together."""
    return Page[HouseCredit](items=[credit_out(row) for row in call.house.runs.credits(run_named(call, run).id)])


def run_named(call: Call, run: str) -> RunTold:
    """Return a finished run by its id. Raises Problem: there is none."""
    found = next((each for each in call.house.runs.runs() if each.id == run), None)
    if found is None:
        raise Problem("not_found")
    return found
