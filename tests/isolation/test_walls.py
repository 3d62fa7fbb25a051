"""D1, D2, D4, D5, D7, C6: raw SQL against the walls, on the driver's own connection, as whoever got that far would."""

import itertools
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from billing.errors import StoreError
from billing.store import door as doors
from billing.store.engine import reading, writing
from billing.store.schema import all_tables
from billing.store.walls import connect, postgres, sqlite
from billing.store.walls.grants import GRANTS, Rows, Wall, nouns, owner_of
from isolation import BOTH, Case, attack, mutant
from tenants.access.errors import Forbidden
from tenants.access.identity import Principal, Role
from tenants.access.scope import local_scope, make_scope
from wall_worlds import (
    CANARY,
    MINE,
    THEIRS,
    addition,
    planted,
    raw,
    row,
    rows_of,
    scope,
    tried,
    unchecked_door,
    writable,
)

THEIR_CANARY = f"{CANARY}-{THEIRS}"
SEEN = [noun for noun, verbs in GRANTS[Wall.APP].items() if verbs.select and verbs.rows is Rows.BOUND]


def foreign(rows: list[Any]) -> list[Any]:
    return [each for each in rows if THEIR_CANARY in str(each) or THEIRS in map(str, each)]


# -- D1 --------------------------------------------------------------------------------------------------------------


@attack("D1", on=BOTH)
def test_without_a_tenant_there_are_no_rows(case: Case) -> None:
    with unchecked_door(case) as door:
        with reading(door._engine_of(Wall.APP, write=False)) as connection:
            for noun in SEEN:
                case.tried()
                assert tried(connection, f"SELECT {owner_of(noun)} FROM {noun}") == [], noun
        nobody = make_scope(Principal("x", "person", None, Role.MEMBER, frozenset(), ""))
        for way in (door.reading, door.writing):
            with pytest.raises(Forbidden), way(nobody):
                pass


@mutant("D1", "the policy is true when no tenant is set", of=test_without_a_tenant_there_are_no_rows)
@contextmanager
def true_when_unset() -> Iterator[None]:
    in_sqlite = {Rows.BOUND: "coalesce({owner} = current_tenant(), 1)"}
    in_postgres = {Rows.BOUND: f"coalesce({{owner}} = {postgres.BOUND}, true)"}
    with patch.dict(sqlite._ROWS, in_sqlite), patch.dict(postgres._ROWS, in_postgres):
        yield


# -- D2 --------------------------------------------------------------------------------------------------------------

EVERYWHERE = [
    "SELECT * FROM all_webhook",
    "SELECT * FROM webhook",
    "SELECT * FROM (SELECT * FROM all_webhook) AS x",
    "SELECT url FROM webhook UNION ALL SELECT url FROM all_webhook",
    "WITH webhook AS (SELECT * FROM all_webhook) SELECT * FROM webhook",
    "WITH x AS (SELECT * FROM all_webhook) SELECT * FROM x",
    "SELECT w.tenant, a.url FROM webhook AS w JOIN all_webhook AS a ON true",
    "SELECT url FROM webhook WHERE EXISTS (SELECT 1 FROM all_webhook)",
    "SELECT tenant, count(*) FROM webhook GROUP BY tenant",
    "SELECT * FROM webhook WHERE tenant = 'globex' OR true",
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r, webhook",
    "SELECT digest FROM new_api_key",
    "SELECT digest FROM all_api_key",
    "SELECT document FROM all_invoice",
    "SELECT data FROM all_event",
    "SELECT content FROM quarantine",
    "UPDATE webhook SET url = 'x' WHERE tenant = 'globex' RETURNING url",
    "INSERT INTO webhook SELECT tenant, id || '2', url, events, 1, 1 FROM all_webhook RETURNING url",
]
IN_SQLITE = [
    "WITH webhook AS (SELECT * FROM main.all_webhook) SELECT * FROM webhook",
    'WITH {capability} AS (SELECT * FROM "all_webhook") SELECT * FROM {capability}',
    "WITH {capability} AS (SELECT * FROM all_webhook), webhook AS (SELECT * FROM {capability}) SELECT * FROM webhook",
    "SELECT url FROM (SELECT NULL AS url) FULL JOIN all_webhook USING (url)",
    "SELECT tenant FROM (SELECT NULL AS tenant) FULL JOIN all_webhook USING (tenant)",
    "SELECT tenant FROM (SELECT NULL AS tenant) FULL JOIN ALL_WEBHOOK USING (tenant)",
    "WITH g(tenant) AS (VALUES ('globex')) SELECT tenant FROM g JOIN all_webhook USING (tenant)",
    "WITH g(tenant) AS (VALUES ('globex')) SELECT tenant FROM g NATURAL JOIN all_webhook",
    "SELECT sql FROM (SELECT NULL AS sql) FULL JOIN sqlite_temp_master USING (sql)",
    "SELECT sql FROM sqlite_temp_master",
    "SELECT sql FROM sqlite_master",
    "SELECT * FROM webhook_canary",
    "SELECT name FROM pragma_table_list()",
    "PRAGMA table_list",
    "PRAGMA writable_schema=ON",
    "SELECT pageno FROM dbstat",
    "CREATE TEMP TABLE x AS SELECT * FROM webhook",
    "CREATE TEMP VIEW x AS SELECT * FROM webhook",
    "DROP VIEW webhook",
    "ATTACH '{place}' AS other",
    "SELECT load_extension('x')",
    "DELETE FROM webhook",
]
IN_POSTGRES = [
    "SELECT * FROM ONLY all_webhook",
    "SELECT * FROM webhook_canary",
    "SELECT tenant FROM (SELECT NULL AS tenant) AS n FULL JOIN all_webhook USING (tenant)",
    "SET row_security = off",
    "SET ROLE spillway_operator",
    "SET SESSION AUTHORIZATION spillway",
    "RESET ROLE",
    "SELECT * FROM wall.secret",
    "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS "
    "$$BEGIN RAISE NOTICE '%', $1; RETURN true; END$$",
    "SELECT url FROM webhook WHERE length(url) / (CASE WHEN tenant = 'globex' THEN 0 ELSE 1 END) > 0",
    "ALTER TABLE all_webhook DISABLE ROW LEVEL SECURITY",
    "CREATE VIEW mine AS SELECT * FROM all_webhook",
    "CREATE TEMP TABLE all_webhook AS SELECT 1",
    "SELECT table_to_xml('all_webhook', true, false, '')",
    "SELECT query_to_xml('SELECT * FROM all_webhook', true, false, '')",
    "SELECT pg_read_file('PG_VERSION')",
]


@attack("D2", on=BOTH)
def test_any_sql_shows_own_rows_only(case: Case) -> None:
    """And no statement writes the file somewhere else, or changes a row of another tenant."""
    with unchecked_door(case) as door:
        before = rows_of(door._store, THEIRS)
        copy = case.folder / "copy.db"
        own = {"place": case.place, "capability": f"g_{'0' * 32}"}
        more = IN_SQLITE if case.backend == "sqlite" else IN_POSTGRES
        for statement in [*EVERYWHERE, *(each.format(**own) if "{" in each else each for each in more)]:
            case.tried()
            with bound_for_attack(door, write=False) as connection:
                assert foreign(tried(connection, statement)) == [], statement
        with bound_for_attack(door, write=False) as connection:
            count = "SELECT count(*) FROM webhook AS a JOIN {} AS b USING (id)"
            for table in ("webhook", "all_webhook"):
                assert tried(connection, count.format(table)) in ([], [(1,)]), table
            if case.backend == "sqlite":
                raw(connection).execute("COMMIT")
                tried(connection, f"VACUUM INTO '{copy}'")
                raw(connection).execute("BEGIN")
                assert not copy.exists()
        assert rows_of(door._store, THEIRS) == before


@contextmanager
def bound_for_attack(door: doors.Door, *, write: bool) -> Iterator[Connection]:
    """A transaction of a tenant, taken back at its end whatever was done in it."""
    with door._engine_of(Wall.APP, write).connect() as connection, connection.begin() as transaction:
        if connection.dialect.name == "sqlite" and not write:
            raw(connection).execute("BEGIN")  # as `engine.reading` does
        connect.bind_to(connection, door._secrets.tenant_token, MINE)
        yield connection
        transaction.rollback()


@mutant("D2", "no name guard: FULL JOIN USING asks no authorizer", of=test_any_sql_shows_own_rows_only, on=("sqlite",))
@contextmanager
def no_name_guard() -> Iterator[None]:
    with patch.object(sqlite.GuardedConnection, "refuse", lambda _self, _sql: None):
        yield


@mutant("D2", "names that can be guessed and said", of=test_any_sql_shows_own_rows_only, on=("sqlite",))
@contextmanager
def fixed_view_names() -> Iterator[None]:
    """The first view of webhooks is called as the attack calls its table expression; the guard knows no tables."""
    real, numbers = sqlite._put_views, itertools.count(1)

    def put(connection: Any, noun: str, verbs: Any, entropy: Any, inner: Any) -> None:
        names = itertools.chain([0] if noun == "webhook" else [], numbers)
        with patch.object(sqlite, "_capability", lambda _entropy: f"g_{next(names):032x}"):
            real(connection, noun, verbs, entropy, inner)

    with (
        patch.object(sqlite, "_put_views", put),
        patch.object(sqlite, "forbidden_names", lambda: re.compile("sqlite_|using|natural", re.IGNORECASE)),
    ):
        yield


@mutant("D2", "the authorizer lets everything through", of=test_any_sql_shows_own_rows_only, on=("sqlite",))
@contextmanager
def no_authorizer() -> Iterator[None]:
    with patch.object(sqlite, "authorizer", lambda _grants, _inner: lambda *_: 0):
        yield


@mutant("D2", "a view asks as who made it", of=test_any_sql_shows_own_rows_only, on=("postgresql",))
def definer_view() -> AbstractContextManager[None]:
    return planted("ALTER VIEW webhook RESET (security_invoker)")


@mutant("D2", "a view without a wall", of=test_any_sql_shows_own_rows_only, on=("postgresql",))
def open_view() -> AbstractContextManager[None]:
    return planted(
        "CREATE VIEW webhook_canary AS SELECT * FROM all_webhook", "GRANT SELECT ON webhook_canary TO PUBLIC"
    )


@mutant("D2", "a table without policies", of=test_any_sql_shows_own_rows_only, on=("postgresql",))
def open_table() -> AbstractContextManager[None]:
    return planted("GRANT SELECT ON all_webhook TO PUBLIC", "ALTER TABLE all_webhook DISABLE ROW LEVEL SECURITY")


# -- D4 --------------------------------------------------------------------------------------------------------------

STEPS = ("read", "error", "cancel", "write")
HISTORIES = st.lists(st.tuples(st.sampled_from((MINE, THEIRS)), st.sampled_from(STEPS)), min_size=1, max_size=6)


@attack("D4", on=BOTH)
def test_no_tenant_is_left_on_a_connection(case: Case) -> None:
    """After any history of reads, errors and cancels, whoever takes the connection next is nobody."""
    with unchecked_door(case) as door:

        def history(steps: list[tuple[str, str]]) -> None:
            for tenant, step in steps:
                way = door.writing if step == "write" else door.reading
                with suppress(StoreError, KeyboardInterrupt), way(scope(tenant)) as bound:
                    found = bound.connection.execute(text("SELECT tenant FROM webhook")).scalars().all()
                    assert set(found) == {tenant}
                    if step == "error":
                        bound.connection.execute(text("SELECT no_such_column FROM webhook"))
                    if step == "cancel":
                        raise KeyboardInterrupt
                for write in (False, True):
                    with door._engine_of(Wall.APP, write).connect() as connection:
                        left = connection.execute(text("SELECT tenant FROM webhook")).scalars().all()
                        assert left == [], (tenant, step)

        case.given(HISTORIES, history, examples=8)


# What an example of the OWASP cheat sheet does: a setting of the session that whoever comes next inherits.
PLAIN_POLICY = (
    "CREATE OR REPLACE FUNCTION wall.tenant() RETURNS text LANGUAGE sql STABLE AS "
    "$$ SELECT substring(current_setting('spillway.tenant', true) from '[^.]*$') $$"
)


@mutant("D4", "the tenant is set for the session", of=test_no_tenant_is_left_on_a_connection)
@contextmanager
def session_level(case: Case) -> Iterator[None]:
    def bind(connection: Connection, _key: bytes, tenant: str) -> None:
        connection.execute(text(f"SELECT set_config('{postgres.SETTING}', '{tenant}', false)"))
        connection.execute(text("COMMIT"))
        connection.execute(text("BEGIN"))

    with (
        planted(*([PLAIN_POLICY] if case.backend == "postgresql" else [])),
        patch.object(postgres, "bind", bind),
        patch.object(connect, "_discard", lambda connection, _record, _state: connection.rollback()),
        patch.object(connect, "_forget", lambda connection, _record, _state: connection.rollback()),
    ):
        yield


# -- D5 --------------------------------------------------------------------------------------------------------------


@attack("D5", on=BOTH)
def test_no_row_is_written_for_another_tenant(case: Case) -> None:
    with unchecked_door(case) as door:
        before = rows_of(door._store, THEIRS)
        sqlite_ = case.backend == "sqlite"
        for noun in writable():
            values = row(all_tables().tables[f"all_{noun}"], MINE) | {owner_of(noun): THEIRS}
            for key in ("id", "key", "position"):
                if key in values and noun != "event":
                    values[key] = 7 if isinstance(values[key], int) else "another"
            _commit(door, *addition(noun, values, sqlite_))
            for column in GRANTS[Wall.APP][noun].update:
                _commit(door, f"UPDATE {noun} SET {column} = {column} WHERE tenant = '{THEIRS}'", [])
            _commit(door, f"UPDATE {noun} SET tenant = '{THEIRS}'", [])
            _commit(door, f"DELETE FROM {noun} WHERE tenant = '{THEIRS}'", [])
            case.tried(4)
        _ingest(door, case)
        after = rows_of(door._store, THEIRS)
        for noun in nouns():
            assert after[noun] == before[noun], noun


def _commit(door: doors.Door, statement: str, values: list[Any]) -> None:
    with writing(door._engine_of(Wall.APP, write=True)) as connection:
        connect.bind_to(connection, door._secrets.tenant_token, MINE)
        tried(connection, statement, values)


def _ingest(door: doors.Door, case: Case) -> None:
    """The log's writer, bound to one tenant, appends an event of another; and the worker one in a tenant's name."""
    event = row(all_tables().tables["all_event"], THEIRS) | {"position": 9, "id": "forged", "seq": 9}
    mark = "?" if case.backend == "sqlite" else "%s"
    statement = f"INSERT INTO all_event ({', '.join(event)}) VALUES ({', '.join([mark] * len(event))})"
    for source in (f"api/{THEIRS}", f"api/{MINE}"):
        for way in (door.ingesting(scope(MINE)), door.working(local_scope())):
            with way as bound:
                tried(bound.connection, statement, list((event | {"source": source}).values()))
            case.tried()


@mutant("D5", "USING without WITH CHECK", of=test_no_row_is_written_for_another_tenant)
@contextmanager
def using_without_check(case: Case) -> Iterator[None]:
    policy = f"ON all_webhook TO spillway_app USING (tenant = {postgres.BOUND}) WITH CHECK (true)"
    faults = ["DROP POLICY spillway_app ON all_webhook", f"CREATE POLICY spillway_app {policy}"]
    with planted(*(faults if case.backend == "postgresql" else [])), patch.object(sqlite, "_REFUSE", "SELECT 1;"):
        yield


@mutant("D5", "the worker may speak for tenants", of=test_no_row_is_written_for_another_tenant)
@contextmanager
def worker_speaks_for_tenants() -> Iterator[None]:
    with patch.dict(sqlite._EVENTS, {Wall.WORKER: "1"}), patch.object(postgres, "_may_add", lambda *_: "true"):
        yield


# -- D7 --------------------------------------------------------------------------------------------------------------


@attack("D7", on=BOTH)
def test_a_tenant_that_is_not_signed_is_nobody(case: Case) -> None:
    """SQL that was injected says that it is another tenant: by name, by a token of its own, by one that it has seen."""
    with unchecked_door(case) as door:
        seen = []
        with reading(door._engine_of(Wall.APP, write=False)) as connection:
            connect.bind_to(connection, door._secrets.tenant_token, THEIRS)
            seen = [str(each[0]) for each in tried(connection, "SELECT current_setting('spillway.tenant')")]
        forged = [THEIRS, f"1.1.{'0' * 64}.{THEIRS}", *seen]
        for tenant in forged:
            for local in ("true", "false"):
                with bound_for_attack(door, write=False) as connection:
                    own = [str(each[0]) for each in tried(connection, "SELECT current_setting('spillway.tenant')")]
                    for value in (tenant, *(each.rpartition(".")[0] + f".{THEIRS}" for each in own)):
                        case.tried()
                        tried(connection, f"SELECT set_config('spillway.tenant', '{value}', {local})")
                        assert foreign(tried(connection, "SELECT tenant, url FROM webhook")) == [], value
        with bound_for_attack(door, write=False) as connection:
            assert tried(connection, "SELECT inner_pad FROM wall.secret") == []


@mutant("D7", "a plain session-variable policy", of=test_a_tenant_that_is_not_signed_is_nobody, on=("postgresql",))
def plain_variable() -> AbstractContextManager[None]:
    return planted(PLAIN_POLICY)


@mutant("D7", "the signature is not looked at", of=test_a_tenant_that_is_not_signed_is_nobody, on=("postgresql",))
@contextmanager
def unsigned() -> Iterator[None]:
    checked = "CASE WHEN mac = parts[3] THEN parts[4] END"
    assert checked in postgres._TENANT
    with patch.object(postgres, "_TENANT", postgres._TENANT.replace(checked, "parts[4]")):
        yield


@mutant("D7", "a token outlives its transaction", of=test_a_tenant_that_is_not_signed_is_nobody, on=("postgresql",))
@contextmanager
def long_lived() -> Iterator[None]:
    begun = "OR parts[2] <> (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint::text"
    assert begun in postgres._TENANT
    with patch.object(postgres, "_TENANT", postgres._TENANT.replace(begun, "")):
        yield


@mutant("D7", "SQL can say which tenant it is", of=test_a_tenant_that_is_not_signed_is_nobody, on=("sqlite",))
@contextmanager
def function_that_binds() -> Iterator[None]:
    real = sqlite._put_views

    def put(connection: Any, *rest: Any) -> None:
        connection.create_function("set_config", 3, lambda _name, value, _local: connection.bind(value))
        real(connection, *rest)

    with patch.object(sqlite, "_put_views", put), patch.object(sqlite, "FUNCTIONS", sqlite.FUNCTIONS | {"set_config"}):
        yield


# -- C6 --------------------------------------------------------------------------------------------------------------

STATISTICS = {
    "sqlite": [
        "EXPLAIN SELECT * FROM webhook",
        "EXPLAIN QUERY PLAN SELECT * FROM webhook",
        "/* first */ EXPLAIN QUERY PLAN SELECT * FROM webhook",
        "\ufeff-- first\nEXPLAIN SELECT * FROM webhook",
        "SELECT stat FROM sqlite_stat1",
        "SELECT seq FROM sqlite_sequence",
        "SELECT pageno, ncell FROM dbstat",
        "PRAGMA page_count",
    ],
    "postgresql": [
        "SELECT tablename, n_distinct, most_common_vals FROM pg_stats WHERE schemaname = 'public'",
        "SELECT * FROM pg_statistic",
        "SELECT * FROM pg_stats_ext",
    ],
}


@attack("C6", on=BOTH)
def test_statistics_are_hidden(case: Case) -> None:
    """PostgreSQL shows the number of rows of a table to every role: no tenant sends SQL, which is held below."""
    with unchecked_door(case) as door:
        with writing(door._store) as connection:
            connection.execute(text("ANALYZE"))
        for statement in STATISTICS[case.backend]:
            case.tried()
            with bound_for_attack(door, write=False) as connection:
                assert tried(connection, statement) == [], statement


@mutant("C6", "plans are shown", of=test_statistics_are_hidden, on=("sqlite",))
@contextmanager
def plans_are_shown() -> Iterator[None]:
    with patch.object(sqlite.GuardedConnection, "refuse", lambda _self, _sql: None):
        yield


@mutant("C6", "a table without policies shows its statistics", of=test_statistics_are_hidden, on=("postgresql",))
def statistics_of_all() -> AbstractContextManager[None]:
    return planted("ALTER TABLE all_webhook DISABLE ROW LEVEL SECURITY", "GRANT SELECT ON all_webhook TO PUBLIC")
