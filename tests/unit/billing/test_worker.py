"""The worker's role: the tables of all, but no digest of a key, and no word in the log in the name of a tenant."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import insert, text

from billing.errors import StoreError
from billing.log.event import chained
from billing.store.audit import record
from billing.store.door import Door, make_walls, open_door
from billing.store.engine import open_store, writing
from billing.store.migrate import init
from billing.store.reader import events_in
from billing.store.schema import all_tables
from billing.store.writer import append
from log_events import chain
from postgres import fresh_database
from some_secrets import SECRETS
from tenants.access.errors import Forbidden
from tenants.access.scope import local_scope
from tenants.audit.entry import HOUSE
from wall_worlds import MINE, THEIRS, fill, scope

SELF = local_scope()


@contextmanager
def made(place: str) -> Iterator[Door]:
    store = open_store(place, create=True)
    init(store)
    make_walls(store, SECRETS)
    opened = open_door(place, SECRETS, os.urandom)
    yield opened
    opened.close()


@pytest.fixture
def own_door(store_place: str) -> Iterator[Door]:
    with made(store_place) as opened:
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One for all tests here that can share it: what one of them writes, no other asks for."""
    place = str(tmp_path_factory.mktemp("worker") / "spillway.db")
    if request.param == "postgresql":
        place = fresh_database(request.getfixturevalue("postgres_urls"), "worker")
    with made(place) as opened:
        yield opened


def test_tenants_see_what_is_on_offer_and_nothing_else_of_the_house(own_door: Door) -> None:
    with writing(own_door._store) as connection:
        fill(connection, (MINE, THEIRS))
    with own_door.reading(scope(MINE)) as bound:
        for noun in ("offer", "settled"):
            assert [row.tenant for row in bound.connection.execute(text(f"SELECT tenant FROM {noun}"))] == [""]
    for noun in ("terms", "snapshot", "capacity_hour", "house_hour", "settling"):
        with pytest.raises(StoreError), own_door.reading(scope(MINE)) as bound:
            bound.connection.execute(text(f"SELECT tenant FROM {noun}"))
    with pytest.raises(StoreError), own_door.writing(scope(MINE)) as bound:
        bound.connection.execute(text("UPDATE offer SET gpus = 9"))


def test_the_worker_writes_the_log_and_what_follows_from_it(door: Door) -> None:
    with door.working(SELF) as bound:
        assert append(bound.connection, chain("sim", 3)).new == 3
        record(bound.connection, HOUSE, "worker", "paper.make", "2026-01", "", {}, 1)
        row = {"tenant": "", "position": 3, "terms_hash": "", "made_s": 1, "error": None}
        bound.connection.execute(insert(all_tables().tables["all_settling"]), row)
    with door.working(SELF, write=False) as bound:
        assert [event for event in events_in(bound.connection) if event.source == "sim"] == chain("sim", 3)
    with pytest.raises(StoreError), door.working(SELF, write=False) as bound:
        append(bound.connection, chain("other", 1))


def test_the_worker_says_nothing_in_the_name_of_a_tenant(door: Door) -> None:
    forged = list(chained(f"api/{MINE}", [("one", "source.beat", 1, MINE, {})]))
    with pytest.raises(StoreError), door.working(SELF) as bound:
        append(bound.connection, forged)
    with door.working(SELF, write=False) as bound:
        assert forged[0] not in list(events_in(bound.connection))


def test_what_the_worker_adds_for_a_tenant_is_that_tenants_own(door: Door) -> None:
    late, forged = (list(chained(f"api/{each}", [("late", "source.beat", 1, each, {})])) for each in (MINE, THEIRS))
    with pytest.raises(StoreError), door.working_for(SELF, MINE) as bound:
        append(bound.connection, forged)
    with pytest.raises(Forbidden), door.working_for(scope(THEIRS), MINE):
        pass
    with door.working_for(SELF, MINE) as bound:
        append(bound.connection, late)
    with door.working(SELF, write=False) as bound:
        assert late[0] in list(events_in(bound.connection)) and forged[0] not in list(events_in(bound.connection))


# No digest is seen, and nothing that was said is taken back.
REFUSED = [
    *(f"SELECT {column} FROM all_api_key" for column in ("digest", "pepper")),
    "SELECT digest FROM all_agent_token",
    *(f"DELETE FROM all_{noun}" for noun in ("event", "invoice", "audit_entry", "ledger_entry", "terms", "tombstone")),
    "UPDATE all_event SET data = '{}'",
    "UPDATE all_invoice SET total_micro = 1",
    "UPDATE all_webhook SET url = 'x'",
    "INSERT INTO all_api_key SELECT * FROM all_api_key",
    "INSERT INTO all_break_glass SELECT * FROM all_break_glass",
]


def test_what_the_worker_may_not_do(door: Door) -> None:
    for statement in REFUSED:
        with pytest.raises(StoreError), door.working(SELF) as bound:
            bound.connection.execute(text(statement))
    with pytest.raises(Forbidden), door.working(scope(MINE)):
        pass


def test_no_row_of_the_house_is_a_tenants(door: Door) -> None:
    table = all_tables().tables["all_house_hour"]
    row = {"hour_s": 0, "product": "x", "gpu_s": 1, "numerator": "1", "denominator": "1", "currency": "USD"}
    with writing(door._store) as connection:
        connection.execute(insert(table), row | {"tenant": ""})
    with pytest.raises(StoreError, match="house"), writing(door._store) as connection:
        connection.execute(insert(table), row | {"tenant": MINE})
