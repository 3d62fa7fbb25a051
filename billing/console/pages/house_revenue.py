"""What the cluster brought in, for operators, against what that cost internal work and what was given back."""

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Chart, Column, Mark, Series, Table, View
from billing.console.pages.house_parts import asked, chosen, gpu_hours, span, window_form
from billing.console.pages.parts import amount, listed, priced, why
from billing.console.visit import Pages, Shown, Visit
from billing.months import parse_utc

pages = Pages()
REVENUE = "/console/revenue"


@pages.get(REVENUE)
async def show_revenue(visit: Visit) -> Shown:
    """Show what the cluster brought in, against the delay of internal work, and what was given back."""
    shown = await chosen(visit)
    found, steps = await asked(visit, shown, "/v1/operator/revenue")
    blocks: list[Block] = [window_form(visit, shown, REVENUE), steps]
    if not found.ok:
        return View("Revenue and delay", [*blocks, Table("revenue", "Revenue", (), (), found.link, empty=why(found))])
    blocks += [_against(found), _income(found), _products(found)]
    for code in found.data["currencies"]:
        if code != found.data["currency"]:
            other, _ = await asked(visit, shown, "/v1/operator/revenue", code)
            blocks += [_income(other), _products(other)]
    if shown.run:
        blocks.append(_credits(await visit.ask.get("/v1/operator/credits", run=shown.run)))
    lede = f"{shown.words} Use at its price, before contracts, credits and tax: no tenant's bill."
    return View("Revenue and delay", blocks, lede, shown.live_s)


def _against(found: Answer) -> Cards:
    rented, delay = found.data["rented"], found.data["delay"]
    cards = [Card("Rented", priced(rented), "use at its price", found.link)]
    if delay is None:
        words = "a run made with --baseline is compared with the same world without rentals"
        return Cards([*cards, Card("Internal delay", "not known", words, found.link)])
    later, worst = f"{delay['later']} of {delay['jobs']}", f"the worst by {span(delay['max_s'])}"
    cards += [
        Card("Internal starts that came later", later, f"{delay['earlier']} came earlier", found.link),
        Card("Delay of all of them together", span(delay["total_s"]), "beside a world without rentals", found.link),
        Card("99 % were delayed by at most", span(delay["p99_s"] or 0), worst, found.link),
    ]
    return Cards(cards)


def _income(found: Answer) -> Chart:
    items, code = found.data["items"], found.data["rented"]["currency"]
    series = [Series("rented", "orange", [amount(each["rented"]) for each in items])]
    rows = [
        (each["since"], gpu_hours(each["rented_gpu_s"]), amount(each["rented"]), amount(each["internal"]))
        for each in items
    ]
    columns = [
        Column("From, UTC", "time"),
        Column("Rented GPU-hours", "number"),
        Column(f"Rented, {code}", "money"),
        Column(f"Shown to own teams, {code}", "money"),
    ]
    note = "Each sum is rounded by itself."
    told = found.data
    total = ("all", gpu_hours(told["rented_gpu_s"]), amount(told["rented"]), amount(told["internal"]))
    table = Table(f"income-{code}", "Revenue over time", columns, rows, found.link, note, total=total)
    times = [parse_utc(each["since"]) for each in items]
    caption = f"What each {found.data['bucket']} brought in"
    return Chart(f"revenue-{code}", caption, code, times, series, table, found.link)


def _products(found: Answer) -> Table:
    rows = [
        (
            each["product"],
            Mark("rented", "good") if each["rented"] else Mark("own teams", "quiet"),
            gpu_hours(each["gpu_s"]),
            amount(each["amount"]),
        )
        for each in found.data["products"]
    ]
    code = found.data["rented"]["currency"]
    columns = [
        Column("Product", "code"),
        Column("By"),
        Column("GPU-hours", "number"),
        Column(f"Amount, {code}", "money"),
    ]
    total = ("all", None, gpu_hours(sum(each["gpu_s"] for each in found.data["products"])), amount(found.data["total"]))
    return Table(f"products-{code}", "By product", columns, rows, found.link, total=total)


def _credits(found: Answer) -> Table:
    rows = [
        (each["period"], each["product"], str(each["tenants"]), str(each["broken"]), priced(each["credit"]))
        for each in found.items
    ]
    columns = [
        Column("Month"),
        Column("Product", "code"),
        Column("Tenants", "number"),
        Column("Got less than promised", "number"),
        Column("Given back", "money"),
    ]
    return listed("credits", "Credits for broken promises", found, columns, rows)
