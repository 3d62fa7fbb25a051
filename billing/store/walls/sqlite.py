"""The wall of SQLite: a connection that shows the rows of one tenant, whatever is asked of it (ISOLATION 8.5).

Three parts, and each alone can be walked around (tests/isolation/test_walls.py does it):

    name guard     refuses a statement whose text names a table of all tenants, a catalogue or a capability. A name can
                   be used only if it stands in the text; bound values are not text.
    capabilities   the views that filter have names of 128 random bits, below public views of plain names: a table
                   expression cannot take their name
    authorizer     SQLite asks it for every table, column and function when it prepares a statement; what is not granted
                   is refused

Writes go through INSTEAD OF triggers on the public views, which refuse a row of another tenant. None of it costs
anything on a statement that is cached. It is a wall against mistakes and injected SQL: code in this process that means
to can climb it, which is why production uses PostgreSQL (docs/decisions/0052-sqlite-is-guarded.md).
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from billing.log.watermark import OF_TENANTS
from billing.store.schema import all_tables
from billing.store.walls.grants import (
    DIRECT,
    GRANTS,
    Direct,
    Rows,
    Verbs,
    Wall,
    added_through,
    columns_of,
    key_of,
    kin_of,
    owner_of,
    shown,
)
from tenants.access.keys import Entropy

CAPABILITY_BYTES = 16
FOREIGN = "row of another tenant"
# Functions that see their arguments alone.
FUNCTIONS = frozenset(
    (
        *("abs", "avg", "coalesce", "count", "current_tenant", "hex", "ifnull", "iif", "instr", "length", "like"),
        *("lower", "ltrim", "max", "min", "nullif", "randomblob", "replace", "round", "rtrim", "substr", "substring"),
        *("sum", "total", "trim", "upper", "row_number", "rank", "lag", "lead", "group_concat", "raise"),
    )
)
_ROWS = {
    Rows.BOUND: "{owner} = current_tenant()",
    Rows.BOUND_OR_ALL: "current_tenant() IN ({owner}, '')",
    Rows.ALL: "1",
    Rows.PLATFORM: "{owner} = ''",
}
# Events that a role may add which works on the tables.
_EVENTS = {
    Wall.INGEST: f"NEW.subject IS current_tenant() AND NEW.source IS '{OF_TENANTS}' || current_tenant()",
    Wall.WORKER: f"substr(NEW.source, 1, {len(OF_TENANTS)}) <> '{OF_TENANTS}'",
}
_REFUSE = f"SELECT RAISE(ABORT, '{FOREIGN}') WHERE NOT coalesce({{mine}}, 0);"
_search = lru_cache(maxsize=2_048)(re.Pattern.search)  # the same few statements come over and over
_FREE = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_RECURSIVE}


def forbidden_names() -> re.Pattern[str]:
    """Return what no statement of a guarded connection may contain: tables, catalogues, capabilities, and EXPLAIN."""
    names = (*sorted(all_tables().tables), "sqlite_|pragma_|alembic_version|dbstat|json_each|json_tree|explain")
    return re.compile(f"{'|'.join(names)}|g_[0-9a-f]{{{2 * CAPABILITY_BYTES}}}", re.IGNORECASE)


class GuardedConnection(sqlite3.Connection):
    """A connection that refuses statements by their text once it is armed, and knows which tenant it is bound to."""

    tenant: str | None = None
    guard: re.Pattern[str] | None = None

    def bind(self, tenant: str | None) -> None:
        """Show the rows of a tenant from here on: None = of nobody."""
        self.tenant = tenant

    def refuse(self, sql: str) -> None:
        """Raise OperationalError for a statement that names what it must not."""
        if self.guard is not None and _search(self.guard, sql):
            raise sqlite3.OperationalError("statement names what the wall keeps to itself")

    def cursor(self, factory: Any = None) -> "GuardedCursor":  # type: ignore[override]
        """Return a cursor that refuses as the connection does, whichever was asked for."""
        return super().cursor(GuardedCursor)

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        """As sqlite3's."""
        return self.cursor().execute(sql, *parameters)

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> sqlite3.Cursor:
        """As sqlite3's."""
        return self.cursor().executemany(sql, parameters)

    def executescript(self, sql_script: str, /) -> sqlite3.Cursor:
        """As sqlite3's."""
        return self.cursor().executescript(sql_script)


class GuardedCursor(sqlite3.Cursor):
    """A cursor whose statements are read before SQLite reads them."""

    connection: GuardedConnection

    def execute(self, sql: str, *parameters: Any) -> "GuardedCursor":
        """As sqlite3's."""
        self.connection.refuse(sql)
        super().execute(sql, *parameters)
        return self

    def executemany(self, sql: str, parameters: Iterable[Any], /) -> "GuardedCursor":
        """As sqlite3's."""
        self.connection.refuse(sql)
        super().executemany(sql, parameters)
        return self

    def executescript(self, sql_script: str, /) -> "GuardedCursor":
        """As sqlite3's."""
        self.connection.refuse(sql_script)
        super().executescript(sql_script)
        return self


def raise_wall(connection: GuardedConnection, wall: Wall, entropy: Entropy, *, write: bool) -> None:
    """Put the wall of a role around a new connection. Nothing takes it away again."""
    connection.create_function("current_tenant", 0, lambda: _bound(connection, wall))
    if wall in DIRECT:
        permitted = _direct(connection, wall, entropy)
    else:
        inner: dict[str, set[str]] = {}  # of each table and capability, what alone may use it
        for noun, verbs in GRANTS[wall].items():
            _put_views(connection, noun, verbs, entropy, inner)
        permitted = authorizer(GRANTS[wall], inner)
    if not write:
        connection.execute("PRAGMA query_only=ON")
    connection.set_authorizer(permitted)
    if wall not in DIRECT:
        connection.guard = forbidden_names()


def _bound(connection: GuardedConnection, wall: Wall) -> str | None:
    """An auditor who is bound to nobody may see all: that is said by "", which is nobody's tenant."""
    return "" if connection.tenant is None and wall is Wall.AUDITOR else connection.tenant


def _capability(entropy: Entropy) -> str:
    return f"g_{entropy(CAPABILITY_BYTES).hex()}"


def _put_views(
    connection: sqlite3.Connection, noun: str, verbs: Verbs, entropy: Entropy, inner: dict[str, set[str]]
) -> None:
    """Make the two views of a noun and the triggers that write through them."""
    base, owner, names = f"all_{noun}", owner_of(noun), columns_of(noun)
    rows, mine = (_ROWS[verbs.rows].format(owner=each) for each in (owner, f"NEW.{owner}"))
    capability, adds = _capability(entropy), added_through(noun)
    connection.execute(f"CREATE TEMP VIEW {capability} AS SELECT {', '.join(names)} FROM main.{base} WHERE {rows}")
    for view, seen in {adds: names, noun: shown(noun)}.items():
        connection.execute(f"CREATE TEMP VIEW {view} AS SELECT {', '.join(seen)} FROM {capability}")
    inner[capability] = {noun, adds}
    users = inner.setdefault(base, set())
    users.add(capability)
    refuse = _REFUSE.format(mine=mine)
    key = " AND ".join(f"{name} = OLD.{name}" for name in key_of(noun))
    bodies = {}
    if verbs.insert:
        values = ", ".join(f"NEW.{name}" for name in names)
        bodies["INSERT", adds] = f"{refuse} INSERT INTO {base} ({', '.join(names)}) VALUES ({values});"
    if verbs.update:
        changes = ", ".join(f"{name} = NEW.{name}" for name in verbs.update)
        bodies["UPDATE", noun] = f"{refuse} UPDATE {base} SET {changes} WHERE {key} AND {rows};"
    if verbs.delete:
        bodies["DELETE", noun] = f"DELETE FROM {base} WHERE {key} AND {rows};"
    for (verb, view), body in bodies.items():
        trigger = _capability(entropy)
        connection.execute(f"CREATE TEMP TRIGGER {trigger} INSTEAD OF {verb} ON {view} BEGIN {body} END")
        users.add(trigger)
        for kin in kin_of(base):  # SQLite looks into both when a trigger adds rows
            inner.setdefault(kin, set()).add(trigger)


Authorizer = Callable[[int, str | None, str | None, str | None, str | None], int]


def authorizer(grants: Mapping[str, Verbs], inner: Mapping[str, set[str]]) -> Authorizer:
    """Return what decides whether a statement may be prepared. `inner`: of each table and capability, the views and
    triggers that alone may use it."""
    triggers = {name for users in inner.values() for name in users if name.startswith("g_")}

    def permitted(action: int, first: str | None, second: str | None, _db: str | None, source: str | None) -> int:
        if (always := _for_everybody(action, first, second)) is not None:
            return always
        keeper = inner.get(first or "")
        if keeper is not None:  # a table or capability: only from within what belongs to it
            writes = (sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE)
            return _yes(source in keeper and action in (sqlite3.SQLITE_READ, *writes))
        if (verbs := grants.get((first or "").removeprefix("new_"))) is None:
            return sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ:  # a trigger reads the new row, whatever its role may read
            return _yes((verbs.select and first in grants) or source in triggers)
        if action == sqlite3.SQLITE_INSERT:
            return _yes(verbs.insert and first == added_through((first or "").removeprefix("new_")))
        if action == sqlite3.SQLITE_UPDATE:
            return _yes(second in verbs.update)
        return _yes(action == sqlite3.SQLITE_DELETE and verbs.delete)

    return permitted


def _for_everybody(action: int, first: str | None, second: str | None) -> int | None:
    """What does not depend on whose it is; None = it does."""
    if action in _FREE:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return _yes((second or "").lower() in FUNCTIONS)
    if action == sqlite3.SQLITE_PRAGMA:  # SQLAlchemy asks this of the first connection of an engine
        return _yes((first, second) == ("read_uncommitted", None))
    return None


def _yes(allowed: bool) -> int:
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _direct(connection: sqlite3.Connection, wall: Wall, entropy: Entropy) -> Authorizer:
    """For a role that works on the tables: it may do what `DIRECT` says, and add such events alone as are its own."""
    trigger = _capability(entropy)
    if (mine := _EVENTS.get(wall)) is not None:
        connection.execute(
            f"CREATE TEMP TRIGGER {trigger} BEFORE INSERT ON main.all_event WHEN NOT ({mine}) "
            f"BEGIN SELECT RAISE(ABORT, '{FOREIGN}'); END"
        )

    def permitted(action: int, first: str | None, second: str | None, _db: str | None, source: str | None) -> int:
        if (always := _for_everybody(action, first, second)) is not None:
            return always
        may = DIRECT[wall].get(first or "", Direct())
        if action == sqlite3.SQLITE_READ:
            return _yes(source == trigger or second == "" or may.select == ("*",) or second in may.select)
        if action == sqlite3.SQLITE_INSERT:
            return _yes(may.insert)
        updates = action == sqlite3.SQLITE_UPDATE and second in may.update
        return _yes(updates or (action == sqlite3.SQLITE_DELETE and may.delete))

    return permitted
