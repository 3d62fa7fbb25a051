"""Webhooks of a tenant: where it is told of what happens, and what became of each delivery."""

from billing.console.asking import Answer, at
from billing.console.blocks import Act, Block, Cell, Column, Field, Form, Link, Mark, Table, Tone, View, Words
from billing.console.pages.parts import kept, listed
from billing.console.visit import Go, Pages, Shown, Visit

pages = Pages()
WEBHOOKS = "/console/webhooks"
_LIVE_S = 5
_TONES: dict[str, Tone] = {"delivered": "good", "dead": "bad"}


@pages.get(WEBHOOKS)
async def show_webhooks(visit: Visit) -> Shown:
    """List the webhooks, and how to add one."""
    found = await visit.ask.get("/v1/webhooks", cursor=visit.query.get("cursor"))
    rows = [
        (
            Link(each["url"], at(f"{WEBHOOKS}/{{id}}", id=each["id"])),
            ", ".join(each["events"]),
            _state(each["disabled"]),
            each["created"],
        )
        for each in found.items
    ]
    columns = [Column("Address"), Column("Told of", "long"), Column("State"), Column("Added, UTC", "time")]
    blocks: list[Block] = [listed("webhooks", "Webhooks", found, columns, rows)]
    if visit.may("webhooks:write"):
        blocks.append(_new_webhook(visit, await _types(visit)))
    return View("Webhooks", blocks, "Addresses of the public internet that are told, over https, of what happens.")


@pages.get(f"{WEBHOOKS}/{{id}}")
async def show_webhook(visit: Visit) -> Shown:
    """List the deliveries to one webhook, with what may be done about them."""
    here = at(f"{WEBHOOKS}/{{id}}", id=visit.ids["id"])
    status = visit.query.get("status")
    path = at("/v1/webhooks/{id}/deliveries", id=visit.ids["id"])
    found = await visit.ask.need(path, status=status, cursor=visit.query.get("cursor"), limit=100)
    writes = visit.may("webhooks:write")
    blocks: list[Block] = [_deliveries(found, here, writes)]
    if writes:
        blocks += [
            Form("Send a test", f"{here}/test", (), "Send a test", "A notice that means nothing, behind what waits."),
            Form("New secret", f"{here}/rotate-secret", (), "Make a new secret", "The old one signs too, for a day."),
            Form("Stop telling", f"{here}/disable", (), "Disable", danger=True),
        ]
    return View("Deliveries", blocks, _LEDE, _LIVE_S, [Link("Webhooks", WEBHOOKS)])


_LEDE = (
    "What fails is tried again, later and later; what has failed for too long is dead, and is tried when you say so."
)


@pages.post(WEBHOOKS, back=WEBHOOKS)
async def add_webhook(visit: Visit) -> Shown:
    """Add a webhook, and show its secret this once."""
    body = {"url": visit.text("url"), "events": list(visit.form.get("events", ()))}
    made = await visit.change("POST", "/v1/webhooks", body)
    return _once(made)


@pages.post(f"{WEBHOOKS}/{{id}}/rotate-secret", back=WEBHOOKS)
async def rotate_webhook(visit: Visit) -> Shown:
    """Give a webhook a new secret, and show it this once."""
    return _once(await visit.change("POST", at("/v1/webhooks/{id}/rotate-secret", id=visit.ids["id"])))


@pages.post(f"{WEBHOOKS}/{{id}}/test", back=WEBHOOKS)
async def try_webhook(visit: Visit) -> Shown:
    """Send a notice that means nothing."""
    await visit.change("POST", at("/v1/webhooks/{id}/test", id=visit.ids["id"]))
    return Go(at(f"{WEBHOOKS}/{{id}}", id=visit.ids["id"]), "delivery-asked")


@pages.post(f"{WEBHOOKS}/{{id}}/redeliver", back=WEBHOOKS)
async def redeliver(visit: Visit) -> Shown:
    """Deliver a notice once more."""
    ids = {"id": visit.ids["id"], "position": visit.text("position")}
    await visit.change("POST", at("/v1/webhooks/{id}/deliveries/{position}/redeliver", **ids))
    return Go(at(f"{WEBHOOKS}/{{id}}", id=visit.ids["id"]), "delivery-asked")


@pages.post(f"{WEBHOOKS}/{{id}}/disable", back=WEBHOOKS)
async def disable_webhook(visit: Visit) -> Shown:
    """Stop telling."""
    await visit.change("DELETE", at("/v1/webhooks/{id}", id=visit.ids["id"]))
    return Go(WEBHOOKS, "webhook-disabled")


def _once(made: Answer) -> View:
    crumbs = [Link("Webhooks", WEBHOOKS)]
    secret = made.data["secret"]
    if secret is None:
        words = "This form had been sent before: the secret was shown then, and is not shown again."
        return View("Webhooks", [Words("The secret", words, tone="bad")], crumbs=crumbs)
    words = f"It signs what is sent to {made.data['url']}. Copy it now: it is shown this once."
    return View("Webhooks", [Words("The secret", words, secret, "good")], crumbs=crumbs)


def _state(disabled: str | None) -> Cell:
    return Mark("disabled", "quiet") if disabled else Mark("active", "good")


def _deliveries(found: Answer, here: str, writes: bool) -> Table:
    rows = [
        (
            str(each["position"]),
            each["type"],
            Mark(each["status"], _TONES.get(each["status"], "")),
            str(each["attempts"]),
            None if each["last_code"] is None else str(each["last_code"]),
            each["last_error"] or None,
            each["updated"],
            each["next"],
            Act("Again", f"{here}/redeliver", {"position": str(each["position"])})
            if writes and each["status"] != "pending"
            else None,
        )
        for each in found.items
    ]
    columns = [
        Column("Notice", "number"),
        Column("Type", "code"),
        Column("Status"),
        Column("Tries", "number"),
        Column("Answer", "number"),
        Column("What failed"),
        Column("Noted, UTC", "time"),
        Column("Next try", "time"),
        Column("", "act"),
    ]
    return listed("deliveries", "Deliveries", found, columns, rows, empty="Nothing was sent yet.")


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
