"""The process that serves needs no owner's rights: it may start as the role that looks keys up. And what a role may do
to itself does not reach those who come after."""

import os
from unittest.mock import patch

import pytest
from sqlalchemy import insert, select, text

from billing.errors import StoreError
from billing.store.door import make_walls, open_door
from billing.store.engine import open_store, reading, writing
from billing.store.log_basis import noted_terms
from billing.store.migrate import init, require_current
from billing.store.tables_books import invoice
from billing.store.tables_log import event_terms
from billing.store.walls import connect
from billing.store.walls.views import view
from some_secrets import SECRETS
from tenants.access.identity import ROLE_SCOPES, Principal, Role
from tenants.access.scope import Scope, make_scope


def test_a_role_that_owns_nothing_can_open_the_door(postgres_url: str) -> None:
    store = open_store(postgres_url)
    init(store)
    make_walls(store, SECRETS)
    with writing(store) as connection:
        connection.execute(insert(event_terms), {"source": "run/1", "hash": "00", "terms": "a = 1"})
    owner = postgres_url.partition("//")[2].partition("@")[0]
    place = postgres_url.replace(f"//{owner}@", "//spillway_sign_in@")
    serving = open_store(place)
    require_current(serving)
    with reading(serving) as connection:
        assert noted_terms(connection) == "a = 1"
    open_door(place, SECRETS, os.urandom).close()
    with pytest.raises(StoreError, match="permission denied"), reading(serving) as connection:
        connection.execute(select(invoice.c.document))
    with pytest.raises(StoreError, match="permission denied"), writing(serving) as connection:
        connection.execute(insert(event_terms), {"source": "run/2", "hash": "00", "terms": "a = 2"})
    serving.dispose()
    store.dispose()


def admin_of(tenant: str) -> Scope:
    scopes = ROLE_SCOPES[Role.TENANT_ADMIN]
    return make_scope(Principal("x", "person", tenant, Role.TENANT_ADMIN, scopes, "k"))


SPOILT = {
    "local_preload_libraries": "nowhere",
    "search_path": "pg_temp",
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "1",
    "statement_timeout": "1",
}


def test_a_role_that_changes_itself_stops_nobody(postgres_url: str) -> None:
    """SQL let in as one tenant may alter the role that all tenants share: whoever connects next still works."""
    store = open_store(postgres_url)
    init(store)
    make_walls(store, SECRETS)
    door = open_door(postgres_url, SECRETS, os.urandom)
    try:
        for name, value in SPOILT.items():
            with door.writing(admin_of("acme")) as bound:
                bound.connection.execute(text(f"ALTER ROLE spillway_app SET {name} = '{value}'"))
        door.close()  # connections that begin anew
        hook = {"tenant": "bolt", "id": "w", "url": "https://x", "events": "", "created_s": 1}
        with door.writing(admin_of("bolt")) as bound:
            bound.connection.execute(insert(view("webhook")), hook)
        door.check()
    finally:
        with writing(store) as connection:  # roles are the server's, and other tests'
            connection.execute(text("ALTER ROLE spillway_app RESET ALL"))
        door.close()
        store.dispose()


def test_a_writer_waits_so_long_and_says_that_another_is_at_work(postgres_url: str) -> None:
    store = open_store(postgres_url)
    init(store)
    make_walls(store, SECRETS)
    with patch.dict(connect.PINNED, {"lock_timeout": 50}):
        door = open_door(postgres_url, SECRETS, os.urandom)
        with writing(store), pytest.raises(StoreError, match="another writer"), door.writing(admin_of("acme")):
            pass
    door.close()
    store.dispose()
