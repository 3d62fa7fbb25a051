"""Renting: what may be had now and at what price, what is rented, and how it ends."""

from typing import Any

from billing.console.asking import Answer, at
from billing.console.blocks import Act, Block, Cell, Column, Field, Form, Link, Mark, Table, Tone, View
from billing.console.pages.notices import LIVE_S
from billing.console.pages.parts import kept, listed
from billing.console.visit import Go, Pages, Shown, Visit

pages = Pages()
RENTALS = "/console/rentals"
_TONES: dict[str, Tone] = {"running": "good", "noticed": "bad", "ended": "quiet", "refused": "bad"}
_HOUR_S = 3_600


@pages.get(RENTALS)
async def show_rentals(visit: Visit) -> Shown:
    """List what is on offer and what is rented."""
    offers = await visit.ask.get("/v1/availability", limit=100)
    found = await visit.ask.get("/v1/rentals", cursor=visit.query.get("cursor"), limit=100)
    products = await visit.ask.get("/v1/products", limit=100)
    writes = visit.may("jobs:write")
    blocks: list[Block] = [_offers(offers)]
    if writes and offers.items:
        blocks.append(_rent(visit, offers))
    blocks += [_rentals(found, writes), _products(products)]
    return View("Rentals", blocks, "What is rented is metered and charged while it runs, also under notice.", LIVE_S)


@pages.get(f"{RENTALS}/{{id}}")
async def show_rental(visit: Visit) -> Shown:
    """Show one rental, with what may be done with it."""
    path = at("/v1/rentals/{id}", id=visit.ids["id"])
    found = await visit.ask.need(path)
    table = _rentals(Answer(found.status, {"items": [found.data], "next": None}, found.link), False)
    blocks: list[Block] = [table._replace(caption="This rental", name="rental")]
    here = at(f"{RENTALS}/{{id}}", id=visit.ids["id"])
    if visit.may("jobs:write") and found.data["state"] == "running":
        fields = [
            Field("hours", "Longer by, hours", "number", kept(visit, "hours", "1")),
            Field("version", "", "hidden", str(found.data["version"])),
        ]
        blocks.append(Form("Extend", f"{here}/extend", fields, "Extend"))
    if visit.may("jobs:write") and found.data["state"] in ("requested", "running", "noticed"):
        words = "The GPUs go back at once; nothing is charged from then on."
        blocks.append(Form("Release", f"{here}/release", (), "Release now", words, danger=True))
    return View(f"Rental {visit.ids['id']}", blocks, live_s=LIVE_S, crumbs=[Link("Rentals", RENTALS)])


@pages.post(RENTALS, back=RENTALS)
async def rent(visit: Visit) -> Shown:
    """Ask for GPUs."""
    region, _, rest = visit.text("place").partition("/")
    sku, _, product = rest.partition("/")
    body = {
        "region": region,
        "sku": sku,
        "product": product,
        "gpus": whole(visit, "gpus"),
        "hours": whole(visit, "hours"),
    }
    made = await visit.change("POST", "/v1/rentals", body)
    return Go(at(f"{RENTALS}/{{id}}", id=made.data["id"]), "rental-asked")


@pages.post(f"{RENTALS}/{{id}}/extend", back=f"{RENTALS}/{{id}}")
async def extend(visit: Visit) -> Shown:
    """Have a rental end later."""
    path = at("/v1/rentals/{id}/extend", id=visit.ids["id"])
    await visit.change("POST", path, {"hours": whole(visit, "hours")}, f'"{visit.text("version")}"')
    return Go(at(f"{RENTALS}/{{id}}", id=visit.ids["id"]), "rental-extended")


@pages.post(f"{RENTALS}/{{id}}/release", back=f"{RENTALS}/{{id}}")
async def release(visit: Visit) -> Shown:
    """Give the GPUs back now."""
    await visit.change("POST", at("/v1/rentals/{id}/release", id=visit.ids["id"]))
    return Go(at(f"{RENTALS}/{{id}}", id=visit.ids["id"]), "rental-released")


def whole(visit: Visit, name: str) -> int | str:
    """Return a whole number that was posted; what is none goes to the API as it is, which says so."""
    text = visit.text(name)
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= 9 else text


def _offers(found: Answer) -> Table:
    rows = [
        (
            each["region"],
            each["sku"],
            each["product"],
            f"at least {each['free_at_least']}",
            hours(each["guarantee_s"]),
            None if each["notice_s"] is None else hours(each["notice_s"]),
            each["unit_price"],
            each["currency"],
            each["until"],
        )
        for each in found.items
    ]
    columns = [
        Column("Region"),
        Column("GPU"),
        Column("Product"),
        Column("Free", "number"),
        Column("Guaranteed for", "number"),
        Column("Notice", "number"),
        Column("A GPU-hour", "number"),
        Column("Currency"),
        Column("On offer until, UTC", "time"),
    ]
    return listed("offers", "To be had now", found, columns, rows, empty="Nothing is on offer at the moment.")._replace(
        more=""
    )


def _rent(visit: Visit, offers: Answer) -> Form:
    places = [
        (
            f"{each['region']}/{each['sku']}/{each['product']}",
            f"{each['sku']} in {each['region']}, {each['product']}"
            + (f" at {each['unit_price']} {each['currency']}" if each["unit_price"] else ""),
        )
        for each in offers.items
    ]
    fields = [
        Field("place", "What", "select", kept(visit, "place"), places),
        Field("gpus", "GPUs", "number", kept(visit, "gpus", "8")),
        Field("hours", "For hours", "number", kept(visit, "hours", "24")),
    ]
    return Form("Rent", RENTALS, fields, "Rent")


def _rentals(found: Answer, writes: bool) -> Table:
    rows = [
        (
            Link(each["id"][:12], at(f"{RENTALS}/{{id}}", id=each["id"])),
            each["product"],
            f"{each['sku']} in {each['region']}",
            str(each["gpus"]),
            Mark(each["state"], _TONES.get(each["state"], "")),
            each["reason"],
            each["starts"] or each["requested"],
            each["evict"] or each["ended"] or each["until"],
            each["guaranteed_until"],
            _release(each, writes),
        )
        for each in reversed(found.items)
    ]
    columns = [
        Column("Rental", "code"),
        Column("Product"),
        Column("GPU"),
        Column("GPUs", "number"),
        Column("State"),
        Column("Why"),
        Column("From, UTC", "time"),
        Column("Until", "time"),
        Column("Safe until", "time"),
        Column("", "act"),
    ]
    return listed("rentals", "Yours", found, columns, rows, empty="You have rented nothing yet.")


def _release(rental: dict[str, Any], writes: bool) -> Cell:
    if not writes or rental["state"] not in ("requested", "running", "noticed"):
        return None
    return Act("Release", at(f"{RENTALS}/{{id}}/release", id=rental["id"]), danger=True)


def _products(found: Answer) -> Table:
    rows = [
        (
            each["code"],
            each["about"],
            None
            if each["sla_target_bp"] is None
            else f"{each['sla_target_bp'] // 100}.{each['sla_target_bp'] % 100:02d}",
            price["sku"],
            price["region"],
            price["unit_price"],
            each["currency"],
            price["until"],
        )
        for each in found.items
        for price in each["prices"]
    ]
    columns = [
        Column("Product"),
        Column("What is promised", "long"),
        Column("Availability, %", "number"),
        Column("GPU"),
        Column("Region"),
        Column("A GPU-hour", "number"),
        Column("Currency"),
        Column("Price until, UTC", "time"),
    ]
    return listed("products", "What is sold", found, columns, rows, "* stands for all.")._replace(more="")


def hours(time_s: int) -> str:
    """Return a length of time as people say it."""
    if not time_s:
        return "none"
    if time_s % _HOUR_S:
        return f"{time_s // 60} min" if time_s >= 60 else f"{time_s} s"
    return f"{time_s // _HOUR_S} h"
