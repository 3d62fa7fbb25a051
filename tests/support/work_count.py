"""How much a database worked: statements, and rows visited. For "is a foreign id as much work as an unknown one?".

Counts, not wall clock: they do not depend on what else the machine does. On SQLite the rows are the steps of loops in
its own machine (the progress handler), on PostgreSQL the tuples that scans read, as its statistics tell them before a
transaction ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event

from billing.store.quick import Quick

_TUPLES = (
    "SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid)), 0)"
    " FROM pg_class WHERE relkind IN ('r', 'i') AND relnamespace <> 'pg_catalog'::regnamespace"
)


@dataclass
class Work:
    """What was done: the statements, without their values, and how many rows were visited."""

    statements: list[str] = field(default_factory=list)
    rows: int = 0

    @property
    def count(self) -> tuple[int, int]:
        """(statements, rows visited)"""
        return len(self.statements), self.rows


def _tuples(connection: Connection) -> int:
    """What the scans of a backend have read; 0 where a transaction has failed and answers nothing any more."""
    with suppress(Exception):
        cursor = connection.connection.cursor()
        cursor.execute(_TUPLES)
        return int(cursor.fetchone()[0])
    return 0


@contextmanager
def counted() -> Iterator[Work]:
    """Count what all engines of this process do meanwhile."""
    work, over = Work(), Event()

    def step() -> int:
        work.rows += 0 if over.is_set() else 1  # a connection outlives what is counted, and its next user is another
        return 0

    def before(connection: Connection, cursor: Any, statement: str, *_: object) -> None:
        work.statements.append(statement)
        driver = connection.connection.driver_connection
        if connection.dialect.name == "sqlite" and driver is not None:
            driver.set_progress_handler(step, 1)
        elif connection.dialect.name == "postgresql" and id(driver) not in before_it:
            before_it[id(driver)] = _tuples(connection)

    # A backend hands its statistics on from time to time, so what counts is by how much they grew.
    before_it: dict[int, int] = {}

    def at_end(connection: Connection) -> None:
        begun = before_it.pop(id(connection.connection.driver_connection), None)
        if begun is not None:
            work.rows += _tuples(connection) - begun

    def quick(statement: Quick, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        before(connection, None, repr(statement))  # it goes past SQLAlchemy, which would have told
        return plain(statement, connection, **values)

    plain = Quick.rows
    listeners = (("before_cursor_execute", before), ("commit", at_end), ("rollback", at_end))
    for name, function in listeners:
        event.listen(Engine, name, function)
    try:
        with patch.object(Quick, "rows", quick):
            yield work
    finally:
        over.set()
        for name, function in listeners:
            event.remove(Engine, name, function)
