"""Service levels of a tenant: what was promised and reached, month by month, what was given back, and why."""

from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Column, Link, Mark, Table, Tone, View
from billing.console.pages.parts import amount, currency_in, listed, month_of, priced, why
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
SLA = "/console/sla"
_GPU_H_S = 3_600


@pages.get(SLA)
async def show_sla(visit: Visit) -> Shown:
    """List the reports of months, with incidents and credits."""
    period = month_of(visit)
    found = await visit.ask.get("/v1/sla", period=period, limit=100)
    incidents = await visit.ask.get("/v1/sla/incidents", period=period, cursor=visit.query.get("cursor"), limit=100)
    blocks: list[Block] = []
    if found.items:
        last = found.items[-1]
        blocks.append(Cards([_card(level, last, found.link) for level in last["levels"]]))
    blocks += [_levels(found), _credits(found), _incidents(incidents)]
    lede = "Availability is cut, never rounded up. Every credit names what it rests on, with the hash of the evidence."
    crumbs = [Link("All months", SLA)] if period else []
    return View(f"Service levels{' of ' + period if period else ''}", blocks, lede, crumbs=crumbs)


def _card(level: dict[str, Any], report: dict[str, Any], link: str) -> Card:
    if level["target_percent"] is None:
        return Card(level["product"], "no target", f"{report['period']}, {level['evictions']} evictions", link)
    reached = f"{level['reached_percent']} %" if level["reached_percent"] is not None else "nothing to measure"
    words = f"{report['period']}, promised {level['target_percent']} %, given back {priced(level['amount'])}"
    tone: Tone = "" if level["met"] is None else "good" if level["met"] else "bad"
    return Card(level["product"], reached, words, link, tone=tone)


def _levels(found: Answer) -> Table:
    rows = [
        (
            Link(report["period"], f"{SLA}?period={report['period']}"),
            level["product"],
            level["target_percent"],
            level["reached_percent"],
            Mark("no target", "quiet")
            if level["met"] is None
            else Mark("kept", "good")
            if level["met"]
            else Mark("missed", "bad"),
            f"{level['notices_kept']} of {level['notices']}",
            str(level["evictions"]),
            str(level["faults"]),
            f"{level['excluded_gpu_s'] // _GPU_H_S}",
            amount(level["amount"]),
        )
        for report in reversed(found.items)
        for level in report["levels"]
    ]
    every = [level for report in found.items for level in report["levels"]]
    columns = [
        Column("Month"),
        Column("Product"),
        Column("Promised, %", "number"),
        Column("Reached, %", "number"),
        Column("Kept"),
        Column("Notices in full", "number"),
        Column("Evictions", "number"),
        Column("Faults", "number"),
        Column("Excluded, GPU-h", "number"),
        Column(f"Given back{currency_in(every, 'amount')}", "money"),
    ]
    table = listed("levels", "Months", found, columns, rows, empty="No month has been reported yet.")
    return table._replace(more="")


def _credits(found: Answer) -> Table:
    rows = [
        (
            report["period"],
            level["product"],
            credit["basis"],
            credit["reason"],
            credit["percent"],
            amount(credit["amount"]),
            str(len(credit["evidence"])),
            credit["evidence_hash"][:16],
        )
        for report in reversed(found.items)
        for level in report["levels"]
        for credit in level["credits"]
    ]
    columns = [
        Column("Month"),
        Column("Product"),
        Column("Counted on"),
        Column("Why", "long"),
        Column("Part, %", "number"),
        Column("Amount", "money"),
        Column("Incidents", "number"),
        Column("Hash of the evidence", "code"),
    ]
    return Table("credits", "Credits", columns, rows, found.link, empty="Nothing had to be given back.")


def _incidents(found: Answer) -> Table:
    rows = [
        (
            each["period"],
            each["since"],
            each["until"],
            Mark(each["kind"], "bad" if each["kind"] == "credited" else "quiet"),
            each["product"],
            each["what"],
            each["job"],
            None if each["gpus"] is None else str(each["gpus"]),
            str(each["gpu_s"]),
        )
        for each in found.items
    ]
    columns = [
        Column("Month"),
        Column("From, UTC", "time"),
        Column("Until", "time"),
        Column("Counts as"),
        Column("Product"),
        Column("What"),
        Column("Job", "code"),
        Column("GPUs", "number"),
        Column("GPU-seconds", "number"),
    ]
    empty = "Nothing happened that a report would speak of." if found.ok else why(found)
    return listed("incidents", "Incidents", found, columns, rows, "What was credited, and what did not count.", empty)
