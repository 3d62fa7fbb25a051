"""What was agreed beside usage: contracts month by month, and the movements of wallets."""

from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Column, Table, View
from billing.console.pages.parts import amount, currency_in, listed, month_of, priced
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
CONTRACTS = "/console/contracts"
_GPU_H_S = 3_600


@pages.get(CONTRACTS)
async def show_agreed(visit: Visit) -> Shown:
    """Show contracts and wallets."""
    found = await visit.ask.get("/v1/contracts", period=month_of(visit), limit=100)
    wallets = await visit.ask.get("/v1/wallets", period=month_of(visit), cursor=visit.query.get("cursor"), limit=100)
    blocks: list[Block] = []
    if wallets.ok and wallets.data["balances"]:
        cards = [
            Card(f"Wallet {each['wallet']}", priced(each["balance"]), "left", wallets.link)
            for each in wallets.data["balances"]
        ]
        blocks.append(Cards(cards))
    blocks += [_contracts(found), _lines(found), _moves(wallets)]
    return View(
        "Contracts and wallets",
        blocks,
        "What is reserved or committed, how much of it was used, and what was paid ahead.",
    )


def _contracts(found: Answer) -> Table:
    rows = [
        (
            each["period"],
            each["contract"],
            *(_hours(each[f"{name}_gpu_s"]) for name in ("entitled", "used", "unused", "lent", "undelivered")),
            _counted(each, "committed"),
            _counted(each, "drawn"),
            amount(each["owed"]),
        )
        for each in reversed(found.items)
    ]
    columns = [
        Column("Month"),
        Column("Contract", "code"),
        Column("Entitled, GPU-h", "number"),
        Column("Used", "number"),
        Column("Unused", "number"),
        Column("Lent", "number"),
        Column("Not delivered", "number"),
        Column("Floor", "number"),
        Column("Drawn of it", "number"),
        Column(f"Owed beside use{currency_in(found.items, 'owed')}", "money"),
    ]
    table = listed("contracts", "Contracts", found, columns, rows, empty="Nothing is reserved or committed.")
    return table._replace(more="")


def _lines(found: Answer) -> Table:
    rows = [
        (
            each["period"],
            each["contract"],
            line["kind"].replace("_", " "),
            line["product"],
            line["region"] or None,
            _hours(line["quantity"]) if line["quantity"] else None,
            line["note"],
            amount(line["amount"]),
        )
        for each in reversed(found.items)
        for line in each["lines"]
    ]
    columns = [
        Column("Month"),
        Column("Contract", "code"),
        Column("Line"),
        Column("Product"),
        Column("Region"),
        Column("GPU-h", "number"),
        Column("In words", "long"),
        Column("Amount", "money"),
    ]
    note = "GPU-hours are cut. Each amount is rounded by itself; an invoice's cents add up, so one may differ by 0.01."
    return Table("contract-lines", "What they come to", columns, rows, found.link, note)


def _moves(found: Answer) -> Table:
    rows = [
        (each["time"], each["wallet"], each["kind"], each["period"], amount(each["amount"]), amount(each["balance"]))
        for each in found.items
    ]
    code = currency_in(found.items, "amount")
    columns = [
        Column("Time, UTC", "time"),
        Column("Wallet", "code"),
        Column("Movement"),
        Column("Month"),
        Column(f"Amount{code}", "money"),
        Column(f"Left{code}", "money"),
    ]
    return listed("wallets", "Movements of wallets", found, columns, rows, empty="Nothing was paid ahead.")


def _hours(gpu_s: int) -> str:
    return str(gpu_s // _GPU_H_S)


def _counted(state: dict[str, Any], name: str) -> str | None:
    """A floor in GPU-hours, or in whole units of its currency: cut, the exact one is the API's."""
    whole = int(state[name]["numerator"]) // int(state[name]["denominator"])
    if not whole:
        return None
    return (
        f"{whole // _GPU_H_S} GPU-h"
        if state["counted_in"] == "gpu_s"
        else f"{whole // 1_000_000} {state['counted_in']}"
    )
