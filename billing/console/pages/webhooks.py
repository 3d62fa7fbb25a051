"""Webhooks of a tenant: where it is told of what happens."""

from billing.console.asking import at
from billing.console.blocks import Act, Block, Column, Field, Form, Link, Mark, View, Words
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
            Act("New secret", at(f"{WEBHOOKS}/{{id}}/rotate-secret", id=each["id"]))
            if writes and not each["disabled"]
            else None,
        )
        for each in found.items
    ]
    columns = [
        Column("Address"),
        Column("Told of"),
        Column("State"),
        Column("Added, UTC", "time"),
        Column("", "act"),
        Column("", "act"),
    ]
    blocks: list[Block] = [listed("webhooks", "Webhooks", found, columns, rows)]
    if writes:
        blocks.append(_new_webhook(visit, await _types(visit)))
    return View("Webhooks", blocks, "Addresses of the public internet that are told, over https, of what happens.")


@pages.post(WEBHOOKS, back=WEBHOOKS)
async def add_webhook(visit: Visit) -> Shown:
    """Add a webhook, and show its secret, this once."""
    body = {"url": visit.text("url"), "events": list(visit.form.get("events", ()))}
    made = await visit.change("POST", "/v1/webhooks", body)
    return _once(made.data, "The secret that signs its deliveries")


@pages.post(f"{WEBHOOKS}/{{id}}/rotate-secret", back=WEBHOOKS)
async def rotate_secret(visit: Visit) -> Shown:
    """Give a webhook a new secret, and show it, this once."""
    made = await visit.change("POST", at("/v1/webhooks/{id}/rotate-secret", id=visit.ids["id"]))
    return _once(made.data, "The secret that takes over; the old one signs beside it for a day")


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


def _once(made: dict[str, str | None], caption: str) -> View:
    words = f"Copy it now: it is shown this once and not kept. Its webhook is {made['id']}."
    if made["secret"] is None:
        words = "This form had been sent before: the secret was shown then. Give the webhook a new one if it is lost."
    return View("Webhooks", [Words(caption, words, made["secret"] or "", "good")], crumbs=[Link("Webhooks", WEBHOOKS)])


def _new_webhook(visit: Visit, words: list[str]) -> Form:
    fields = [
        Field("url", "Address", value=kept(visit, "url"), hint="https://..., reachable from the internet."),
        Field("events", "Tell of", "checks", " ".join(visit.form.get("events", ())), [(word, word) for word in words]),
    ]
    return Form("Add a webhook", WEBHOOKS, fields, "Add the webhook")
