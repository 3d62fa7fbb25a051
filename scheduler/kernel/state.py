"""From the tables of a core to the flat arrays of the compiled engine, and back. Plain numpy; runs once per run."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.events import Event, EventKind
from scheduler.jobs.lives import Lives
from scheduler.kernel import fields as f
from scheduler.kernel.arrays import State, outbox_of
from scheduler.policy.place import first_fit
from scheduler.tables import ReservationRow
from tenants.band import TIER_COUNT, TIER_OF_BAND, Band

IntArray = NDArray[np.int64]
GUARANTEE_MOST_S = 1_000_000  # of a rolling product: its log of renewals holds an entry for each second
CELLS_MOST = 40_000_000
HEAP_WORDS, OUTBOX_ROWS = 1 << 12, 1 << 12  # to begin with; the driver doubles what is too small


class Told(NamedTuple):
    """Everything the world will tell the core: contracts and faults as (at_s, event), and the control clock.

    `interval_s` 0: no control ticks. `horizon_s` NEVER: until nothing happens any more.
    """

    events: list[tuple[int, Event]]
    interval_s: int
    horizon_s: int


class _Space:
    """Hands out words of the state, one stretch after the other."""

    def __init__(self, used: int) -> None:
        self.used = used

    def take(self, words: int) -> int:
        at = self.used
        self.used += words
        return at


def cell_count(core: Lives) -> int:
    """How many cells holds and victims may need at most: a node is held once by each tier, and may be wanted by each
    holder of a higher tier from each holder of a lower one."""
    return 2 + sum(row.node_count * ((row.per_node + 3) * (row.per_node + 2) + 4) for row in core.pools)


def state_of(core: Lives, told: Told, lend: int, headroom_nodes: int, *, taped: bool, metered: bool) -> State:
    """Return the arrays of a core that has not been told anything yet. Cost: O(jobs log jobs + nodes)."""
    space = _Space(f.HEADER)
    pools = space.take(len(core.pools) * f.POOL_WIDTH)
    products = space.take(len(core.products) * f.PRODUCT_WIDTH)
    contracts = space.take(2 * len(core.reservations))
    told_at = space.take(f.TOLD_WIDTH * len(told.events))
    tenants = 1 + max([int(core.jobs.array("tenant").max(initial=0)), *(row.tenant for row in core.reservations)])
    queues = _Queues(core, pools, space)
    frames = [_frame(core, number, space, tenants) for number in range(len(core.pools))]
    cells = cell_count(core)
    cells_at = space.take(2 * cells)
    s = np.zeros(space.used, dtype=np.int64)
    s[f.NOW_S], s[f.OPEN_COUNT] = -1, core.jobs.count
    s[f.POOL_COUNT], s[f.POOLS], s[f.PRODUCT_COUNT] = len(core.pools), pools, len(core.products)
    s[f.PRODUCTS], s[f.JOB_COUNT], s[f.RESERVATIONS] = products, core.jobs.count, contracts
    s[f.FIRST_FIT], s[f.BLIND] = core.policy.place is first_fit, core.policy.blind
    s[f.EASY] = core.policy.backfill.__name__ != "none"
    s[f.LEND], s[f.HEADROOM_NODES] = lend, headroom_nodes if lend == f.LEND_FIXED else 0
    s[f.INTERVAL_S], s[f.TICK_S] = told.interval_s, 0 if told.interval_s else f.ENDLESS
    s[f.HORIZON_S], s[f.TOLD], s[f.TOLD_COUNT] = told.horizon_s, told_at, len(told.events)
    s[f.CELLS] = s[f.FREE_CELL] = cells_at
    s[f.TAPED], s[f.METERED] = taped, metered
    chain = s[cells_at : cells_at + 2 * cells].reshape(-1, 2)
    chain[:, 1] = np.arange(cells_at + 2, cells_at + 2 * cells + 2, 2)
    chain[-1, 1] = f.NONE
    _write_products(s, core, products)
    for number, kept in enumerate(core.reservations):
        s[contracts + 2 * number : contracts + 2 * number + 2] = kept.pool, kept.tenant
    _write_told(s, told_at, told.events, core.reservations)
    for number, frame in enumerate(frames):
        frame.write(s, pools + number * f.POOL_WIDTH)
    queues.write(s)
    j = _jobs(core, pools, queues)
    return State(s, j.reshape(-1), np.zeros(HEAP_WORDS, dtype=np.int64), outbox_of(OUTBOX_ROWS))


class _Queues:
    """The lines of all queues: who may ever stand in which, and at which place."""

    def __init__(self, core: Lives, pools: int, space: _Space) -> None:
        jobs = core.jobs
        pool = jobs.array("pool").astype(np.int64)
        band = jobs.array("band")
        queue = np.where(band == Band.RESERVED, f.CONTRACT_QUEUE, np.array(TIER_OF_BAND)[band]).astype(np.int64)
        full, part = jobs.array("full").astype(np.int64), jobs.array("part").astype(np.int64)
        # One number for (pool, queue, full, part): sizes were refused above what their product could overflow.
        base_full, base_part = 1 + int(full.max(initial=0)), 1 + int(part.max(initial=0))
        shape = ((pool * (f.CONTRACT_QUEUE + 1) + queue) * base_full + full) * base_part + part
        shapes, which = np.unique(shape, return_inverse=True)
        rest, part_of = np.divmod(shapes, base_part)
        rest, full_of = np.divmod(rest, base_full)
        pool_of, queue_of = np.divmod(rest, f.CONTRACT_QUEUE + 1)
        order = np.lexsort((np.asarray(core.key, dtype=np.int64), which))
        sizes = np.bincount(which, minlength=len(shapes))
        starts = np.cumsum(sizes) - sizes
        self.position = np.empty(jobs.count, dtype=np.int64)
        self.position[order] = np.arange(jobs.count) - np.repeat(starts, sizes)
        self.shapes = np.stack([pool_of, queue_of, full_of, part_of])
        self.pools, self.sizes, self.order, self.starts = pools, sizes, order, starts
        self.lines = space.take(f.LINE_WIDTH * len(sizes))
        self.line = self.lines + f.LINE_WIDTH * which
        self.leaves = [1 << int(size - 1).bit_length() for size in sizes.tolist()]
        self.trees = [space.take(2 * leaves) for leaves in self.leaves]
        self.members = space.take(jobs.count)

    def write(self, s: IntArray) -> None:
        """Write all lines, empty."""
        s[self.members : self.members + len(self.order)] = self.order * f.JOB_WIDTH
        for number, (pool, queue, full, part) in enumerate(self.shapes.T.tolist()):
            p, line = self.pools + pool * f.POOL_WIDTH, self.lines + number * f.LINE_WIDTH
            if not s[p + f.LINE_COUNT + queue]:
                s[p + f.LINES + queue] = line
            s[p + f.LINE_COUNT + queue] += 1
            s[line + f.LINE_FULL], s[line + f.LINE_PART], s[line + f.LINE_HEAD] = full, part, f.NONE
            s[line + f.LINE_SIZE], s[line + f.LEAVES] = self.sizes[number], self.leaves[number]
            s[line + f.MEMBERS], s[line + f.TREE] = self.members + self.starts[number], self.trees[number]
            s[self.trees[number] : self.trees[number] + 2 * self.leaves[number]] = f.ABSENT


class _Frame:
    """Where the parts of one pool lie, and what stands in them at first."""

    def __init__(self, core: Lives, number: int, space: _Space, tenants: int) -> None:
        pool = core.pools[number]
        self.pool, self.tenants = pool, tenants
        self.words = -(-pool.node_count // f.WORD_BITS)
        self.capacity_width = f.EXACT + (pool.per_node + 1) * self.words + pool.node_count
        self.sets = space.take(f.SET_COUNT * self.words)
        self.capacities = space.take(f.CAPACITY_COUNT * self.capacity_width)
        self.cover, self.stay, self.batch_of = (space.take(pool.node_count) for _ in range(3))
        self.ends_width = pool.node_count * pool.per_node + 1
        self.ends = space.take(TIER_COUNT * self.ends_width)
        self.contracts = space.take(3 * tenants)
        self.steps = space.take(6 + TIER_COUNT)
        rolling_s = [product.guarantee_s for product in core.products if product.rolling]
        # Entries of one period, one a second at most, and as many again so that dropping old ones is rare.
        self.log_width = 2 * (2 * max(rolling_s, default=0) + 8) + 1
        self.rolling = len(rolling_s)
        self.log = space.take(self.rolling * self.log_width)

    def write(self, s: IntArray, p: int) -> None:
        """Write a pool where every node is free, healthy and clean."""
        pool, words = self.pool, self.words
        s[p + f.INDEX], s[p + f.NODES], s[p + f.WORDS] = pool.index, pool.node_count, words
        s[p + f.PER_NODE], s[p + f.FIRST_NODE], s[p + f.SCRUB_S] = pool.per_node, pool.first_node, pool.scrub_s
        s[p + f.SETS], s[p + f.CAPACITIES], s[p + f.CAPACITY_WIDTH] = self.sets, self.capacities, self.capacity_width
        s[p + f.COVER], s[p + f.STAY], s[p + f.BATCH_OF] = self.cover, self.stay, self.batch_of
        s[p + f.ENDS], s[p + f.ENDS_WIDTH], s[p + f.STEPS] = self.ends, self.ends_width, self.steps
        s[p + f.CONTRACTS], s[p + f.TENANT_COUNT] = self.contracts, self.tenants
        s[p + f.RENEWALS], s[p + f.RENEWALS_WIDTH] = self.log, self.log_width
        for field in (f.BLOCKED, f.LAST_BLOCKED, f.PROMISE_S, f.FRESH, f.RUN_HEAD, f.RUN_TAIL):
            s[p + field : p + field + TIER_COUNT] = f.NONE
        s[p + f.GRANT_HEAD] = s[p + f.GRANT_TAIL] = s[p + f.IDLE] = f.NONE
        s[self.batch_of : self.batch_of + pool.node_count] = f.NONE
        every = _words_of(pool.node_count, words)
        s[self.sets + f.ALL * words : self.sets + (f.ALL + 1) * words] = every
        for number in (f.FIRM, f.INTERNAL):
            c = self.capacities + number * self.capacity_width
            s[c + f.FREE_GPUS] = pool.node_count * pool.per_node
            top = c + f.EXACT + pool.per_node * words
            s[top : top + words] = every
        for number in range(self.rolling):
            log = self.log + number * self.log_width
            s[log], s[log + 1] = 1, -1


def _frame(core: Lives, number: int, space: _Space, tenants: int) -> _Frame:
    return _Frame(core, number, space, tenants)


def _words_of(node_count: int, words: int) -> list[int]:
    every = (1 << node_count) - 1
    return [(every >> (f.WORD_BITS * k)) & 0xFFFFFFFF for k in range(words)]


def _write_products(s: IntArray, core: Lives, at: int) -> None:
    rolling = 0
    for product in core.products:
        rolling += product.rolling
        s[at : at + f.PRODUCT_WIDTH] = (
            product.band,
            TIER_OF_BAND[product.band],
            product.guarantee_s,
            rolling if product.rolling else 0,
            product.notice_s,
            product.requeue,
            product.checkpoint_s,
            product.restart_s,
            product.checkpoint_write_s,
        )
        at += f.PRODUCT_WIDTH


def _write_told(
    s: IntArray, at: int, events: list[tuple[int, Event]], reservations: tuple[ReservationRow, ...]
) -> None:
    sign = {EventKind.CONTRACT_BEGIN: 1, EventKind.CONTRACT_END: -1}
    rows = sorted(
        (max(0, at_s), (int(event.kind) << f.KIND_SHIFT) | (event.row << f.ROW_SHIFT), event) for at_s, event in events
    )
    for at_s, code, event in rows:
        nodes = sign[EventKind(event.kind)] * reservations[event.row].nodes if event.kind in sign else 0
        s[at : at + f.TOLD_WIDTH] = at_s, code, nodes
        at += f.TOLD_WIDTH


def _jobs(core: Lives, pools: int, queues: _Queues) -> IntArray:
    """Return the records of all jobs, (jobs, JOB_WIDTH)."""
    jobs = core.jobs
    j = np.full((jobs.count, f.JOB_WIDTH), f.NONE, dtype=np.int64)
    j[:, f.KEY] = np.asarray(core.key)
    j[:, f.POOL] = pools + jobs.array("pool").astype(np.int64) * f.POOL_WIDTH
    j[:, f.TIER] = np.array(TIER_OF_BAND)[jobs.array("band")]
    j[:, f.RENTER] = np.asarray(core.renter)
    j[:, f.LINE], j[:, f.POSITION] = queues.line, queues.position
    static = ("product", "tenant", "full", "part", "submit_s", "run_s", "estimate_s", "patience_s")
    for name in static:
        j[:, getattr(f, name.upper())] = jobs.array(name)
    for name, field in f.WRITTEN.items():
        j[:, field] = jobs.array(name)
    j[:, f.HOLD_NODES] = 0
    j[:, f.RESTARTING] = 0
    return j
