"""What a tenant was told of: the feed that webhooks deliver, for whoever would rather read it."""

import json

from billing.console.asking import Answer
from billing.console.blocks import Column, Folded, Table, View
from billing.console.pages.notice_words import sentence_of
from billing.console.pages.parts import listed
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
NOTICES = "/console/notices"
LIVE_S = 5


@pages.get(NOTICES)
async def show_notices(visit: Visit) -> Shown:
    """List the notices."""
    found = await visit.ask.get("/v1/notices", cursor=visit.query.get("cursor"), limit=100)
    return View("Notices", [notices_table(found)], "What happened to what is yours, oldest first.", LIVE_S)


def notices_table(found: Answer) -> Table:
    """Return notices as a table."""
    rows = [
        (
            each["time"],
            Folded(sentence_of(each["type"], each["body"]), json.dumps(each["body"], ensure_ascii=False)),
            each["type"],
            each["object"],
            str(each["position"]),
        )
        for each in found.items
    ]
    columns = [
        Column("Time, UTC", "time"),
        Column("What", "long"),
        Column("Type", "code"),
        Column("Of", "code"),
        Column("Number", "number"),
    ]
    return listed("notices", "Notices", found, columns, rows, empty="There was nothing to tell yet.")
