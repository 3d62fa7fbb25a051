"""What an auditor reads: the tenants, and of each its log, bills, events, ids of keys and quota.

Each look stands in the log of the tenant, where it begins.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from billing.console.asking import at
from billing.console.blocks import Block, Cell, Column, Facts, Folded, Link, Table, View, Words
from billing.console.pages.parts import listed, priced
from billing.console.policy import AUDITOR
from billing.console.visit import Absent, Pages, Shown, Visit

pages = Pages()
_LOOKED = "The tenant's log says that this was read."


class Kind(NamedTuple):
    """One kind of record of a tenant: its words, its columns, and a row as their cells."""

    words: str
    columns: tuple[Column, ...]
    row: Callable[[Mapping[str, Any]], tuple[Cell, ...]]


def _entry(each: Mapping[str, Any]) -> tuple[Cell, ...]:
    details = "erased" if each["details"] is None else json.dumps(each["details"], ensure_ascii=False)
    folded = Folded(each["reason"], details, "details")
    return str(each["position"]), each["time"], each["action"], each["actor"], each["object"], folded


def _event(each: Mapping[str, Any]) -> tuple[Cell, ...]:
    said = json.dumps(each["data"], ensure_ascii=False)
    return each["time"], each["type"], each["id"], Folded("told by the " + each["source"], said)


def _invoice(each: Mapping[str, Any]) -> tuple[Cell, ...]:
    return each["number"], each["period"], each["status"], each["issued"], priced(each["total"])


KINDS: Mapping[str, Kind] = {
    "audit": Kind(
        "Audit log",
        (
            Column("Entry", "number"),
            Column("Time, UTC", "time"),
            Column("Action", "code"),
            Column("Who", "code"),
            Column("What", "code"),
            Column("Reason", "long"),
        ),
        _entry,
    ),
    "invoices": Kind(
        "Invoices",
        (
            Column("Number", "code"),
            Column("Month"),
            Column("Status"),
            Column("Issued, UTC", "time"),
            Column("Total", "money"),
        ),
        _invoice,
    ),
    "events": Kind(
        "Events",
        (Column("Time, UTC", "time"), Column("Event", "code"), Column("Id", "code"), Column("What it says", "long")),
        _event,
    ),
    "keys": Kind("Ids of keys", (Column("Key", "code"),), lambda each: (each["id"],)),
}


@pages.get(AUDITOR)
async def show_audited(visit: Visit) -> Shown:
    """List the tenants, and say where the evidence is."""
    found = await visit.ask.get("/v1/auditor/tenants", cursor=visit.query.get("cursor"), limit=100)
    rows = [
        (
            Link(each["id"], at(f"{AUDITOR}/{{tenant}}", tenant=each["id"])),
            each["name"],
            each["status"],
            each["created"],
            each["suspended"],
            each["deleted"],
        )
        for each in found.items
    ]
    columns = [
        Column("Tenant", "code"),
        Column("Name"),
        Column("Status"),
        Column("Since, UTC", "time"),
        Column("Suspended", "time"),
        Column("Deleted", "time"),
    ]
    evidence = Words("Evidence of isolation", _EVIDENCE)
    lede = "You read and change nothing. Each look at a tenant stands in that tenant's own log."
    return View("Tenants to audit", [listed("tenants", "Tenants", found, columns, rows), evidence], lede)


_EVIDENCE = (
    "A page cannot prove itself. On a machine with the store, spillway inspect --pack FILE attacks the isolation of "
    "tenants, property by property, and writes down what held, under which commit and signed; spillway audit verify "
    "hashes the logs again, or checks a proof."
)


@pages.get(f"{AUDITOR}/{{tenant}}")
async def show_tenant(visit: Visit) -> Shown:
    """Show what of a tenant may be read, and its quota."""
    tenant = visit.ids["tenant"]
    quota = await visit.ask.need(at("/v1/auditor/tenants/{tenant}/quota", tenant=tenant))
    here = at(f"{AUDITOR}/{{tenant}}", tenant=tenant)
    rows = [
        (Link(kind.words, f"{here}/{name}"), f"GET /v1/auditor/tenants/{tenant}/{name}") for name, kind in KINDS.items()
    ]
    what = Table("records", "Records", [Column("What"), Column("In the API", "code")], rows, note=_LOOKED)
    limits: list[tuple[str, Cell]] = [
        ("Keys at a time", f"{quota.data['keys_max']:,}"),
        ("Webhooks at a time", f"{quota.data['webhooks_max']:,}"),
        ("GPUs rented at a time", f"{quota.data['gpus_max']:,}"),
    ]
    blocks: list[Block] = [what, Facts("Quota", limits, quota.link)]
    return View(tenant, blocks, crumbs=[Link("Tenants to audit", AUDITOR)])


@pages.get(f"{AUDITOR}/{{tenant}}/{{what}}")
async def show_records(visit: Visit) -> Shown:
    """Show one kind of record of a tenant."""
    tenant, what = visit.ids["tenant"], visit.ids["what"]
    if what not in KINDS:
        raise Absent
    kind = KINDS[what]
    path = at("/v1/auditor/tenants/{tenant}/{what}", tenant=tenant, what=what)
    found = await visit.ask.need(path, cursor=visit.query.get("cursor"), limit=100)
    table = listed(what, kind.words, found, kind.columns, [kind.row(each) for each in found.items])
    crumbs = [Link("Tenants to audit", AUDITOR), Link(tenant, at(f"{AUDITOR}/{{tenant}}", tenant=tenant))]
    return View(f"{kind.words} of {tenant}", [table], _LOOKED, crumbs=crumbs)
