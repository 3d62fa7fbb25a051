"""A store with a row of two tenants in every table, every text of it a canary, and a door to it."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, Text, UniqueConstraint, insert, text

from billing.store.door import Door, make_walls, open_door
from billing.store.engine import Store, open_store, writing
from billing.store.schema import all_tables
from billing.store.walls.grants import GRANTS, Wall, added_through, columns_of, nouns, owner_of
from house_tables import is_house
from isolation import Case
from some_secrets import SECRETS
from tenants.access.identity import ROLE_SCOPES, Principal, Role
from tenants.access.scope import Scope, make_scope

MINE, THEIRS = "acme", "globex"
CANARY = "canary"
# Statements that a planted fault wants run on the store by its owner, before there are rows.
PLANTED: list[str] = []


@contextmanager
def planted(*statements: str) -> Iterator[None]:
    """Let the next store be made with a fault in its tables, policies or views."""
    PLANTED.extend(statements)
    try:
        yield
    finally:
        PLANTED.clear()


def scope(tenant: str, role: Role = Role.TENANT_ADMIN) -> Scope:
    return make_scope(Principal(f"{tenant}-admin", "person", tenant, role, ROLE_SCOPES[role], "k"))


def row(table: Table, tenant: str) -> dict[str, Any]:
    """A row of a tenant. Its keys are the same for each, so that a key which all share would clash; but an account's id
    is its own."""
    noun = table.name.removeprefix("all_")
    constraints = [table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint))]
    keys = {column.name for each in constraints for column in each.columns}
    keys |= {column.name for foreign in table.foreign_key_constraints for column in foreign.columns}
    made: dict[str, Any] = {}
    for column in table.columns:
        if isinstance(column.type, Text):
            made[column.name] = "one" if column.name in keys else f"{CANARY}-{tenant}-{noun}-{column.name}"
        else:
            made[column.name] = 1
    if noun == "event":  # whose keys are its source's
        made |= {"position": 1 + (tenant == THEIRS), "source": f"api/{tenant}", "id": f"{CANARY}-{tenant}-event-id"}
    for name in ("account", "id") if noun == "account" else ("account",):
        if name in made and noun != "ledger_entry":
            made[name] = f"{tenant}-account"
    return made | {owner_of(noun): tenant}


def fill(connection: Connection, tenants: Sequence[str]) -> None:
    """A row of each tenant in every table; of one that is left out, its account alone."""
    for table in all_tables().sorted_tables:
        if table.name.startswith("all_"):
            here = (MINE, THEIRS) if table.name == "all_account" else ("",) if is_house(table) else tenants
            connection.execute(insert(table), [row(table, tenant) for tenant in here])


def made(case: Case, tenants: Sequence[str] = (MINE, THEIRS)) -> Store:
    """A store with rows of both tenants, behind its walls, with what was planted."""
    store = open_store(case.place)
    make_walls(store, SECRETS)
    with writing(store) as connection:
        for statement in PLANTED:
            connection.execute(text(statement.replace(":", r"\:")))
        for table in reversed(all_tables().sorted_tables):  # `make_walls` notes that it was called
            if table.name.startswith("all_audit"):
                connection.execute(table.delete())
        fill(connection, tenants)
    return store


@contextmanager
def unchecked_door(case: Case, tenants: Sequence[str] = (MINE, THEIRS)) -> Iterator[Door]:
    """A door to such a store which nobody has asked whether its walls stand: they are about to be attacked."""
    door = Door(made(case, tenants), SECRETS, os.urandom)
    try:
        yield door
    finally:
        door.close()


def checked_door(place: str) -> None:
    """Open a door as the product does, and close it."""
    open_door(place, SECRETS, os.urandom).close()


def raw(connection: Connection) -> Any:
    """The driver's own connection, below SQLAlchemy."""
    found = connection.connection.dbapi_connection
    assert found is not None
    return found


def tried(connection: Connection, statement: str, values: Sequence[Any] = ()) -> list[Any]:
    """What the driver gives for a statement, nothing for one that is refused. In PostgreSQL, within a savepoint."""
    driver = raw(connection)
    sqlite = connection.dialect.name == "sqlite"
    cursor = driver.cursor()
    if not sqlite:
        cursor.execute("SAVEPOINT before_it")
    try:
        cursor.execute(statement, values) if values else cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []
    except driver_errors(connection):
        if not sqlite:
            cursor.execute("ROLLBACK TO SAVEPOINT before_it")
        return []


def driver_errors(connection: Connection) -> type[Exception]:
    """The error of the driver of a connection."""
    error: type[Exception] = connection.dialect.loaded_dbapi.Error
    return error


def writable() -> list[str]:
    """Nouns of which a tenant may add rows."""
    return [noun for noun, verbs in GRANTS[Wall.APP].items() if verbs.insert]


def addition(noun: str, values: dict[str, Any], sqlite: bool) -> tuple[str, list[Any]]:
    """The statement that adds a row through the view of a noun."""
    names = [name for name in columns_of(noun) if name in values]
    mark = "?" if sqlite else "%s"
    into = f"INSERT INTO {added_through(noun)} ({', '.join(names)}) VALUES ({', '.join([mark] * len(names))})"
    return into, [values[name] for name in names]


def rows_of(store: Store, tenant: str) -> dict[str, list[Any]]:
    """Every row of a tenant in every table, as the platform sees them."""
    with writing(store) as connection:
        found = {}
        for noun in nouns():
            table = all_tables().tables[f"all_{noun}"]
            mine = table.select().where(table.c[owner_of(noun)] == tenant)
            found[noun] = sorted(map(str, connection.execute(mine)))
        return found
