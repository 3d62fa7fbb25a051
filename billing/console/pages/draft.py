"""The month so far: the invoice that it would become, and what it comes to if it goes on so."""

from billing.console.asking import Answer, at
from billing.console.blocks import Card, Cards, Form, Link, Table, View
from billing.console.drawing import plain_moment
from billing.console.pages.bills import DRAFT, lines_table
from billing.console.pages.lines import ROUNDED, behind, facts_of, line_in
from billing.console.pages.parts import month_field, month_of, priced, why
from billing.console.visit import Pages, Shown, Visit

pages = Pages()


@pages.get(DRAFT)
async def show_draft(visit: Visit) -> Shown:
    """Show the month's invoice as far as it has come."""
    draft = await visit.ask.get("/v1/invoices/draft", period=month_of(visit))
    period = draft.data["period"] if draft.ok else ""
    choose = Form("Show", DRAFT, [month_field(visit, period)], "Show", method="get")
    if not draft.ok:
        return View("Draft", [choose, Table("lines", "Lines", (), (), draft.link, empty=why(draft))])
    table = lines_table(draft.data["lines"], draft.data, DRAFT, draft.link, f"?period={period}")
    number = await issued_as(visit, period)
    lede = "What the month would come to if it were over now. Nothing of it is issued."
    if number:
        lede = f"The month is issued as {number}. This is what it comes to by all that is known now."
    return View(f"Draft of {period}", [Cards(draft_cards(draft, number)), choose, table], lede)


async def issued_as(visit: Visit, period: str) -> str:
    """Return the number of the invoice that stands for a month, "" where none does."""
    found = await visit.ask.get("/v1/invoices", period=period, limit=200)
    return next((each["number"] for each in reversed(found.items) if each["status"] != "void"), "")


def draft_cards(draft: Answer, number: str) -> list[Card]:
    """Return what a month has come to, and what it comes to if it goes on so: no more once an invoice stands for it."""
    told, ahead = draft.data, draft.data["forecast"]
    until = f", hours until {plain_moment(told['as_of'])}" if told["as_of"] else ""
    issued = f", issued as {number}" if number else ""
    cards = [Card("So far", priced(told["total"]), f"{told['period']} with tax{until}{issued}", draft.link, DRAFT)]
    if not number and ahead is not None and ahead["closed_hours"] < ahead["hours"]:
        words = f"if {told['period']} goes on as in its {ahead['closed_hours']} closed hours of {ahead['hours']}"
        cards.append(Card("Forecast", priced(ahead["total"]), words, draft.link, DRAFT))
    return cards


@pages.get(f"{DRAFT}/lines/{{line}}")
async def show_draft_line(visit: Visit) -> Shown:
    """Show a line of a draft with what it is made of."""
    period = month_of(visit)
    draft = await visit.ask.need("/v1/invoices/draft", period=period)
    line = line_in(draft, visit)
    told = await visit.ask.get(at("/v1/invoices/draft/lines/{line}/explain", line=visit.ids["line"]), period=period)
    crumbs = [Link("Draft", f"{DRAFT}?period={draft.data['period']}")]
    title = f"Line {visit.ids['line']} of the draft of {draft.data['period']}"
    return View(title, [facts_of(line, told, draft.link), *behind(told, visit)], ROUNDED, crumbs=crumbs)
