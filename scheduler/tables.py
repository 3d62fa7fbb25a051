"""The core's tables: pools, products and reservations as small tuples, jobs as struct of arrays.

Job columns are numpy arrays. Scalar code reads and writes them through memoryviews of the same memory
(`jobs.start_s[row]`): that is twice as fast as indexing the array and gives Python ints, which is what tapes and heaps
want. Whole-column code asks for `jobs.array("start_s")`. There is one copy of the truth, so the two can never part.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.errors import TableError
from scheduler.events import NEVER
from scheduler.nodes.topology import Sizes, fault_in
from tenants.band import Band

IntArray = NDArray[np.int64]


class PoolRow(NamedTuple):
    """Nodes of one SKU in one region. `scrub_s` is how long a node is cleaned before it changes its trust domain.

    `topology` are the sizes of its domains, level by level from the smallest: see `scheduler.nodes.topology`.
    `spare_nodes` are kept for internal jobs that lose a node; `lend_spares` lets spot rent them meanwhile.
    """

    nodes: int
    gpus_per_node: int
    scrub_s: int
    topology: Sizes = ()
    spare_nodes: int = 0
    lend_spares: bool = False


class ProductRow(NamedTuple):
    """What the core must know of a product. Prices and service levels are none of its business."""

    band: int
    guarantee_s: int  # seconds from each start in which the job cannot be evicted
    rolling: bool  # the guarantee is renewed at its end while the Offer allows it
    notice_s: int  # seconds between the notice and the eviction
    whole_nodes: bool  # holds whole nodes whatever it asks for
    requeue: bool  # waits again after an eviction or a fault; otherwise it is cancelled
    checkpoint_s: int  # useful seconds between checkpoints; 0: none, a fault loses all work since the start
    restart_s: int  # seconds a restart takes before useful work goes on
    checkpoint_write_s: int = 0  # seconds of each write, in which the job holds its nodes and does not work


class ReservationRow(NamedTuple):
    """Nodes of a pool that a contract keeps for a tenant's RESERVED jobs over [from_s, until_s)."""

    tenant: int
    pool: int
    nodes: int
    from_s: int
    until_s: int


# Facts about a job that never change, and the dtype of each column. Times in seconds since the epoch.
STATIC = {
    "tenant": np.int32,
    "product": np.int16,
    "pool": np.int16,
    "gpus": np.int32,
    "submit_s": np.int64,
    "run_s": np.int64,  # the truth; policies only ever see the estimate
    "estimate_s": np.int64,
    "patience_s": np.int64,  # leaves the queue after waiting this long; NEVER: waits for ever
    "announced_s": np.int64,  # since when it is known that it will be submitted; NEVER: not before it is
    "within": np.int8,  # its gang must lie in one domain of this level of its pool; 0: anywhere
    "credit_micro_usd": np.int64,  # what its eviction costs whatever it loses: service credit, restart
    "micro_usd_per_gpu_h": np.int64,  # what an hour of its work is worth, for work that an eviction throws away
}
# Columns of STATIC that a caller may leave out, and what stands there then.
DEFAULTS = {"announced_s": NEVER, "within": 0, "credit_micro_usd": 0, "micro_usd_per_gpu_h": 0}
# What the core writes as the job lives. -1: has not happened.
DYNAMIC = {
    "status": (np.int8, 0),
    "reason": (np.int8, 0),
    "epoch": (np.int32, 0),  # grows at each release, so that timers of an earlier life are known as stale
    "pending_s": (np.int64, -1),  # since when it waits
    "granted_s": (np.int64, -1),  # of the latest grant
    "start_s": (np.int64, -1),  # of the latest start
    "end_s": (np.int64, -1),
    "first_start_s": (np.int64, -1),
    "first_granted_s": (np.int64, -1),
    "wait_s": (np.int64, 0),
    "work_s": (np.int64, 0),  # useful seconds kept so far
    "guaranteed_until_s": (np.int64, -1),
    "noticed_s": (np.int64, -1),
    "evict_at_s": (np.int64, -1),
    "evictor": (np.int32, -1),  # the job whose grant caused its latest notice
    "preemptions": (np.int32, 0),
    "faults": (np.int32, 0),
    "crashes": (np.int32, 0),
}


class JobTable:
    """All jobs of a run, one row each, rows in order of submission and never reused.

    `full` and `part` are a job's shape in its pool: whole nodes, and GPUs on one node more. Whole-node products are
    rounded up to whole nodes here, once, so that what is held, metered and billed is the same number. `shape` holds
    (full, part, within) of each job, one tuple for all jobs of a shape.
    """

    tenant: "memoryview[int]"
    product: "memoryview[int]"
    pool: "memoryview[int]"
    gpus: "memoryview[int]"
    submit_s: "memoryview[int]"
    run_s: "memoryview[int]"
    estimate_s: "memoryview[int]"
    patience_s: "memoryview[int]"
    announced_s: "memoryview[int]"
    within: "memoryview[int]"
    credit_micro_usd: "memoryview[int]"
    micro_usd_per_gpu_h: "memoryview[int]"
    band: "memoryview[int]"
    full: "memoryview[int]"
    part: "memoryview[int]"
    status: "memoryview[int]"
    reason: "memoryview[int]"
    epoch: "memoryview[int]"
    pending_s: "memoryview[int]"
    granted_s: "memoryview[int]"
    start_s: "memoryview[int]"
    end_s: "memoryview[int]"
    first_start_s: "memoryview[int]"
    first_granted_s: "memoryview[int]"
    wait_s: "memoryview[int]"
    work_s: "memoryview[int]"
    guaranteed_until_s: "memoryview[int]"
    noticed_s: "memoryview[int]"
    evict_at_s: "memoryview[int]"
    evictor: "memoryview[int]"
    preemptions: "memoryview[int]"
    faults: "memoryview[int]"
    crashes: "memoryview[int]"

    def __init__(
        self,
        columns: Mapping[str, NDArray[np.signedinteger]],
        pools: tuple[PoolRow, ...],
        products: tuple[ProductRow, ...],
    ) -> None:
        """Take the columns of STATIC, each (n,), and derive the shapes. Raises TableError on impossible rows.

        A column that has its dtype already is kept as it is, without a copy: nobody may write to it afterwards.
        Rows must be in order of submission; gpus >= 1, run_s >= 0, estimate_s >= 0, patience_s >= 0. Cost: O(n).
        """
        self._arrays: dict[str, NDArray[np.signedinteger]] = {}
        for name, dtype in STATIC.items():
            if name in columns or name not in DEFAULTS:
                self._put(name, np.asarray(columns[name], dtype=dtype))
        self.count = len(self._arrays["tenant"])
        for name in DEFAULTS.keys() - columns.keys():
            self._put(name, np.broadcast_to(np.array(DEFAULTS[name], dtype=STATIC[name]), self.count))  # takes no room
        self._refuse_impossible_rows(pools, len(products))
        per_node = np.array([pool.gpus_per_node for pool in pools], dtype=np.int64)[self._arrays["pool"]]
        whole = np.array([product.whole_nodes for product in products], dtype=bool)[self._arrays["product"]]
        gpus = self._arrays["gpus"].astype(np.int64)
        full, part = np.divmod(gpus, per_node)
        round_up = whole & (part > 0)
        self._put("full", (full + round_up).astype(np.int32))
        self._put("part", np.where(whole, 0, part).astype(np.int32))
        self._put("band", np.array([p.band for p in products], dtype=np.int8)[self._arrays["product"]])
        shapes: dict[tuple[int, int, int], tuple[int, int, int]] = {}
        columns_of_shape = (self._arrays[name].tolist() for name in ("full", "part", "within"))
        self.shape = [shapes.setdefault(shape, shape) for shape in zip(*columns_of_shape, strict=True)]
        for name, (dtype, start) in DYNAMIC.items():
            self._put(name, np.full(self.count, start, dtype=dtype))

    @classmethod
    def from_columns(
        cls,
        pools: tuple[PoolRow, ...],
        products: tuple[ProductRow, ...],
        **columns: NDArray[np.signedinteger],
    ) -> "JobTable":
        """Build a table from keyword columns; see `STATIC` for names."""
        return cls(columns, pools, products)

    def array(self, name: str) -> NDArray[np.signedinteger]:
        """Return a column as a read-only array, (n,); it shows later writes of the core."""
        column = self._arrays[name].view()
        column.flags.writeable = False
        return column

    def _put(self, name: str, column: NDArray[np.signedinteger]) -> None:
        self._arrays[name] = column
        setattr(self, name, column.data)

    def _refuse_impossible_rows(self, pools: tuple[PoolRow, ...], product_count: int) -> None:
        pool_count = len(pools)
        deepest = max((len(pool.topology) for pool in pools), default=0)
        levels = np.array([len(pool.topology) for pool in pools], dtype=np.int64)
        within, pool = self._arrays["within"], np.clip(self._arrays["pool"], 0, max(0, pool_count - 1))
        checks = (
            ("gpus", self._arrays["gpus"] < 1, "at least 1"),
            ("run_s", self._arrays["run_s"] < 0, "at least 0"),
            ("estimate_s", self._arrays["estimate_s"] < 0, "at least 0"),
            ("patience_s", self._arrays["patience_s"] < 0, f"0 to {NEVER}"),
            ("pool", self._outside("pool", pool_count), f"0 to {pool_count - 1}"),
            ("product", self._outside("product", product_count), f"0 to {product_count - 1}"),
            ("credit_micro_usd", self._arrays["credit_micro_usd"] < 0, "at least 0"),
            ("micro_usd_per_gpu_h", self._arrays["micro_usd_per_gpu_h"] < 0, "at least 0"),
            ("within", (within < 0) | (within > levels[pool]), f"0 to {deepest}, the levels of its pool's topology"),
            ("submit_s", np.diff(self._arrays["submit_s"], prepend=self._arrays["submit_s"][:1]) < 0, "ascending"),
        )
        for name, wrong, allowed in checks:
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise TableError(
                    "impossible job", path=f"job[{row}].{name}", found=int(self._arrays[name][row]), allowed=allowed
                )

    def _outside(self, name: str, count: int) -> NDArray[np.bool_]:
        return (self._arrays[name] < 0) | (self._arrays[name] >= count)


def refuse_impossible_tables(
    pools: tuple[PoolRow, ...], products: tuple[ProductRow, ...], reservations: tuple[ReservationRow, ...]
) -> None:
    """Raise TableError, naming the row, for sizes that no cluster can have."""
    for row, pool in enumerate(pools):
        if pool.nodes < 1 or not pool.gpus_per_node >= 1 or pool.scrub_s < 0:
            allowed = "nodes and GPUs >= 1, scrub_s >= 0"
            raise TableError("impossible pool", path=f"pool[{row}]", found=pool, allowed=allowed)
        if fault := fault_in(pool.topology, pool.nodes):
            raise TableError("impossible topology", path=f"pool[{row}].topology", allowed=fault)
        if not 0 <= (spares := pool.spare_nodes) < pool.nodes:
            path = f"pool[{row}].spare_nodes"
            raise TableError("impossible spares", path=path, found=spares, allowed=f"0 to {pool.nodes - 1}")
    for row, product in enumerate(products):
        if min(product.guarantee_s, product.notice_s, *product[6:9]) < 0:
            raise TableError("impossible product", path=f"product[{row}]", found=product, allowed="times >= 0")
        if product.band >= Band.ON_DEMAND and not product.whole_nodes:
            path = f"product[{row}].whole_nodes"
            raise TableError("rentals hold whole nodes", path=path, found=False, allowed="true")
        if product.rolling and not product.guarantee_s:
            raise TableError("nothing to roll", path=f"product[{row}].guarantee_s", found=0, allowed="at least 1")
    for row, kept in enumerate(reservations):
        known = 0 <= kept.pool < len(pools)
        if not known or not 0 <= kept.nodes <= pools[kept.pool].nodes or kept.until_s < kept.from_s:
            path = f"reservation[{row}]"
            raise TableError("impossible reservation", path=path, found=kept, allowed="nodes of one pool")
