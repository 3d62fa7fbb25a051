"""Statements that come with nearly every request: compiled once, and handed to the driver as they are.

SQLAlchemy's own way to run a statement costs some 50 microseconds, most of it for what a statement that never changes
does not need. The connection, its transaction and its wall are the same; what comes back are plain tuples.
"""

from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.engine.interfaces import DBAPICursor

from billing.store.engine import place_of, refused


class Quick:
    """A select of which nothing but named bound values changes. Its columns need no conversion: integers and text."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        self._made: dict[str, tuple[str, tuple[str, ...] | None]] = {}  # by dialect: its text, and the order of values

    def rows(self, connection: Connection, **values: object) -> list[tuple[Any, ...]]:
        """Return all rows for some values. Raises StoreError."""
        dialect = connection.dialect
        text, order = self._made.get(dialect.name) or self._compiled(connection)
        driver = dialect.loaded_dbapi
        try:
            cursor: DBAPICursor = connection.connection.cursor()
            cursor.execute(text, values if order is None else tuple([values[name] for name in order]))
            found: list[tuple[Any, ...]] = list(cursor.fetchall())
            cursor.close()
        except driver.Error as error:
            raise refused(place_of(connection.engine), error) from None
        return found

    def _compiled(self, connection: Connection) -> tuple[str, tuple[str, ...] | None]:
        made = self._statement.compile(dialect=connection.dialect)
        order = tuple(made.positiontup or ()) if made.positional else None
        return self._made.setdefault(connection.dialect.name, (str(made), order))
