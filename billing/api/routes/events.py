"""Routes of use: what a tenant reports itself, and what the log holds of it."""

import json
import re
from typing import Annotated, Literal

from fastapi import Body

from billing.api.call import Accepts, Call, Calling
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.schemas.basic import Page, moment
from billing.api.schemas.events import EventIn, EventOut, EventResult, EventResults, EventsIn
from billing.api.table import Routes
from billing.errors import BillingError
from billing.log.event import Event, canonical, require_event
from billing.log.shapes import SHAPES, misfit
from billing.months import parse_utc
from billing.store import tenant_reads
from billing.store.api_events import Reported, report, source_of

routes = Routes()
SKEW_S = 300  # how far a client's clock may be ahead
# What one event may report: hours are added up over all tenants, and a sum that has no room stops the bills of all. As
# many as overflow an hour take days to send at the rate of a tenant.
QUANTITY_MAX = 1 << 32
# What a tenant reads of an event's data: what bills are made from. Names of GPUs and nodes are the house's own.
_SHOWN = frozenset(("region", "sku"))
_FRACTION = re.compile(r"(:[0-9]{2})\.[0-9]+(?=[Zz+-])")


@routes.post("/v1/events", EventResults)
def post_events(call: Calling, body: Annotated[EventsIn, Body()]) -> EventResults:
    """Report use. An event that comes again changes nothing; one that is refused holds up no other."""
    tenant = call.tenant
    items = [body] if isinstance(body, EventIn) else body.events
    judged = [_judged(item, tenant, call.now_s, call.house.accepts) for item in items]
    good = [each for each in judged if isinstance(each, Reported)]

    with call.ingesting() as bound:
        answers = iter(report(bound, tenant, good))
    results = [
        EventResult(id=item.id, status=next(answers).value)
        if isinstance(each, Reported)
        else EventResult(id=item.id, status="refused", reason=each)
        for item, each in zip(items, judged, strict=True)
    ]
    return EventResults(results=results)


def _judged(item: EventIn, tenant: str, now_s: int, accepts: Accepts) -> Reported | str:
    """Return what an item reports, or in words why it is refused; the words hold nothing that was sent."""
    try:
        time_s = parse_utc(_FRACTION.sub(r"\1", item.time))
    except BillingError:
        return "time: not RFC 3339 with an offset"
    if time_s > now_s + SKEW_S:
        return f"time: more than {SKEW_S} s ahead"
    try:
        event = Event(item.id, source_of(tenant), item.type, time_s, tenant, 1, "", canonical(item.data))
        require_event(event)
    except BillingError as error:
        return f"data: {error.message}"
    data = item.data
    if wrong := misfit(item.type, data):
        name = wrong.partition(" ")[0]
        return f"data: {name if name in SHAPES[item.type] else 'interval'} is missing or does not fit"
    unknown = sorted(set(data) - SHAPES[item.type].keys())
    if unknown:
        return f"data: holds more than {', '.join(SHAPES[item.type])}"
    if data["until_s"] > now_s + SKEW_S:
        return f"data: until_s is more than {SKEW_S} s ahead"
    if data.get("quantity", 0) > QUANTITY_MAX:
        return f"data: quantity is more than {QUANTITY_MAX}; report it in parts"
    if not accepts(event, data):
        return "data: no price is known for this"
    return Reported(item.id, item.type, time_s, event.data)


@routes.get("/v1/events", Page[EventOut])
def list_events(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[EventOut]:
    """List the tenant's events in the log, oldest first, whoever told them."""
    return event_page(call, call.tenant, limit, cursor)


def event_page(call: Call, tenant: str, limit: int, cursor: str | None) -> Page[EventOut]:
    """Return a page of a tenant's events as the caller may see it."""
    after = call.after(cursor, int, str, str)
    with call.reading() as bound:
        found = tenant_reads.events_of(bound, tenant, after, limit + 1)
    rows, following = call.page(found, limit, lambda row: (row.time_s, row.source, row.id))
    return Page[EventOut](items=[_shown(row, source_of(tenant)) for row in rows], next=following)


def _shown(row: tenant_reads.EventRow, own: str) -> EventOut:
    known = _SHOWN | SHAPES.get(row.type, {}).keys()
    data = {name: value for name, value in json.loads(row.data).items() if name in known}
    told_by: Literal["tenant", "house"] = "tenant" if row.source == own else "house"
    return EventOut(source=told_by, id=row.id, type=row.type, time=moment(row.time_s), data=data)
