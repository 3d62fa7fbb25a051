"""What is on offer, for operators: capacity that the desk rents out, and the form that changes it."""

from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Block, Chart, Column, Field, Form, Series, Table, View
from billing.console.pages.house_parts import asked, chosen, gpu_hours, span, window_form
from billing.console.pages.parts import kept, listed, why
from billing.console.visit import Go, Pages, Shown, Visit
from billing.money import floor_decimal
from billing.months import parse_utc
from billing.settling.holders import RENTED

pages = Pages()
OFFERS = "/console/offers"
_ROWS = 200
_PLACE = ("region", "sku", "product")


@pages.get(OFFERS)
async def show_offers(visit: Visit) -> Shown:
    """List what is on offer, and how to change it."""
    found = await visit.ask.get("/v1/operator/offers", cursor=visit.query.get("cursor"), limit=_ROWS)
    rows = [
        (
            each["region"],
            each["sku"],
            each["product"],
            str(each["gpus"]),
            str(each["free_at_least"]),
            span(each["guarantee_s"]),
            each["until"],
            each["updated"],
        )
        for each in found.items
    ]
    columns = [
        Column("Region"),
        Column("SKU"),
        Column("Product", "code"),
        Column("GPUs on offer", "number"),
        Column("Free at least", "number"),
        Column("Guarantee"),
        Column("Until, UTC", "time"),
        Column("Changed, UTC", "time"),
    ]
    blocks: list[Block] = [listed("offers", "On offer", found, columns, rows, empty="Nothing is on offer.")]
    shown = await chosen(visit)
    sold, steps = await asked(visit, shown, "/v1/operator/cluster")
    blocks += [window_form(visit, shown, OFFERS), steps, _on_sale(sold)]
    if visit.may("jobs:write"):
        blocks.append(_form(visit))
    return View("Offers", blocks, "Capacity that the desk alone rents out: tenants see what of it they may have now.")


@pages.post(OFFERS, back=OFFERS)
async def set_offer(visit: Visit) -> Shown:
    """Set an offer, to what stands there now."""
    place = {name: visit.text(name) for name in _PLACE}
    body: dict[str, Any] = place | {"gpus": _number(visit.text("gpus"))}
    if visit.text("guarantee_s"):
        body["guarantee_s"] = _number(visit.text("guarantee_s"))
    found = await visit.ask.need("/v1/operator/offers", limit=_ROWS)
    await visit.change("PUT", "/v1/operator/offers", body, match=_version(found, place))
    return Go(OFFERS, "offer-set")


def _on_sale(found: Answer) -> Chart | Table:
    """What could be bought over time, of all capacity: rented, or free and on sale."""
    if not found.ok:
        return Table("sale", "On sale over time", (), (), found.link, empty=why(found))
    rows, rented, free = [], [], []
    for each in found.data["items"]:
        out = sum(each[f"{band}_gpu_s"] for band in RENTED)
        left = each["idle_gpu_s"] - each["withheld_gpu_s"]
        length_s = parse_utc(each["until"]) - parse_utc(each["since"])
        rows.append((each["since"], gpu_hours(out), gpu_hours(left), gpu_hours(each["withheld_gpu_s"])))
        rented.append(floor_decimal(out, length_s, 3))
        free.append(floor_decimal(left, length_s, 3))
    columns = [
        Column("From, UTC", "time"),
        Column("Rented", "number"),
        Column("Free and on sale", "number"),
        Column("Idle, and kept from sale", "number"),
    ]
    table = Table("sale-hours", "GPU-hours on sale", columns, rows, found.link)
    times = [parse_utc(each["since"]) for each in found.data["items"]]
    series = [Series("rented", "orange", rented), Series("free and on sale", "sky", free)]
    return Chart("sale", "On sale over time", "GPUs, mean", times, series, table, found.link)


def _version(found: Answer, place: dict[str, str]) -> str:
    """The ETag of what is on offer there; "" of nothing."""
    known = next((each for each in found.items if all(each[name] == place[name] for name in _PLACE)), None)
    return "" if known is None else f'"{known["version"]}"'


def _number(text: str) -> int | str:
    """A whole number; other text as it is, for the API to refuse."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < len("10000000000") else text


def _form(visit: Visit) -> Form:
    fields = [
        Field("region", "Region", value=kept(visit, "region")),
        Field("sku", "SKU", value=kept(visit, "sku")),
        Field("product", "Product", value=kept(visit, "product"), hint="Such as bare.ondemand."),
        Field("gpus", "GPUs on offer", "number", kept(visit, "gpus"), hint="0 takes the offer back."),
        Field(
            "guarantee_s",
            "Guarantee, seconds",
            "number",
            kept(visit, "guarantee_s"),
            hint="None: what the product says.",
            required=False,
        ),
    ]
    note = "It replaces what is on offer there. Where fewer GPUs are left than are rented, rentals get notice."
    return Form("Set an offer", OFFERS, fields, "Set the offer", note, danger=True)
