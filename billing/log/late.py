"""What came too late for hours that were closed, each difference with the event that caused it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from typing import NamedTuple

import numpy as np

from billing.log.books import usage_of
from billing.log.event import Event
from billing.log.facts import EventRef, Facts
from billing.log.fold import facts_of
from billing.log.watermark import watermark
from billing.metering.close import ClosedHours, close_hours, deltas, nothing_closed
from billing.metering.meter import UsageTable
from billing.metering.sums import add_up
from billing.money import SECONDS_PER_HOUR
from billing.terms import Terms
from billing.usage import Names


class LateHours(NamedTuple):
    """Closed hours, what is to be added to them, the event behind each row of that, and usage as it is known now."""

    names: Names
    closed: ClosedHours
    deltas: UsageTable
    causes: tuple[EventRef, ...]
    usage: UsageTable


def late_hours(events: Sequence[Event], terms: Terms, known: int) -> LateHours:
    """Return the hours that the first `known` events closed, and what those after them change in these hours.

    Args:
        events: in the order in which they arrived.

    Cost: that of two folds.
    """
    before, after = facts_of(events[:known], terms), facts_of(events, terms)
    mark, grace_s = watermark(events[:known]), terms.metering.grace_s
    known_s = mark.until_s - terms.epoch_s
    if mark.finished:  # nothing is waited for: the hour that has begun closes, too
        known_s += -known_s % SECONDS_PER_HOUR + grace_s
    closed = close_hours(nothing_closed(), usage_of(before, terms), known_s, grace_s)
    names = _joined(before.names, after.names)
    closed = closed._replace(usage=_renamed(closed.usage, before.names, names))
    usage = usage_of(after, terms)
    found = deltas(closed, usage)
    late = {EventRef(event.source, event.id): event for event in events[known:]}
    causes = _causes(found, after, late.keys(), events[known:])
    return LateHours(names, closed, found, causes, usage)


def _joined(before: Names, after: Names) -> Names:
    """Return the later names, and behind them what only the earlier ones hold: a late event may set things aside."""
    regions = tuple(dict.fromkeys((*after.regions, *before.regions)))
    return replace(after, regions=regions, skus=tuple(dict.fromkeys((*after.skus, *before.skus))))


def _renamed(usage: UsageTable, before: Names, after: Names) -> UsageTable:
    """Return usage with other indices: a late event may bring a region or a SKU that comes first."""
    columns = {each.name: getattr(usage, each.name) for each in fields(usage)}
    for name, old, new in (
        ("region", before.regions, after.regions),
        ("sku", before.skus, after.skus),
    ):
        columns[name] = np.array([new.index(word) for word in old], dtype=np.int64)[columns[name]]
    return add_up(UsageTable(**columns))


def _causes(
    found: UsageTable, facts: Facts, late: Collection[EventRef], events: Iterable[Event]
) -> tuple[EventRef, ...]:
    """Return for each row the first late event behind a segment of its tenant and hour, else the tenant's first."""
    first_of: dict[str, EventRef] = {}
    for event in events:
        first_of.setdefault(event.subject, EventRef(event.source, event.id))
    anybody = next(iter(first_of.values()), EventRef("", ""))
    of_tenant: dict[int, list[tuple[int, int, EventRef]]] = {}
    segments = facts.segments
    rows = zip(segments.tenant.tolist(), segments.start_s.tolist(), segments.end_s.tolist(), facts.events, strict=True)
    for tenant, start_s, end_s, refs in rows:
        of_tenant.setdefault(tenant, []).extend((start_s, end_s, ref) for ref in refs if ref in late)
    causes = []
    for tenant, hour_s in zip(found.tenant.tolist(), found.hour_s.tolist(), strict=True):
        touching = (
            ref
            for start_s, end_s, ref in of_tenant.get(tenant, ())
            if start_s < hour_s + SECONDS_PER_HOUR and hour_s <= end_s
        )
        causes.append(next(touching, first_of.get(facts.names.tenants[tenant], anybody)))
    return tuple(causes)
