"""The cluster over time, for operators: who held it, why the rest was idle, what it brought in and at what delay."""

from collections.abc import Mapping, Sequence

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Cell, Chart, Column, Facts, Mark, Series, Table, View
from billing.console.drawing import plain_moment
from billing.console.pages.house_parts import HOLDERS, asked, chosen, gpu_hours, share, window_form
from billing.console.pages.parts import why
from billing.console.policy import CLUSTER
from billing.console.visit import Pages, Shown, Visit
from billing.money import SECONDS_PER_HOUR, floor_decimal
from billing.months import parse_utc

pages = Pages()
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
    found, steps = await asked(visit, shown, "/v1/operator/cluster")
    blocks: list[Block] = [window_form(visit, shown, CLUSTER), steps]
    if not found.ok:
        return View("Cluster", [*blocks, Table("cluster", "Over time", (), (), found.link, empty=why(found))])
    blocks += [_shares(found), _over_time(found), _states(found)]
    if not shown.run:
        blocks.append(_health(shown.clusters))
    lede = f"{shown.words} Every installed GPU-second is counted once: held by somebody, cleaned, down, or idle."
    return View("Cluster", blocks, lede, shown.live_s)


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
                floor_decimal(each[f"{holder}_gpu_s"], length_s, 3)
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
