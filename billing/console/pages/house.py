"""The first page of an operator: the tenants of the house."""

from billing.console.blocks import Column, Mark, View
from billing.console.pages.parts import listed
from billing.console.policy import HOUSE
from billing.console.visit import Pages, Shown, Visit

pages = Pages()


@pages.get(HOUSE)
async def show_tenants(visit: Visit) -> Shown:
    """List the tenants."""
    found = await visit.ask.get("/v1/operator/tenants", cursor=visit.query.get("cursor"), limit=100)
    rows = [
        (each["id"], each["name"], Mark(each["status"], "good" if each["status"] == "active" else "bad"))
        for each in found.items
    ]
    columns = [Column("Tenant", "code"), Column("Name"), Column("Status")]
    return View("Tenants", [listed("tenants", "Tenants", found, columns, rows)])
