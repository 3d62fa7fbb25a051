"""The tenants of the house, for operators: who there is, suspending and resuming, and looking inside under a grant."""

from collections.abc import Mapping
from typing import Any

from billing.console.asking import Answer, Refused, at
from billing.console.blocks import Act, Block, Column, Field, Form, Link, Mark, Table, Tone, View, Words
from billing.console.pages.parts import amount, currency_in, kept, listed
from billing.console.policy import HOUSE
from billing.console.visit import Go, Pages, Shown, Visit
from billing.months import utc_text

pages = Pages()
GLASS, NEW = "/console/break-glass", f"{HOUSE}/new"
_SECONDS_PER_MINUTE = 60
_TONES: Mapping[str, Tone] = {"active": "good", "unregistered": "quiet"}


@pages.get(HOUSE)
async def show_tenants(visit: Visit) -> Shown:
    """List the tenants."""
    found = await visit.ask.get("/v1/operator/tenants", cursor=visit.query.get("cursor"), limit=100)
    rows = [
        (
            each["id"],
            each["name"],
            Mark(each["status"], _TONES.get(each["status"], "bad")),
            each["created"],
        )
        for each in found.items
    ]
    columns = [Column("Tenant", "code"), Column("Name"), Column("Status"), Column("Since, UTC", "time")]
    note = "Unregistered: the log tells of use by it, and nobody has made it a tenant; it gets keys once somebody does."
    blocks: list[Block] = [listed("tenants", "Tenants", found, columns, rows, note)]
    if visit.may("tenants:write") and _made(found):
        blocks.append(_move(visit, found))
    if visit.may("tenants:write") and visit.may("keys:write"):
        blocks.append(_new(visit))
    if visit.may("break_glass:write"):
        blocks += [
            _grants(await visit.ask.get("/v1/operator/break-glass", limit=100), utc_text(visit.now_s)),
            _open(visit, found),
        ]
    lede = "Who there is, and no data of theirs. What is done to a tenant stands in its own log, with the reason."
    return View("Tenants", blocks, lede)


@pages.post(HOUSE, back=HOUSE)
async def move_tenant(visit: Visit) -> Shown:
    """Suspend a tenant, or resume it."""
    word = "resume" if visit.text("what") == "resume" else "suspend"
    path = at(f"/v1/operator/tenants/{{tenant}}/{word}", tenant=visit.text("tenant"))
    if not visit.text("tenant"):
        raise Refused(Answer(422, {"title": "Choose a tenant"}, path))
    await visit.change("POST", path, {"reason": visit.text("reason")})
    return Go(HOUSE, "tenant-resumed" if word == "resume" else "tenant-suspended")


@pages.post(NEW, back=HOUSE)
async def make_tenant(visit: Visit) -> Shown:
    """Make a tenant and show the key of its admin, this once."""
    body: dict[str, Any] = {"name": visit.text("name"), "first_key": True}
    if visit.text("id"):
        body["id"] = visit.text("id")
    made = (await visit.change("POST", "/v1/operator/tenants", body)).data
    crumbs, key = [Link("Tenants", HOUSE)], made["key"]
    words = f"Tenant {made['id']} is there. This is the key of its admin until {key['expires']}: hand it over. "
    if key["text"] is None:
        return View(
            "Tenants", [Words("The new tenant", f"{words}It was shown before, and is not kept.")], crumbs=crumbs
        )
    words += "Whoever holds it makes others and ends this one. It is shown this once."
    return View("Tenants", [Words("The new tenant", words, key["text"], "good")], crumbs=crumbs)


@pages.post(GLASS, back=HOUSE)
async def break_glass(visit: Visit) -> Shown:
    """Open a grant."""
    minutes = visit.text("minutes")
    body = {
        "tenant": visit.text("tenant"),
        "reason": visit.text("reason"),
        "lifetime_s": int(minutes) * _SECONDS_PER_MINUTE if minutes.isdecimal() and len(minutes) < len("10000") else 0,
    }
    await visit.change("POST", "/v1/operator/break-glass", body)
    return Go(HOUSE, "glass-broken")


@pages.post(f"{GLASS}/{{id}}/close", back=HOUSE)
async def close_glass(visit: Visit) -> Shown:
    """Close a grant."""
    await visit.change("DELETE", at("/v1/operator/break-glass/{id}", id=visit.ids["id"]))
    return Go(HOUSE, "glass-closed")


@pages.get(f"{GLASS}/{{tenant}}")
async def show_under_grant(visit: Visit) -> Shown:
    """Show a tenant's invoices under an open grant; its log says so."""
    tenant = visit.ids["tenant"]
    path = at("/v1/operator/tenants/{tenant}/invoices", tenant=tenant)
    found = await visit.ask.get(path, cursor=visit.query.get("cursor"), limit=100)
    crumbs = [Link("Tenants", HOUSE)]
    if not found.ok:
        closed = Words("Closed", "You hold no open grant for it: break the glass first.")
        return View(f"Invoices of {tenant}", [closed], crumbs=crumbs)
    rows = [(each["number"], each["period"], each["status"], amount(each["total"])) for each in found.items]
    columns = [
        Column("Number", "code"),
        Column("Month"),
        Column("Status"),
        Column(f"Total{currency_in(found.items, 'total')}", "money"),
    ]
    blocks = [listed("invoices", "Invoices", found, columns, rows)]
    return View(
        f"Invoices of {tenant}",
        blocks,
        "Read under a grant: the tenant's log says so.",
        crumbs=[Link("Tenants", HOUSE)],
    )


def _made(found: Answer) -> list[dict[str, Any]]:
    return [each for each in found.items if each["status"] != "unregistered"]


def _tenant_field(found: Answer, visit: Visit) -> Field:
    options = [(each["id"], f"{each['name']} ({each['id']}, {each['status']})") for each in _made(found)]
    return Field("tenant", "Tenant", "select", kept(visit, "tenant"), options)


def _move(visit: Visit, found: Answer) -> Form:
    choices = [("suspend", "suspend: its keys hold, and do nothing"), ("resume", "resume")]
    fields = [
        _tenant_field(found, visit),
        Field("what", "Do", "select", kept(visit, "what"), choices),
        Field("reason", "Reason", value=kept(visit, "reason"), hint="In words that the tenant reads."),
    ]
    return Form("Suspend or resume", HOUSE, fields, "Do it", danger=True)


def _new(visit: Visit) -> Form:
    fields = [
        Field("name", "Name", value=kept(visit, "name")),
        Field(
            "id", "Id", value=kept(visit, "id"), hint="As terms and events call it; empty: one is made.", required=False
        ),
    ]
    return Form("Add a tenant", NEW, fields, "Add the tenant", "It gets a key of its admin, for a week.")


def _open(visit: Visit, found: Answer) -> Form:
    fields = [
        _tenant_field(found, visit),
        Field("reason", "Reason", value=kept(visit, "reason"), hint="At least 10 characters; the tenant reads them."),
        Field("minutes", "Minutes", "number", kept(visit, "minutes", "30"), hint="240 at most."),
    ]
    note = "For a while you may read this tenant's data. Opening it, each look and closing it stand in its log."
    return Form("Break the glass", GLASS, fields, "Break the glass", note, danger=True)


def _open_now(grant: Mapping[str, Any], now: str) -> bool:
    return not grant["closed"] and str(grant["expires"]) > now


def _standing(grant: Mapping[str, Any], now: str) -> Mark:
    if _open_now(grant, now):
        return Mark("open until it expires", "bad")
    return Mark("closed" if grant["closed"] else "expired", "quiet")


def _grants(found: Answer, now: str) -> Table:
    rows = [
        (
            Link(each["tenant"], at(f"{GLASS}/{{tenant}}", tenant=each["tenant"])),
            each["reason"],
            each["opened"],
            each["expires"],
            _standing(each, now),
            None
            if each["closed"] or each["expires"] <= now
            else Act("Close", at(f"{GLASS}/{{id}}/close", id=each["id"])),
        )
        for each in found.items
    ]
    columns = [
        Column("Tenant", "code"),
        Column("Reason"),
        Column("Opened, UTC", "time"),
        Column("Expires", "time"),
        Column("State"),
        Column("", "act"),
    ]
    return listed("grants", "Your grants", found, columns, rows, empty="You hold none.")
