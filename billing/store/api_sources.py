"""What the house's own emitters bring: events of any tenant, as sources that are no tenant's, and the terms and
snapshots of such sources.

They work as the worker: of all roles it alone adds events of the house, and writes the entry of the audit log beside
them (docs/decisions/0063-a-worker-with-a-role-of-its-own.md).
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from billing.log.event import Answer, Event
from billing.store.audit import record
from billing.store.door import Bound, Door
from billing.store.ingest import note_terms
from billing.store.tables_log import event as event_table
from billing.store.walls.views import view
from billing.store.writer import append
from tenants.access.scope import Scope
from tenants.audit.entry import HOUSE


def take_in(door: Door, scope: Scope, events: Sequence[Event], action: str, at_s: int) -> list[Answer]:
    """Append events of the house's sources to the log, in one transaction, and return what became of each.

    Args:
        action: what the audit log calls it; a batch that changes nothing leaves no entry.
        at_s:   Unix seconds, for that entry.

    Raises:
        Forbidden:  no operator, or without the scope usage:write.
        EventError: an event is malformed; nothing is written.
        StoreError: the database refuses.

    Cost: one look-up for each event that is not new, and for its neighbours.
    """
    scope.require("usage:write")
    with door.working(scope) as bound:
        connection = bound.connection
        before = connection.execute(select(func.coalesce(func.max(event_table.c.position), 0))).scalar_one()
        done = append(connection, events)
        if done.new or done.conflicts:
            sources: dict[str, list[int]] = {}
            for event in events:
                span = sources.setdefault(event.source, [event.seq, event.seq])
                span[:] = min(span[0], event.seq), max(span[1], event.seq)
            told = {"new": done.new, "conflicts": len(done.conflicts), "sources": sources}
            record(connection, HOUSE, scope.principal.id, action, next(iter(sources)), "", told, at_s)
        if done.new == len(events):
            return [Answer.NEW] * len(events)
        new = _ids_after(connection, before) if done.new else set()
        aside = {conflict.event for conflict in done.conflicts}
    answers = []
    for event in events:
        key = event.source, event.id
        fresh = key in new and event not in aside
        new.discard(key)  # the same event twice in one batch: new once
        answers.append(Answer.NEW if fresh else Answer.CONFLICT if event in aside else Answer.DUPLICATE)
    return answers


def _ids_after(connection: Connection, position: int) -> set[tuple[str, str]]:
    wanted = select(event_table.c.source, event_table.c.id).where(event_table.c.position > position)
    return {(source, id_) for source, id_ in connection.execute(wanted)}


def keep_terms(door: Door, scope: Scope, source: str, terms: str, events: int | None, at_s: int) -> str:
    """Note by which terms a source is billed, and return the hex SHA-256 of their text.

    Raises:
        Forbidden:  as `take_in`.
        StoreError: the source is billed by other terms already (code `conflict`).
    """
    scope.require("usage:write")
    with door.working(scope) as bound:
        note_terms(bound.connection, source, terms, events, at_s, scope.principal.id)
    return sha256(terms.encode()).hexdigest()


class Snapshot(NamedTuple):
    """What a source last said of its cluster, as JSON text; both times are Unix seconds."""

    source: str
    time_s: int
    received_s: int
    body: str


_KEPT = view("snapshot")


def keep_snapshot(bound: Bound, new: Snapshot) -> int:
    """Keep a snapshot unless a later one of its source is there, and return the time of the one that is kept."""
    mine = (_KEPT.c.tenant == HOUSE) & (_KEPT.c.source == new.source)
    known = bound.connection.execute(select(_KEPT.c.time_s).where(mine)).scalar_one_or_none()
    if known is not None and known > new.time_s:
        return int(known)
    bound.connection.execute(delete(_KEPT).where(mine))
    bound.connection.execute(insert(_KEPT), new._asdict() | {"tenant": HOUSE})
    return new.time_s
