"""The API on a real store: two tenants with everything in it, an operator and an auditor, a clock that a test sets, and
a client that speaks to it without a network.

    with api_house(place) as house:
        house.get("acme", "/v1/invoices")       # as acme's admin; "acme/member", "operator", "auditor", "" for nobody
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import shake_256
from itertools import count
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import Connection, select
from starlette.testclient import TestClient

import postgres
from billing.api.app import create_app
from billing.api.ports import DeskPort
from billing.invoices.credit_note import Return
from billing.invoices.invoice import Heading, draft
from billing.invoices.lifecycle import issue
from billing.store.access import save_key
from billing.store.books import save_credit_note, save_invoice
from billing.store.desk import turn
from billing.store.door import Door, make_walls, open_door
from billing.store.engine import open_store, reading, writing
from billing.store.migrate import init
from billing.store.schema import all_tables
from billing.store.tenant_rows import create_tenant, require_account
from billing.terms import Terms
from invoice_facts import ISSUED_S, cents
from runs_shown import OneRun
from some_secrets import SECRETS
from tenants.access.identity import ROLE_SCOPES, Role
from tenants.access.keys import mint
from tenants.access.limits import Limit, Limits
from tenants.access.scope import local_scope
from tenants.audit.entry import LOCAL

NOW_S = 1_800_000_000
PUBLIC = ("93.184.215.14",)
FAST = Limit(1_000_000, 60, 1_000_000)
TENANTS = ("acme", "bolt")
_AFTER = 1_000  # of the calls for entropy, more than furnishing takes
_MADE: dict[int, tuple[bytes, dict[str, str], dict[str, str]]] = {}  # by seed: a file, and the keys and accounts in it
_TEMPLATES: dict[str, tuple[dict[str, str], dict[str, str]]] = {}  # by server: the keys and accounts in its template
_SEED = 1  # that most tests have
_ROLES = {"": Role.TENANT_ADMIN, "/member": Role.MEMBER}


def entropy_of(seed: int, start: int = 0) -> Callable[[int], bytes]:
    """Bytes that look random and are the same each time."""
    calls = count(start)
    return lambda n: shake_256(f"{seed}/{next(calls)}".encode()).digest(n)


@dataclass
class ApiHouse:
    """The API, the keys of everybody by their names, and what the clock says."""

    place: str
    door: Door
    app: FastAPI
    keys: dict[str, str]
    accounts: dict[str, str]
    hosts: dict[str, tuple[str, ...]]
    now_s: int = NOW_S
    client: TestClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def ask(
        self, who: str, method: str, path: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Response:
        """Send a request with somebody's key; "" for nobody's."""
        key = self.keys.get(who, who)
        sent = {"Authorization": f"Bearer {key}"} if key else {}
        return self.client.request(method, path, headers={**sent, **(headers or {})}, **more)

    def get(self, who: str, path: str, **more: Any) -> Response:
        """Read."""
        return self.ask(who, "GET", path, **more)

    def post(self, who: str, path: str, body: Any, **more: Any) -> Response:
        """Change, with a JSON body."""
        return self.ask(who, "POST", path, json=body, **more)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as the owner of the store sees them."""
        store = open_store(self.place)
        with reading(store) as connection:
            found = [dict(row) for row in connection.execute(select(all_tables().tables[table])).mappings()]
        store.dispose()
        return found

    def actions(self, tenant: str) -> list[str]:
        """The actions in a tenant's audit log, oldest first."""
        rows = [row for row in self.rows("all_audit_entry") if row["tenant"] == tenant]
        return [row["action"] for row in sorted(rows, key=lambda row: int(row["position"]))]


@contextmanager
def api_house(
    place: str, *, seed: int = _SEED, limits: Limits | None = None, terms: Terms | None = None
) -> Iterator[ApiHouse]:
    """Make a store at a place that has none, or take the empty one there, and the API over it; with terms the desk is
    at work."""
    keys, accounts = _furnished(place, seed)
    entropy = entropy_of(seed, _AFTER)
    door = open_door(place, SECRETS, entropy)
    hosts = {"hooks.example.com": PUBLIC}
    app = create_app(
        door,
        SECRETS,
        lambda: house.now_s,
        entropy,
        lambda host: hosts.get(host, ()),
        limits or Limits(FAST, FAST, FAST),
        runs=OneRun(),
        desk=DeskPort(lambda: terms, lambda: terms is None or turn(door, local_scope(), terms, house.now_s)),
    )
    house = ApiHouse(place, door, app, keys, accounts, hosts)
    try:
        yield house
    finally:
        door.close()


def _furnished(place: str, seed: int) -> tuple[dict[str, str], dict[str, str]]:
    """Make the store with everybody and the books in it; the second of a seed is a copy of the first."""
    if place.startswith("postgresql://") and seed == _SEED:
        return _copied_database(place)
    file = Path(place)
    copied = "://" not in place and not file.exists()
    if copied and seed in _MADE:
        content, keys, accounts = _MADE[seed]
        file.write_bytes(content)
    else:
        keys, accounts = _furnish(place, entropy_of(seed))
        if copied:
            assert not file.with_name(f"{file.name}-wal").exists(), "the file alone is not the store"
            _MADE[seed] = file.read_bytes(), keys, accounts
    return dict(keys), dict(accounts)


def _copied_database(place: str) -> tuple[dict[str, str], dict[str, str]]:
    """Put a copy of the server's first furnished database in the place of the empty one. Roles are the server's."""
    found = re.fullmatch(r"(.*@/)(\w+)(\?.*)", place)
    assert found is not None, place
    urls, name, template = f"{found[1]}{{}}{found[3]}", found[2], "furnished"
    if urls not in _TEMPLATES:
        _TEMPLATES[urls] = _furnish(postgres.fresh_database(urls, template), entropy_of(_SEED))
    postgres.drop_database(urls, name)
    postgres.fresh_database(urls, name, template)
    keys, accounts = _TEMPLATES[urls]
    return dict(keys), dict(accounts)


def _furnish(place: str, entropy: Callable[[int], bytes]) -> tuple[dict[str, str], dict[str, str]]:
    store = open_store(place, create=True)
    init(store)
    make_walls(store, SECRETS, NOW_S)
    keys: dict[str, str] = {}
    accounts: dict[str, str] = {}
    people = {f"{tenant}{suffix}": (tenant, role) for tenant in TENANTS for suffix, role in _ROLES.items()}
    people |= {"operator": ("", Role.OPERATOR), "auditor": ("", Role.AUDITOR)}
    with writing(store) as connection:
        for tenant in TENANTS:
            create_tenant(connection, LOCAL, tenant.title(), entropy, NOW_S, id_=tenant)
        for name, (tenant, role) in people.items():
            account = require_account(connection, LOCAL, tenant, name, "service", role, entropy, NOW_S)
            made = mint(local_scope(), account.id, tenant, role, ROLE_SCOPES[role], SECRETS, entropy, NOW_S)
            save_key(connection, LOCAL, made, NOW_S)
            keys[name], accounts[name] = made.text, account.id
        for tenant in TENANTS:
            _fill_books(connection, tenant)
    store.dispose()
    return keys, accounts


def _fill_books(connection: Connection, tenant: str) -> None:
    """Three invoices of a tenant, and a credit note on the first."""
    made = [
        issue(draft(Heading(tenant, f"2026-0{month}"), [cents(100 * month)]), month, ISSUED_S + month)
        for month in (1, 2, 3)
    ]
    for invoice in made:
        save_invoice(connection, invoice)
    save_credit_note(connection, made[0].number, [Return(1, 1, 2)], "goodwill", "sorry", ISSUED_S + 9)
