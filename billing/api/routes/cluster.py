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
from billing.api.problems import Problem, invalid
from billing.api.routes.runs import run_named
from billing.api.schemas.basic import maybe_moment, moment
from billing.api.schemas.cluster import (
    CapacityOut,
    DelayOut,
    NodesOut,
    QueueOut,
    RevenueOut,
    SourceOut,
    SourcesOut,
)
from billing.api.schemas.snapshots import NewSnapshot
from billing.api.schemas.usage import rounded
from billing.api.table import Routes
from billing.currency import CURRENCIES, DEFAULT
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
Currency = Annotated[
    str | None,
    Query(
        min_length=3,
        max_length=3,
        description="What was rated in it alone; none: the usual one, or else the first that there is.",
    ),
]


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
            beside = store.hours_beside(bound, "capacity_hour", begins[0], begins[-1])
    else:
        known = call.house.runs.capacity(run)
        rows, beside = _within(known, begins), _beside(known, begins)
    return CapacityOut(
        before=maybe_moment(beside[0]),
        after=maybe_moment(beside[1]),
        run=run,
        bucket=word,
        installed_gpu_s=sum(row.gpu_s for row in rows),
        states=states_of(rows, bands),
        items=capacity_buckets(rows, begins, bands),
    )


@routes.get("/v1/operator/revenue", RevenueOut)
def read_revenue(
    call: Calling,
    run: Run = None,
    since: From = None,
    until: Until = None,
    bucket: Bucket = None,
    currency: Currency = None,
) -> RevenueOut:
    """Read what the cluster brought in over time, and of a run by how much that delayed internal work."""
    begins, word, bands = _window(call, run, since, until, bucket)
    delay = None
    if run is None:
        with call.reading() as bound:
            every = store.revenue_between(bound, begins[0], begins[-1])
            beside = store.hours_beside(bound, "house_hour", begins[0], begins[-1])
    else:
        known = call.house.runs.revenue(run)
        every, beside = _within(known, begins), _beside(known, begins)
        told = call.house.runs.headline(run).get("internal_delay")
        delay = told and DelayOut(**{name: told[name] for name in DelayOut.model_fields})
    codes = sorted({row.currency for row in every})
    if currency not in (None, *CURRENCIES):
        raise invalid("query.currency", f"must be one of {', '.join(CURRENCIES)}")
    code = currency or (DEFAULT.code if DEFAULT.code in codes or not codes else codes[0])
    rows = [row for row in every if row.currency == code]
    out = [row for row in rows if is_rented(row.product, bands)]
    return RevenueOut(
        before=maybe_moment(beside[0]),
        after=maybe_moment(beside[1]),
        currency=code,
        currencies=codes,
        run=run,
        bucket=word,
        rented=rounded(amount_of(out), code),
        rented_gpu_s=sum(row.gpu_s for row in out),
        internal=rounded(amount_of(row for row in rows if not is_rented(row.product, bands)), code),
        total=rounded(amount_of(rows), code),
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


def _window(
    call: Calling, run: str | None, since: str | None, until: str | None, bucket: str | None
) -> tuple[list[int], str, Mapping[str, str]]:
    """Return where buckets begin, their length, and the bands of products."""
    if run is not None:
        told, bands = run_named(call, run), call.house.runs.bands(run)
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


def _beside(rows: Sequence[Row], begins: Sequence[int]) -> tuple[int | None, int | None]:
    hours = [row.hour_s for row in rows]
    before = max((hour_s for hour_s in hours if hour_s < begins[0]), default=None)
    return before, min((hour_s for hour_s in hours if hour_s >= begins[-1]), default=None)


def _seen(call: Calling, run: str | None, at: str | None, source: str | None) -> NewSnapshot:
    """Return a cluster at one moment. Raises Problem: no such run or cluster, or a time outside of the run."""
    if run is not None:
        told = run_named(call, run)
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
