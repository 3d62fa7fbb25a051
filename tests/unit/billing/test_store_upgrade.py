"""A store of an older schema comes up whole: every event, document and entry is there, under its tenant."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, Engine, inspect, select, text

from billing.closing.close_month import Arrived
from billing.closing.month import Basis
from billing.errors import InvoiceError
from billing.invoices.credit_note import Return
from billing.invoices.document import document_bytes
from billing.invoices.invoice import Heading
from billing.store.books import (
    entries_in,
    invoice_of,
    invoices_in,
    notes_of,
    save_credit_note,
    save_invoice,
    save_payment,
)
from billing.store.check import check
from billing.store.check_books import check_books
from billing.store.engine import open_store, reading, writing
from billing.store.issuing import issue_month
from billing.store.migrate import _config, init, upgrade
from billing.store.reader import events_in
from billing.store.schema import all_tables
from billing.store.tenant_rows import create_tenant
from billing.store.writer import append
from billing.terms import Terms
from billing_facts import NAMES, closed_world, price_book, registry
from invoice_facts import cents, issued
from invoicing_process import LATER_S, MONTHS
from log_events import chain
from tenants.registry import Registry
from tenants.wallet import Wallet

BOOKS = ("invoice", "invoice_line", "credit_note", "payment")
FINISHED = Arrived(0, finished=True)


def basis() -> Basis:
    """A world in which wallets are bought, drawn and lost."""
    known = registry()
    mine = (
        Wallet(id="deposit", tenant="acme", amount="25", priority=1, paid=True),
        Wallet(id="brief", tenant="birch", amount="25", expires_s=1, paid=True),
    )
    who = Registry(tenants=known.tenants, products=known.products, wallets=mine)
    return Basis(closed_world(6).books(parties=who), Terms(who, price_book(), epoch_s=NAMES.epoch_s))


def filled(place: str) -> Engine:
    """A store of today with a log and books."""
    engine = open_store(place, create=True)
    init(engine)
    with writing(engine) as connection:
        append(connection, chain("sim", 7))
    for month in MONTHS:
        issue_month(engine, basis(), month, NAMES.epoch_s, FINISHED, 7)
    with writing(engine) as connection:
        owed = [each for each in invoices_in(connection) if each.total_micro > 100_000 and not each.showback]
        save_payment(connection, owed[0].number, 10_000, "wire 7", LATER_S)
        save_credit_note(connection, owed[1].number, [Return(1, 1, 3)], "goodwill", "a slow month", LATER_S)
    return engine


def as_it_was(now: Connection, then: Connection) -> None:
    """Write what a store of today holds into one of the first schema, in raw SQL."""
    command.upgrade(_config(then), "0001")
    tables = all_tables().tables
    for name in (*("event", "event_source", "event_gap", "event_terms", "quarantine"), *BOOKS, "ledger_entry"):
        old = [column["name"] for column in inspect(then).get_columns(name)]
        columns = tables.get(f"all_{name}", tables.get(name)).c  # type: ignore[union-attr]
        rows = [dict(row._mapping) for row in now.execute(select(*(columns[each] for each in old)))]
        for at, row in enumerate(rows, 1):
            if name == "ledger_entry":
                row["position"] = at
        if rows:
            marks = ", ".join(f":{each}" for each in old)
            then.execute(text(f"INSERT INTO {name} ({', '.join(old)}) VALUES ({marks})"), rows)


def test_data_of_the_first_schema_survive_the_upgrade(store_place: str, tmp_path: Path) -> None:
    today = filled(f"{tmp_path}/today.db")
    old = open_store(store_place, create=True)
    with reading(today) as now, writing(old) as then:
        as_it_was(now, then)
    upgrade(old)
    with reading(today) as now, reading(old) as then:
        assert {name: found for name, found in check(then).items() if found} == {}
        assert list(events_in(then)) == list(events_in(now))
        assert [document_bytes(each) for each in invoices_in(then)] == [
            document_bytes(each) for each in invoices_in(now)
        ]
        assert notes_of(then) == notes_of(now)
        assert sorted(entries_in(then)) == sorted(entries_in(now))
        assert invoice_of(then, invoices_in(now)[0].id) == invoices_in(now)[0]


def test_every_row_of_the_second_schema_survives_the_upgrade(store_place: str, tmp_path: Path) -> None:
    today = filled(f"{tmp_path}/today.db")
    with writing(today) as connection:
        create_tenant(connection, "local", "Acme", lambda count: b"a" * count, LATER_S, id_="initech")
    old = open_store(store_place, create=True)
    with reading(today) as now, writing(old) as then:
        command.upgrade(_config(then), "0002")
        held = everything(now, set(inspect(then).get_table_names()))
        for name, rows in held.items():
            if rows:
                then.execute(all_tables().tables[name].insert(), rows)
    assert sum(map(len, held.values())) > 50
    upgrade(old)
    with reading(old) as then:
        after = everything(then, set(held))
        assert {name: found for name, found in check(then).items() if found} == {}
    for name in held:
        known = [row for row in after[name] if row in held[name]]  # the upgrade itself is noted in the audit log
        assert known == held[name] or name == "all_audit_tree", name


def everything(connection: Connection, names: set[str]) -> dict[str, list[dict[str, Any]]]:
    """Every row of some tables, parents first."""
    return {
        table.name: [
            dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings().all()
        ]
        for table in all_tables().sorted_tables
        if table.name in names
    }


def test_a_number_that_two_tenants_have_is_asked_for_by_id(store_place: str) -> None:
    """The show-back of `lab` is numbered in the series "lab-SB", and so are the bills of a tenant of that name."""
    store = open_store(store_place, create=True)
    init(store)
    shown = issued([cents(5)], Heading("lab", "2026-01", showback=True))
    billed = issued([cents(7)], Heading("lab-SB", "2026-01"))
    assert shown.number == billed.number == "lab-SB-000001"
    with writing(store) as connection:
        for each in (shown, billed):
            save_invoice(connection, each)
        with pytest.raises(InvoiceError, match=f"several tenants.*{shown.id}, {billed.id}"):
            invoice_of(connection, shown.number)
        assert [invoice_of(connection, each.id) for each in (shown, billed)] == [shown, billed]
        assert save_payment(connection, billed.id, 10_000, "wire 1", LATER_S)
        assert check_books(connection) == []


def test_canary_entries_in_the_ledger_of_another_tenant_are_found(tmp_path: Path) -> None:
    store = filled(str(tmp_path / "books.db"))
    with writing(store) as connection:
        connection.execute(text("UPDATE all_ledger_entry SET tenant = 'stranger' WHERE tenant = 'acme'"))
        assert [each.what for each in check_books(connection) if "in the ledger of stranger" in each.what]
