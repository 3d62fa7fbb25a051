"""The one door to tenant data for whoever acts for somebody else: the API and the console.

    with door.reading(scope) as bound:      # or writing, or ingesting: one transaction
        invoices_of(bound, ...)

A scope comes from authentication alone. It decides the role of the database and the tenant that the transaction is
bound to; behind the door stands the wall of the engine (`billing.store.walls`). Opening it checks the wall first, and
tries to see what nobody may see.

    tenant                       app, bound to it
    operator                     operator: metadata of all, nobody's usage or bills
    operator behind broken glass app, bound to the tenant, for reading: the tenant's own wall holds for the operator
                                 too, and the tenant can see the grant that the door asks for
    auditor                      auditor, bound to the tenant that is audited, or to none
    the service by itself        worker, bound to nobody: an operator's scope, or the machine's, says in whose name

Docs: docs/decisions/0010-one-door-walls-in-the-engine.md.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from sqlalchemy import Connection, Engine, select

from billing.store.access import SqlKeys, note_uses
from billing.store.audit import record
from billing.store.engine import Store, open_store, reading, writing
from billing.store.sessions import SEEN_EVERY_S, add_session, end_sessions, live_sessions, note_seen, session_at
from billing.store.walls import postgres
from billing.store.walls.connect import bind_to, connector
from billing.store.walls.grants import Wall
from billing.store.walls.selfcheck import require_walls
from billing.store.walls.views import view
from tenants.access.authenticate import authenticate
from tenants.access.errors import Forbidden
from tenants.access.identity import Role
from tenants.access.keys import Entropy
from tenants.access.scope import Scope
from tenants.access.secrets import Secrets
from tenants.access.sessions import SessionRecord, authenticate_session, new_session, session_digest
from tenants.audit.entry import HOUSE, LOCAL


class Bound(NamedTuple):
    """A connection within a transaction that is bound to whoever asks, and the scope that it is bound to."""

    connection: Connection
    scope: Scope


class Door:
    """See the module. Made by `open_door`."""

    def __init__(self, store: Store, secrets: Secrets, entropy: Entropy) -> None:
        self._store, self._secrets, self._entropy = store, secrets, entropy
        self._connect = connector(store, entropy)
        self._opened: set[Engine] = set()

    def sign_in(self, text: str, now_s: int) -> Scope:
        """Return the scope of a key or token, looked up as a role that sees keys and nothing else.

        Raises:
            AccessError: as `authenticate`.
        """
        with self.looking_up() as connection:
            keys = SqlKeys(connection)
            scope = authenticate(text, keys, self._secrets, now_s)
        if keys.uses:
            with writing(self._engine_of(Wall.SIGN_IN, write=True)) as connection:
                note_uses(connection, keys.uses)
        return scope

    def sign_in_session(self, text: str, now_s: int, *, touch: bool = True) -> Scope:
        """Return the scope of the key behind a cookie of the console, looked up as `sign_in` does; unless `touch`, the
        session grows no younger by it. Raises AccessError, as `authenticate_session`."""
        made = session_digest(text, self._secrets)
        with reading(self._engine_of(Wall.SIGN_IN, write=False)) as connection:
            found = session_at(connection, made)
            scope = authenticate_session(found, SqlKeys(connection).key(found.key if found else ""), now_s)
        if touch and found is not None and now_s - found.seen_s >= SEEN_EVERY_S:
            with writing(self._engine_of(Wall.SIGN_IN, write=True)) as connection:
                note_seen(connection, found, now_s)
        return scope

    def open_session(self, scope: Scope, now_s: int) -> str:
        """Keep a new session of whoever has just shown a key, and return its cookie. Raises Unauthenticated."""
        text, made = new_session(scope, self._secrets, self._entropy, now_s)
        with writing(self._engine_of(Wall.SIGN_IN, write=True)) as connection:
            add_session(connection, made)
        return text

    def sessions_of(self, scope: Scope, now_s: int) -> list[SessionRecord]:
        """Return the sessions of the scope's account that hold now, newest first."""
        with self.looking_up() as connection:
            return live_sessions(connection, scope.principal.tenant or "", scope.principal.id, now_s)

    def end_sessions(self, scope: Scope, digests: Collection[str], now_s: int) -> int:
        """End those of some sessions that are the account's own; return how many."""
        with writing(self._engine_of(Wall.SIGN_IN, write=True)) as connection:
            return end_sessions(connection, scope.principal.tenant or "", scope.principal.id, digests, now_s)

    @contextmanager
    def looking_up(self) -> Iterator[Connection]:
        """As the role that sees keys and terms, and nobody's data: for the store's own functions."""
        with reading(self._engine_of(Wall.SIGN_IN, write=False)) as connection:
            yield connection

    @contextmanager
    def reading(self, scope: Scope) -> Iterator[Bound]:
        """One state of the store, as far as the scope sees it. Raises Forbidden, StoreError."""
        wall, tenant = wall_of(scope)
        with reading(self._engine_of(wall, write=False)) as connection:
            yield self._bound(connection, tenant, scope)

    @contextmanager
    def writing(self, scope: Scope) -> Iterator[Bound]:
        """A transaction, committed as a whole at its end or not at all. Raises Forbidden, StoreError."""
        wall, tenant = wall_of(scope)
        if scope.reason or wall is Wall.AUDITOR:
            raise Forbidden("reads only")
        with writing(self._engine_of(wall, write=True)) as connection:
            yield self._bound(connection, tenant, scope)

    @contextmanager
    def ingesting(self, scope: Scope) -> Iterator[Bound]:
        """A transaction that appends events of the scope's tenant to the log, from its source `api/<tenant>`, and does
        nothing else. Raises Forbidden, StoreError."""
        # An agent's calls are metered by what it was let do, whether or not it may report use itself.
        scope.require("tools:call" if scope.tools else "usage:write")
        tenant = scope.principal.tenant
        if not tenant or scope.reason:
            raise Forbidden("needs a tenant of one's own")
        with writing(self._engine_of(Wall.INGEST, write=True)) as connection:
            yield self._bound(connection, tenant, scope)

    @contextmanager
    def working(self, scope: Scope, *, write: bool = True) -> Iterator[Bound]:
        """A transaction of the worker, on the tables of all. No route comes here (tests/support/house_rules.py).
        Raises Forbidden, StoreError."""
        if scope.principal.role is not Role.OPERATOR or scope.reason:
            raise Forbidden("needs an operator")
        transaction = writing if write else reading
        with transaction(self._engine_of(Wall.WORKER, write=write)) as connection:
            yield Bound(connection, scope)

    @contextmanager
    def working_for(self, scope: Scope, tenant: str) -> Iterator[Bound]:
        """A transaction of the worker that appends events to the log from a tenant's own source, as `ingesting`: what
        the tenant was let do and nobody wrote down. No route comes here. Raises Forbidden, StoreError."""
        if scope.principal.role is not Role.OPERATOR or scope.reason:
            raise Forbidden("needs an operator")
        with writing(self._engine_of(Wall.INGEST, write=True)) as connection:
            yield self._bound(connection, tenant, scope)

    def note_look(self, scope: Scope, what: str, now_s: int) -> None:
        """Write into a tenant's log that an auditor begins to read of it, before anything is read. An auditor's role
        writes nothing, so the operator's does, which reads no log. Raises Forbidden, StoreError."""
        wall, tenant = wall_of(scope)
        if wall is not Wall.AUDITOR or tenant is None:
            raise Forbidden("needs an auditor, and a tenant")
        with writing(self._engine_of(Wall.OPERATOR, write=True)) as connection:
            bound = self._bound(connection, None, scope)
            record(bound.connection, tenant, scope.principal.id, "auditor.read", what, "", {}, now_s)

    def check(self) -> None:
        """Raise StoreError where a wall does not stand. Cost: a few statements per table."""
        require_walls(self._store, self._engine_of, self._secrets.tenant_token)

    def close(self) -> None:
        """Close the connections that rest. The door opens new ones when it is asked again."""
        for engine in self._opened:
            engine.dispose()

    def _engine_of(self, wall: Wall, write: bool) -> Engine:
        engine = self._connect(wall, write)
        self._opened.add(engine)
        return engine

    def _bound(self, connection: Connection, tenant: str | None, scope: Scope) -> Bound:
        bind_to(connection, self._secrets.tenant_token, tenant)
        if scope.reason:
            _require_grant(connection, scope)
        return Bound(connection, scope)


def door_of(store: Store, secrets: Secrets, entropy: Entropy) -> Door:
    """Return the door of a store that is open already, its walls checked. As `open_door`."""
    door = Door(store, secrets, entropy)
    door.check()
    return door


def open_door(place: str, secrets: Secrets, entropy: Entropy) -> Door:
    """Open the door of the store at a file or URL, and check the walls behind it.

    Args:
        entropy: n -> n random bytes, for names that nobody can guess.

    Raises:
        StoreError: no store, or walls that do not stand: an unsafe role, a table without a policy, a row that was seen.
    """
    return door_of(open_store(place), secrets, entropy)


def make_walls(store: Store, secrets: Secrets, at_s: int = 0) -> list[str]:
    """Make or mend the roles, policies and views of a store, and return the names of the roles; none in SQLite, where
    every connection brings its wall along. As the owner of the tables.

    Raises:
        StoreError: the owner may not make roles, or the database refuses.
    """
    if store.dialect.name == "sqlite":
        return []
    made = [postgres.role_of(wall) for wall in Wall]
    with writing(store) as connection:
        postgres.make_roles(connection, secrets.tenant_token)
        record(connection, HOUSE, LOCAL, "walls.make", "roles", "", {"roles": made}, at_s)
    return made


def wall_of(scope: Scope) -> tuple[Wall, str | None]:
    """Return the role that a scope acts as, and the tenant that it is bound to. Raises Forbidden.

    Of an operator's scope with a tenant the reason must be broken glass, unless it is the person at the machine.
    """
    who = scope.principal
    if who.role is Role.AUDITOR:
        return Wall.AUDITOR, scope.tenant
    if who.role is Role.OPERATOR:
        if scope.tenant is None:
            return Wall.OPERATOR, None
        if not scope.reason and who.kind != "local":
            raise Forbidden("needs a break-glass grant with a reason")
        return Wall.APP, scope.tenant
    if not who.tenant or scope.tenant != who.tenant:
        raise Forbidden("needs a tenant of one's own")
    return Wall.APP, who.tenant


def _require_grant(connection: Connection, scope: Scope) -> None:
    """The grant that a scope speaks of must stand where the tenant can read it, and not be closed."""
    grant = view("break_glass").c
    mine = (grant.operator == scope.principal.id) & (grant.reason == scope.reason) & grant.closed_s.is_(None)
    if connection.execute(select(grant.id).where(mine)).first() is None:
        raise Forbidden("needs an open break-glass grant")
