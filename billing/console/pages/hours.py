"""The bill of an hour, and the hours that a line of an invoice adds up from, as they are rated."""

from collections.abc import Mapping
from typing import Any

from billing.api.moments import DAY_S
from billing.console.asking import Answer
from billing.console.blocks import Card, Cards, Column, Link, Table, View
from billing.console.drawing import for_eyes, plain_moment
from billing.console.pages.parts import PER_UNIT, amount, currency_in, priced, why
from billing.console.visit import Pages, Shown, Visit
from billing.months import parse_utc, utc_text

pages = Pages()
HOUR = "/console/hour"
_PAGES_MAX = 20  # of hours of a line: 4,000, more than a month has under one price for one place


@pages.get(HOUR)
async def show_hour(visit: Visit) -> Shown:
    """Show the bill of an hour."""
    found = await visit.ask.need("/v1/bill/hour", at=visit.query.get("at"))
    hour = found.data
    words = "closed: what comes later is a correction" if hour["closed"] else "not closed yet"
    cards = [Card("This hour", priced(hour["total"]), words, found.link)]
    rows = [
        (
            each["product"],
            each["region"],
            each["sku"],
            each["quantity"],
            each["unit"],
            each["unit_price"],
            each["charge_class"],
            each["factor_percent"],
            exact(each["exact"]),
            amount(each["amount"]),
        )
        for each in hour["lines"]
    ]
    columns = [
        Column("Product"),
        Column("Region"),
        Column("GPU"),
        Column("Quantity", "number"),
        Column("Unit", "code"),
        Column("Unit price", "number"),
        Column("Class", "code"),
        Column("Charged, %", "number"),
        Column("Exactly, millionths", "code"),
        Column(f"Amount{currency_in(hour['lines'], 'amount')}", "money"),
    ]
    table = Table("hour", "What was used in it", columns, rows, found.link, PER_UNIT, empty="Nothing was used.")
    title = f"{plain_moment(hour['since'])} to {plain_moment(hour['until'])}"
    return View(title, [Cards(cards), table], "Before contracts, credits and tax: those go by the month.", crumbs=_UP)


_UP = [Link("Usage", "/console/usage")]


async def rated_hours(visit: Visit, line: Mapping[str, Any]) -> Table:
    """The hours of a line: of its product and place, under the class, part and price whose quantities add up to it."""
    rows, last = await _rated(visit, line)
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for each in rows:
        key = tuple(str(each[name]) for name in ("unit", "charge_class", "factor_percent", "unit_price"))
        groups.setdefault(key, []).append(each)
    fitting = [
        group
        for (unit, _, _, price), group in sorted(groups.items())
        if unit == line["unit"]
        and price == str(line["unit_price"])
        and sum(int(each["quantity"]) for each in group) == int(line["quantity"])
    ]
    found = fitting[0] if fitting else []
    columns = [
        Column("Hour, UTC", "time"),
        Column("Quantity", "number"),
        Column("Unit price", "number"),
        Column("Class", "code"),
        Column("Charged, %", "number"),
        Column("Exactly, millionths", "code"),
        Column(f"By itself{currency_in(found, 'amount')}", "money"),
    ]
    cells = [
        (
            Link(each["since"], f"{HOUR}?at={each['since']}"),
            each["quantity"],
            each["unit_price"],
            each["charge_class"],
            each["factor_percent"],
            exact(each["exact"]),
            amount(each["amount"]),
        )
        for each in found
    ]
    note = f"{len(found)} hours, together {for_eyes(line['quantity'])} {line['unit']}: they add up to the line."
    empty = why(last) if not last.ok else "The hours as they are known now do not add up to this line: see corrections."
    return Table("hours", "Hours of the line", columns, cells, last.link, note if found else "", empty)


async def _rated(visit: Visit, line: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Answer]:
    """All use of a line's product and place in its time, as it is rated, and the last answer."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    until_s = max(parse_utc(line["until"]), parse_utc(line["since"]) + DAY_S // 24)
    for _ in range(_PAGES_MAX):
        last = await visit.ask.get(
            "/v1/usage/hours",
            from_=line["since"],
            until=utc_text(until_s),
            product=line["product"],
            region=line["region"],
            sku=line["sku"],
            limit=200,
            cursor=cursor,
        )
        rows += last.items
        cursor = last.more
        if not cursor:
            break
    return rows, last


def exact(fraction: Mapping[str, str]) -> str:
    """Return an exact amount as people write it: 84960000, or 1/3."""
    whole = fraction["numerator"]
    return whole if fraction["denominator"] == "1" else f"{whole}/{fraction['denominator']}"
