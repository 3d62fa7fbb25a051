"""Intervals as events: what a file of past use tells, in the words of the log.

A job may have run more than once, so an allocation is named by the job's id and its start: the same line gives the same
events in every file that holds it. A line without an end gives a start alone; the end comes with a later file.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from billing.errors import EventError
from billing.intake.record import Interval, Passed, Rejected, never_billable
from billing.log.event import OPERATOR, Event, chained
from billing.log.shapes import ENDED, STARTED
from billing.log.watermark import SOURCE_ENDED


class Fact(NamedTuple):
    """An event before it has a place in a chain. `time_s` is Unix seconds."""

    id: str
    type: str
    time_s: int
    subject: str
    data: dict[str, Any]


def interval_facts(told: Iterable[Interval | Rejected | Passed], file: str) -> tuple[list[Fact], list[EventError]]:
    """Return the facts of a file in order of time, and an error for each line that tells none.

    Cost: O(n log n), all in memory. What passes for no interval, such as a step of a job, is left out.
    """
    facts: list[Fact] = []
    refused = []
    for each in told:
        if isinstance(each, Interval):
            # In the log, where nothing is ever taken out, such a line would keep its month open for good.
            fault = never_billable(each)
            facts += [] if fault else _of(each)
            each = Rejected(each.line, each.id, fault) if fault else each
        if isinstance(each, Rejected):
            refused.append(EventError(each.reason, file=file, path=f"line {each.line}, id {each.id!r}"))
    return sorted(facts, key=lambda fact: (fact.time_s, fact.type, fact.id)), refused


def _of(interval: Interval) -> Iterator[Fact]:
    name = f"{interval.id}@{interval.start_s}"
    place = {"product": interval.product, "region": interval.region, "sku": interval.sku, "gpus": interval.gpus}
    began = {"allocation": name, "job": interval.id, **place}
    yield Fact(f"{name}.started", STARTED, interval.start_s, interval.tenant, began)
    if interval.end_s is not None:
        stalled = {"stalled_s": interval.stalled_s} if interval.stalled_s else {}
        ending = {"allocation": name, "cause": interval.cause, **stalled}
        yield Fact(f"{name}.ended", ENDED, interval.end_s, interval.tenant, ending)


def chained_facts(source: str, facts: list[Fact]) -> Iterator[Event]:
    """Yield facts as the events of a source of their own, which has told everything with the last of them.

    Raises:
        EventError: a fact that makes no event.
    """
    end_s = max((fact.time_s for fact in facts), default=0)
    return chained(source, [*facts, Fact("ended", SOURCE_ENDED, end_s, OPERATOR, {})] if facts else [])
