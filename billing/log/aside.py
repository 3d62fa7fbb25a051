"""Which time an event in quarantine is about: months that it touches are not known as long as it lies there."""

from collections.abc import Iterable, Sequence

from billing.errors import BillingError
from billing.log.event import Event, data_of
from billing.log.facts import Quarantined

Aside = tuple[str, str, str, int, int]  # source, event, reason, first and last second (Unix)


def spans_aside(events: Iterable[Event], quarantined: Sequence[Quarantined]) -> list[Aside]:
    """Return what lies in quarantine with the time that it is about: its own, that which it was told for (from_s,
    until_s), and for an allocation all from its first to its last event there.

    Cost: O(events).
    """
    wanted = {(each.source, each.event) for each in quarantined}
    span_of: dict[tuple[str, str], tuple[int, int]] = {}
    group_of: dict[tuple[str, str], tuple[str, str]] = {}
    whole: dict[tuple[str, str], tuple[int, int]] = {}
    for event in events:
        key = event.source, event.id
        if key not in wanted:
            continue
        first_s, last_s, allocation = _told(event)
        span_of[key] = _joined(span_of.get(key, (first_s, last_s)), (first_s, last_s))
        if allocation:
            group = group_of[key] = event.subject, allocation
            whole[group] = _joined(whole.get(group, span_of[key]), span_of[key])
    for key, group in group_of.items():
        span_of[key] = whole[group]
    return [(*each, *span_of[each.source, each.event]) for each in quarantined]


def _told(event: Event) -> tuple[int, int, str]:
    """Return the first and last second that an event by itself is about, and its allocation, "" if it names none."""
    try:
        data = data_of(event)
    except BillingError:
        data = {}
    from_s, until_s, allocation = data.get("from_s"), data.get("until_s"), data.get("allocation")
    first_s = min(event.time_s, from_s) if type(from_s) is int else event.time_s
    last_s = max(event.time_s, until_s - 1) if type(until_s) is int else event.time_s
    return first_s, last_s, allocation if type(allocation) is str else ""


def _joined(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return min(one[0], other[0]), max(one[1], other[1])
