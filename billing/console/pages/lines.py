"""Following a cent: from a line of an invoice or draft to its hours, from those to who held what, to the events of it.

The API explains a line by the tenant's own events. Where they alone do not come to it, its hours are shown as they are
rated, if they add up to it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from billing.console.asking import Answer, at
from billing.console.blocks import Block, Column, Facts, Link, Mark, Table, View
from billing.console.drawing import for_eyes, plain_moment
from billing.console.pages.bills import BILLS
from billing.console.pages.hours import HOUR, exact, rated_hours
from billing.console.pages.parts import PER_UNIT, priced, why
from billing.console.visit import Absent, Pages, Shown, Visit

pages = Pages()
ROUNDED = (
    "A net amount is the sum of the exact amounts of its hours, rounded once, with all other lines of the invoice. "
    + PER_UNIT
)


@pages.get(f"{BILLS}/{{number}}/lines/{{line}}")
async def show_line(visit: Visit) -> Shown:
    """Show a line of an invoice with what it is made of."""
    number = visit.ids["number"]
    invoice = await visit.ask.need(at("/v1/invoices/{number}", number=number))
    crumbs = [Link("Bills", BILLS), Link(f"Invoice {number}", at(f"{BILLS}/{{number}}", number=number))]
    line = line_in(invoice, visit)
    told = await visit.ask.get(at("/v1/invoices/{number}/lines/{line}/explain", **visit.ids))
    blocks: list[Block] = [facts_of(line, told, invoice.link), *behind(told, visit)]
    if line["kind"] == "usage" and not (told.ok and told.data["hours"]):
        blocks.append(await rated_hours(visit, line))
    return View(f"Line {visit.ids['line']} of {number}", blocks, ROUNDED, crumbs=crumbs)


def line_in(bill: Answer, visit: Visit) -> dict[str, Any]:
    """Return the line that a page is about. Raises Absent."""
    line = next((each for each in bill.data["lines"] if str(each["number"]) == visit.ids["line"]), None)
    if line is None:
        raise Absent
    found: dict[str, Any] = line
    return found


def facts_of(line: Mapping[str, Any], told: Answer, link: str) -> Facts:
    """Return what a line is, with how its net came about where that is explained."""
    much = f"{for_eyes(line['quantity'])} {line['unit']}" if line["unit"] else None
    rows = [
        ("Net", for_eyes(priced(line["net"]))),
        ("Tax", f"{for_eyes(priced(line['tax']))}, {line['tax_percent']} %"),
        ("Quantity", much),
        ("Unit price", line["unit_price"]),
    ]
    if not told.ok:
        return Facts(line["description"], rows, link, why(told))
    data = told.data
    more = [
        ("Exactly, millionths", exact(data["exact"])),
        ("Rounding", _rounding(data["rounding"])),
        ("Adds up", Mark("yes", "good") if data["adds_up"] else Mark("not shown", "quiet")),
    ]
    return Facts(data["description"], [*rows, *more], told.link, "; ".join([*_beside(data), *data["faults"]]))


def _beside(data: Mapping[str, Any]) -> list[str]:
    return [f"Rests on more than your own events: {data['why_not']}"] if data["why_not"] else []


def _rounding(told: Mapping[str, Any] | None) -> str | None:
    """How a net came about, in words."""
    if told is None or not told["rank"]:
        return None
    given = "and one more" if told["extra"] else "and none more"
    place = f"remainder {told['rank']} of {told['lines']}, the first {told['missing']} get one"
    return f"{for_eyes(told['floor'])} minor units, {given} ({place})"


def behind(told: Answer, visit: Visit) -> list[Block]:
    """Return the hours of a line, who held what in them, and the events that it all comes from; of the hour in the
    address alone, if there is one."""
    if not told.ok:
        return []
    hours, events, wanted = told.data["hours"], told.data["events"], visit.query.get("hour")
    blocks: list[Block] = []
    one = [each for each in hours if each["since"] == wanted]
    if one:
        held = {each["allocation"] for each in one[0]["holdings"]}
        hours, events = one, [each for each in events if each["allocation"] in held]
        words = f"The hour from {plain_moment(one[0]['since'])} UTC alone"
        ways = [("All hours of the line", Link("back to the line", f"?{_query(visit)}"))]
        ways.append(("The whole bill of the hour", Link("all lines in it", f"{HOUR}?at={wanted}")))
        blocks.append(Facts(words, ways))
    if hours:
        blocks += [_explained_hours(hours, told, visit), _holdings(hours, told.link)]
    if events:
        rows = [(each["time"], each["type"], each["id"], each["allocation"]) for each in events]
        columns = [Column("Time, UTC", "time"), Column("Event", "code"), Column("Id", "code")]
        columns.append(Column("Allocation", "code"))
        note = "Of the log, as GET /v1/events lists them: where the holdings come from."
        blocks.append(Table("events", "Events", columns, rows, told.link, note))
    return blocks


def _query(visit: Visit, **more: str) -> str:
    """The address as it is, but for the hour."""
    return urlencode({name: value for name, value in visit.query.items() if name not in ("hour", "csv")} | more)


def _explained_hours(hours: Sequence[Mapping[str, Any]], told: Answer, visit: Visit) -> Table:
    rows = [
        (
            Link(each["since"], f"?{_query(visit, hour=each['since'])}"),
            each["quantity"],
            each["unit_price"] or "by tiers",
            each["charge_class"],
            each["factor_percent"],
            exact(each["exact"]),
            str(len(each["holdings"])),
        )
        for each in hours
    ]
    columns = [
        Column("Hour, UTC", "time"),
        Column("Quantity", "number"),
        Column("Unit price", "number"),
        Column("Class", "code"),
        Column("Charged, %", "number"),
        Column("Exactly, millionths", "code"),
        Column("Holdings", "number"),
    ]
    whole = exact(told.data["exact"])
    note = f"{len(hours)} hours, together exactly {whole}: quantity x price x part charged. Each leads to its events."
    if len(hours) < len(told.data["hours"]):
        note = f"Quantity x price x part that is charged. The whole line is exactly {whole}."
    return Table("hours", "Hours", columns, rows, told.link, note)


def _holdings(hours: Sequence[Mapping[str, Any]], link: str) -> Table:
    rows = [
        (hour["since"], each["allocation"], str(each["gpus"]), each["since"], each["until"], each["quantity"])
        for hour in hours
        for each in hour["holdings"]
    ]
    columns = [
        Column("Hour, UTC", "time"),
        Column("Allocation", "code"),
        Column("GPUs", "number"),
        Column("From", "time"),
        Column("Until", "time"),
        Column("In this line", "number"),
    ]
    note = "Who held what in each hour: their quantities add up to that of the hour."
    return Table("holdings", "Holdings", columns, rows, link, note, "Only meters of time are followed this far.")
