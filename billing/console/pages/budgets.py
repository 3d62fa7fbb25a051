"""Budgets of a tenant: what a month may come to, when to be told, and what was told."""

from billing.console.asking import at
from billing.console.blocks import Act, Block, Column, Field, Form, Mark, View
from billing.console.pages.parts import amount, currency_in, kept, listed, priced
from billing.console.visit import Go, Pages, Shown, Visit

pages = Pages()
BUDGETS = "/console/budgets"


@pages.get(BUDGETS)
async def show_budgets(visit: Visit) -> Shown:
    """List budgets and alerts."""
    found = await visit.ask.get("/v1/budgets", limit=100)
    alerts = await visit.ask.get("/v1/alerts", cursor=visit.query.get("cursor"), limit=100)
    writes = visit.may("budgets:write")
    names = {each["id"]: each["name"] for each in found.items}
    rows = [
        (
            each["name"],
            priced(each["limit"]),
            ", ".join(f"{percent} %" for percent in each["thresholds_percent"]),
            Mark("ended", "quiet") if each["disabled"] else Mark("watching", "good"),
            each["created"],
            Act("Remove", at(f"{BUDGETS}/{{id}}/disable", id=each["id"]), danger=True)
            if writes and not each["disabled"]
            else None,
        )
        for each in found.items
    ]
    columns = [
        Column("Budget"),
        Column("A month may come to", "money"),
        Column("Tell at"),
        Column("State"),
        Column("Since, UTC", "time"),
        Column("", "act"),
    ]
    told = [
        (
            each["time"],
            each["period"],
            names.get(each["budget"], each["budget"]),
            "agreed with the house" if each["agreed"] else "your own",
            each["kind"],
            each["threshold_percent"],
            amount(each["amount"]),
        )
        for each in alerts.items
    ]
    alert_columns = [
        Column("Time, UTC", "time"),
        Column("Month"),
        Column("Budget"),
        Column("Whose"),
        Column("Kind"),
        Column("Reached, %", "number"),
        Column(f"The month's charges{currency_in(alerts.items, 'amount')}", "money"),
    ]
    blocks: list[Block] = [listed("budgets", "Budgets", found, columns, rows)._replace(more="")]
    if writes:
        blocks.append(_new_budget(visit))
    blocks.append(listed("alerts", "Alerts", alerts, alert_columns, told, empty="No threshold was reached."))
    return View("Budgets", blocks, "A budget tells; it stops nothing. Each threshold is told once a month.")


@pages.post(BUDGETS, back=BUDGETS)
async def make_budget(visit: Visit) -> Shown:
    """Add a budget."""
    words = visit.text("thresholds_percent").replace("%", " ").replace(",", " ").split()
    body = {
        "name": visit.text("name"),
        "limit": {"amount": visit.text("amount"), "currency": visit.text("currency")},
        "thresholds_percent": [int(word) if word.isdecimal() and len(word) < 7 else word for word in words],
    }
    await visit.change("POST", "/v1/budgets", body)
    return Go(BUDGETS, "budget-created")


@pages.post(f"{BUDGETS}/{{id}}/disable", back=BUDGETS)
async def drop_budget(visit: Visit) -> Shown:
    """Watch a budget no longer."""
    await visit.change("DELETE", at("/v1/budgets/{id}", id=visit.ids["id"]))
    return Go(BUDGETS, "budget-removed")


def _new_budget(visit: Visit) -> Form:
    fields = [
        Field("name", "Name", value=kept(visit, "name")),
        Field("amount", "A month may come to", "number", kept(visit, "amount"), hint="Such as 5000.00."),
        Field("currency", "Currency", value=kept(visit, "currency", "USD"), hint="That of your bills."),
        Field("thresholds_percent", "Tell at, %", value=kept(visit, "thresholds_percent", "50, 80, 100")),
    ]
    return Form("Add a budget", BUDGETS, fields, "Add the budget")
