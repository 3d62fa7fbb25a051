"""Connections of each role, pooled: behind a wall from their first statement on, and bound to nobody when they rest."""

import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from billing.store.engine import BUSY_MS, prepare, refused
from billing.store.walls import postgres
from billing.store.walls.grants import DIRECT, Wall
from billing.store.walls.sqlite import GuardedConnection, raise_wall
from billing.store.walls.views import BOUND_OPTION
from tenants.access.keys import Entropy

EngineOf = Callable[[Wall, bool], Engine]  # role, whether it writes
_POOL = {"pool_size": 4, "max_overflow": 12}
# A role may change the defaults of its own sessions (ALTER ROLE ... SET), and so those of every tenant that comes
# after. What a connection asks for when it begins goes before them, and outlives DISCARD ALL.
PINNED = {
    "local_preload_libraries": "",
    "search_path": "public",
    "row_security": "on",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": r"read\ committed",
    "default_transaction_deferrable": "off",
    "transform_null_equals": "off",
    "client_encoding": "UTF8",
    "statement_timeout": 2 * BUSY_MS,
    "lock_timeout": BUSY_MS,  # as a second writer waits in SQLite
    "idle_in_transaction_session_timeout": 2 * BUSY_MS,
    "idle_session_timeout": 0,
}


def connector(store: Engine, entropy: Entropy) -> EngineOf:
    """Return a function to the engine of a role, each made once."""

    @cache
    def engine_of(wall: Wall, write: bool) -> Engine:
        if store.dialect.name == "sqlite":
            return _sqlite(store, wall, write, entropy)
        return _postgres(store, wall)

    return engine_of


def bind_to(connection: Connection, key: bytes, tenant: str | None) -> None:
    """Bind a transaction to a tenant, until it ends; None to nobody."""
    if connection.dialect.name == "sqlite":
        guarded = connection.connection.dbapi_connection
        assert isinstance(guarded, GuardedConnection), "a connection without a wall"
        guarded.bind(tenant)
    elif tenant is not None:
        postgres.bind(connection, key, tenant)


def _sqlite(store: Engine, wall: Wall, write: bool, entropy: Entropy) -> Engine:
    file = str(store.get_execution_options()["spillway_file"])
    uri = f"file:{quote(file)}?mode=rw"

    def connect() -> sqlite3.Connection:
        try:
            made = sqlite3.connect(
                uri, uri=True, isolation_level=None, check_same_thread=False, factory=GuardedConnection
            )
        except sqlite3.Error as error:
            raise refused(file, error) from None
        prepare(made, None)
        raise_wall(made, wall, entropy, write=write)
        return made

    options = {"spillway_file": file, "spillway_write": write, BOUND_OPTION: wall not in DIRECT}
    engine = create_engine("sqlite://", creator=connect, execution_options=options, poolclass=QueuePool, **_POOL)
    if write:
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(engine, "reset", _forget)
    return engine


def _forget(connection: Any, _record: object, _state: object) -> None:
    """Bind a connection to nobody when it goes back to the pool."""
    connection.bind(None)
    connection.rollback()


def _postgres(store: Engine, wall: Wall) -> Engine:
    url = store.url.set(username=postgres.role_of(wall), password=None)
    # Nothing of a session survives a transaction, so nothing can be prepared in it either.
    asked = url.query.get("options", "")
    options = " ".join(
        (asked if isinstance(asked, str) else " ".join(asked), *(f"-c {k}={v}" for k, v in PINNED.items()))
    )
    engine = create_engine(
        url,
        connect_args={"prepare_threshold": None, "options": options},
        execution_options={BOUND_OPTION: wall not in DIRECT},
        pool_reset_on_return=None,
        poolclass=QueuePool,
        **_POOL,
    )
    event.listen(engine, "reset", _discard)
    return engine


def _discard(connection: Any, _record: object, _state: object) -> None:
    """End what may be going on, and forget every setting of the session."""
    connection.rollback()
    autocommit = connection.autocommit
    connection.autocommit = True
    connection.execute("DISCARD ALL")
    connection.autocommit = autocommit
