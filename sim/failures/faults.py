"""Node faults, drawn per node and time and never per occupant.

Who holds a node has no influence on when it fails, so switching rentals on leaves every fault where it was: without
that, "internal jobs do not notice the renters" could not even be tested. Racks fail as a whole, maintenance is planned:
on each node all that takes it down is joined into intervals that never overlap or touch. Crashes of jobs leave nodes
alone and are drawn in `sim.failures.crashes`.
"""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from sim.errors import ScenarioError
from sim.failures.fault_causes import CAUSE_NAMES, MAINTENANCE, RACK, draw_causes
from sim.param import Count, Exact, Param, Positive, Share, Sigma
from sim.pools import SLICES, Domains
from sim.result import FaultRows
from sim.workload.draw import DAY_S, UNIT_BP, stream
from tenants.model import Record


class Lemons(Record):
    """A few nodes that fail far more often than the rest."""

    share_bp: Param[Share] = Param(value=150, unit="bp", source="1-2 % of nodes, second-hand", confidence="guess")
    factor: Param[Exact] = Param(value=Decimal(10), source="10 times the rate, unverified", confidence="guess")


class SetAside(Record):
    """A node with so many faults in a window is taken out for a longer repair, after which it is no lemon any more."""

    faults: Param[Count] = Param(value=3, unit="faults", source="no public figure", confidence="guess")
    window_days: Param[Count] = Param(value=30, unit="days", source="failure count per 30 days", confidence="guess")
    repair_s: Param[Positive] = Param(value=1_209_600, unit="s", source="no public figure", confidence="guess")


class Racks(Record):
    """Neighbouring nodes that lose power or network together: the domains of a level of their pool's topology.

    `level` is its name; without one, the racks of the pool, or else its smallest domains of nodes. In a pool without a
    topology, or without that level, so many `nodes` in a row.
    """

    level: str = ""
    nodes: Param[Count] = Param(value=16, unit="nodes", source="assumption", confidence="guess")
    rate_per_1000_rack_days: Param[Exact] = Param(
        value=Decimal("5.06"),
        unit="1/1000 rack-days",
        source="35 switches or cables in 54 days on 128 racks of 16 nodes, Llama 3 paper",
        confidence="derived",
    )
    repair_s: Param[Positive] = Param(value=14_400, unit="s", source="no public figure", confidence="guess")


class Software(Record):
    """Crashes that take a job down and leave its node up: what the all-cause hazard has beyond hardware."""

    rate_per_1000_node_days: Param[Exact] = Param(
        value=Decimal("15.8"),
        unit="1/1000 node-days",
        source="all causes 20.96 to 23.73 less 6.50 of hardware, RSC-1",
        confidence="derived",
    )


class Faults(Record):
    """Hardware hazard and repair. Keep hardware (2.3-6.5) and all-cause (21-24) rates apart: never mix them.

    `repair_sigma` 0: every repair takes `repair_s`; else repairs are log-normal with that median.
    """

    rate_per_1000_node_days: Param[Exact] = Param(
        value=Decimal("3.79"),
        unit="1/1000 node-days",
        source="419 unexpected stops in 54 days on 2,048 nodes, Llama 3 paper",
        confidence="derived",
    )
    repair_s: Param[Positive] = Param(value=43_200, unit="s", source="no public figure", confidence="guess")
    repair_sigma: Param[Sigma] = Param(value=Decimal(0))
    lemons: Lemons | None = None
    set_aside: SetAside | None = None
    racks: Racks | None = None
    software: Software | None = None


class Outage(NamedTuple):
    """A node is down over [down_s, up_s). An earlier outage that ends at `joins_s` or later runs on into this one."""

    joins_s: int
    down_s: int
    up_s: int
    cause: int


class Window(NamedTuple):
    """Planned maintenance of nodes [first, first + nodes), rows over all pools; they drain from `drain_s` on."""

    first: int
    nodes: int
    drain_s: int
    down_s: int
    up_s: int


def draw_faults(
    faults: Faults | None,
    pools: Sequence[tuple[str, int]],
    seed: int,
    horizon_s: int,
    windows: Sequence[Window] = (),
    racks: Sequence[Sequence[int]] = (),
) -> FaultRows:
    """Draw all faults that begin before `horizon_s`, and join planned maintenance to them.

    Args:
        faults:    None: nothing ever fails.
        pools:     (name, nodes) of each pool in the scenario's order; the name keys the pool's streams.
        seed:      the run's seed.
        horizon_s: end of the run; a repair may end after it.
        windows:   planned maintenance.
        racks:     nodes of each rack of each pool, in order; none: as many to a rack as `faults.racks` says.

    Returns:
        Rows sorted by (down_s, node); `node` counts over all pools. On one node, the next time to failure starts when
        the repair ends and is at least 1 s, and whatever else takes it down is joined to that: so its intervals never
        overlap or touch. `cause` is an index into `sim.failures.fault_causes.CAUSE_NAMES`.

    Each node has its own streams: a larger pool or a longer run only adds faults. Cost: O(nodes + faults).
    """
    rows: list[tuple[int, int, int, int]] = []
    first = 0
    for place, (name, count) in enumerate(pools):
        alike = faults.racks.nodes.value if faults and faults.racks else 1
        lines = (racks[place] if racks else ()) or (alike,) * -(-count // alike)
        rack_of = [rack for rack, nodes in enumerate(lines) for _ in range(nodes)]
        outages = _rack_outages(faults, name, len(lines), seed, horizon_s)
        for index in range(count):
            node = first + index
            every = list(_node_outages(faults, name, index, seed, horizon_s)) if faults else []
            planned = [_planned(window) for window in windows if window.first <= node < window.first + window.nodes]
            if outages or planned:
                every = _joined(every + outages.get(rack_of[index], []) + planned)
            rows += [(each.down_s, node, each.up_s, each.cause) for each in every if each.down_s < horizon_s]
        first += count
    down_s, node_of, up_s, cause = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4).T.copy()
    return FaultRows(node=node_of, down_s=down_s, up_s=up_s, cause=cause)


def check_rack_level(faults: Faults | None, pools: Sequence[Domains]) -> None:
    """Raise ScenarioError where racks are said to be a level that no pool has; the names there are are told."""
    name = faults.racks.level if faults and faults.racks else ""
    known = sorted({level for domains in pools for level in domains.names if level not in SLICES})
    if name and name not in known:
        allowed = ", ".join(known) or "none, as no pool has a topology"
        raise ScenarioError(
            "no pool has this level", code="unknown_name", path="faults.racks.level", found=repr(name), allowed=allowed
        )


def _node_outages(faults: Faults, pool: str, index: int, seed: int, horizon_s: int) -> Iterator[Outage]:
    """Outages of one node: exponential gaps, floored to seconds, counted from the last repair."""
    rate = faults.rate_per_1000_node_days.value
    if not rate:
        return
    mean_gap_s = usual_gap_s = float(1000 * DAY_S / rate)
    if faults.lemons and stream(seed, f"lemons/{pool}", index).integers(0, UNIT_BP) < faults.lemons.share_bp.value:
        mean_gap_s /= max(float(faults.lemons.factor.value), 1e-6)
    rng = stream(seed, f"faults/{pool}", index)
    repairs = stream(seed, f"repairs/{pool}", index)
    times: list[tuple[int, int]] = []
    recent: list[int] = []
    at_s = max(int(rng.exponential(mean_gap_s)), 1)
    while at_s < horizon_s:
        repair_s = _repair_s(faults, repairs)
        if faults.set_aside:
            since_s = at_s - faults.set_aside.window_days.value * DAY_S
            recent = [*(before_s for before_s in recent if before_s > since_s), at_s]
            if len(recent) >= faults.set_aside.faults.value:
                repair_s, recent, mean_gap_s = max(repair_s, faults.set_aside.repair_s.value), [], usual_gap_s
        times.append((at_s, at_s + repair_s))
        at_s += repair_s + max(int(rng.exponential(mean_gap_s)), 1)
    causes = draw_causes(pool, index, seed, len(times)).tolist() if times else []
    for (down_s, up_s), cause in zip(times, causes, strict=True):
        yield Outage(down_s, down_s, up_s, cause)


def _repair_s(faults: Faults, rng: np.random.Generator) -> int:
    """Seconds of one repair: fixed, or log-normal, floored, at least 1 and at most 100 times its median."""
    median_s, sigma = faults.repair_s.value, float(faults.repair_sigma.value)
    if not sigma:
        return median_s
    return min(max(int(rng.lognormal(math.log(median_s), sigma)), 1), 100 * median_s)


def _rack_outages(faults: Faults | None, pool: str, racks: int, seed: int, horizon_s: int) -> dict[int, list[Outage]]:
    """Outages of each rack of a pool, from a stream of its own."""
    if not faults or not faults.racks or not faults.racks.rate_per_1000_rack_days.value:
        return {}
    mean_gap_s = float(1000 * DAY_S / faults.racks.rate_per_1000_rack_days.value)
    found: dict[int, list[Outage]] = {}
    for rack in range(racks):
        rng = stream(seed, f"racks/{pool}", rack)
        at_s = max(int(rng.exponential(mean_gap_s)), 1)
        while at_s < horizon_s:
            up_s = at_s + faults.racks.repair_s.value
            found.setdefault(rack, []).append(Outage(at_s, at_s, up_s, CAUSE_NAMES.index(RACK)))
            at_s = up_s + max(int(rng.exponential(mean_gap_s)), 1)
    return found


def _planned(window: Window) -> Outage:
    return Outage(window.drain_s, window.down_s, window.up_s, CAUSE_NAMES.index(MAINTENANCE))


def _joined(outages: Sequence[Outage]) -> list[Outage]:
    """Join the outages of one node that overlap or touch; the first one gives the cause."""
    found: list[Outage] = []
    for outage in sorted(outages, key=lambda each: (each.down_s, each.up_s)):
        while found and found[-1].up_s >= outage.joins_s:
            before = found.pop()
            outage = Outage(
                min(before.joins_s, outage.joins_s), before.down_s, max(before.up_s, outage.up_s), before.cause
            )
        found.append(outage)
    return found
