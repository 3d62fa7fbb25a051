"""Do the walls stand? Asked when the door is opened, and by `spillway db check`: the rules first, then an attempt.

PostgreSQL's catalogue is held to `GRANTS`: who the roles are, whether policies are forced on every table and which
there are, what is granted to whom. Then, on both engines, every role looks for rows that it must not see.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select, text

from billing.errors import StoreError
from billing.finding import Finding
from billing.store.engine import place_of, reading
from billing.store.walls import postgres
from billing.store.walls.connect import EngineOf, bind_to
from billing.store.walls.grants import DIRECT, GRANTS, Rows, Wall, added_through, nouns, owner_of
from billing.store.walls.sqlite import GuardedConnection
from billing.store.walls.views import view

NOBODY = "nobody.\x7f"  # no tenant's id: control characters are refused in names
# Tables that hold no tenant's data, and what they hold: no view is made of them, and no role but the log's writer may
# touch them.
PLATFORM = {
    "event_source": "how much has arrived of each source",
    "event_gap": "what is missing of each source",
    "event_terms": "the terms that a source is billed by",
    "quarantine": "records that could not be let in, as they came",
    "platform_organisation": "who pays",
}


def require_walls(store: Engine, engine_of: EngineOf, key: bytes) -> None:
    """Raise StoreError with the first thing that is wrong with a wall."""
    found = []
    with reading(store) as connection:
        found += wall_findings(connection)
        if store.dialect.name == "postgresql" and not has_roles(connection):
            found.append(Finding("roles", "there are none", 1))
    if not found:
        found += list(_probes(engine_of, key))
    if found:
        message, allowed = (
            f"the wall does not stand: {found[0].what}",
            "`spillway db roles`, and roles that own nothing",
        )
        raise StoreError(message, code="no_wall", file=place_of(store), path=found[0].where, allowed=allowed)


def wall_findings(connection: Connection) -> list[Finding]:
    """Return what is wrong with the walls of a store by its rules: an owner in every row, and in PostgreSQL the roles
    and policies, once there are any. A database without them is its owner's alone, and the door stays shut."""
    found = list(_columns(connection))
    if connection.dialect.name == "postgresql" and has_roles(connection):
        found += [*_roles(connection), *_forced(connection), *_policies(connection), *_granted(connection)]
    return found


def has_roles(connection: Connection) -> bool:
    """Whether `spillway db roles` has been run on a PostgreSQL database."""
    return connection.execute(text("SELECT to_regclass('wall.secret')")).scalar_one() is not None


def _columns(connection: Connection) -> Iterator[Finding]:
    """Every table is a tenant's, with its owner in every row, or is known to be the platform's."""
    if connection.dialect.name == "sqlite":
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        owned = 'SELECT name FROM pragma_table_info(:name) WHERE "notnull" = 1'
    else:
        names = (
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = CAST('public' AS regnamespace)"
        )
        owned = (
            "SELECT attname FROM pg_attribute WHERE attrelid = CAST(:name AS regclass) AND attnotnull AND attnum > 0"
        )
    for name in sorted(connection.execute(text(names)).scalars()):
        if name in PLATFORM or name == "alembic_version":
            continue
        noun = name.removeprefix("all_")
        if not name.startswith("all_") or noun not in nouns():
            yield Finding(name, "a table that is neither a tenant's nor the platform's", 1)
        elif owner_of(noun) not in set(connection.execute(text(owned), {"name": name}).scalars()):
            yield Finding(name, "a table whose rows need not belong to a tenant", 1)


def _roles(connection: Connection) -> Iterator[Finding]:
    """No role of ours is, or can become, one that passes the policies."""
    wanted = text(
        "SELECT r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolreplication, "
        "(SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid) AS memberships, "
        "(SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid) AS owned "
        "FROM pg_roles r WHERE r.rolname = :role"
    )
    for wall in Wall:
        role = postgres.role_of(wall)
        row = connection.execute(wanted, {"role": role}).one_or_none()
        if row is None:
            yield Finding(role, "there is no such role", 1)
            continue
        for fault, has in row._mapping.items():
            if has:
                yield Finding(role, f"an unsafe role: {fault.removeprefix('rol')}", int(has))


def _forced(connection: Connection) -> Iterator[Finding]:
    """Policies hold on every table, for its owner too, and views ask as who reads."""
    flags = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:name)")
    asks = text("SELECT 'security_invoker=true' = ANY (reloptions) FROM pg_class WHERE oid = to_regclass(:name)")
    for noun in nouns():
        if not connection.execute(flags, {"name": f"public.all_{noun}"}).scalar_one_or_none():
            yield Finding(f"all_{noun}", "row-level security is not forced", 1)
        for name in sorted({noun, added_through(noun)}):
            if not connection.execute(asks, {"name": f"public.{name}"}).scalar_one_or_none():
                yield Finding(name, "no view that asks as who reads", 1)


def _policies(connection: Connection) -> Iterator[Finding]:
    """The policies are those that `GRANTS` makes, word for word."""
    wanted = text(
        "SELECT tablename, policyname, CAST(roles AS text[]) AS roles, qual, with_check FROM pg_policies "
        "WHERE schemaname = 'public'"
    )
    held: dict[tuple[str, str], tuple[str, str]] = {}
    for row in connection.execute(wanted):
        roles = ",".join(row.roles)
        if row.policyname != "platform" and roles != row.policyname.removesuffix("_adds"):
            yield Finding(row.tablename, f"policy {row.policyname} is for {roles}", 1)
        held[row.tablename, row.policyname] = (_plain(row.qual), _plain(row.with_check))
    for noun in nouns():
        if (f"all_{noun}", "platform") not in held:
            yield Finding(f"all_{noun}", "no policy for the platform", 1)
    due = {(f"all_{noun}", "platform"): ("true", "true") for noun in nouns()} | dict(postgres.policies())
    for at, expressions in due.items():
        if held.pop(at, None) != (_plain(expressions[0]), _plain(expressions[1])):
            yield Finding(at[0], f"policy {at[1]} is not the one that was made", 1)
    for table, policy in held:
        yield Finding(table, f"policy {policy} is not ours", 1)


def _plain(expression: str | None) -> str:
    """An expression without what PostgreSQL puts into it when it shows it."""
    words = (expression or "").replace("::text", "").replace(" AS tenant", "")
    return "".join(each for each in words if each not in "() \n").lower()


def _granted(connection: Connection) -> Iterator[Finding]:
    """Nothing is granted to everybody, nor to a role of ours beyond `GRANTS`."""
    wanted = text(
        "SELECT table_name, grantee FROM information_schema.table_privileges "
        "WHERE table_schema = 'public' AND (grantee = 'PUBLIC' OR grantee LIKE 'spillway\\_%') "
        "UNION SELECT table_name, grantee FROM information_schema.column_privileges "
        "WHERE table_schema = 'public' AND (grantee = 'PUBLIC' OR grantee LIKE 'spillway\\_%')"
    )
    due = {
        (name, postgres.role_of(wall))
        for wall, each in GRANTS.items()
        for noun in each
        for name in (noun, added_through(noun), f"all_{noun}")
    }
    due |= {(table, postgres.role_of(wall)) for wall, tables in DIRECT.items() for table in tables}
    owner = connection.execute(text("SELECT current_user")).scalar_one()
    for table, grantee in sorted((row.table_name, row.grantee) for row in connection.execute(wanted)):
        if grantee != owner and (table, grantee) not in due:
            yield Finding(table, f"granted to {grantee}", 1)


def _probes(engine_of: EngineOf, key: bytes) -> Iterator[Finding]:
    """Try to read as nobody, and as a tenant that is none: what comes back is somebody's."""
    for wall, grants in GRANTS.items():
        for tenant in (None, NOBODY):
            if tenant is None and wall is Wall.AUDITOR:
                continue  # who is bound to none, and sees all
            with reading(engine_of(wall, False)) as connection:
                bind_to(connection, key, tenant)
                yield from _guarded(connection)
                for noun, verbs in grants.items():
                    if verbs.select and verbs.rows in (Rows.BOUND, Rows.BOUND_OR_ALL):
                        seen = select(func.count(view(noun).c[owner_of(noun)])).select_from(view(noun))
                        if count := connection.execute(seen).scalar_one():
                            yield Finding(noun, f"{wall} sees rows of others, bound to {tenant or 'nobody'}", count)


def _guarded(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name == "sqlite":
        raw = connection.connection.dbapi_connection
        if not isinstance(raw, GuardedConnection) or raw.guard is None:
            yield Finding("connection", "no guard is installed", 1)
