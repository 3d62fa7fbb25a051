"""Bills of a tenant: months, an invoice with its lines, credit notes and the ledger behind them."""

from collections.abc import Mapping
from typing import Any

from billing.console.asking import Answer, Refused, at
from billing.console.blocks import Block, Column, Facts, Link, Mark, Table, Tone, View, Words
from billing.console.drawing import for_eyes, plain_moment
from billing.console.pages.parts import PER_UNIT, amount, currency_in, listed, month_of, priced
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
BILLS, DRAFT, LEDGER = "/console/bills", "/console/draft", "/console/ledger"
_TONES: Mapping[str, Tone] = {"issued": "", "paid": "good", "void": "quiet"}

# Ending of a document's file: the type that the API is asked for. And why it may not be there.
_FORMS: Mapping[str, str] = {"html": "text/html", "pdf": "application/pdf"}
_WHY_NO_FILE: Mapping[int, str] = {
    406: "This service makes no PDF: that needs an installation with the extra report. The page is there.",
    503: "The hours behind the invoice are being put together. Ask again in a few seconds.",
}


@pages.get(BILLS)
async def show_bills(visit: Visit) -> Shown:
    """List invoices and credit notes."""
    found = await visit.ask.get("/v1/invoices", cursor=visit.query.get("cursor"), period=month_of(visit))
    notes = await visit.ask.get("/v1/credit-notes")
    rows = [
        (
            Link(each["number"], at(f"{BILLS}/{{number}}", number=each["number"])),
            each["period"],
            Mark(each["status"], _TONES.get(each["status"], "")),
            each["issued"],
            amount(each["total"]),
        )
        for each in found.items
    ]
    columns = [
        Column("Invoice", "code"),
        Column("Month"),
        Column("Status"),
        Column("Issued, UTC", "time"),
        Column(f"Total{currency_in(found.items, 'total')}", "money"),
    ]
    table = listed("invoices", "Invoices", found, columns, rows, empty="No month has been invoiced yet.")
    return View("Bills", [table, _notes(notes)], "Each invoice leads to its lines, each line to the hours behind it.")


@pages.get(f"{BILLS}/{{number}}")
async def show_invoice(visit: Visit) -> Shown:
    """Show an invoice with its lines, or hand out its document."""
    number, form = visit.ids["number"], visit.query.get("form", "")
    before: list[Block] = []
    if form in _FORMS:
        path = at("/v1/invoices/{number}/document", number=number)
        try:
            return await visit.ask.file(f"{number}.{form}", path, _FORMS[form])
        except Refused as refused:
            if refused.answer.status not in _WHY_NO_FILE:
                raise
            before = [Words("No file", _WHY_NO_FILE[refused.answer.status], tone="bad")]
    found = await visit.ask.need(at("/v1/invoices/{number}", number=number))
    invoice, here = found.data, at(f"{BILLS}/{{number}}", number=number)
    facts = Facts(
        f"{invoice['number']}",
        [
            ("Month", invoice["period"]),
            ("Status", Mark(invoice["status"], _TONES.get(invoice["status"], ""))),
            ("Issued, UTC", plain_moment(invoice["issued"])),
            ("Net", for_eyes(priced(invoice["net"]))),
            ("Tax", for_eyes(priced(invoice["tax"]))),
            ("Total", for_eyes(priced(invoice["total"]))),
            ("Hash", invoice["hash"][:16]),
            ("As a page", Link("Download", f"{here}?form=html")),
            ("As PDF", Link("Download", f"{here}?form=pdf")),
        ],
        found.link,
    )
    blocks: list[Block] = [*before, facts, lines_table(invoice["lines"], invoice, here, found.link)]
    return View(f"Invoice {invoice['number']}", blocks, crumbs=[Link("Bills", BILLS)])


def lines_table(lines: list[dict[str, Any]], totals: dict[str, Any], here: str, link: str, query: str = "") -> Table:
    """Return the lines of an invoice or draft whose page is `here`, and what they add up to."""
    rows = [
        (
            Link(str(each["number"]), f"{here}/lines/{each['number']}{query}"),
            each["description"],
            each["kind"],
            each["region"] or None,
            each["quantity"] if each["unit"] else None,
            each["unit"] or None,
            each["unit_price"],
            amount(each["net"]),
            each["tax_percent"],
            amount(each["tax"]),
        )
        for each in lines
    ]
    code = currency_in(lines, "net")
    columns = [
        Column("Line", "number"),
        Column("What"),
        Column("Kind"),
        Column("Region"),
        Column("Quantity", "number"),
        Column("Unit", "code"),
        Column("Unit price", "number"),
        Column(f"Net{code}", "money"),
        Column("Tax, %", "number"),
        Column(f"Tax{code}", "money"),
    ]
    total = ("Sum", *[None] * 6, amount(totals["net"]), None, amount(totals["tax"]))
    return Table("lines", "Lines", columns, rows, link, PER_UNIT, total=total)


@pages.get(LEDGER)
async def show_ledger(visit: Visit) -> Shown:
    """List what was posted for the tenant."""
    found = await visit.ask.get("/v1/ledger", cursor=visit.query.get("cursor"), limit=100)
    rows = [
        (each["time"], each["document"], str(each["line"]), each["account"], amount(each["amount"]))
        for each in found.items
    ]
    columns = [
        Column("Time, UTC", "time"),
        Column("Document", "code"),
        Column("Line", "number"),
        Column("Account"),
        Column(f"Amount{currency_in(found.items, 'amount')}", "money"),
    ]
    table = listed("ledger", "Entries", found, columns, rows, "Debit above 0. The entries of a document add up to 0.")
    return View("Ledger", [table], "What was posted of invoices, credit notes and payments, oldest first.")


def _notes(found: Answer) -> Table:
    rows = [
        (
            each["number"],
            Link(each["invoice"], at(f"{BILLS}/{{number}}", number=each["invoice"])),
            each["issued"],
            each["cause"],
            each["reason"],
            amount(each["total"]),
        )
        for each in found.items
    ]
    columns = [
        Column("Credit note", "code"),
        Column("Of invoice", "code"),
        Column("Issued, UTC", "time"),
        Column("Cause"),
        Column("Reason"),
        Column(f"Total{currency_in(found.items, 'total')}", "money"),
    ]
    return listed("credit-notes", "Credit notes", found, columns, rows, empty="Nothing was given back so far.")
