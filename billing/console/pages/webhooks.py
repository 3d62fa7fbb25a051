"""Webhooks of a tenant: where it is told of what happens."""

from billing.console.asking import at
from billing.console.blocks import Act, Block, Column, Field, Form, Mark, View
from billing.console.pages.parts import kept, listed
from billing.console.visit import Go, Pages, Shown, Visit

pages = Pages()
WEBHOOKS = "/console/webhooks"


@pages.get(WEBHOOKS)
async def show_webhooks(visit: Visit) -> Shown:
    """List the webhooks, and how to add one."""
    found = await visit.ask.get("/v1/webhooks", cursor=visit.query.get("cursor"))
    writes = visit.may("webhooks:write")
    rows = [
        (
            each["url"],
            ", ".join(each["events"]),
            Mark("disabled", "quiet") if each["disabled"] else Mark("active", "good"),
            each["created"],
            Act("Disable", at(f"{WEBHOOKS}/{{id}}/disable", id=each["id"]), danger=True)
            if writes and not each["disabled"]
            else None,
        )
        for each in found.items
    ]
    columns = [Column("Address"), Column("Told of"), Column("State"), Column("Added, UTC", "time"), Column("", "act")]
    blocks: list[Block] = [listed("webhooks", "Webhooks", found, columns, rows)]
    if writes:
        blocks.append(_new_webhook(visit, await _types(visit)))
    return View("Webhooks", blocks, "Addresses of the public internet that are told, over https, of what happens.")


@pages.post(WEBHOOKS, back=WEBHOOKS)
async def add_webhook(visit: Visit) -> Shown:
    """Add a webhook."""
    await visit.change("POST", "/v1/webhooks", {"url": visit.text("url"), "events": list(visit.form.get("events", ()))})
    return Go(WEBHOOKS, "webhook-created")


@pages.post(f"{WEBHOOKS}/{{id}}/disable", back=WEBHOOKS)
async def disable_webhook(visit: Visit) -> Shown:
    """Stop telling."""
    await visit.change("DELETE", at("/v1/webhooks/{id}", id=visit.ids["id"]))
    return Go(WEBHOOKS, "webhook-disabled")


async def _types(visit: Visit) -> list[str]:
    """What one can be told of, from the API's own description."""
    described = await visit.ask.need("/openapi.json")
    words: list[str] = described.data["components"]["schemas"]["NewWebhook"]["properties"]["events"]["items"]["enum"]
    return words


def _new_webhook(visit: Visit, words: list[str]) -> Form:
    fields = [
        Field("url", "Address", value=kept(visit, "url"), hint="https://..., reachable from the internet."),
        Field("events", "Tell of", "checks", " ".join(visit.form.get("events", ())), [(word, word) for word in words]),
    ]
    return Form("Add a webhook", WEBHOOKS, fields, "Add the webhook")
