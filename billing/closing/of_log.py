"""From a log to what invoices are made of: its books, how complete it is, and who held what."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from billing.closing.close_month import Arrived
from billing.closing.holdings import Held
from billing.closing.month import Basis
from billing.closing.told import told_to, told_until
from billing.errors import BillingError
from billing.log.aside import spans_aside
from billing.log.authority import overreach, tenant_of
from billing.log.books import books_of, charging_of
from billing.log.event import Event, event_hash
from billing.log.fold import facts_of
from billing.log.known import EVERYBODY, OF_OPERATOR
from billing.log.watermark import watermark
from billing.metering.classes import charge_marks, free_rules
from billing.terms import Terms


class LogBasis(NamedTuple):
    """What a log comes to. `basis` is the error itself where its books could not be made."""

    basis: Basis | BillingError
    arrived: Arrived
    held: Held


def basis_of(events: Iterable[Event], terms: Terms) -> LogBasis:
    """Return what a set of events comes to under some terms; order, batches and repetition do not matter.

    Cost: O(events log events), all in memory.
    """
    every = list(events)
    heard = [event for event in every if not overreach(event)]
    facts, mark = facts_of(every, terms), watermark(every)
    last: dict[str, Event] = {}
    for event in every:
        if event.seq >= last.get(event.source, event).seq:
            last[event.source] = event
    told = told_until([(event.source, event.seq, event_hash(event)) for event in last.values()])
    arrived = Arrived(
        until_s=mark.until_s - terms.metering.grace_s,
        finished=mark.finished,
        gaps=[(source.source, first, end) for source in mark.sources for first, end in source.gaps],
        # What a tenant got wrong keeps no month open: that would be everybody's month.
        quarantined=spans_aside(heard, [each for each in facts.quarantined if not tenant_of(each.source)]),
    )
    marks = charge_marks(facts.segments, free_rules(facts.names, terms.registry), charging_of(facts))
    held = Held(facts.segments, marks, [refs[0].id.removesuffix(".started") for refs in facts.events])
    try:
        return LogBasis(Basis(books_of(facts, terms), terms, *told, told_to(heard)), arrived, held)
    except BillingError as error:
        return LogBasis(error, arrived, held)


def first_after(events: Sequence[Event], tenant: str) -> str:
    """Return the id, with its source, of the first of some late events that is about a tenant, or about everybody; else
    of the first that the operator told of its pools, "" if there is none.

    It stands on the tenant's invoice, where an event of somebody else would tell of him.
    """
    heard = [event for event in events if not overreach(event)]
    mine = [event for event in heard if event.subject in (tenant, EVERYBODY)]
    mine = mine or [event for event in heard if event.type in OF_OPERATOR]
    return f"{mine[0].source}/{mine[0].id}" if mine else ""
