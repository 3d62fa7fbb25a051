"""Random small worlds for property and differential tests: everything a core is told, drawn from one integer.

Small on purpose: few nodes, many ties, short notices, faults in the middle of notices, estimates that are wrong both
ways. A failure prints its seed, and `small_world(seed)` builds the same world again.
"""

import heapq
import random
from dataclasses import dataclass, field, replace

import numpy as np

from scheduler.core import Core
from scheduler.events import NEVER, Event, EventKind, Evicted, Idle, Segment, Started
from scheduler.jobs.damping import Damping
from scheduler.policies import policy_by_name
from scheduler.policy.lend import lend_by_name
from scheduler.tables import JobTable, PoolRow, ProductRow, ReservationRow
from sim.result import FaultRows

HORIZON_S = 3000
CRITICAL, RESERVED, INTERNAL, ON_DEMAND, SPOT = range(5)


@dataclass(frozen=True)
class SmallWorld:
    """Tables and events; `jobs` are columns by name, `told` is (at_s, event) for all but the timers of the core."""

    pools: tuple[PoolRow, ...]
    products: tuple[ProductRow, ...]
    reservations: tuple[ReservationRow, ...]
    domains: tuple[int, ...]
    jobs: dict[str, np.ndarray]
    told: tuple[tuple[int, Event], ...]
    control_interval_s: int
    damping: Damping | None = field(default=None, kw_only=True)

    def core(self, policy: str = "easy", lend: str = "all_idle", headroom_nodes: int = 0) -> Core:
        """A fresh core for this world."""
        table = JobTable(self.jobs, self.pools, self.products)
        chosen = replace(policy_by_name(policy), lend=lend_by_name(lend, headroom_nodes))
        return Core(table, self.pools, self.products, chosen, self.domains, self.reservations, damping=self.damping)


@dataclass
class Log:
    """What a core let go of over a run, and every step it was told."""

    segments: list[Segment]
    started: list[Started]
    evicted: list[Evicted]
    idle: list[Idle]
    decisions: list[tuple[int, tuple]]
    steps: list[tuple[int, list[Event]]]


def flat_drive(core: Core, world: SmallWorld, horizon_s: int = HORIZON_S, each_step=None, log=None) -> Log:
    """The flat heap driver: no SimPy, one heap, one step per instant, up to the horizon.

    `each_step(now_s)` may look at `log`, which is filled as the run goes on.
    """
    log = log or Log([], [], [], [], [], [])
    heap = [*world.told, *((at_s, Event(EventKind.CONTROL)) for at_s in range(0, horizon_s, world.control_interval_s))]
    heapq.heapify(heap)
    while heap and heap[0][0] < horizon_s:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        log.steps.append((now_s, events))
        for timer in core.step(now_s, events):
            heapq.heappush(heap, tuple(timer))
        collect(core, now_s, log)
        if each_step:
            each_step(now_s)
    log.segments += core.cut(horizon_s)
    return log


def collect(core: Core, now_s: int, log: Log) -> None:
    """Move what lies in the core's outbox to the log."""
    log.segments += core.out.segments
    log.started += core.out.started
    log.evicted += core.out.evicted
    log.idle += core.out.idle
    log.decisions += [(now_s, decision) for decision in core.out.decisions]
    core.out.clear()


def faults_of(world: SmallWorld) -> FaultRows:
    """The faults that a small world tells, as the rows that a built world holds."""
    down = sorted((at_s, event.row) for at_s, event in world.told if event.kind == EventKind.NODE_DOWN)
    up = sorted((at_s, event.row) for at_s, event in world.told if event.kind == EventKind.NODE_UP)
    up_s = [min(at_s for at_s, row in up if row == node and at_s > from_s) for from_s, node in down]
    columns = ([node for _, node in down], [at_s for at_s, _ in down], up_s)
    return FaultRows(*(np.array(column, dtype=np.int64) for column in columns))


def small_world(
    seed: int,
    *,
    faults: bool = True,
    instant: bool = False,
    whole: bool = False,
    rentals: bool = True,
    topology: bool = False,
    writes: bool = False,
    mishaps: bool = False,
    damped: bool = False,
) -> SmallWorld:
    """Draw a world. `instant`: no notice, guarantee or scrub. `whole`: internal jobs hold whole nodes only.

    `topology`: pools have ragged domains, and some gangs must lie in one of them; else the same world as without.
    `mishaps`: jobs crash, nodes drain for maintenance, pools have spares; `damped`: restarts are held back.
    `writes`: checkpoints take time to write, and all bands take some; else the same world as without.
    """
    rng = random.Random(seed)
    per_node = rng.choice((1, 2, 4, 8))
    scrub_s = 0 if instant else rng.choice((0, 5, 30))
    pools = tuple(PoolRow(rng.randint(2, 9), per_node, scrub_s) for _ in range(rng.choice((1, 1, 2))))
    products = draw_products(rng, instant)
    tenant_count = 5  # 0 and 1 internal, 2..4 renters
    reservations = tuple(
        ReservationRow(tenant, pool, rng.randint(1, max(1, pools[pool].nodes // 3)), rng.choice((0, 100)), HORIZON_S)
        for pool in range(len(pools))
        for tenant in (2,)
        if rng.random() < 0.6
    )
    columns = draw_jobs(rng, pools, whole, rentals, per_node)
    if topology:
        pools, columns["within"] = draw_topology(random.Random(f"{seed}/topology"), pools, columns["pool"])
    if writes:
        chance = random.Random(f"{seed}/writes")
        products = tuple(
            row._replace(checkpoint_s=chance.choice((0, 10, 25)), checkpoint_write_s=chance.choice((0, 1, 4, 15)))
            for row in products
        )
    told = [(int(at_s), Event(EventKind.SUBMIT, row)) for row, at_s in enumerate(columns["submit_s"])]
    for row, kept in enumerate(reservations):
        told.append((kept.from_s, Event(EventKind.CONTRACT_BEGIN, row)))
    if faults:
        told += draw_faults(rng, sum(pool.nodes for pool in pools))
    interval_s = rng.choice((40, 300))
    if mishaps:
        pools = draw_mishaps(random.Random(f"{seed}/mishaps"), pools, told)
    damping = Damping(2, 100, 400, 2, 40) if damped else None
    domains = (0, 0, *range(1, tenant_count - 1))
    return SmallWorld(pools, products, reservations, domains, columns, tuple(told), interval_s, damping=damping)


def draw_mishaps(rng: random.Random, pools: tuple[PoolRow, ...], told: list[tuple[int, Event]]) -> tuple[PoolRow, ...]:
    """Crashes on any GPU at any time, windows of maintenance that begin with a drain, and spares."""
    first = 0
    for pool in pools:
        for node in range(first, first + pool.nodes):
            told += [
                (rng.randint(0, 1800), Event(EventKind.JOB_CRASH, node, rng.randrange(pool.gpus_per_node)))
                for _ in range(rng.choice((0, 1, 3)))
            ]
            if rng.random() < 0.25:
                from_s = rng.randint(0, 1500)
                down_s = from_s + rng.choice((0, 30, 400))
                told.append((from_s, Event(EventKind.DRAIN, node, down_s)))
                told.append((down_s, Event(EventKind.NODE_DOWN, node)))
                told.append((down_s + rng.randint(1, 300), Event(EventKind.NODE_UP, node)))
        first += pool.nodes
    return tuple(
        pool._replace(spare_nodes=rng.choice((0, 1, pool.nodes // 3)), lend_spares=rng.random() < 0.5) for pool in pools
    )


def draw_products(rng: random.Random, instant: bool) -> tuple[ProductRow, ...]:
    """One product per band."""

    def seconds(*choices: int) -> int:
        return 0 if instant else rng.choice(choices)

    guarantee_s = seconds(60, 200)
    return (
        ProductRow(CRITICAL, 0, False, 0, False, True, seconds(0, 20, 50), seconds(0, 10)),
        ProductRow(RESERVED, 0, False, 0, True, True, 0, 0),
        ProductRow(INTERNAL, seconds(0, 0, 100), False, seconds(0, 15), False, True, seconds(0, 30), seconds(0, 7)),
        ProductRow(ON_DEMAND, guarantee_s, guarantee_s > 0, seconds(20, 60), True, rng.random() < 0.5, 0, 0),
        ProductRow(SPOT, 0, False, seconds(0, 12, 60), True, True, 25, seconds(0, 5)),
    )


def draw_jobs(
    rng: random.Random, pools: tuple[PoolRow, ...], whole: bool, rentals: bool, per_node: int
) -> dict[str, np.ndarray]:
    """Jobs of all bands; rentals stay in the table when `rentals` is off, so that rows keep their numbers."""
    rows = []
    for _ in range(rng.randint(5, 60)):
        band = rng.choices(range(5), weights=(2, 2, 5, 3, 4))[0]
        pool = rng.randrange(len(pools))
        nodes = rng.choice((1, 1, 1, 2, 3, pools[pool].nodes, pools[pool].nodes + 1))
        gpus = nodes * per_node
        if band in (CRITICAL, INTERNAL) and not whole and rng.random() < 0.6:
            gpus = rng.randint(1, max(1, per_node - 1)) + rng.choice((0, 0, per_node))
        run_s = rng.choice((0, 1, 5, rng.randint(1, 300), rng.randint(50, 600)))
        estimate_s = max(0, run_s + rng.choice((0, 0, 5, 200, -3, -40)))
        tenant = {RESERVED: 2, ON_DEMAND: rng.choice((3, 4)), SPOT: rng.choice((2, 3, 4))}.get(band, rng.choice((0, 1)))
        patience_s = rng.choice((NEVER, 0, 100, 400)) if band >= ON_DEMAND else NEVER
        submit_s = rng.choice((0, 10, 10, rng.randint(0, 400), rng.randint(0, 1500)))
        rows.append((submit_s, rng.random(), tenant, band, pool, gpus, run_s, estimate_s, patience_s))
    rows.sort()
    names = ("submit_s", "tie", "tenant", "product", "pool", "gpus", "run_s", "estimate_s", "patience_s")
    columns = {name: np.array([row[place] for row in rows], dtype=np.int64) for place, name in enumerate(names)}
    del columns["tie"]
    if not rentals:  # the same rows, so far in the future that nobody sees them
        columns["patience_s"] = np.where(columns["product"] >= ON_DEMAND, 0, columns["patience_s"])
    return columns


def draw_topology(
    rng: random.Random, pools: tuple[PoolRow, ...], pool_of_job: np.ndarray
) -> tuple[tuple[PoolRow, ...], np.ndarray]:
    """One or two levels of domains of any size, and the level that each job has to lie in, mostly none."""
    rows = []
    for pool in pools:
        sizes, left = [], pool.nodes
        while left:
            sizes.append(rng.randint(1, min(4, left)))
            left -= sizes[-1]
        upper, groups = [], list(sizes)
        while groups:
            count = rng.randint(1, len(groups))
            upper.append(sum(groups[:count]))
            del groups[:count]
        rows.append(pool._replace(topology=tuple(map(tuple, [sizes, upper][: rng.randint(1, 2)]))))
    within = [rng.choice((0, 0, rng.randint(1, len(rows[pool].topology)))) for pool in pool_of_job]
    return tuple(rows), np.array(within, dtype=np.int64)


def draw_faults(rng: random.Random, node_count: int) -> list[tuple[int, Event]]:
    """Faults per node and time, never overlapping on a node."""
    told = []
    for node in range(node_count):
        at_s = rng.randint(0, 1500)
        while at_s < HORIZON_S and rng.random() < 0.5:
            up_s = at_s + rng.randint(1, 300)
            told += [(at_s, Event(EventKind.NODE_DOWN, node)), (up_s, Event(EventKind.NODE_UP, node))]
            at_s = up_s + rng.randint(1, 900)
    return told
