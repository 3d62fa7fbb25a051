"""Use by hour, day, week or month, as it is rated: a chart of what it comes to, and the sums by group."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Card, Cards, Cell, Chart, Column, Field, Form, Series, Steps, Table, View
from billing.console.drawing import plain_moment
from billing.console.pages.parts import amount, priced, why
from billing.console.pages.periods import chosen_window, shown_period
from billing.console.visit import Pages, Shown, Visit
from billing.months import parse_utc

pages = Pages()
USAGE = "/console/usage"
LAYERS_MAX = 8  # colours that can be told apart; what is more is one layer together
_COLOURS = ("blue", "orange", "green", "sky", "yellow", "red", "pink", "grey")
_BUCKETS = [("", "as fits"), ("hour", "hour"), ("day", "day"), ("week", "week"), ("month", "month")]
_GROUPS = [
    ("product", "product"),
    ("region", "region"),
    ("sku", "kind of GPU"),
    ("charge_class", "charged or free"),
    ("product,region", "product and region"),
    ("meter", "meter"),
]


@pages.get(USAGE)
async def show_usage(visit: Visit) -> Shown:
    """Show what was used, in buckets."""
    bucket, by = visit.query.get("bucket", ""), visit.query.get("group_by", "product")
    found, steps = await _asked(visit, bucket, by)
    choose = Form("Show", USAGE, _choice(visit, bucket, by), "Show", method="get")
    if not found.ok:
        return View("Usage", [choose, Table("usage", "Usage", (), (), found.link, empty=why(found))])
    words = by.split(",")
    charts = [cost_chart(found, words, code) for code in currencies(found)]
    told = found.data
    lede = (
        f"Whole {told['bucket']}s of {told['time_zone']}, from {plain_moment(told['snapped_since'])} until "
        f"{plain_moment(told['snapped_until'])} UTC. {_closed(told['closed_until'])}"
    )
    return View("Usage", [_cards(found), steps, choose, *charts, _totals(found, words)], lede)


async def _asked(visit: Visit, bucket: str, by: str) -> tuple[Answer, Steps]:
    """Ask for the window in the form, or else for the period in the address."""
    zone, since, until = (visit.query.get(name, "") for name in ("time_zone", "since", "until"))

    async def ask(from_: str, until: str, fitting: str) -> Answer:
        return await visit.ask.get(
            "/v1/usage",
            from_=from_,
            until=until,
            bucket=bucket or fitting,
            group_by=by,
            time_zone=zone,
            limit=200,
            cursor=visit.query.get("cursor"),
        )

    period = None if since or until else await shown_period(visit, ask, visit.now_s)
    if period is not None:
        return period.found, period.steps
    return await ask(day(since), day(until), "day"), chosen_window(visit, since, until)


async def recent_use(visit: Visit) -> Answer:
    """Ask for the use of this month, or of the last one in which there was any."""

    async def ask(from_: str, until: str, _: str) -> Answer:
        return await visit.ask.get("/v1/usage", from_=from_, until=until, bucket="month")

    return (await shown_period(visit, ask, visit.now_s, narrow=False)).found


def currencies(found: Answer) -> list[str]:
    """Return in which currencies use was rated, each once; "" where there was none."""
    return sorted({each["amount"]["currency"] for each in found.data["totals"]}) or [""]


def _closed(until: str | None) -> str:
    return "No hour is closed yet." if until is None else f"Hours before {plain_moment(until)} UTC are closed."


def day(text: str) -> str:
    """Return a date of a form as a time; what is already one stays."""
    return f"{text}T00:00:00Z" if len(text) == len("2026-11-01") else text


def _choice(visit: Visit, bucket: str, by: str) -> list[Field]:
    return [
        Field("since", "From", "date", visit.query.get("since", "")[:10], required=False),
        Field("until", "Until", "date", visit.query.get("until", "")[:10], required=False),
        Field("bucket", "In", "select", bucket, _BUCKETS, required=False),
        Field("group_by", "By", "select", by, _GROUPS),
        Field("time_zone", "Time zone", "text", visit.query.get("time_zone", "UTC")),
        *(Field(name, name, "hidden", visit.query[name]) for name in ("span", "on") if name in visit.query),
    ]


def _cards(found: Answer) -> Cards:
    totals = found.data["totals"]
    cards = [
        Card(label_of(each, found.data["group_by"]), priced(each["amount"]), meters_of(each), found.link)
        for each in totals[:6]
    ]
    return Cards(cards)


def label_of(group: Mapping[str, Any], words: Sequence[str]) -> str:
    """Return the name of a group: what it is apart by."""
    return ", ".join(str(group[word]) for word in words if group.get(word)) or "all"


def meters_of(group: Mapping[str, Any]) -> str:
    """Return the quantities of a group in words."""
    return "; ".join(quantity(each["unit"], each["measured"]) for each in group["meters"])


def quantity(unit: str, much: str) -> str:
    """Return a quantity in the unit that people think in: GPU-hours, cut to whole ones, for GPU-seconds."""
    if unit == "gpu_s" and abs(int(much)) >= 3_600:
        return f"{int(much) // 3_600:,} GPU-h"
    unit = "GPU-s" if unit == "gpu_s" else unit
    return f"{int(much):,} {unit}" if much.lstrip("-").isdigit() else f"{much} {unit}"


def cost_chart(found: Answer, words: Sequence[str], code: str) -> Chart:
    """Return what each bucket of an answer comes to in one currency, by its groups, the largest at the bottom."""
    items = found.data["items"]
    order = [label_of(each, words) for each in sorted(_in(found.data["totals"], code), key=_size, reverse=True)]
    shown, others = order[:LAYERS_MAX], order[LAYERS_MAX:]
    by_bucket = [
        {label_of(group, words): amount(group["amount"]) for group in _in(each["groups"], code)} for each in items
    ]
    series = [
        Series(label, _COLOURS[at % len(_COLOURS)], [bucket.get(label, "0") for bucket in by_bucket])
        for at, label in enumerate(shown)
    ]
    note = f"{len(others)} smaller groups are in the table alone. " if others else ""
    note += f"The first {len(items)}; the rest is on the next pages of the table." if found.more else ""
    caption = f"What each {found.data['bucket']} comes to"
    return Chart(
        f"cost{code}",
        caption,
        code,
        [parse_utc(each["since"]) for each in items] if shown else [],
        series,
        _buckets(found, words, code),
        found.link,
        note,
        time_zone=found.data["time_zone"],
    )


def _in(groups: Sequence[Mapping[str, Any]], code: str) -> list[Mapping[str, Any]]:
    return [each for each in groups if each["amount"]["currency"] == code]


def _size(group: Mapping[str, Any]) -> tuple[int, str]:
    exact = group["exact"]
    return int(exact["numerator"]) // int(exact["denominator"]), str(group["product"])


def _buckets(found: Answer, words: Sequence[str], code: str) -> Table:
    rows: list[list[Cell]] = [
        [
            each["since"],
            each["until"],
            label_of(group, words),
            meters_of(group),
            amount(group["amount"]),
            "closed" if each["closed"] else "open",
        ]
        for each in found.data["items"]
        for group in _in(each["groups"], code)
    ]
    columns = [
        Column("From, UTC", "time"),
        Column("Until", "time"),
        Column("Group"),
        Column("Used"),
        Column(f"Amount, {code}" if code else "Amount", "money"),
        Column("Hours"),
    ]
    caption, empty = "The same as a table", "Nothing was used in this period."
    return Table(f"buckets{code}", caption, columns, rows, found.link, empty=empty, more=found.more)


def _totals(found: Answer, words: Sequence[str]) -> Table:
    rows: list[list[Cell]] = []
    for group in found.data["totals"]:
        for at, each in enumerate(group["meters"]):
            free = ", ".join(
                f"{quantity(each['unit'], some['quantity'])} {some['reason']}" for some in each["excluded"]
            )
            rows.append(
                [
                    label_of(group, words),
                    each["meter"],
                    each["measured"],
                    each["billable"],
                    free or None,
                    priced(group["amount"]) if at == 0 else None,
                ]
            )
    columns = [
        Column("Group"),
        Column("Meter", "code"),
        Column("Measured", "number"),
        Column("Charged for", "number"),
        Column("Free, and why"),
        Column("Amount", "money"),
    ]
    note = "Quantities in the unit of the meter, such as GPU-seconds. Measured is what is charged for and what is free."
    return Table("totals", "Sums over the whole window", columns, rows, found.link, note, "Nothing was used in it.")
