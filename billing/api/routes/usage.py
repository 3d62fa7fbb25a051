"""Routes of use: in buckets of time, row by row, and the bill of one hour. All from the read model of settling."""

from bisect import bisect_left
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from fastapi import Query

from billing.api.call import Call, Calling
from billing.api.moments import DAY_S, Since, Until, moment_of, window
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import invalid
from billing.api.schemas.basic import Page, maybe_moment, moment
from billing.api.schemas.usage import BucketOut, HourBill, HourRowOut, UsageOut, group_out, hour_bill, hour_row_out
from billing.api.table import Routes
from billing.errors import PeriodError
from billing.metering.local_months import zone_of
from billing.money import SECONDS_PER_HOUR
from billing.settling.buckets import GROUPS, bounds, bucketed, grouped
from billing.store import tenant_usage as store
from billing.store.door import Bound

routes = Routes()
WINDOW_S_MAX = 400 * DAY_S
_UTC = zone_of("UTC")

Bucket = Annotated[Literal["hour", "day", "week", "month"], Query(description="Length of a bucket.")]
GroupBy = Annotated[
    str, Query(max_length=100, description=f"Words with commas between them, of {', '.join(GROUPS)}; none: all as one.")
]
Zone = Annotated[
    str, Query(min_length=1, max_length=64, description="Whose days, weeks and months: a name of the IANA database.")
]
Word = Annotated[str | None, Query(min_length=1, max_length=128, description="Rows of this value alone.")]
At = Annotated[
    str | None, Query(max_length=40, description="RFC 3339: any time within the hour; none: the last closed hour.")
]


@routes.get("/v1/usage", UsageOut)
def read_usage(
    call: Calling,
    since: Since = None,
    until: Until = None,
    bucket: Bucket = "day",
    group_by: GroupBy = "",
    time_zone: Zone = "UTC",
    limit: Limit = LIMIT_USUAL,
    cursor: Cursor = None,
) -> UsageOut:
    """Add up what the tenant used. The window is snapped to whole buckets. Without one it is the month so far; of a log
    that ended more than a day ago, its last month."""
    by, zone = _words(group_by), _zone(time_zone)
    after = call.after(cursor, int, int, int)
    with call.reading() as bound:
        span = _span(call, bound, since, until, zone) if after is None else (int(after[0]), int(after[1]))
        begins = bounds(bucket, zone, *span)
        first = 0 if after is None else bisect_left(begins, int(after[2]))
        ahead = list(pairwise(begins))[first : first + limit + 1]
        shown, following = call.page(ahead, limit, lambda each: (begins[0], begins[-1], each[1]))
        mine = begins[first : first + len(shown) + 1]
        closed_s = store.closed_until_s(bound)
        before_s, after_s = store.use_beside(bound, call.tenant, begins[0], begins[-1])
        every = store.uses_between(bound, call.tenant, begins[0], begins[-1], by_hour=False)
        uses = store.uses_between(bound, call.tenant, mine[0], mine[-1], by_hour=True)
    return UsageOut(
        bucket=bucket,
        time_zone=time_zone,
        group_by=list(by),
        snapped_since=moment(begins[0]),
        snapped_until=moment(begins[-1]),
        closed_until=maybe_moment(closed_s),
        before=maybe_moment(before_s),
        after=maybe_moment(after_s),
        totals=[group_out(group, by) for group in grouped(every, by)],
        items=[
            BucketOut(
                since=moment(begin_s),
                until=moment(end_s),
                closed=closed_s is not None and end_s <= closed_s,
                groups=[group_out(group, by) for group in groups],
            )
            for (begin_s, end_s), groups in zip(shown, bucketed(uses, mine, by), strict=True)
        ],
        next=following,
    )


@routes.get("/v1/usage/hours", Page[HourRowOut])
def list_usage_hours(
    call: Calling,
    since: Since = None,
    until: Until = None,
    product: Word = None,
    region: Word = None,
    sku: Word = None,
    meter: Word = None,
    charge_class: Word = None,
    limit: Limit = LIMIT_USUAL,
    cursor: Cursor = None,
) -> Page[HourRowOut]:
    """List the tenant's use hour by hour, as it is rated, oldest first: what every sum is made of. Without a window it
    is that of `/v1/usage`."""
    # Where the window ends by itself stands in the cursor: it must not move between two pages.
    after = call.after(cursor, int, int, int, str, str, str, str, str, int)
    given = {"product": product, "region": region, "sku": sku, "meter": meter, "charge_class": charge_class}
    words = {name: value for name, value in given.items() if value is not None}
    with call.reading() as bound:
        span = _span(call, bound, since, until, _UTC) if after is None else (int(after[0]), int(after[1]))
        key = None if after is None else after[2:]
        found = store.hours_of(bound, call.tenant, *span, words, key, limit + 1)
    rows, following = call.page(found, limit, lambda row: (*span, *(getattr(row, name) for name in store.HOUR_ORDER)))
    return Page[HourRowOut](items=[hour_row_out(row) for row in rows], next=following)


@routes.get("/v1/bill/hour", HourBill)
def read_hour_bill(call: Calling, at: At = None) -> HourBill:
    """Read what the tenant used in one hour, and what it comes to."""
    at_s = None if at is None else moment_of(at, "query.at")
    with call.reading() as bound:
        if at_s is None:
            closed_s = store.closed_until_s(bound)
            at_s = call.now_s if closed_s is None else max(0, closed_s - SECONDS_PER_HOUR)
        hour_s = at_s - at_s % SECONDS_PER_HOUR
        rows = store.hour_of(bound, call.tenant, hour_s)
        # Rows know by themselves; this is the route that is asked most.
        closed = rows[0].settled == 1 if rows else hour_s + SECONDS_PER_HOUR <= (store.closed_until_s(bound) or 0)
    return _bill(call.tenant, hour_s, tuple(rows), closed)


@lru_cache(maxsize=1_024)
def _bill(_tenant: str, hour_s: int, rows: tuple[store.HourRow, ...], closed: bool) -> HourBill:
    """The rows are read each time, and mostly are what they were: what they come to need not be worked out again. Each
    tenant has its own, so that nobody's answer is quicker for another having the same."""
    return hour_bill(hour_s, rows, closed=closed)


def _span(call: Call, bound: Bound, since: str | None, until: str | None, zone: ZoneInfo) -> tuple[int, int]:
    """The window that was asked for. Whoever names none wants to see what there is: a run of the past has a month of
    its own, while a log that goes on is shown up to now, its open hours too."""
    end_s = call.now_s
    if since is None and until is None:
        known_s = store.known_until_s(bound, call.tenant)
        if known_s is not None and known_s <= call.now_s - DAY_S:
            end_s = known_s
    return window(end_s, since, until, zone, WINDOW_S_MAX)


def _words(text: str) -> tuple[str, ...]:
    """The words to group by, each once."""
    words = tuple(text.split(",")) if text else ()
    if len(set(words)) < len(words) or not set(words) <= set(GROUPS):
        raise invalid("query.group_by", f"must be some of {', '.join(GROUPS)}, each once, with commas between them")
    return words


def _zone(name: str) -> ZoneInfo:
    try:
        return zone_of(name)
    except PeriodError:
        raise invalid("query.time_zone", "must be a name of the IANA database, such as Europe/Berlin") from None
