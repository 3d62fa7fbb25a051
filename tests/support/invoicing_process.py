"""A process that issues, pays, credits and voids invoices into a store until it is done, or killed.

    python invoicing_process.py STORE WORLDS

Every step is one transaction and can be repeated; after its commit the step's name is printed. What is done follows
from `WORLDS` alone, so that a process which was killed and started again must end with the same books, byte for byte.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from sqlalchemy import Engine

from billing.closing.close_month import Arrived
from billing.closing.month import Basis
from billing.errors import InvoiceError
from billing.invoices.credit_note import Return
from billing.months import month_label, parse_month
from billing.store.books import (
    invoice_of,
    invoices_in,
    notes_of,
    save_credit_note,
    save_payment,
    save_void,
    standing_invoice,
)
from billing.store.engine import open_store, reading, writing
from billing.store.issuing import issue_month
from billing.terms import Terms, taxes_from
from billing_facts import NAMES, closed_world, price_book, registry
from tenants.registry import Registry

WORLDS = (0, 4, 6, 8, 13, 16, 20, 27)  # in which every tenant has invoices of both months
MONTHS = (parse_month("2026-01"), parse_month("2026-02"))
LATER_S = 1_900_000_000  # in 2030: after every invoice here
_VAT = taxes_from([{"name": "VAT", "tax_bp": 1_900}])
Step = tuple[str, Callable[[], object]]


def basis(world: int) -> Basis:
    """The books of one world; its tenants are named after it."""
    mine = tuple(f"{name}{world}" for name in NAMES.tenants)
    parties = registry()
    tenants = tuple(row.model_copy(update={"id": f"{row.id}{world}"}) for row in parties.tenants)
    mine_only = Registry(tenants=tenants, products=parties.products)
    terms = Terms(mine_only, price_book(), _VAT, epoch_s=NAMES.epoch_s)
    books = closed_world(world).books()
    return Basis(replace(books, names=replace(books.names, tenants=mine)), terms)


def steps(engine: Engine, worlds: int) -> Iterator[Step]:
    """Every step in order: issue both months, void and issue again, pay half, give back a third, pay the rest."""
    for world in WORLDS[:worlds]:
        made = basis(world)
        names = made.books.names.tenants
        for month in MONTHS:
            yield f"issue {world} {month}", partial(_issue, engine, made, month)
        for tenant in names:
            yield f"void {tenant}", partial(_void_once, engine, tenant)
        yield f"again {world}", partial(_issue, engine, made, MONTHS[0])
        for tenant in names:
            yield f"pay {tenant}", partial(_pay, engine, tenant)
            yield f"credit {tenant}", partial(_credit, engine, tenant)


def _issue(engine: Engine, made: Basis, month: int) -> None:
    issue_month(engine, made, month, NAMES.epoch_s, Arrived(0, finished=True))


def _void_once(engine: Engine, tenant: str) -> None:
    with writing(engine) as connection:
        first = [each for each in invoices_in(connection, tenant) if each.period == month_label(MONTHS[0])]
        if len(first) == 1 and first[0].status == "issued":
            save_void(connection, first[0].number, LATER_S)


def _pay(engine: Engine, tenant: str) -> None:
    with writing(engine) as connection:
        invoice = standing_invoice(connection, tenant, month_label(MONTHS[1]))
        if invoice is not None and not invoice.showback and invoice.total_micro > 10_000:
            save_payment(connection, invoice.number, 10_000, "wire", LATER_S)


def _credit(engine: Engine, tenant: str) -> None:
    with writing(engine) as connection:
        invoice = standing_invoice(connection, tenant, month_label(MONTHS[1]))
        if invoice is not None and not notes_of(connection, invoice.id) and invoice.lines[0].net_micro:
            try:
                save_credit_note(connection, invoice.number, [Return(1, 1, 3)], "goodwill", "a slow month", LATER_S)
            except InvoiceError:
                assert invoice_of(connection, invoice.number) == invoice  # nothing to give back, and nothing done


def whole(engine: Engine) -> tuple[list[object], ...]:
    """Everything that the books of a store hold. Entries are sorted: a month that was void when the process was killed
    is issued again before the rest of its steps, so the ledger holds the same entries in another order."""
    from billing.store.books import entries_in, payments_of

    with reading(engine) as connection:
        return invoices_in(connection), notes_of(connection), payments_of(connection), sorted(entries_in(connection))


def main() -> None:
    engine = open_store(sys.argv[1])
    print("ready", flush=True)
    for name, step in steps(engine, int(sys.argv[2])):
        step()
        print(name, flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
