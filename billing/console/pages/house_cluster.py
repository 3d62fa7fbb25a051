"""The cluster over time, for operators: who held it, why the rest was idle, what it brought in and at what delay."""

from collections.abc import Mapping, Sequence

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Cell, Chart, Column, Facts, Field, Mark, Series, Table, View
from billing.console.drawing import plain_moment
from billing.console.pages.house_parts import HOLDERS, Chosen, choice, chosen, gpu_hours, share, span
from billing.console.pages.parts import amount, listed, priced, why
from billing.console.policy import CLUSTER
from billing.console.visit import Pages, Shown, Visit
from billing.money import SECONDS_PER_HOUR, floor_decimal
from billing.months import parse_utc

pages = Pages()
REVENUE = "/console/revenue"
_BUCKETS = [("", "as fits"), ("hour", "hours"), ("day", "days"), ("week", "weeks"), ("month", "months")]
_STATES = {
    "idle.no_demand": "nobody asked for it",
    "idle.spare": "free beside waiting jobs that need more, or must not delay an earlier one",
    "idle.fragmented": "free GPUs that do not add up to the whole nodes that are asked for",
    "idle.held_back": "renters wait, and it is not offered",
    "idle.reserved_unused": "promised to a contract that does not use it",
    "idle.gathering": "kept for a granted job until its gang is complete",
    "idle": "held by nobody",
    "scrubbing": "cleaned between two trust domains",
    "down": "failed, or in repair",
}


@pages.get(CLUSTER)
async def show_cluster(visit: Visit) -> Shown:
    """Show who held the cluster over time."""
    shown = await chosen(visit)
    found = await visit.ask.get("/v1/operator/cluster", run=shown.run, bucket=visit.query.get("bucket"))
    blocks: list[Block] = [_window(visit, shown, CLUSTER)]
    if not found.ok:
        return View("Cluster", [*blocks, Table("cluster", "Over time", (), (), found.link, empty=why(found))])
    blocks += [_shares(found), _over_time(found), _states(found)]
    if not shown.run:
        blocks.append(_health(shown.clusters))
    lede = f"{shown.words} Every installed GPU-second is counted once: held by somebody, cleaned, down, or idle."
    return View("Cluster", blocks, lede, shown.live_s)


@pages.get(REVENUE)
async def show_revenue(visit: Visit) -> Shown:
    """Show what the cluster brought in, against the delay of internal work, and what was given back."""
    shown = await chosen(visit)
    found = await visit.ask.get("/v1/operator/revenue", run=shown.run, bucket=visit.query.get("bucket"))
    blocks: list[Block] = [_window(visit, shown, REVENUE)]
    if not found.ok:
        return View("Revenue and delay", [*blocks, Table("revenue", "Revenue", (), (), found.link, empty=why(found))])
    blocks += [_against(found), _income(found), _products(found)]
    if shown.run:
        blocks.append(_credits(await visit.ask.get("/v1/operator/credits", run=shown.run)))
    lede = f"{shown.words} Use at its price, before contracts, credits and tax: no tenant's bill."
    return View("Revenue and delay", blocks, lede, shown.live_s)


def _window(visit: Visit, shown: Chosen, path: str) -> Block:
    return choice(
        visit, shown, path, Field("bucket", "In", "select", visit.query.get("bucket", ""), _BUCKETS, "", False)
    )


def _held(found: Answer, holders: Sequence[str]) -> int:
    return sum(each["gpu_s"] for each in found.data["states"] if each["holder"] in holders)


def _shares(found: Answer) -> Cards:
    whole = found.data["installed_gpu_s"]
    parts = (
        ("Internal work", ("critical", "internal")),
        ("Rented", ("reserved", "on_demand", "spot")),
        ("Cleaning or down", ("down",)),
        ("Idle", ("idle",)),
    )
    held = ((words, _held(found, holders)) for words, holders in parts)
    cards = [
        Card(words, share(gpu_s, whole), f"{(gpu_s + SECONDS_PER_HOUR // 2) // SECONDS_PER_HOUR:,} GPU-h", found.link)
        for words, gpu_s in held
    ]
    return Cards(cards)


def _over_time(found: Answer) -> Chart:
    items = found.data["items"]
    lengths = [parse_utc(each["until"]) - parse_utc(each["since"]) for each in items]
    series = [
        Series(
            words,
            colour,
            [
                floor_decimal(each[f"{holder}_gpu_s"], length_s, 1)
                for each, length_s in zip(items, lengths, strict=True)
            ],
        )
        for holder, (words, colour, _) in HOLDERS.items()
    ]
    columns = [
        Column("From, UTC", "time"),
        *(Column(words.capitalize(), "number") for words, _, _ in HOLDERS.values()),
        Column("Installed", "number"),
    ]
    rows = [
        (each["since"], *(gpu_hours(each[f"{holder}_gpu_s"]) for holder in (*HOLDERS, "installed"))) for each in items
    ]
    note = "GPU-hours, cut to two decimals; the API returns whole GPU-seconds, which add up."
    table = Table("buckets", "GPU-hours by holder", columns, rows, found.link, note)
    caption = f"Who held the cluster, {found.data['bucket']} by {found.data['bucket']}"
    return Chart(
        "cluster", caption, "GPUs, mean", [parse_utc(each["since"]) for each in items], series, table, found.link
    )


def _states(found: Answer) -> Table:
    whole = found.data["installed_gpu_s"]
    rows = [
        (
            each["state"].removeprefix("held."),
            _STATES.get(each["state"], f"held as {HOLDERS[each['holder']][0]}"),
            gpu_hours(each["gpu_s"]),
            share(each["gpu_s"], whole),
        )
        for each in found.data["states"]
    ]
    columns = [Column("State", "code"), Column("Meaning"), Column("GPU-hours", "number"), Column("Share", "number")]
    total = ("installed", None, gpu_hours(whole), share(whole, whole))
    return Table("states", "Where every GPU-hour was", columns, rows, found.link, total=total)


def _health(clusters: Answer) -> Facts:
    told = clusters.data
    settled = told["settled_events"]
    rows: list[tuple[str, Cell]] = [
        ("Events that are settled", "none yet" if settled is None else f"{settled:,}"),
        ("Settled at, UTC", plain_moment(told["settled_at"] or "never")),
        ("Settling", Mark(told["settling_fault"], "bad") if told["settling_fault"] else Mark("all is well", "good")),
        *((each["source"], _heard(each)) for each in clusters.items),
    ]
    return Facts("Live sources, and how far the log is settled", rows, clusters.link)


def _heard(source: Mapping[str, str]) -> str:
    return f"told of {plain_moment(source['time'])}, heard at {plain_moment(source['received'])}"


def _against(found: Answer) -> Cards:
    rented, delay = found.data["rented"], found.data["delay"]
    cards = [Card("Rented", priced(rented), "use at its price", found.link)]
    if delay is None:
        words = "a run made with --baseline is compared with the same world without rentals"
        return Cards([*cards, Card("Internal delay", "not known", words, found.link)])
    later, worst = f"{delay['later']} of {delay['jobs']}", f"the worst by {span(delay['max_s'])}"
    cards += [
        Card("Internal starts that came later", later, f"{delay['earlier']} came earlier", found.link),
        Card("Delay of all of them together", span(delay["total_s"]), "beside a world without rentals", found.link),
        Card("99 % were delayed by at most", span(delay["p99_s"] or 0), worst, found.link),
    ]
    return Cards(cards)


def _income(found: Answer) -> Chart:
    items, code = found.data["items"], found.data["rented"]["currency"]
    series = [Series("rented", "orange", [amount(each["rented"]) for each in items])]
    rows = [
        (each["since"], gpu_hours(each["rented_gpu_s"]), amount(each["rented"]), amount(each["internal"]))
        for each in items
    ]
    columns = [
        Column("From, UTC", "time"),
        Column("Rented GPU-hours", "number"),
        Column(f"Rented, {code}", "money"),
        Column(f"Shown to own teams, {code}", "money"),
    ]
    table = Table("income", "Revenue over time", columns, rows, found.link, "Each sum is rounded by itself.")
    times = [parse_utc(each["since"]) for each in items]
    return Chart("revenue", f"What each {found.data['bucket']} brought in", code, times, series, table, found.link)


def _products(found: Answer) -> Table:
    rows = [
        (
            each["product"],
            Mark("rented", "good") if each["rented"] else Mark("own teams", "quiet"),
            gpu_hours(each["gpu_s"]),
            amount(each["amount"]),
        )
        for each in found.data["products"]
    ]
    code = found.data["rented"]["currency"]
    columns = [
        Column("Product", "code"),
        Column("By"),
        Column("GPU-hours", "number"),
        Column(f"Amount, {code}", "money"),
    ]
    return Table("products", "By product", columns, rows, found.link)


def _credits(found: Answer) -> Table:
    rows = [
        (each["period"], each["product"], str(each["tenants"]), str(each["broken"]), priced(each["credit"]))
        for each in found.items
    ]
    columns = [
        Column("Month"),
        Column("Product", "code"),
        Column("Tenants", "number"),
        Column("Got less than promised", "number"),
        Column("Given back", "money"),
    ]
    return listed("credits", "Credits for broken promises", found, columns, rows)
