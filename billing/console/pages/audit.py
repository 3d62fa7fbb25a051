"""The audit log of a tenant: who did what, and the proof that an entry stands in it."""

import json
from collections.abc import Mapping
from typing import Any

from billing.console.asking import at
from billing.console.blocks import Card, Cards, Cell, Column, Folded, Link, View
from billing.console.drawing import plain_moment
from billing.console.pages.parts import listed
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
AUDIT = "/console/audit"


@pages.get(AUDIT)
async def show_audit(visit: Visit) -> Shown:
    """List the log, oldest first, with what it comes to."""
    head = await visit.ask.get("/v1/audit/checkpoint")
    found = await visit.ask.get("/v1/audit", cursor=visit.query.get("cursor"))
    accounts = await visit.ask.get("/v1/accounts", limit=200)
    called = {each["id"]: f"{each['name']} ({each['id']})" for each in accounts.items}
    rows = [
        (
            Link(str(each["position"]), f"{AUDIT}/{each['position']}/proof"),
            each["time"],
            each["action"],
            called.get(each["actor"], each["actor"]),
            called.get(each["object"], each["object"]),
            _why(each),
        )
        for each in found.items
    ]
    columns = [
        Column("Proof of", "number"),
        Column("Time, UTC", "time"),
        Column("Action", "code"),
        Column("Who", "code"),
        Column("What", "code"),
        Column("Reason", "long"),
    ]
    cards = [
        Card("Entries", str(head.data["size"]), f"as of {plain_moment(head.data['time'])} UTC", head.link),
        Card("Root of the tree", head.data["root"][:16], "of the log as it is now, signed", head.link),
    ]
    note = (
        "Each number leads to the proof of its entry: `spillway audit verify --proof` checks it without the database."
    )
    table = listed("audit", "Entries", found, columns, rows, note.replace("`", ""))
    return View("Audit log", [*([Cards(cards)] if head.ok else []), table], "Every change to what is yours, by whom.")


@pages.get(f"{AUDIT}/{{position}}/proof")
async def download_proof(visit: Visit) -> Shown:
    """Hand out the proof of one entry."""
    position = visit.ids["position"]
    path = at("/v1/audit/{position}/proof", position=position)
    return await visit.ask.file(f"proof-{position}.json", path, "application/json")


def _why(entry: Mapping[str, Any]) -> Cell:
    if entry["details"] is None:
        return f"{entry['reason']} (details erased)".strip()
    if not entry["details"]:
        return entry["reason"] or None
    return Folded(entry["reason"], json.dumps(entry["details"], ensure_ascii=False), "details")
