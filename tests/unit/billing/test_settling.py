"""Settling: the read model follows from the log and its terms, is written where it changed, and outlives a bad log."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text

from billing.errors import PriceError, StoreError
from billing.log.event import Event
from billing.months import parse_month
from billing.store.door import make_walls, open_door
from billing.store.engine import Store, open_store, reading, writing
from billing.store.invoice_hours import keep_hours
from billing.store.issuing import issue_month
from billing.store.log_basis import basis_at
from billing.store.migrate import init
from billing.store.settling import Outcome, settle_behind, settle_store
from billing.store.tables_access import tombstone
from billing.store.tables_settled import month_paper, settled, settling, usage_hour
from billing.store.writer import append
from billing.terms import Terms
from billing_facts import HOUR_S, PRICES, price_book
from some_secrets import SECRETS
from tenants.access.scope import local_scope
from tenants.registry import Registry
from told_events import EPOCH_S, ended, random_log, resized, started, terms, told
from wall_worlds import scope

NOW_S = EPOCH_S + 100 * HOUR_S
LIFE = told([started(0), ended(HOUR_S), started(HOUR_S, "a2", "birch"), ended(3 * HOUR_S, "a2", "birch")])
DEAR = {"product": "bare.ondemand", "sku": "h100", "region": "eu", "from": "2026-01-01T00:00:00Z",
        "usd_per_gpu_hour": "1000000000000"}  # fmt: skip
LATER = told([started(10, "late", gpus=2), ended(HOUR_S, "late"), ("source.ended", 9 * HOUR_S, "operator", {})], "desk")


@pytest.fixture
def store(store_place: str) -> Store:
    made = open_store(store_place, create=True)
    init(made)
    return made


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Store:
    """For what no database has a say in."""
    made = open_store(str(tmp_path / "spillway.db"), create=True)
    init(made)
    return made


def told_to(store: Store, events: list[Event]) -> None:
    with writing(store) as connection:
        append(connection, events)


def settle(store: Store, agreed: Terms | None = None, now_s: int = NOW_S) -> Outcome:
    read: Callable[[], AbstractContextManager[Connection]] = partial(reading, store)
    given = terms() if agreed is None else agreed
    return settle_store(read, partial(writing, store), lambda _: given, "us", now_s, given)


def rows(store: Store) -> dict[str, list[Any]]:
    with reading(store) as connection:
        return {
            each.name: sorted(map(tuple, connection.execute(select(each))))
            for each in (usage_hour, month_paper, settled)
        }


def test_only_what_changed_is_written(sqlite_store: Store) -> None:
    assert settle(sqlite_store) == Outcome(0, None, 0, 0, None)
    told_to(sqlite_store, LIFE)
    first = settle(sqlite_store)
    assert first.error is None and first.written > 0 and first.until_s == EPOCH_S + 3 * HOUR_S
    assert settle(sqlite_store) == first._replace(written=0)
    told_to(sqlite_store, told([("source.beat", 3 * HOUR_S + 1, "operator", {})], "desk"))
    assert settle(sqlite_store, now_s=NOW_S + 9)[2:4] == (0, 0)  # nothing that anybody sees has changed
    assert {row[-1] for row in rows(sqlite_store)["all_month_paper"]} == {NOW_S}


def test_a_late_event_moves_its_tenants_rows_alone(sqlite_store: Store) -> None:
    told_to(sqlite_store, LIFE)
    settle(sqlite_store)
    before = rows(sqlite_store)
    told_to(sqlite_store, LATER)
    settle(sqlite_store, now_s=NOW_S + 9)
    after = rows(sqlite_store)
    for name in ("all_usage_hour", "all_month_paper"):
        moved = {row[0] for row in {*before[name]} ^ {*after[name]}}
        assert moved == {"acme"}, name


def test_any_history_comes_to_the_same_as_all_at_once(store: Store, tmp_path: Any) -> None:
    log = random_log(3, 10)
    for at in (5, 11, len(log)):
        told_to(store, log[:at])
        settle(store)
    fresh = open_store(f"{tmp_path}/fresh.db", create=True)
    init(fresh)
    told_to(fresh, log)
    settle(fresh)
    assert rows(store) == rows(fresh)
    with writing(store) as connection:
        for table in (usage_hour, month_paper, settled, settling):
            connection.execute(delete(table))
    settle(store)
    assert rows(store) == rows(fresh)


def test_a_log_that_cannot_be_settled_keeps_the_last_good_model(sqlite_store: Store) -> None:
    told_to(sqlite_store, LIFE)
    settle(sqlite_store)
    good = rows(sqlite_store)
    told_to(sqlite_store, told([resized(10, 4)], "other"))

    def parse(_: str) -> Terms:
        raise PriceError("no price for what was used", code="unknown_price")

    read, write = partial(reading, sqlite_store), partial(writing, sqlite_store)
    bad = settle_store(read, write, parse, "us", NOW_S)
    assert bad.error is not None and "no single terms" in bad.error and rows(sqlite_store) == good
    assert settle_store(read, write, parse, "us", NOW_S) == bad
    assert settle(sqlite_store).error is None


def test_a_month_that_cannot_be_billed_stops_nobody_else(sqlite_store: Store) -> None:
    """Two hours of 8e12 USD each: hours hold them, an invoice does not."""
    told_to(sqlite_store, [*LIFE, *told([started(HOUR_S, "x"), ended(2 * HOUR_S, "x")], "other")])
    dear = replace(terms(), book=price_book([*PRICES, DEAR]))
    done = settle(sqlite_store, dear)
    assert done.error is not None and done.error.startswith("invoice of acme, 2026-01: amount too large")
    assert done.written and settle(sqlite_store, dear) == done._replace(written=0, removed=0)
    assert {row[0] for row in rows(sqlite_store)["all_usage_hour"]} == {"acme", "birch"}
    drafts = {row[0] for row in rows(sqlite_store)["all_month_paper"] if row[2] == "draft"}
    assert drafts == {"birch"}
    assert settle(sqlite_store).error is None, "and it is over once the prices are others"


def test_hours_of_a_tenant_that_no_terms_know_keep_none_from_the_others(sqlite_store: Store) -> None:
    told_to(sqlite_store, [*LIFE, *LATER])
    with reading(sqlite_store) as connection:
        (basis, arrived, _), position = basis_at(connection, terms())
    issue_month(sqlite_store, basis, parse_month("2026-01"), EPOCH_S, arrived, position)
    given = terms()
    fewer = [each for each in given.registry.tenants if each.id != "acme"]
    given = replace(given, registry=Registry(**{**dict(given.registry), "tenants": tuple(fewer)}))
    read, write = partial(reading, sqlite_store), partial(writing, sqlite_store)
    with pytest.raises(StoreError, match=r"the terms know no tenant 'acme'$"):
        keep_hours(read, write, lambda _: given, "us", NOW_S, given)
    kept = {row[0] for row in rows(sqlite_store)["all_month_paper"] if row[2].startswith("hours/")}
    assert kept == {"birch"}
    assert keep_hours(read, write, lambda _: given, "us", NOW_S, terms()) == 1


def test_the_worker_settles_what_is_served(store: Store, store_place: str) -> None:
    make_walls(store, SECRETS)
    told_to(store, LIFE)
    door = open_door(store_place, SECRETS, os.urandom)
    given = terms()
    assert settle_behind(door, local_scope(), lambda _: given, "us", NOW_S, given).written > 0
    with door.reading(scope("acme")) as bound:
        seen = bound.connection.execute(text("SELECT DISTINCT tenant FROM usage_hour")).scalars().all()
        assert seen == ["acme"]
        assert bound.connection.execute(text("SELECT until_s FROM settled")).scalars().all() == [EPOCH_S + 3 * HOUR_S]
    door.close()


def test_nothing_is_made_of_who_was_deleted(sqlite_store: Store) -> None:
    told_to(sqlite_store, LIFE)
    settle(sqlite_store)
    with writing(sqlite_store) as connection:
        connection.execute(insert(tombstone), {"tenant": "birch", "deleted_s": NOW_S})
    told_to(sqlite_store, LATER)
    settle(sqlite_store)
    assert {row[0] for name in ("all_usage_hour", "all_month_paper") for row in rows(sqlite_store)[name]} == {"acme"}


def settle_while(store: Store, meanwhile: Callable[[], object]) -> Outcome:
    """Settle, and let something happen between reading the log and writing what it comes to."""

    def parse(_: str) -> Terms:
        raise AssertionError("terms are given")

    def write() -> AbstractContextManager[Connection]:
        meanwhile()
        return writing(store)

    return settle_store(partial(reading, store), write, parse, "us", NOW_S, terms())


def test_who_is_deleted_while_the_log_is_folded_does_not_come_back(sqlite_store: Store) -> None:
    told_to(sqlite_store, LIFE)

    def bury() -> None:
        with writing(sqlite_store) as connection:
            connection.execute(insert(tombstone), {"tenant": "birch", "deleted_s": NOW_S})

    settle_while(sqlite_store, bury)
    assert {row[0] for name in ("all_usage_hour", "all_month_paper") for row in rows(sqlite_store)[name]} == {"acme"}


def test_whoever_read_less_of_the_log_writes_nothing_over_what_another_settled(sqlite_store: Store) -> None:
    told_to(sqlite_store, LIFE)
    made: list[Outcome] = []

    def overtake() -> None:
        told_to(sqlite_store, LATER)
        made.append(settle(sqlite_store))

    assert settle_while(sqlite_store, overtake)[:4] == (*made[0][:2], 0, 0)
    assert rows(sqlite_store)["all_settled"] == [("", made[0].until_s)]
