"""The cluster at one moment, for operators: who holds each node, and who waits for what."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Block, Card, Cards, Cell, Column, Drawn, Mark, Table, View
from billing.console.drawing import plain_moment
from billing.console.pages.house_parts import HOLDERS, choice, chosen, moment_asked, moment_field, span
from billing.console.pages.parts import why
from billing.console.visit import Pages, Shown, Visit
from billing.months import parse_utc
from billing.settling.holders import holder_of, usual_bands

pages = Pages()
NODES, QUEUE = "/console/nodes", "/console/queue"
ROWS_MAX = 1_000
_CELL, _GAP = 10, 1
_LETTERS_MAX = 2_048  # nodes of a map that still has room for a letter on each
_WORDS = {"free": "free", "held": "held", "notice": "must leave", "cleaning": "cleaning", "down": "down"}
_LEGEND = [(words, colour, letter) for words, colour, letter in HOLDERS.values()]


@pages.get(NODES)
async def show_nodes(visit: Visit) -> Shown:
    """Show who holds each node, and in how many pieces the rest is free."""
    shown = await chosen(visit, now=True)
    found = await visit.ask.get("/v1/operator/nodes", run=shown.run, at=moment_asked(visit))
    blocks: list[Block] = [choice(visit, shown, NODES, *([moment_field(visit)] if shown.run else []))]
    if not found.ok:
        words = "No scheduler has told of a live cluster yet." if found.status == 404 else why(found)
        return View("Nodes", [*blocks, Table("nodes", "Nodes", (), (), found.link, empty=words)], "", shown.live_s)
    domains = any(node["domain"] for node in found.items)
    drawn = Drawn("nodes.html.j2", {"pools": _maps(found), "legend": _LEGEND, "domains": domains})
    blocks += [Cards(_free(found)), drawn, _nodes(found)]
    return View("Nodes", blocks, f"{shown.words} As it was at {_at(found)}.", shown.live_s)


@pages.get(QUEUE)
async def show_queue(visit: Visit) -> Shown:
    """Show who waits, why, and until when; and whose notice runs."""
    shown = await chosen(visit, now=True)
    found = await visit.ask.get("/v1/operator/queue", run=shown.run, at=moment_asked(visit))
    blocks: list[Block] = [choice(visit, shown, QUEUE, *([moment_field(visit)] if shown.run else []))]
    if not found.ok:
        words = "No scheduler has told of a live cluster yet." if found.status == 404 else why(found)
        return View("Queue", [*blocks, Table("queue", "Who waits", (), (), found.link, empty=words)], "", shown.live_s)
    now_s = parse_utc(found.data["time"])
    gpus = sum(each["gpus"] for each in found.items)
    notices = found.data["notices"]
    leaving = f"{sum(each['gpus'] for each in notices):,} GPUs come free by them"
    blocks.append(
        Cards(
            [
                Card("Jobs that wait", f"{found.data['count']:,}", f"{gpus:,} GPUs are asked for", found.link),
                Card(
                    "Notices that run",
                    f"{len(notices):,}",
                    leaving,
                    found.link,
                ),
            ]
        )
    )
    blocks += [_queue(found, now_s), _notices(found, now_s)]
    return View("Queue", blocks, f"{shown.words} As it was at {_at(found)}, in the order of service.", shown.live_s)


def _at(found: Answer) -> str:
    return f"{plain_moment(found.data['time'])} UTC"


def _holder(node: Mapping[str, Any]) -> str:
    """Which of `HOLDERS` a node belongs to."""
    if node["state"] in ("down", "cleaning"):
        return "down"
    return holder_of(node["product"], usual_bands()) if node["product"] else "idle"


def _free(found: Answer) -> list[Card]:
    return [
        Card(
            f"Free in {pool['region']}, {pool['sku']}",
            f"{pool['free_nodes']:,} of {pool['nodes']:,} nodes",
            f"{pool['free_gpus']:,} GPUs, {pool['stranded_gpus']:,} of them on nodes held in part; at most "
            f"{pool['longest_run_nodes']:,} nodes side by side{_in_domain(pool)}; {pool['down_nodes']:,} down",
            found.link,
        )
        for pool in found.data["pools"]
    ]


def _in_domain(pool: Mapping[str, Any]) -> str:
    if not pool["domains"]:
        return ""
    return f", at most {pool['most_in_domain']:,} in one of {pool['domains']:,} domains"


def _maps(found: Answer) -> list[dict[str, Any]]:
    """The maps of all pools: of each node its square, filled as far as it is held."""
    pools: dict[str, list[Mapping[str, Any]]] = {}
    for node in found.items:
        pools.setdefault(f"{node['region']}, {node['sku']}", []).append(node)
    return [_map(name, nodes) for name, nodes in pools.items()]


def _map(name: str, nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    across = 64 if len(nodes) > 512 else 32
    step, squares = _CELL + _GAP, []
    for place, node in enumerate(nodes):
        holder = _holder(node)
        part = _CELL if holder == "down" else _CELL * node["held_gpus"] // max(1, node["gpus"])
        letter = "!" if node["state"] == "notice" else HOLDERS[holder][2]
        squares.append(
            {
                "x": place % across * step,
                "y": place // across * step,
                "filled": part,
                "colour": HOLDERS[holder][1],
                "letter": letter if len(nodes) <= _LETTERS_MAX else "",
                "leaves": node["state"] == "notice",
                "edge": place > 0 and node["domain"] != nodes[place - 1]["domain"],
                "title": _title(node),
            }
        )
    rows = -(-len(nodes) // across)
    return {"name": name, "squares": squares, "width": across * step, "height": rows * step, "cell": _CELL}


def _title(node: Mapping[str, Any]) -> str:
    held = f", {node['held_gpus']} of {node['gpus']} GPUs, {node['holder']} {node['product']}" if node["holder"] else ""
    domain = f", domain {node['domain']}" if node["domain"] else ""
    return f"{node['node']}: {_WORDS[node['state']]}{held}{domain}"


def _nodes(found: Answer) -> Table:
    """Nodes that stand side by side and are alike are one row."""
    alike: list[list[Mapping[str, Any]]] = []
    for node in found.items:
        if alike and _likeness(alike[-1][0]) == _likeness(node):
            alike[-1].append(node)
        else:
            alike.append([node])
    rows: list[tuple[Cell, ...]] = [_row(nodes) for nodes in alike[:ROWS_MAX]]
    left = len(alike) - len(rows)
    columns = [
        Column("Nodes", "code"),
        Column("Count", "number"),
        Column("Domain", "code"),
        Column("State"),
        Column("Band"),
        Column("Tenant", "code"),
        Column("Product", "code"),
        Column("Job", "code"),
        Column("GPUs held", "number"),
    ]
    note = "Neighbours that are alike are one row; the API returns each node."
    return Table(
        "nodes", "The same as a table", columns, rows, found.link, f"{note} {left:,} more rows." if left else note
    )


def _likeness(node: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(value for name, value in node.items() if name != "node")


def _row(nodes: Sequence[Mapping[str, Any]]) -> tuple[Cell, ...]:
    first, last = nodes[0], nodes[-1]
    to = "" if first is last else f" to {last['node'].rpartition('/')[2]}"
    held, gpus = (sum(each[name] for each in nodes) for name in ("held_gpus", "gpus"))
    return (
        f"{first['node']}{to}",
        str(len(nodes)),
        first["domain"] or None,
        Mark(_WORDS[first["state"]], "bad" if first["state"] in ("down", "notice") else "quiet"),
        HOLDERS[_holder(first)][0],
        first["holder"] or None,
        first["product"] or None,
        first["job"] or None,
        f"{held:,} of {gpus:,}",
    )


def _queue(found: Answer, now_s: int) -> Table:
    rows = [
        (
            each["job"],
            each["tenant"],
            each["product"],
            str(each["gpus"]),
            span(now_s - parse_utc(each["since"])),
            each["why"] or each["reason"],
            "not known" if each["expected"] is None else span(max(0, parse_utc(each["expected"]) - now_s)),
        )
        for each in found.items
    ]
    columns = [
        Column("Job", "code"),
        Column("Tenant", "code"),
        Column("Product", "code"),
        Column("GPUs", "number"),
        Column("Has waited"),
        Column("Why", "long"),
        Column("Expected to start in"),
    ]
    left = found.data["count"] - len(rows)
    note = f"{left:,} more wait behind these." if left else ""
    return Table("queue", "Who waits, why, and until when", columns, rows, found.link, note, "Nobody waits.")


def _notices(found: Answer, now_s: int) -> Table:
    rows = [
        (
            each["job"],
            each["tenant"],
            each["product"],
            str(each["gpus"]),
            each["noticed"],
            span(max(0, parse_utc(each["leaves"]) - now_s)),
        )
        for each in found.data["notices"]
    ]
    columns = [
        Column("Job", "code"),
        Column("Tenant", "code"),
        Column("Product", "code"),
        Column("GPUs", "number"),
        Column("Noticed, UTC", "time"),
        Column("Leaves in"),
    ]
    return Table("notices", "Who must leave", columns, rows, found.link, "", "No notice runs.")
