"""What isolation came to in a finished run: networks programmed, nodes scrubbed, what failed; and one node's life."""

from typing import Any, NamedTuple

from sim.errors import SimError
from sim.folder.isolation_table import TABLE
from sim.folder.run_folder import RunFolder

# What one row of the summary counts, of the table `isolation`.
COUNTS = {
    "holds": "count(*) FILTER (state = 'held')",  # a job begins on a node, its network acknowledged
    "starts_refused": "count(DISTINCT job_id || '/' || at_s) FILTER (why <> '')",
    "scrubs_begun": "count(*) FILTER (state = 'detaching')",
    "scrubs_failed": "count(*) FILTER (state = 'quarantined')",
    "nodes_cleaned": "count(*) FILTER (state = 'free' AND job_id IS NULL)",
}


class Change(NamedTuple):
    """A node's state from `at_s` on, seconds since the epoch of the run, and until when (None: the end)."""

    at_s: int
    until_s: int | None
    state: str
    job_id: str | None
    tenant: str | None
    why: str


def require_isolation(run: RunFolder) -> None:
    """Raise SimError for a run without [isolation]: nobody programmed a network there, and no scrub could fail."""
    if f"{TABLE}.parquet" not in run.manifest["files"]:
        message = "nothing was isolated in this run"
        raise SimError(message, code="run.no_isolation", file=str(run.path), allowed="a scenario with [isolation]")


def totals(run: RunFolder) -> list[dict[str, Any]]:
    """Return a row for each pool: the counts of COUNTS, and the time its GPUs were scrubbed. Raises SimError."""
    require_isolation(run)
    counted = ", ".join(f"{what} AS {name}" for name, what in COUNTS.items())
    rows = run.query(f"SELECT region, sku, {counted} FROM isolation GROUP BY region, sku ORDER BY region, sku")
    spent = run.query("SELECT region, sku, sum(gpu_s) AS gpu_s FROM capacity WHERE state = 'scrubbing' GROUP BY ALL")
    scrubbed = {(row["region"], row["sku"]): int(row["gpu_s"]) for row in spent}
    return [row | {"scrubbing_gpu_s": scrubbed.get((row["region"], row["sku"]), 0)} for row in rows]


def failures(run: RunFolder) -> list[dict[str, Any]]:
    """Return what went wrong and how often: a refused start counts once, a scrub once a node. Raises SimError."""
    require_isolation(run)
    return run.query(
        "SELECT why, count(DISTINCT coalesce(job_id, sku || '/' || node) || '/' || at_s) AS times,"
        " count(*) AS nodes FROM isolation WHERE why <> '' GROUP BY why ORDER BY times DESC, why"
    )


def life_of(run: RunFolder, name: str) -> list[Change]:
    """Return every change of a node named REGION/SKU/ROW, in order of time. Raises SimError: no such node."""
    require_isolation(run)
    region, _, rest = name.partition("/")
    sku, _, row = rest.rpartition("/")
    pools = {(pool["region"], pool["sku"]): pool["nodes"] for pool in run.manifest["pools"]}
    if not row.isdecimal() or int(row) >= pools.get((region, sku), 0):
        known = ", ".join(f"{one}/{other}/0 to {count - 1}" for (one, other), count in pools.items())
        raise SimError("no such node", code="run.no_node", path="--node", found=name, allowed=known)
    told = run.columns(TABLE)
    mine = (told["region"] == region) & (told["sku"] == sku) & (told["node"] == int(row))
    names = ("at_s", "state", "job_id", "tenant", "why")
    rows = list(zip(*(told[each][mine].tolist() for each in names), strict=True))
    untils = [*(each[0] for each in rows[1:]), None]
    return [Change(row[0], until_s, *row[1:]) for row, until_s in zip(rows, untils, strict=True)]
