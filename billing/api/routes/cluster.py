"""Routes of the cluster, for operators: live, as settled and as its scheduler last told, or of a finished run.

What they tell are sums and who holds what. What a tenant pays is not in them: that is read under break-glass alone.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import Query

from billing.api.call import Calling
from billing.api.house_sums import (
    amount_of,
    capacity_buckets,
    free_in,
    is_rented,
    product_revenue,
    revenue_buckets,
    states_of,
)
from billing.api.moments import DAY_S, moment_of
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.ports import RunTold
from billing.api.problems import Problem, invalid
from billing.api.schemas.basic import Page, maybe_moment, moment
from billing.api.schemas.cluster import (
    CapacityOut,
    DelayOut,
    EvictionOut,
    HouseCredit,
    NodesOut,
    QueueOut,
    RevenueOut,
    RunOut,
    RunResultOut,
    SourceOut,
    SourcesOut,
    credit_out,
    eviction_out,
    figures_of,
    run_fields,
)
from billing.api.schemas.snapshots import NewSnapshot
from billing.api.schemas.usage import rounded
from billing.api.table import Routes
from billing.currency import DEFAULT
from billing.metering.local_months import zone_of
from billing.money import SECONDS_PER_HOUR
from billing.settling.buckets import bounds
from billing.settling.holders import usual_bands
from billing.settling.settle import CapacityHour, HouseHour
from billing.store import api_cluster as store

routes = Routes()
BUCKETS_MAX = 1_000
_HOURLY_UNTIL_S = 14 * DAY_S
_UTC = zone_of("UTC")
Row = TypeVar("Row", CapacityHour, HouseHour)

Run = Annotated[str | None, Query(min_length=1, max_length=128, description="A finished run; none: the live cluster.")]
OfRun = Annotated[str, Query(min_length=1, max_length=128, description="A finished run.")]
Source = Annotated[
    str | None, Query(min_length=1, max_length=255, description="A live cluster; none: the one last told of.")
]
At = Annotated[str | None, Query(max_length=40, description="RFC 3339, within the run; none: its last second.")]
From = Annotated[
    str | None, Query(alias="from", max_length=40, description="RFC 3339; none: the first hour that is known.")
]
Until = Annotated[
    str | None, Query(max_length=40, description="RFC 3339; none: the end of the last hour that is closed.")
]
Bucket = Annotated[
    Literal["hour", "day", "week", "month"] | None,
    Query(description="Length of a bucket; none: hours for two weeks or less, else days."),
]


@routes.get("/v1/operator/runs", Page[RunOut])
def list_runs(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[RunOut]:
    """List the finished runs that can be looked at, oldest first."""
    after = call.after(cursor, int)
    first = 0 if after is None else int(after[0])
    found = list(enumerate(call.house.runs.runs(), 1))[first : first + limit + 1]
    rows, following = call.page(found, limit, lambda each: (each[0],))
    return Page[RunOut](items=[RunOut(**run_fields(run)) for _, run in rows], next=following)


@routes.get("/v1/operator/runs/{run}", RunResultOut)
def read_run(call: Calling, run: str) -> RunResultOut:
    """Read what was run, and its headline numbers."""
    told = _run(call, run)
    return RunResultOut(**run_fields(told), figures=figures_of(call.house.runs.headline(told.id)))


@routes.get("/v1/operator/clusters", SourcesOut)
def list_clusters(call: Calling) -> SourcesOut:
    """List the live clusters that are told of, and how far their logs are settled."""
    with call.reading() as bound:
        settling, seen = store.settling_now(bound), store.sources_seen(bound)
    return SourcesOut(
        settled_events=settling and settling.position,
        settled_at=maybe_moment(settling and settling.made_s),
        settling_fault=settling.error if settling else "",
        items=[
            SourceOut(source=each.source, time=moment(each.time_s), received=moment(each.received_s)) for each in seen
        ],
    )


@routes.get("/v1/operator/cluster", CapacityOut)
def read_capacity(
    call: Calling, run: Run = None, since: From = None, until: Until = None, bucket: Bucket = None
) -> CapacityOut:
    """Read who held the cluster over time. Every installed GPU-second is in one column."""
    begins, word, bands = _window(call, run, since, until, bucket)
    if run is None:
        with call.reading() as bound:
            rows = store.capacity_between(bound, begins[0], begins[-1])
    else:
        rows = _within(call.house.runs.capacity(run), begins)
    return CapacityOut(
        run=run,
        bucket=word,
        installed_gpu_s=sum(row.gpu_s for row in rows),
        states=states_of(rows, bands),
        items=capacity_buckets(rows, begins, bands),
    )


@routes.get("/v1/operator/revenue", RevenueOut)
def read_revenue(
    call: Calling, run: Run = None, since: From = None, until: Until = None, bucket: Bucket = None
) -> RevenueOut:
    """Read what the cluster brought in over time, and of a run by how much that delayed internal work."""
    begins, word, bands = _window(call, run, since, until, bucket)
    delay = None
    if run is None:
        with call.reading() as bound:
            rows = store.revenue_between(bound, begins[0], begins[-1])
    else:
        rows = _within(call.house.runs.revenue(run), begins)
        told = call.house.runs.headline(run).get("internal_delay")
        delay = told and DelayOut(**{name: told[name] for name in DelayOut.model_fields})
    code = rows[0].currency if rows else DEFAULT.code
    return RevenueOut(
        run=run,
        bucket=word,
        rented=rounded(amount_of(row for row in rows if is_rented(row.product, bands)), code),
        delay=delay,
        products=product_revenue(rows, bands, code),
        items=revenue_buckets(rows, begins, bands, code),
    )


@routes.get("/v1/operator/nodes", NodesOut)
def list_nodes(call: Calling, run: Run = None, at: At = None, source: Source = None) -> NodesOut:
    """List the nodes of a cluster at one moment: who holds each, and in how many pieces the rest is free."""
    seen = _seen(call, run, at, source)
    return NodesOut(source=seen.source, time=seen.time, pools=free_in(seen.nodes), items=seen.nodes)


@routes.get("/v1/operator/queue", QueueOut)
def list_queue(call: Calling, run: Run = None, at: At = None, source: Source = None) -> QueueOut:
    """List who waits at one moment, why, and when each is expected to start; and whose notice runs."""
    seen = _seen(call, run, at, source)
    return QueueOut(source=seen.source, time=seen.time, count=seen.queue_count, notices=seen.notices, items=seen.queue)


@routes.get("/v1/operator/evictions", Page[EvictionOut])
def list_evictions(call: Calling, run: OfRun, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[EvictionOut]:
    """List who had to leave in a run, with what notice, for whom, and what that cost; in order of time."""
    after = call.after(cursor, int)
    first = 0 if after is None else int(after[0])
    found = list(enumerate(call.house.runs.evictions(_run(call, run).id), 1))[first : first + limit + 1]
    rows, following = call.page(found, limit, lambda each: (each[0],))
    return Page[EvictionOut](items=[eviction_out(row, DEFAULT.code) for _, row in rows], next=following)


@routes.get("/v1/operator/credits", Page[HouseCredit])
def list_house_credits(call: Calling, run: OfRun) -> Page[HouseCredit]:
    """List what broken promises gave back in a run, by month and product, to all tenants together."""
    return Page[HouseCredit](items=[credit_out(row) for row in call.house.runs.credits(_run(call, run).id)])


def _run(call: Calling, run: str) -> RunTold:
    """Find a run. Raises Problem."""
    found = next((each for each in call.house.runs.runs() if each.id == run), None)
    if found is None:
        raise Problem("not_found")
    return found


def _window(
    call: Calling, run: str | None, since: str | None, until: str | None, bucket: str | None
) -> tuple[list[int], str, Mapping[str, str]]:
    """Return where buckets begin, their length, and the bands of products."""
    if run is not None:
        told, bands = _run(call, run), call.house.runs.bands(run)
        known = told.from_s, told.until_s
    else:
        bands = usual_bands()
        with call.reading() as bound:
            kept = store.hours_kept(bound)
        now_s = max(SECONDS_PER_HOUR, call.now_s)
        known = (now_s - SECONDS_PER_HOUR, now_s) if kept is None else kept
    from_s = known[0] if since is None else moment_of(since, "query.from")
    until_s = known[1] if until is None else moment_of(until, "query.until")
    if from_s >= until_s:
        raise invalid("query.from", "must lie before until")
    word = bucket or ("hour" if until_s - from_s <= _HOURLY_UNTIL_S else "day")
    shortest_s = {"hour": SECONDS_PER_HOUR, "day": DAY_S}.get(word, 7 * DAY_S)
    if until_s - from_s > BUCKETS_MAX * shortest_s:
        raise invalid("query.bucket", f"makes more than {BUCKETS_MAX} of the window")
    return bounds(word, _UTC, from_s, until_s), word, bands


def _within(rows: Sequence[Row], begins: Sequence[int]) -> list[Row]:
    return [row for row in rows if begins[0] <= row.hour_s < begins[-1]]


def _seen(call: Calling, run: str | None, at: str | None, source: str | None) -> NewSnapshot:
    """Return a cluster at one moment. Raises Problem: no such run or cluster, or a time outside of the run."""
    if run is not None:
        told = _run(call, run)
        at_s = told.until_s - 1 if at is None else moment_of(at, "query.at")
        if not told.from_s <= at_s < told.until_s:
            raise invalid("query.at", "must lie within the run")
        return NewSnapshot.model_validate(call.house.runs.snapshot(told.id, at_s))
    if at is not None:
        raise invalid("query.at", "is for a run: of a live cluster only its last moment is known")
    with call.reading() as bound:
        if source is None:
            source = next((each.source for each in reversed(store.sources_seen(bound))), None)
        body = None if source is None else store.snapshot_of(bound, source)
    if body is None:
        raise Problem("not_found")
    return NewSnapshot.model_validate(body)
