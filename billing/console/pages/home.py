"""The first page of a tenant: what the month comes to so far, and what lately happened."""

from billing.console.blocks import Block, Card, Cards, Facts, View
from billing.console.pages.parts import priced
from billing.console.policy import HOME, HOUSE
from billing.console.visit import Go, Pages, Shown, Visit
from tenants.access.identity import Role

pages = Pages()


@pages.get(HOME)
async def show_home(visit: Visit) -> Shown:
    """Show where a tenant stands."""
    role = visit.scope.principal.role
    if role is Role.OPERATOR:
        return Go(HOUSE)
    me = await visit.ask.need("/v1/me")
    who = Facts(
        "Signed in",
        [
            ("Account", me.data["account"]),
            ("Role", me.data["role"].replace("_", " ")),
            ("Key", me.data["key"]),
            ("May", ", ".join(me.data["scopes"])),
        ],
        me.link,
    )
    if role is Role.AUDITOR:
        lede = "An auditor reads over the API: the pages of the console belong to tenants and operators."
        return View("Overview", [who], lede)
    cards: list[Card] = []
    invoices = await visit.ask.get("/v1/invoices", limit=200)
    if invoices.items:
        last = invoices.items[-1]
        cards.append(
            Card(
                "Last invoice",
                priced(last["total"]),
                f"{last['period']}, {last['status']}",
                invoices.link,
                "/console/bills",
            )
        )
    blocks: list[Block] = [*([Cards(cards)] if cards else []), who]
    return View("Overview", blocks)
