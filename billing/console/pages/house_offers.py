"""What is on offer, for operators: capacity that the desk rents out, and the form that changes it."""

from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Block, Column, Field, Form, View
from billing.console.pages.house_parts import span
from billing.console.pages.parts import kept, listed
from billing.console.visit import Go, Pages, Shown, Visit

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
