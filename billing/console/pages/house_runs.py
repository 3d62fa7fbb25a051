"""Finished runs, for operators: what was run, what came out, and who had to leave."""

from billing.console.asking import Answer, at
from billing.console.blocks import Card, Cards, Column, Link, Mark, Table, View
from billing.console.pages.house_parts import RUNS_SHOWN, choice, chosen, gpu_hours, span
from billing.console.pages.parts import listed, priced
from billing.console.policy import CLUSTER
from billing.console.visit import Pages, Shown, Visit

pages = Pages()
RUNS, EVICTIONS = "/console/runs", "/console/evictions"
_ROWS = 50
_TOLD_LIVE = 7  # columns of evictions that a log fills: not for whom, nor what was lost


@pages.get(RUNS)
async def show_runs(visit: Visit) -> Shown:
    """List the runs."""
    found = await visit.ask.get("/v1/operator/runs", limit=RUNS_SHOWN, cursor=visit.query.get("cursor"))
    rows = [
        (
            Link(each["id"], at(f"{RUNS}/{{run}}", run=each["id"])),
            each["scenario"],
            each["policy"],
            each["lend"],
            str(each["seed"]),
            str(each["installed_gpus"]),
            each["since"],
            each["until"],
        )
        for each in found.items
    ]
    columns = [
        Column("Run", "code"),
        Column("Scenario"),
        Column("Policy"),
        Column("Lend"),
        Column("Seed", "number"),
        Column("GPUs", "number"),
        Column("From, UTC", "time"),
        Column("Until", "time"),
    ]
    return View(
        "Runs", [listed("runs", "Finished runs", found, columns, rows)], "Simulations whose folders are at hand."
    )


@pages.get(f"{RUNS}/{{run}}")
async def show_run(visit: Visit) -> Shown:
    """Show the headline numbers of a run."""
    found = await visit.ask.need(at("/v1/operator/runs/{run}", run=visit.ids["run"]))
    rows = [(each["name"], each["value"]) for each in found.data["figures"]]
    table = Table(
        "figures", "Headline numbers", [Column("Figure", "code"), Column("Value", "number")], rows, found.link
    )
    told = found.data
    lede = f"{told['scenario']} under {told['policy']}, lending {told['lend']}, seed {told['seed']}."
    crumbs = [Link("Runs", RUNS), Link("The cluster in it", f"{CLUSTER}?run={told['id']}")]
    return View(told["id"], [table], lede, crumbs=crumbs)


@pages.get(EVICTIONS)
async def show_evictions(visit: Visit) -> Shown:
    """Show who had to leave in a run, with what notice, for whom, and at what cost."""
    shown = await chosen(visit)
    form = choice(visit, shown, EVICTIONS)
    if not shown.run:
        live = await visit.ask.get("/v1/operator/evictions", limit=_ROWS, cursor=visit.query.get("cursor"))
        lede = f"{shown.words} Who had to leave of late, newest first; whose notice still runs stands under Queue."
        table = _evictions(live)
        kept = table.columns[:_TOLD_LIVE]
        short = table._replace(columns=kept, rows=[row[:_TOLD_LIVE] for row in table.rows])
        return View("Evictions", [form, short], lede, shown.live_s)
    found = await visit.ask.get("/v1/operator/evictions", run=shown.run, limit=_ROWS, cursor=visit.query.get("cursor"))
    told = await visit.ask.get(at("/v1/operator/runs/{run}", run=shown.run))
    figures = {each["name"]: each["value"] for each in told.data["figures"]} if told.ok else {}
    cards = [
        Card(what, figures.get(f"interruptions.{name}") or "-", words, told.link)
        for what, name, words in (
            ("Evictions", "evictions", "in the whole run"),
            ("With their full notice", "notices_kept", "and after their guarantee"),
            ("Inside their guarantee", "inside_guarantee", "a promise broken"),
        )
    ]
    return View("Evictions", [form, Cards(cards), _evictions(found)], shown.words)


def _evictions(found: Answer) -> Table:
    rows = [
        (
            each["evicted"],
            each["job"],
            each["tenant"],
            each["product"],
            None if each["gpus"] is None else str(each["gpus"]),
            span(each["notice_s"]),
            Mark("broken", "bad") if each["inside_guarantee"] else Mark("over", "good"),
            each["by_job"],
            None if each["lost_gpu_s"] is None else gpu_hours(each["lost_gpu_s"]),
            None if each["lost"] is None else priced(each["lost"]),
        )
        for each in found.items
    ]
    columns = [
        Column("Evicted, UTC", "time"),
        Column("Job", "code"),
        Column("Tenant", "code"),
        Column("Product", "code"),
        Column("GPUs", "number"),
        Column("Notice"),
        Column("Guarantee"),
        Column("For", "code"),
        Column("Lost GPU-hours", "number"),
        Column("Lost work, at its price", "money"),
    ]
    return listed("evictions", "Who had to leave", found, columns, rows, empty="Nobody had to leave.")
