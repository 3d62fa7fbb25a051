"""Who holds which node around one moment of a finished run: what was held until then, and what was planned from then on
by what was known: how long running jobs asked for, and when waiting ones were expected to start.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sim.answers.queue import waiting_at
from sim.errors import SimError
from sim.folder.run_folder import RunFolder, read
from sim.pictures.picture import Line, Picture, Series

ROWS_MOST = 300  # of nodes; of more, one in so many is drawn
WAITING_MOST = 24
_HOUR_S = 3_600
_BANDS = {
    "internal_critical": "internal critical",
    "internal": "internal",
    "reserved": "reserved",
    "on_demand": "on-demand",
    "spot": "spot",
}


class Bar(NamedTuple):
    """A piece of time on a row; `planned`: it had not happened yet."""

    band: str
    row: int
    from_s: int
    until_s: int
    planned: bool


def gantt(folder: Path, at_s: int, hours: int) -> Picture:
    """Return the picture of so many hours before and after a moment of a run.

    Raises SimError: no such run, it has no tape, or the moment lies outside of it. Cost: one replay up to that moment.
    """
    run = read(folder)
    if not 0 <= at_s <= run.manifest["horizon_s"]:
        allowed = f"0 to {run.manifest['horizon_s']}"
        raise SimError("not within the run", code="bad_value", path="--at", found=at_s, allowed=allowed)
    from_s, until_s = max(0, at_s - hours * _HOUR_S), at_s + hours * _HOUR_S
    nodes = sum(pool["nodes"] for pool in run.manifest["pools"])
    every = -(-nodes // ROWS_MOST)
    bars = list(_held(run, from_s, at_s, until_s, every))
    rows = -(-nodes // every)
    waiting = [row for row in waiting_at(folder, at_s) if row.start_s is not None and row.start_s < until_s]
    jobs = {row["job_id"]: row for row in run.query("SELECT job_id, band, estimate_s FROM jobs")}
    for place, row in enumerate(waiting[:WAITING_MOST]):
        start_s = max(at_s, row.start_s or 0)
        job = jobs[row.job_id]
        bars.append(Bar(job["band"], rows + 1 + place, start_s, min(until_s, start_s + job["estimate_s"]), True))
    told = "each node" if every == 1 else f"every {every}. node"
    more = f" of {len(waiting)}" if len(waiting) > WAITING_MOST else ""
    shown = min(len(waiting), WAITING_MOST)
    caption = f"Rows: {told}; below the line {shown}{more} jobs that wait and were expected to start."
    title = f"{folder.name}: held until hour {at_s // _HOUR_S}, planned from there on"
    lines = (Line("x", at_s / _HOUR_S, "now"), Line("y", rows + 0.5, ""))
    series = tuple(_series(bars))
    return Picture("gantt", "gantt", title, "hour of the run", "node", series, lines, (), caption)


def _held(run: RunFolder, from_s: int, at_s: int, until_s: int, every: int) -> Iterator[Bar]:
    """What was held in the window, and of what was held at the moment, until when it had asked for its nodes."""
    first: dict[tuple[str, str], int] = {}
    count = 0
    for pool in run.manifest["pools"]:
        first[pool["region"], pool["sku"]] = count
        count += pool["nodes"]
    rows = run.query(
        "SELECT a.band, a.region, a.sku, a.nodes, a.start_s, a.end_s, j.estimate_s FROM allocations a"
        " JOIN jobs j USING (job_id) WHERE a.start_s < $at AND a.end_s > $from ORDER BY a.start_s, a.job_id",
        **{"at": at_s, "from": from_s},
    )
    for row in rows:
        for node in row["nodes"]:
            place = first[row["region"], row["sku"]] + int(node)
            if place % every:
                continue
            yield Bar(row["band"], place // every, max(from_s, row["start_s"]), min(at_s, row["end_s"]), False)
            asked_s = min(until_s, row["start_s"] + row["estimate_s"])
            if row["end_s"] > at_s and asked_s > at_s:
                yield Bar(row["band"], place // every, at_s, asked_s, True)


def _series(bars: list[Bar]) -> Iterator[Series]:
    for band, name in _BANDS.items():
        for planned in (False, True):
            mine: list[Any] = [bar for bar in bars if (bar.band, bar.planned) == (band, planned)]
            if mine:
                yield Series(
                    f"{name}, planned" if planned else name,
                    tuple(float(bar.row) for bar in mine),
                    tuple(bar.from_s / _HOUR_S for bar in mine),
                    tuple(bar.from_s / _HOUR_S for bar in mine),
                    tuple(bar.until_s / _HOUR_S for bar in mine),
                    "limit" if planned else "simulated",
                )
