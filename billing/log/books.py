"""The books of a log: the same chain that closes a run, on facts that were folded from events."""

from dataclasses import fields

import numpy as np

from billing.books import Books, close
from billing.log.facts import Facts
from billing.metering.classes import STALLED, Charging
from billing.sla.exclusions import exclusion_table
from billing.terms import Terms
from billing.usage import ExclusionTable, IntArray


def books_of(facts: Facts, terms: Terms) -> Books:
    """Return the books of a log. Capacity is checked where the log says what is installed.

    Raises:
        PriceError: usage without a price, between two times at which it has one.
        UsageError: more in one hour than an int64 holds.
    """
    last_s = int(facts.segments.end_s.max()) if len(facts.segments.end_s) else 0
    return close(
        facts.names,
        terms.registry,
        terms.book,
        facts.segments,
        facts.starts,
        facts.evictions,
        facts.outages,
        facts.capacity,
        facts.installed or None,
        max(facts.until_s, last_s),
        facts.work,
        _joined(facts.exclusions, exclusion_table(facts.names, terms.registry.exclusions)),
        Charging(facts.ran_s, _start_up(facts), facts.conditions, facts.metered),
        facts.node_gpus,
        terms.currency.minor_micro,
        facts.told,
    )


def _start_up(facts: Facts) -> IntArray:
    """Return the seconds of start-up at the beginning of each segment; 0 where conditions tell which they were."""
    stalled = facts.conditions.segment[facts.conditions.charge_class == STALLED]
    return np.where(np.isin(np.arange(len(facts.ran_s)), stalled), 0, facts.work.stalled_s)


def _joined(one: ExclusionTable, other: ExclusionTable) -> ExclusionTable:
    columns = ((getattr(one, each.name), getattr(other, each.name)) for each in fields(ExclusionTable))
    return ExclusionTable(*(np.concatenate(pair) for pair in columns))
