"""The process that serves needs no owner's rights: it may start as the role that looks keys up."""

import os

import pytest
from sqlalchemy import insert, select

from billing.errors import StoreError
from billing.store.door import make_walls, open_door
from billing.store.engine import open_store, reading, writing
from billing.store.log_basis import noted_terms
from billing.store.migrate import init, require_current
from billing.store.tables_books import invoice
from billing.store.tables_log import event_terms
from tenants.access.secrets import Secrets

SECRETS = Secrets(1, {1: b"p" * 32}, b"t" * 32, b"c" * 32, b"k" * 32, b"n" * 32)


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
