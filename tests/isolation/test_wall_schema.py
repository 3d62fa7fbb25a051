"""D3, D6, D8, A7, A9: roles, keys and tables that would let a wall fall."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Column, Table, Text, UniqueConstraint, insert, text
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.schema import CreateTable

from billing.errors import StoreError
from billing.store import door as doors
from billing.store.engine import Store, reading, writing
from billing.store.schema import METADATA, all_tables
from billing.store.walls import connect, sqlite
from billing.store.walls.grants import Wall, owner_of
from billing.store.walls.selfcheck import PLATFORM, wall_findings
from isolation import BOTH, Case, attack, mutant
from wall_worlds import (
    MINE,
    THEIRS,
    addition,
    checked_door,
    driver_errors,
    made,
    planted,
    raw,
    row,
    scope,
    unchecked_door,
    writable,
)

# -- D3 --------------------------------------------------------------------------------------------------------------

APP, OWNER = "spillway_app", "spillway"
# (what makes the store unsafe, what makes it safe again: roles are the server's, not the database's)
UNSAFE = {
    "postgresql": [
        (f"ALTER ROLE {APP} SUPERUSER", f"ALTER ROLE {APP} NOSUPERUSER"),
        (f"ALTER ROLE {APP} BYPASSRLS", f"ALTER ROLE {APP} NOBYPASSRLS"),
        (f"GRANT {OWNER} TO {APP}", f"REVOKE {OWNER} FROM {APP}"),
        (f"ALTER TABLE all_webhook OWNER TO {APP}", f"ALTER TABLE all_webhook OWNER TO {OWNER}"),
        ("ALTER TABLE all_webhook NO FORCE ROW LEVEL SECURITY", "ALTER TABLE all_webhook FORCE ROW LEVEL SECURITY"),
        ("ALTER TABLE all_event DISABLE ROW LEVEL SECURITY", "ALTER TABLE all_event ENABLE ROW LEVEL SECURITY"),
        ("ALTER VIEW invoice RESET (security_invoker)", "ALTER VIEW invoice SET (security_invoker = true)"),
        ("GRANT SELECT ON all_invoice TO PUBLIC", "REVOKE SELECT ON all_invoice FROM PUBLIC"),
        ("CREATE POLICY too_much ON all_invoice USING (true)", "DROP POLICY too_much ON all_invoice"),
        (f"ALTER POLICY {APP} ON all_webhook USING (true)", ""),
    ],
    "sqlite": [
        ("CREATE TABLE loose (id TEXT)", "DROP TABLE loose"),
        ("CREATE TABLE all_loose (tenant TEXT NOT NULL)", "DROP TABLE all_loose"),
    ],
}


@attack("D3", on=BOTH)
def test_the_door_stays_shut_before_a_wall_that_does_not_stand(case: Case) -> None:
    store = made(case)
    checked_door(case.place)
    for fault, mended in UNSAFE[case.backend]:
        case.tried()
        _run(store, fault)
        try:
            with pytest.raises(StoreError, match="the wall does not stand"):
                checked_door(case.place)
        finally:
            _run(store, mended)
    if case.backend == "sqlite":
        for part in ({"_ROWS": dict.fromkeys(sqlite._ROWS, "1")}, {"forbidden_names": lambda: None}):
            with patch.multiple(sqlite, **part), pytest.raises(StoreError, match="the wall does not stand"):
                checked_door(case.place)


def _run(store: Store, statement: str) -> None:
    if statement:
        with writing(store) as connection:
            connection.execute(text(statement))


@mutant("D3", "the self-check is skipped", of=test_the_door_stays_shut_before_a_wall_that_does_not_stand)
def no_self_check() -> Any:
    return patch.object(doors, "require_walls", lambda *_: None)


# -- D6, A9 ----------------------------------------------------------------------------------------------------------


@attack("D6", on=BOTH)
def test_no_key_tells_that_another_tenant_has_it(case: Case) -> None:
    """Whatever key of another tenant's rows one takes for a row of one's own, it is free."""
    with unchecked_door(case, (THEIRS,)) as door:
        for noun in writable():
            table = all_tables().tables[f"all_{noun}"]
            theirs = row(table, THEIRS)
            keys = {column.name for column in table.primary_key} - {"tenant"}
            case.tried()
            assert _added(door, noun, row(table, MINE) | {key: theirs[key] for key in keys}) == "", noun


def _added(door: doors.Door, noun: str, values: dict[str, Any]) -> str:
    """What a tenant is told who adds a row of its own: nothing, or the error."""
    try:
        with writing(door._engine_of(Wall.APP, write=True)) as connection:
            connect.bind_to(connection, door._secrets.tenant_token, MINE)
            driver = raw(connection)
            driver.cursor().execute(*addition(noun, values, connection.dialect.name == "sqlite"))
    except (StoreError, driver_errors_of(door)) as error:
        return " ".join(str(error).split())
    return ""


def driver_errors_of(door: doors.Door) -> type[Exception]:
    with reading(door._store) as connection:
        return driver_errors(connection)


@mutant("D6", "a key that is unique for all", of=test_no_key_tells_that_another_tenant_has_it)
def key_of_all() -> AbstractContextManager[None]:
    return planted("CREATE UNIQUE INDEX one ON all_webhook (id)")


@attack("A9", on=BOTH)
def test_an_idempotency_key_of_another_tenant_is_free(case: Case) -> None:
    with unchecked_door(case, (THEIRS,)) as door:
        with door.reading(scope(MINE)) as bound:
            assert bound.connection.execute(text("SELECT body FROM idempotency")).all() == []
        values = row(all_tables().tables["all_idempotency"], MINE)
        assert _added(door, "idempotency", values) == ""
        with door.reading(scope(MINE)) as bound:
            kept = bound.connection.execute(text("SELECT tenant, body FROM idempotency WHERE key = 'one'")).all()
            assert [tuple(each) for each in kept] == [(MINE, values["body"])]


@mutant("A9", "the key is unique for all", of=test_an_idempotency_key_of_another_tenant_is_free)
def shared_namespace() -> AbstractContextManager[None]:
    return planted("CREATE UNIQUE INDEX one ON all_idempotency (key)")


# -- A7 --------------------------------------------------------------------------------------------------------------


@attack("A7", on=BOTH)
def test_nothing_of_ones_own_hangs_on_what_is_anothers(case: Case) -> None:
    """An object of another tenant is refused as one that nobody has, word for word."""
    with unchecked_door(case) as door:
        for noun in ("api_key", "agent_token"):
            table = all_tables().tables[f"all_{noun}"]
            told = []
            for account in (f"{THEIRS}-account", "nobodys-account"):
                case.tried()
                values = row(table, MINE) | {"id": "new", "account": account}
                told.append(_added(door, noun, values).replace(account, "it"))
            assert told[0] == told[1] != "", (noun, told)
        with writing(door._store) as connection:  # as the platform itself would, by mistake
            new = row(all_tables().tables["all_invoice"], THEIRS) | {"id": "theirs", "number": "2", "series": "2"}
            connection.execute(insert(all_tables().tables["all_invoice"]), new | {"period": "2"})
        for noun in ("invoice_line", "credit_note", "payment"):
            case.tried()
            table = all_tables().tables[f"all_{noun}"]
            hung = row(table, MINE) | {"invoice": "theirs", "id": "new", "number": 2, "series": "2", "reference": "2"}
            with pytest.raises(StoreError), writing(door._store) as connection:
                connection.execute(insert(table), {column.name: hung[column.name] for column in table.columns})


@mutant("A7", "a foreign key without the tenant", of=test_nothing_of_ones_own_hangs_on_what_is_anothers)
@contextmanager
def single_column_key(case: Case) -> Iterator[None]:
    unique = "CREATE UNIQUE INDEX one ON all_account (id)"
    if case.backend == "postgresql":
        alter = "ALTER TABLE all_api_key DROP CONSTRAINT fk_all_api_key_tenant_account"
        add = "ALTER TABLE all_api_key ADD FOREIGN KEY (account) REFERENCES all_account (id)"
        with planted(unique, alter, add):
            yield
        return
    with planted(unique, "DROP TABLE all_agent_token", "DROP TABLE all_api_key", *_with_single_columns()):
        yield


def _with_single_columns() -> list[str]:
    """The tables of keys and tokens, each with a foreign key of one column."""
    tables = [all_tables().tables[name] for name in ("all_api_key", "all_agent_token")]
    made_of = [str(CreateTable(table).compile(dialect=sqlite_dialect.dialect())) for table in tables]
    whole = "FOREIGN KEY(tenant, account) REFERENCES all_account (tenant, id)"
    assert any(whole in each for each in made_of)
    return [each.replace(whole, "FOREIGN KEY(account) REFERENCES all_account (id)") for each in made_of]


# -- D8 --------------------------------------------------------------------------------------------------------------

# Constraints without the tenant, and why they may be.
EXCEPTIONS = {
    ("all_event", ("position",)): "the order in which all events arrived; no view shows it",
    ("all_event", ("id", "source")): "a source names its events; a tenant's own source is named after it",
    ("all_event", ("seq", "source")): "as its id",
}


def walk() -> list[str]:
    """What is wrong with the declared tables: an owner that may be absent, a key without the tenant."""
    found = []
    for name, table in all_tables().tables.items():
        if not name.startswith("all_"):
            if name not in PLATFORM:
                found.append(f"{name}: neither a tenant's nor known as the platform's")
            continue
        owner = owner_of(name.removeprefix("all_"))
        if owner not in table.c or table.c[owner].nullable:
            found.append(f"{name}: rows without an owner")
        keys = [table.primary_key, *table.foreign_key_constraints]
        keys += [each for each in table.constraints if isinstance(each, UniqueConstraint)]
        keys += [each for each in table.indexes if each.unique]
        for key in keys:
            columns = tuple(sorted(column.name for column in key.columns))
            if owner not in columns and (name, columns) not in EXCEPTIONS:
                found.append(f"{name}: key {columns} without the tenant")
    return found


@attack("D8", on=BOTH)
def test_every_table_has_an_owner_in_every_row_and_key(case: Case) -> None:
    assert walk() == []
    case.tried(len(all_tables().tables))
    with reading(made(case)) as connection:
        assert wall_findings(connection) == []


@mutant("D8", "a table without a policy", of=test_every_table_has_an_owner_in_every_row_and_key)
def table_without_policy() -> AbstractContextManager[None]:
    return planted("CREATE TABLE news (id TEXT)")


@mutant("D8", "a policy is dropped", of=test_every_table_has_an_owner_in_every_row_and_key, on=("postgresql",))
def dropped_policy() -> AbstractContextManager[None]:
    return planted(f"DROP POLICY {APP} ON all_payment")


@mutant("D8", "a key is declared without the tenant", of=test_every_table_has_an_owner_in_every_row_and_key)
@contextmanager
def key_without_tenant() -> Iterator[None]:
    loose = Table("news", METADATA, Column("id", Text, primary_key=True))
    try:
        yield
    finally:
        METADATA.remove(loose)


def test_every_exception_is_still_needed() -> None:
    for name, columns in EXCEPTIONS:
        table = all_tables().tables[name]
        keys = [table.primary_key, *(each for each in table.constraints if isinstance(each, UniqueConstraint))]
        assert columns in {tuple(sorted(column.name for column in key.columns)) for key in keys}
