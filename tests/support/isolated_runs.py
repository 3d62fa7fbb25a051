"""Whole runs of a small cluster with [isolation], and what its allocations say, read without asking the warden."""

from collections import defaultdict
from typing import Any, NamedTuple

from scheduler.isolation.states import IsolationError
from scheduler.nodes.nodeset import rows
from sim.engine.run import run
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load

SCRUB_S = 300
WELL = {f"{step}_failures_bp": 0 for step in ("detach", "clean", "validate", "attach")}


class Held(NamedTuple):
    """A node held by a trust domain over [start_s, end_s)."""

    start_s: int
    end_s: int
    domain: int
    tenant: int


def isolated_run(seed: int, isolation: dict[str, Any] | None = None, times: int = 1, **more: Any) -> RunResult:
    """Two days of `small`, with `times` its demand: training, then a gap. A breach is an AssertionError here.

    `more`: other tables; None leaves one out.
    """
    mapping = dict(load("small").mapping)
    mapping["isolation"] = WELL if isolation is None else isolation
    mapping["demand"] = [{**row, "jobs_per_day": row["jobs_per_day"] * times} for row in mapping["demand"]]
    asked = {name: table for name, table in {**mapping, **more}.items() if table is not None}
    world = build(from_mapping(asked), seed=seed, days=2)
    try:
        return run(world, tape=False, reasons=False, engine="python")
    except IsolationError as breach:
        raise AssertionError(str(breach)) from None


def holds_by_node(result: RunResult) -> dict[tuple[int, int], list[Held]]:
    """What each node (pool, row) was held for, in order of time, from the segments alone."""
    world, found = result.world, defaultdict(list)
    segments = result.segments
    for place, nodes in enumerate(result.segment_nodes):
        tenant = int(segments.tenant[place])
        held = Held(int(segments.start_s[place]), int(segments.end_s[place]), world.tenant_domain[tenant], tenant)
        for node in rows(nodes):
            found[int(world.jobs.pool[segments.job[place]]), node].append(held)
    return {node: sorted(holds) for node, holds in found.items()}


def assert_changes_of_hands_are_clean(result: RunResult) -> int:
    """No two trust domains on a node at once, and a whole scrub between them; return the changes of hands."""
    count = 0
    for node, holds in holds_by_node(result).items():
        until: dict[int, int] = {}  # by domain: the end of its latest hold
        for held in holds:
            for other, end_s in until.items():
                if other != held.domain:
                    assert end_s <= held.start_s, f"node {node}: domains {other} and {held.domain} at {held.start_s} s"
                    gap_s = held.start_s - end_s
                    assert gap_s >= SCRUB_S, f"node {node}: {held.domain} came {gap_s} s after {other}"
                    count += 1
            until = {held.domain: max(held.end_s, until.get(held.domain, 0))}
    return count
