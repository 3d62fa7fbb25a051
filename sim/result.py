"""What goes into a run and what comes out of it, as plain data: the joint between the builders, the driver, the
recorder, the run folder and the report. No behaviour lives here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.rating.prices import PriceBook
from billing.usage import CapacityTable, EvictionTable, Names, OutageTable, SegmentTable, StartTable
from scheduler.isolation.rules import NodeFacts
from scheduler.jobs.damping import Damping
from scheduler.policy.fair_tree import USUAL_SHARE, FairShare
from scheduler.quotas.rows import NO_TENANCY, Tenancy
from scheduler.tables import PoolRow, ProductRow, ReservationRow
from tenants.exclusion import Exclusion
from tenants.registry import Registry

IntArray = NDArray[np.int64]


class Finding(NamedTuple):
    """A fact about the input that a reader should know: rows refused or changed on the way in, never silently."""

    where: str
    what: str
    count: int  # type: ignore[assignment]  # the field hides tuple.count, which nobody misses


Truth = tuple[tuple[tuple[int, int], ...], ...]  # of each pool: (from_s, nodes) of its internal demand, ascending


@dataclass(slots=True)
class JobRows:
    """A workload: one row per job, in order of submission. Columns are int64, (n,); see `scheduler.tables.JobTable`."""

    job_id: list[str]
    tenant: IntArray
    product: IntArray
    pool: IntArray
    gpus: IntArray
    submit_s: IntArray
    run_s: IntArray
    estimate_s: IntArray
    patience_s: IntArray  # NEVER where the renter waits for ever
    within: IntArray | None = None  # None: no gang has to lie in one domain
    findings: list[Finding] = field(default_factory=list)
    announced_s: IntArray | None = None  # since when a job is known before it is submitted, else NEVER; None: no job is


@dataclass(frozen=True, slots=True)
class FaultRows:
    """Node faults, drawn per node and time and never per occupant; sorted by `down_s`. `node` counts over all pools."""

    node: IntArray
    down_s: IntArray
    up_s: IntArray
    cause: IntArray | None = None  # index into sim.failures.fault_causes.CAUSE_NAMES, where known


class LendInputs(NamedTuple):
    """What lend functions take from a scenario; see `sim.engine.lend_terms` for what each is used for."""

    quantile_bp: int = 9_000
    spot_block_s: int = 3_600
    delay_micro_usd_per_gpu_hour: int = 10_000_000
    delayed_nodes: int = 2


USUAL_LENDING = LendInputs()


class DeadlineRow(NamedTuple):
    """A renter whose work has to be done by a time, on spot or on-demand as it sees fit; see `sim.engine.deadline`.

    Times in seconds since the epoch of the scenario. The jobs are rows that nobody else submits: the renter uses one
    for each of its moves. Prices are micro-USD of a GPU-hour when it comes.
    """

    submit_s: int
    deadline_s: int
    work_s: int
    changeover_s: int
    check_s: int
    uniform: bool
    spot_jobs: tuple[int, ...]
    on_demand_jobs: tuple[int, ...]
    spot_price: int
    on_demand_price: int


class IsolationTerms(NamedTuple):
    """What the cluster's isolation asks of a run: see `sim.engine.warden` and `scheduler.isolation`.

    Rates are failures in 10,000 tries. `steps_s` are the parts of a pool's scrub time.
    """

    nodes: tuple[NodeFacts, ...]  # over all pools
    steps_s: tuple[int, int, int, int]  # detach, clean, validate, attach
    failures_bp: tuple[int, int, int, int]  # the same steps
    repair_s: int
    restart_s: int  # the controller of isolation is lost and restarts every so many seconds; 0: never
    draw: int  # what every answer of the plant follows from
    p_keys: int
    vnis: int
    partitions: int  # of one NVLink domain
    peers: tuple[tuple[int, int], ...]  # trust domains: the first one wants routes to the second
    confidential: tuple[bool, ...]  # by product


class IsolationLog(NamedTuple):
    """What the warden saw: one column for each change of a node, in order of time. int64, (5, n).

    Rows: second, node over all pools, `scheduler.isolation.states.NodeState`, job (-1: none), and why: a place in
    `sim.engine.warden.WHYS`. `checked`: how often the invariants were held against the plant, node by node.
    """

    changes: IntArray
    checked: int


# (second, kind of event, row, number): see scheduler.events.EventKind for what row and number are.
Mishap = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a run needs, with the randomness already drawn: the same world can be run under any policy."""

    names: Names
    registry: Registry
    book: PriceBook
    pools: tuple[PoolRow, ...]
    pool_region: tuple[int, ...]  # index into names.regions
    pool_sku: tuple[int, ...]  # index into names.skus
    products: tuple[ProductRow, ...]  # aligned with names.products
    tenant_domain: tuple[int, ...]  # trust domain of each tenant: 0 internal, else its own
    reservations: tuple[ReservationRow, ...]
    jobs: JobRows
    faults: FaultRows
    horizon_s: int
    control_interval_s: int
    tenancy: Tenancy = NO_TENANCY
    fair: FairShare = USUAL_SHARE
    lending: LendInputs = USUAL_LENDING
    pool_levels: tuple[tuple[str, ...], ...] = ()  # names of each pool's topology, lowest first
    deadlines: tuple[DeadlineRow, ...] = ()
    mishaps: tuple[Mishap, ...] = ()  # crashes of jobs and drains of nodes, in order of time
    exclusions: tuple[Exclusion, ...] = ()  # of service levels, beside the registry's: maintenance that was agreed
    regions: tuple[frozenset[int], ...] = ()  # of each tenant: where its work may be; empty, or no row: anywhere
    isolation: IsolationTerms | None = None  # None: nodes change hands in a scrub that never fails
    damping: Damping | None = None  # None: nobody who fails again and again is held back


@dataclass(frozen=True, slots=True)
class JobOutcomes:
    """What became of each job; int64, (jobs,). -1 where it never happened.

    `wait_s` is all the time spent waiting (submission, and again after each eviction or fault), `work_s` the useful
    seconds kept, `status` and `reason` the numbers of scheduler.events.
    """

    held_gpus: IntArray  # GPUs held while running: whole nodes for rentals
    start_s: IntArray  # first start
    end_s: IntArray
    wait_s: IntArray
    work_s: IntArray
    preemptions: IntArray
    faults: IntArray
    granted_s: IntArray  # of the first start
    status: IntArray
    reason: IntArray


@dataclass(frozen=True, slots=True)
class RunResult:
    """A finished run. `stalled_s` and `lost_s` stand beside each segment: seconds of start-up, and of work thrown away
    later because a fault or a short notice came before the next checkpoint; `written_s` those of writing them."""

    world: World
    outcomes: JobOutcomes
    segments: SegmentTable
    segment_nodes: Sequence[int]  # node set of each segment, bit i = node i of its pool
    stalled_s: IntArray
    lost_s: IntArray
    written_s: IntArray
    starts: StartTable
    granted_s: IntArray  # when each start had been granted: what lies between is reclaim and cleaning
    evictions: EvictionTable
    evicted_by: IntArray  # of each eviction: the job whose grant caused it; -1 where no job did
    eviction_lost_s: IntArray  # of each eviction: seconds of work that it threw away
    second_order: IntArray  # of each eviction: 1 where the job that caused it was starting again after a failure
    waits: IntArray  # (3, n): job, `scheduler.why.wait_cause.WaitCause`, seconds; by job and cause, ascending
    outages: OutageTable
    capacity: CapacityTable
    tape: list[str] | None
    policy: str
    lend: str
    seed: int
    step_count: int
    event_count: int
    horizon_s: int  # where the run ended
    findings: tuple[Finding, ...] = ()  # of the run itself, beside those of its world
    isolation: IsolationLog | None = None  # where the world asks for it
