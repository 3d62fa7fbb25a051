"""Reading the log."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from billing.log.event import Event
from billing.store.tables_log import event, event_source, event_terms, quarantine
from billing.store.writer import Aside, arrived_of

_PAGE = 10_000
_FIELDS = tuple(event.c[name] for name in Event._fields)


def events_in(
    connection: Connection, *, after: int = 0, until: int | None = None, source: str | None = None
) -> Iterator[Event]:
    """Yield the events of the log in order of arrival, of all sources or of one, a page at a time.

    Args:
        after, until: positions: behind the one, up to the other.
    """
    wanted = select(event.c.position, *_FIELDS).order_by(event.c.position).limit(_PAGE)
    if source is not None:
        wanted = wanted.where(event.c.source == source)
    if until is not None:
        wanted = wanted.where(event.c.position <= until)
    while rows := connection.execute(wanted.where(event.c.position > after)).all():
        for row in rows:
            yield Event._make(row[1:])
        after = rows[-1][0]


def last_position(connection: Connection) -> int:
    """Return the position of the event that arrived last, 0 in an empty log."""
    return int(connection.execute(select(func.coalesce(func.max(event.c.position), 0))).scalar_one())


class SourceState(NamedTuple):
    """What has arrived of a source: how many events, up to which seq, and how many are missing below it.

    `told_until_s` is the Unix time of the last event before which none is missing, None if the first one is.
    """

    source: str
    events: int
    last_seq: int
    missing: int
    told_until_s: int | None


def sources_in(connection: Connection) -> list[SourceState]:
    """Return the sources of the log by name."""
    columns = event.c
    found = []
    for source in sorted(connection.execute(select(event_source.c.source)).scalars()):
        count, arrived = arrived_of(connection, source)
        at = (columns.source == source) & (columns.seq == arrived.contiguous_seq)
        told_until_s = connection.execute(select(columns.time_s).where(at)).scalar_one_or_none()
        missing = sum(end - first for first, end in arrived.gaps)
        found.append(SourceState(source, count, arrived.last_seq, missing, told_until_s))
    return found


def quarantined(connection: Connection) -> list[Aside]:
    """Return what was put aside, by origin and record."""
    columns = (quarantine.c[name] for name in Aside._fields)
    return sorted(Aside._make(row) for row in connection.execute(select(*columns)))


class SourceTerms(NamedTuple):
    """The terms that a source is billed by (the text of a scenario or a terms file), and how many events it has."""

    source: str
    terms: str
    events: int | None


def terms_in(connection: Connection) -> list[SourceTerms]:
    """Return the terms of the sources that have any, by source."""
    columns = (event_terms.c[name] for name in SourceTerms._fields)
    return sorted(SourceTerms._make(row) for row in connection.execute(select(*columns)))
