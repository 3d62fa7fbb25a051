"""The books of a log: the same chain that closes a run, on facts that were folded from events."""

from dataclasses import fields, replace

import numpy as np

from billing.books import Books, close
from billing.log.facts import Facts
from billing.log.pools import check_pools
from billing.metering.classes import STALLED, Charging, charge_marks, free_rules
from billing.metering.meter import UsageTable, meter
from billing.metering.sums import add_up, metered_usage
from billing.sla.exclusions import exclusion_table
from billing.terms import Terms
from billing.usage import ExclusionTable


def books_of(facts: Facts, terms: Terms) -> Books:
    """Return the books of a log. Capacity is checked where the log says what is installed, of a log that
    goes on up to its last full hour.

    Raises:
        PriceError: usage without a price, between two times at which it has one.
        UsageError: more GPU time in one hour than an int64 holds.
    """
    last_s = int(facts.segments.end_s.max()) if len(facts.segments.end_s) else 0
    books = close(
        facts.names,
        terms.registry,
        terms.book,
        facts.segments,
        facts.starts,
        facts.evictions,
        facts.outages,
        facts.capacity,
        facts.installed or None if facts.pools is None else None,
        max(facts.until_s, last_s),
        facts.work,
        _joined(facts.exclusions, exclusion_table(facts.names, terms.registry.exclusions)),
        charging_of(facts),
        facts.node_gpus,
        terms.currency,
        facts.told,
    )
    if facts.pools is None:
        return books
    return replace(books, findings=[*check_pools(facts, facts.pools), *books.findings])


def usage_of(facts: Facts, terms: Terms) -> UsageTable:
    """Return the hourly usage of a log, as its books have it. Raises UsageError as `books_of`."""
    rules = free_rules(facts.names, terms.registry)
    usage = meter(facts.segments, charge_marks(facts.segments, rules, charging_of(facts)))
    return add_up(usage, metered_usage(facts.metered)) if len(facts.metered.quantity) else usage


def charging_of(facts: Facts) -> Charging:
    """Return what decides how the segments of a log are charged.

    Start-up is what conditions tell; of a segment of which they tell none, it is the beginning.
    """
    stalled = facts.conditions.segment[facts.conditions.charge_class == STALLED]
    start_up = np.where(np.isin(np.arange(len(facts.ran_s)), stalled), 0, facts.work.stalled_s)
    return Charging(facts.ran_s, start_up, facts.conditions, facts.metered)


def _joined(one: ExclusionTable, other: ExclusionTable) -> ExclusionTable:
    columns = ((getattr(one, each.name), getattr(other, each.name)) for each in fields(ExclusionTable))
    return ExclusionTable(*(np.concatenate(pair) for pair in columns))
