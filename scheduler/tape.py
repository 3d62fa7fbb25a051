"""The tape: everything the core was told, and what it decided, as lines of JSON text. A run's flight recorder.

Line 1 holds the cluster, the policy's name and the job table, so that a tape needs nothing else to be replayed; each
later line is one step: `[now_s, [[kind, row, epoch], ...], [[what, job, number, nodes], ...]]` with nodes as ranges.
The codec is pure; whoever owns files reads and writes the lines.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from scheduler.core import Core, Decision
from scheduler.errors import SchedulerError
from scheduler.events import Event, EventKind
from scheduler.jobs.damping import Damping
from scheduler.jobs.lending import Terms
from scheduler.nodes.nodeset import text
from scheduler.policies import policy_by_name
from scheduler.policy.fair_tree import USUAL_SHARE, FairShare, ShareRow
from scheduler.policy.lend import PriceRow, lend_by_name
from scheduler.quotas.rows import NO_TENANCY, tenancy_of
from scheduler.tables import DEFAULTS, STATIC, JobTable, PoolRow, ProductRow, ReservationRow

FORMAT = 1


class TapeError(SchedulerError):
    """A tape that cannot be read; `path` names the line."""

    code = "scheduler.tape"


class Settings(NamedTuple):
    """How the core of a tape was set up, beside its tables."""

    policy: str
    lend: str
    headroom_nodes: int


class Difference(NamedTuple):
    """The first step whose decisions differ: its line on the tape, and both lists of decisions."""

    line: int
    now_s: int
    recorded: list[list[Any]]
    replayed: list[list[Any]]


def header_line(core: Core, settings: Settings) -> str:
    """Return the first line: tables and settings."""
    jobs = core.jobs
    head: dict[str, Any] = {
        "format": FORMAT,
        "settings": list(settings),
        "pools": [_told(row) for row in core.pool_rows],
        "products": [[int(field) for field in _told(product)] for product in core.products],
        "reservations": [list(row) for row in core.reservations],
        "domains": core.domain,
        **({"damping": list(core.damper.damping)} if core.damper else {}),
        "jobs": {
            name: jobs.array(name).tolist()
            for name in STATIC
            if name not in DEFAULTS or (jobs.array(name) != DEFAULTS[name]).any()
        },
    }
    if core.tenancy != NO_TENANCY:
        head["tenancy"] = list(core.tenancy)
    if core.terms is not None:
        head["terms"] = core.terms
    if core.fair != USUAL_SHARE:
        head["fair"] = core.fair
    return json.dumps(head, separators=(",", ":"))


def _terms(look: int, prices: list[Any], z_bp: int, target_bp: int, truth: list[Any], *spans_s: int) -> Terms:
    rows = tuple(tuple(PriceRow(*row) for row in pool) for pool in prices)
    known = tuple(tuple((int(from_s), int(nodes)) for from_s, nodes in pool) for pool in truth)
    return Terms(look, rows, z_bp, target_bp, known, *spans_s)


def _fair(tree: list[Any], half_life_s: int, factor_bp: list[Any]) -> FairShare:
    return FairShare(tuple(ShareRow(*row) for row in tree), int(half_life_s), tuple(map(int, factor_bp)))


def _told(row: PoolRow | ProductRow) -> list[Any]:
    """Return a row without the defaults at its end, so that a tape says nothing of what a run does not use."""
    fields = list(row)
    while fields and row._field_defaults.get(row._fields[len(fields) - 1]) == fields[-1]:
        fields.pop()
    return fields


def _pool_row(
    nodes: int, gpus_per_node: int, scrub_s: int, topology: Iterable[Iterable[int]] = (), *more: Any
) -> PoolRow:
    return PoolRow(nodes, gpus_per_node, scrub_s, tuple(map(tuple, topology)), *more)


def step_line(now_s: int, events: Iterable[Event], decisions: Iterable[Decision]) -> str:
    """Return the line of one step."""
    happened = [[int(kind), row, epoch] for kind, row, epoch in sorted(events)]
    return json.dumps([now_s, happened, written(decisions)], separators=(",", ":"))


def written(decisions: Iterable[Decision]) -> list[list[Any]]:
    """Return decisions as they stand on a tape."""
    return [[what, job, int(number), text(nodes)] for what, job, number, nodes in decisions]


def core_of(line: str) -> Core:
    """Build the core that a header describes. Raises TapeError when it does not describe one."""
    try:
        head = json.loads(line)
        if head["format"] != FORMAT:
            raise TapeError("unknown tape format", path="line 1", found=head["format"], allowed=str(FORMAT))
        settings = Settings(*head["settings"])
        pools = tuple(_pool_row(*row) for row in head["pools"])
        products = tuple(
            ProductRow(band, guarantee_s, bool(rolling), notice_s, bool(whole), bool(requeue), *times)
            for band, guarantee_s, rolling, notice_s, whole, requeue, *times in head["products"]
        )
        reservations = tuple(ReservationRow(*row) for row in head["reservations"])
        told = {name for name in STATIC if name in head["jobs"] or name not in DEFAULTS}
        jobs = JobTable({name: np.array(head["jobs"][name], dtype=np.int64) for name in told}, pools, products)
        policy = replace(policy_by_name(settings.policy), lend=lend_by_name(settings.lend, settings.headroom_nodes))
        tenancy = tenancy_of(head["tenancy"]) if "tenancy" in head else NO_TENANCY
        terms = _terms(*head["terms"]) if "terms" in head else None
        damping = Damping(*head["damping"]) if "damping" in head else None
        fair = _fair(*head["fair"]) if "fair" in head else USUAL_SHARE
        return Core(jobs, pools, products, policy, head["domains"], reservations, tenancy, terms, damping, fair)
    except (ValueError, KeyError, TypeError) as error:
        raise TapeError("not a tape's first line", path="line 1", found=type(error).__name__) from error


def steps(lines: Iterable[str]) -> Iterator[tuple[int, int, list[Event], list[list[Any]]]]:
    """Yield (line, now_s, events, decisions) of each step line. Raises TapeError, naming the line."""
    for number, line in enumerate(lines, start=2):
        try:
            now_s, happened, decisions = json.loads(line)
            events = [Event(int(EventKind(kind)), int(row), int(epoch)) for kind, row, epoch in happened]
        except (ValueError, TypeError) as error:
            raise TapeError("not a step", path=f"line {number}", found=line[:60]) from error
        yield number, now_s, events, decisions


def compare(lines: Iterable[str]) -> tuple[int, Difference | None]:
    """Feed a tape to a core, without a clock, and compare what it decides; return (steps, first difference or None)."""
    every = iter(lines)
    first = next(every, None)
    if first is None:
        raise TapeError("empty tape", path="line 1", allowed="a header and steps")
    core = core_of(first)
    count = 0
    for number, now_s, events, recorded in steps(every):
        try:
            core.step(now_s, events)
        except (IndexError, KeyError, AssertionError) as error:
            raise TapeError("events that cannot follow", path=f"line {number}", found=str(error) or "?") from error
        replayed = written(core.out.decisions)
        core.out.clear()
        count += 1
        if replayed != recorded:
            return count, Difference(number, now_s, recorded, replayed)
    return count, None
