"""The wall of PostgreSQL: roles that own nothing, row-level security that is forced, and a tenant that is signed.

    roles     spillway_<role>, LOGIN and nothing else; no password is set here
    policies  on every table of tenant data, for each role by name: rows of the bound tenant, through `wall.tenant()`
    the bind  a token in a setting that ends with the transaction: backend, start of the transaction, HMAC, tenant. It
              is worth nothing in another transaction, and SQL that is injected cannot make one: the key stands in a
              table that the owner alone reads, and is used by a function that runs as the owner
    views     `security_invoker`, so that policies ask who reads, not who made the view

FORCE makes policies bind the owner too. What the platform itself does (billing, migrations) is done by the owner, under
a policy of its own that says so. Design: ISOLATION 8.6.
"""

import hmac
from collections.abc import Iterator
from hashlib import sha256

from sqlalchemy import Connection, text

from billing.log.watermark import OF_TENANTS
from billing.store.walls.grants import (
    DIRECT,
    GRANTS,
    Direct,
    Rows,
    Verbs,
    Wall,
    added_through,
    columns_of,
    nouns,
    owner_of,
    shown,
)

SETTING = "spillway.tenant"
BOUND = "(SELECT wall.tenant())"
_BLOCK_BYTES = 64
_ROWS = {
    Rows.BOUND: f"{{owner}} = {BOUND}",
    Rows.BOUND_OR_ALL: f"{BOUND} IS NULL OR {{owner}} = {BOUND}",
    Rows.ALL: "true",
    Rows.PLATFORM: "{owner} = ''",
}
# HMAC-SHA256 by its definition (RFC 2104), so that no extension is needed.
_TENANT = """
CREATE OR REPLACE FUNCTION wall.tenant() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parts text[] := regexp_match(current_setting('spillway.tenant', true),
        '^([0-9]+)[.]([0-9]+)[.]([0-9a-f]{64})[.](.+)$');
    mac text;
BEGIN
    IF parts IS NULL OR parts[1] <> pg_backend_pid()::text
        OR parts[2] <> (extract(epoch FROM transaction_timestamp()) * 1000000)::bigint::text THEN
        RETURN NULL;
    END IF;
    SELECT encode(sha256(outer_pad || sha256(inner_pad
        || convert_to(parts[1] || '.' || parts[2] || '.' || parts[4], 'UTF8'))), 'hex') INTO mac FROM wall.secret;
    RETURN CASE WHEN mac = parts[3] THEN parts[4] END;
END $$
"""


def role_of(wall: Wall) -> str:
    """Return the name of a role in the database."""
    return f"spillway_{wall}"


def make_roles(connection: Connection, key: bytes) -> None:
    """Make or mend the roles, the policies, the views and the grants; as the owner of the tables.

    Args:
        key: what tenants are signed with (`Secrets.tenant_token`), 1 to 64 bytes.
    """
    for wall in Wall:
        _make_role(connection, role_of(wall))
    # In one message: there are hundreds, and each would be a journey of its own.
    connection.execution_options(no_parameters=True).exec_driver_sql(";\n".join(_statements()))
    pad = key.ljust(_BLOCK_BYTES, b"\0")
    pads = {"inner": bytes(byte ^ 0x36 for byte in pad), "outer": bytes(byte ^ 0x5C for byte in pad)}
    connection.execute(text("DELETE FROM wall.secret"))
    connection.execute(text("INSERT INTO wall.secret VALUES (:inner, :outer)"), pads)


def bind(connection: Connection, key: bytes, tenant: str) -> None:
    """Bind a transaction to a tenant, until it ends."""
    here = "SELECT pg_backend_pid(), (extract(epoch FROM transaction_timestamp()) * 1000000)\\:\\:bigint"
    backend, begun_us = connection.execute(text(here)).one()
    signed = hmac.new(key, f"{backend}.{begun_us}.{tenant}".encode(), sha256).hexdigest()
    value = {"name": SETTING, "value": f"{backend}.{begun_us}.{signed}.{tenant}"}
    connection.execute(text("SELECT set_config(:name, :value, true)"), value)


def _make_role(connection: Connection, role: str) -> None:
    flags = "rolsuper OR rolbypassrls OR rolinherit OR rolcreaterole OR rolcreatedb"
    known = text(f"SELECT {flags} FROM pg_roles WHERE rolname = :role")
    unsafe = connection.execute(known, {"role": role}).scalar_one_or_none()
    flags = "LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION"
    if unsafe is None:
        connection.execute(text(f"CREATE ROLE {role} {flags}"))
    elif unsafe:
        connection.execute(text(f"ALTER ROLE {role} {flags}"))


def _statements() -> Iterator[str]:
    everybody = ", ".join(role_of(wall) for wall in Wall)
    yield "CREATE SCHEMA IF NOT EXISTS wall"
    yield "CREATE TABLE IF NOT EXISTS wall.secret (inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)"
    yield f"REVOKE ALL ON wall.secret FROM PUBLIC, {everybody}"
    yield _TENANT
    yield "REVOKE ALL ON FUNCTION wall.tenant() FROM PUBLIC"
    yield f"GRANT EXECUTE ON FUNCTION wall.tenant() TO {everybody}"
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, {everybody}"
    yield f"GRANT USAGE ON SCHEMA public, wall TO {everybody}"
    for noun in nouns():
        yield from _close(noun)
    for (table, policy), (using, check) in policies():
        yield _policy(table, policy, using, check)
    for wall, grants in GRANTS.items():
        for noun, verbs in grants.items():
            yield from _open(wall, noun, verbs)
    for wall, direct in DIRECT.items():
        for table, may in direct.items():
            yield from _open_table(wall, table, may)


def _close(noun: str) -> Iterator[str]:
    """Force policies on a table, with none but the owner's, and put a view before it."""
    table = f"all_{noun}"
    yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
    for policy in ("platform", *(f"{role_of(wall)}{end}" for wall in Wall for end in ("", "_adds"))):
        yield f"DROP POLICY IF EXISTS {policy} ON {table}"
    yield f"CREATE POLICY platform ON {table} TO CURRENT_USER USING (true) WITH CHECK (true)"
    for view, names in {added_through(noun): columns_of(noun), noun: shown(noun)}.items():
        yield f"DROP VIEW IF EXISTS {view}"
        yield f"CREATE VIEW {view} WITH (security_invoker = true) AS SELECT {', '.join(names)} FROM {table}"
        yield f"REVOKE ALL ON {view} FROM PUBLIC"


def _open(wall: Wall, noun: str, verbs: Verbs) -> Iterator[str]:
    granted = [f"SELECT ({', '.join(shown(noun))})"] * verbs.select + ["DELETE"] * verbs.delete
    granted += [f"UPDATE ({', '.join(verbs.update)})"] * bool(verbs.update)
    for name in (f"all_{noun}", noun):
        if granted:
            yield f"GRANT {', '.join(granted)} ON {name} TO {role_of(wall)}"
    if verbs.insert:
        yield f"GRANT INSERT ON all_{noun}, {added_through(noun)} TO {role_of(wall)}"


def _open_table(wall: Wall, table: str, may: Direct) -> Iterator[str]:
    columns = "" if may.select == ("*",) else f" ({', '.join(may.select)})"
    granted = [f"SELECT{columns}"] + ["INSERT"] * may.insert + ["DELETE"] * may.delete
    granted += [f"UPDATE ({', '.join(may.update)})"] * bool(may.update)
    yield f"GRANT {', '.join(granted)} ON {table} TO {role_of(wall)}"


def policies() -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield ((table, policy), (which rows are seen, which may be written)) of every role; a policy is named after its
    role. Roles that work on the tables see all rows; which events they may add is said by `_may_add`."""
    for wall, grants in GRANTS.items():
        for noun, verbs in grants.items():
            rows = _ROWS[verbs.rows].format(owner=owner_of(noun))
            yield (f"all_{noun}", role_of(wall)), (rows, rows)
    for wall, direct in DIRECT.items():
        for table, may in direct.items():
            if table.startswith("all_"):
                yield (table, role_of(wall)), ("true", "true" if may.update or may.delete else "")
                if may.insert and not (may.update or may.delete):
                    yield (table, f"{role_of(wall)}_adds"), ("", _may_add(wall, table))


def _may_add(wall: Wall, table: str) -> str:
    """Which rows a role may add that works on a table itself: of the log its tenant's alone, or the house's alone."""
    if table != "all_event":
        return "true"
    if wall is Wall.INGEST:
        return f"{owner_of('event')} = {BOUND} AND source = '{OF_TENANTS}' || {BOUND}"
    return f"source !~~ '{OF_TENANTS}%'"


def _policy(table: str, policy: str, using: str, check: str) -> str:
    verb = "ALL" if using and check else "SELECT" if using else "INSERT"
    rows = f" USING ({using})" * bool(using) + f" WITH CHECK ({check})" * bool(check)
    return f"CREATE POLICY {policy} ON {table} FOR {verb} TO {policy.removesuffix('_adds')}{rows}"
