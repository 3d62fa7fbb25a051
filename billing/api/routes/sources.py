"""Routes of the house's own emitters, a scheduler or a simulation: its events as it has linked them, the terms that it
is billed by, and what its cluster looks like now."""

import json
import re

from billing.api.call import Calling
from billing.api.problems import Problem, invalid
from billing.api.schemas.basic import moment
from billing.api.schemas.snapshots import NewSnapshot, SnapshotKept
from billing.api.schemas.sources import (
    HouseEvent,
    HouseEventResult,
    HouseEventResults,
    HouseEvents,
    SourceTerms,
    SourceTermsKept,
)
from billing.api.table import Routes
from billing.errors import BillingError, EventError, StoreError
from billing.log.authority import tenant_of
from billing.log.event import Event, canonical, require_event
from billing.months import parse_utc
from billing.rentals.metering import SOURCE
from billing.store.api_sources import Snapshot, keep_snapshot, keep_terms, take_in

routes = Routes()
_FRACTION = re.compile(r"(:[0-9]{2})\.[0-9]+(?=[Zz+-])")


@routes.post("/v1/operator/events", HouseEventResults)
def post_house_events(call: Calling, body: HouseEvents) -> HouseEventResults:
    """Bring events of the house's sources into the log, exactly once. One that is refused holds up no other."""
    judged = [_judged(item) for item in body.events]
    good = [each for each in judged if isinstance(each, Event)]
    answers = iter(take_in(call.house.door, call.scope, good, call.policy.action, call.now_s) if good else ())
    results = [
        HouseEventResult(id=item.id, status=next(answers).value)
        if isinstance(each, Event)
        else HouseEventResult(id=item.id, status="refused", reason=each)
        for item, each in zip(body.events, judged, strict=True)
    ]
    return HouseEventResults(results=results)


def _judged(item: HouseEvent) -> Event | str:
    """Return an item as an event, or in words why it is refused; the words hold nothing that was sent."""
    if tenant_of(item.source):
        return "source: is a tenant's"
    if item.source == SOURCE:
        return "source: is the desk's"
    try:
        time_s = parse_utc(_FRACTION.sub(r"\1", item.time))
    except BillingError:
        return "time: not RFC 3339 with an offset"
    try:
        data = canonical(item.data)
    except EventError as error:
        return f"data: {error.message}"
    event = Event(item.id, item.source, item.type, time_s, item.subject, item.seq, item.prevhash, data)
    try:
        require_event(event)
    except EventError as error:
        return f"{(error.path or 'event').rpartition(' ')[2]}: malformed"
    return event


@routes.put("/v1/operator/source-terms", SourceTermsKept)
def set_source_terms(call: Calling, body: SourceTerms) -> SourceTermsKept:
    """Say by which terms a source is billed. Said again it changes nothing; other terms are refused."""
    _require_house(body.source)
    if not call.house.terms_fit(body.terms):
        raise invalid("body.terms", "are no terms that anything can be billed by")
    try:
        hash_ = keep_terms(call.house.door, call.scope, body.source, body.terms, body.events, call.now_s)
    except StoreError as error:
        if error.code != "conflict":
            raise
        raise Problem("conflict") from None
    return SourceTermsKept(source=body.source, hash=hash_)


@routes.put("/v1/operator/snapshots", SnapshotKept)
def set_snapshot(call: Calling, body: NewSnapshot) -> SnapshotKept:
    """Say what a cluster looks like now. It replaces what its source said before, and is looked at, never billed by."""
    _require_house(body.source)
    try:
        time_s = parse_utc(_FRACTION.sub(r"\1", body.time))
    except BillingError:
        raise invalid("body.time", "is not RFC 3339 with an offset") from None
    text = json.dumps(body.model_dump(mode="json"), separators=(",", ":"))
    with call.writing() as bound:
        kept_s = keep_snapshot(bound, Snapshot(body.source, time_s, call.now_s, text))
    return SnapshotKept(source=body.source, time=moment(kept_s))


def _require_house(source: str) -> None:
    if tenant_of(source):
        raise invalid("body.source", "is a tenant's")
