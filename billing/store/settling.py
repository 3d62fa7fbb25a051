"""Settling a store: the read model is made from the log, and what changed of it is written in one transaction.

Nothing is done while the log and the terms are the same. A log that cannot be settled leaves the last good model where
it is, and says why (docs/decisions/0062). A tenant's month that cannot be billed has no draft; the rest is settled.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, delete, insert, select, true, tuple_

from billing.errors import BillingError
from billing.settling.settle import HOUSE, Settled, settle
from billing.store.door import Door
from billing.store.invoice_hours import KIND
from billing.store.log_basis import noted_terms
from billing.store.reader import events_in, last_position
from billing.store.tables_access import tombstone
from billing.store.tables_settled import capacity_hour, house_hour, month_paper, settled, settling, usage_hour
from billing.terms import Terms
from tenants.access.scope import Scope
from tenants.errors import TenantError

Transaction = Callable[[], AbstractContextManager[Connection]]
_CHUNK = 500
_FAULTS_MAX = 10  # that are kept for operators: one line stays one
_MODEL = 2  # raised when the same log and terms come to another read model, so that every store makes it anew


class Outcome(NamedTuple):
    """What settling came to: the log's last position, Unix second before which hours are closed, how many rows were
    written and taken away, and why the log, or a tenant's month of it, cannot be settled. `until_s` is None where
    nothing ever was settled."""

    position: int
    until_s: int | None
    written: int
    removed: int
    error: str | None


class _State(NamedTuple):
    position: int
    terms_hash: str
    error: str | None


def settle_store(
    read: Transaction,
    write: Transaction,
    parse: Callable[[str], Terms],
    issuer: str,
    now_s: int,
    terms: Terms | None = None,
) -> Outcome:
    """Bring the read model up to the log.

    Args:
        read, write: transactions that see the log of all, such as the worker's.
        parse:       terms from the text that the log's sources were noted with.
        issuer:      who sends the invoices.
        now_s:       Unix seconds, for the rows that changed.
        terms:       to settle by instead; None: those noted.

    Raises:
        StoreError: the database refuses. What cannot be billed is in the outcome, and in the store.

    Cost: a fold of the whole log (half a second for 9,000 events), outside any transaction that others wait for.
    """
    with read() as connection:
        position = last_position(connection)
        before = _state(connection)
        if position == 0:  # nothing was told, not even by which terms
            return Outcome(0, _until_s(connection), 0, 0, None)
        text, error = (repr(terms), None) if terms else _terms_text(connection)
        now = _State(position, sha256(f"{_MODEL}\n{issuer}\n{text}".encode()).hexdigest(), error)
        if before == now or (before is not None and before[:2] == now[:2] and error is None):
            return Outcome(position, _until_s(connection), 0, 0, before.error)
        events = [] if error else list(events_in(connection, until=position))
        gone = _gone(connection)
    model = None
    if error is None:
        try:
            model = settle(events, terms or parse(text), issuer, gone)
            now = now._replace(error="; ".join(model.faults[:_FAULTS_MAX]) or None)
        except (BillingError, TenantError) as refused:
            now = now._replace(error=str(refused))
    with write() as connection:
        latest = _state(connection)
        if latest is not None and latest.position > position:  # somebody else has settled more meanwhile
            return Outcome(latest.position, _until_s(connection), 0, 0, latest.error)
        written, removed = (0, 0) if model is None else _keep(connection, _without(model, _gone(connection)), now_s)
        _put(connection, settling, {"position": position, "terms_hash": now.terms_hash, "error": now.error}, now_s)
        return Outcome(position, _until_s(connection), written, removed, now.error)


def settle_behind(
    door: Door,
    scope: Scope,
    parse: Callable[[str], Terms],
    issuer: str,
    now_s: int,
    terms: Terms | None = None,
) -> Outcome:
    """As `settle_store`, as the worker of a store that is served. Raises Forbidden, StoreError."""

    @contextmanager
    def transaction(*, write: bool = True) -> Iterator[Connection]:
        with door.working(scope, write=write) as bound:
            yield bound.connection

    return settle_store(lambda: transaction(write=False), transaction, parse, issuer, now_s, terms)


def _terms_text(connection: Connection) -> tuple[str, str | None]:
    try:
        return noted_terms(connection), None
    except BillingError as error:
        return "", str(error)


def _state(connection: Connection) -> _State | None:
    row = connection.execute(select(*(settling.c[name] for name in _State._fields))).one_or_none()
    return None if row is None else _State._make(row)


def _until_s(connection: Connection) -> int | None:
    return connection.execute(select(settled.c.until_s)).scalar_one_or_none()


def _gone(connection: Connection) -> set[str]:
    return set(connection.execute(select(tombstone.c.tenant)).scalars())


def _without(model: Settled, gone: Collection[str]) -> Settled:
    """The model without whoever was deleted while it was made: their rows were taken away, and must not come back."""
    usage = [row for row in model.usage if row.tenant not in gone]
    return model._replace(usage=usage, papers=[row for row in model.papers if row.tenant not in gone])


def _keep(connection: Connection, model: Settled, now_s: int) -> tuple[int, int]:
    """Write what is new or different, take away what is gone; how many rows of each."""
    papers = [{**paper._asdict(), "made_s": now_s} for paper in model.papers]
    rows: Mapping[Table, Iterable[dict[str, Any]]] = {
        usage_hour: (row._asdict() for row in model.usage),
        month_paper: papers,
        capacity_hour: (row._asdict() for row in model.capacity),
        house_hour: (row._asdict() for row in model.house),
        settled: [{"tenant": HOUSE, "until_s": model.until_s}],
    }
    # Hours of issued invoices are papers too, and not made here (`billing.store.invoice_hours`).
    ours = {month_paper: ~month_paper.c.kind.startswith(KIND)}
    counts = [_replace(connection, table, found, {"made_s"}, ours.get(table, true())) for table, found in rows.items()]
    return sum(written for written, _ in counts), sum(removed for _, removed in counts)


def _replace(
    connection: Connection,
    table: Table,
    rows: Iterable[dict[str, Any]],
    beside: Collection[str],
    ours: ColumnElement[bool],
) -> tuple[int, int]:
    """Make a table hold these rows, of those that are `ours`. One that differs in a column of `beside` alone stays as
    it is."""
    names = [column.name for column in table.columns if column.name not in beside]
    keys = [column.name for column in table.primary_key]
    held = {
        tuple(row[: len(keys)]): tuple(row)
        for row in connection.execute(select(*(table.c[name] for name in _first(keys, names))).where(ours))
    }
    new = []
    for row in rows:
        told = tuple(row[name] for name in _first(keys, names))
        if (old := held.pop(told[: len(keys)], None)) != told:
            new.append((row, old is not None))
    stale = [*held, *(tuple(row[name] for name in keys) for row, was in new if was)]
    for at in range(0, len(stale), _CHUNK):
        chosen = tuple_(*(table.c[name] for name in keys)).in_(stale[at : at + _CHUNK])
        connection.execute(delete(table).where(chosen))
    if new:
        connection.execute(insert(table), [row for row, _ in new])
    return len(new), len(held)


def _first(keys: list[str], names: list[str]) -> list[str]:
    return [*keys, *(name for name in names if name not in keys)]


def _put(connection: Connection, table: Table, values: dict[str, Any], now_s: int) -> None:
    connection.execute(delete(table).where(table.c.tenant == HOUSE))
    connection.execute(insert(table), {"tenant": HOUSE, "made_s": now_s, **values})
