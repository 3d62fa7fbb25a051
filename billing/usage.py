"""What billing is told: tables of facts, as struct of arrays. No scheduler is needed to fill them.

All columns are int64 of one length. Parties and things are dense indices into `Names`; times are int seconds since the
`epoch_s` of the names (itself a Unix time), quantities GPU-seconds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Names:
    """Ids behind the dense indices, and where the clock's zero lies (Unix seconds, UTC)."""

    tenants: tuple[str, ...]
    products: tuple[str, ...]
    regions: tuple[str, ...]
    skus: tuple[str, ...]
    epoch_s: int


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """Allocation segments [start_s, end_s): `gpus` GPUs held by one job. `cause` is an index into `CAUSES`."""

    job: IntArray
    tenant: IntArray
    product: IntArray
    region: IntArray
    sku: IntArray
    gpus: IntArray
    start_s: IntArray
    end_s: IntArray
    cause: IntArray


# Same words and order as scheduler.events.Cause (a test compares them; billing must not import the scheduler).
CAUSES = ("finished", "evicted", "node_fault", "start_refused", "horizon", "crashed")


@dataclass(frozen=True, slots=True)
class MarkTable:
    """Parts of segments that are not charged in full: `gpus` of the GPUs of a row of the segment table over
    [from_s, until_s), for the reason `charge_class` (a row of `billing.metering.classes.CLASSES`), at `factor_bp` of
    the price. Rows of one segment may overlap until they have been made disjoint."""

    segment: IntArray
    charge_class: IntArray
    factor_bp: IntArray
    gpus: IntArray
    from_s: IntArray
    until_s: IntArray


@dataclass(frozen=True, slots=True)
class MeteredTable:
    """What is used that is no GPU time: `quantity` units of the row of `METERS` that `meter` names, in an hour."""

    tenant: IntArray
    hour_s: IntArray
    region: IntArray
    sku: IntArray
    product: IntArray
    meter: IntArray
    quantity: IntArray


@dataclass(frozen=True, slots=True)
class StartTable:
    """Each time a job started: it had been waiting since `pending_s` (its submission, eviction or fault)."""

    job: IntArray
    tenant: IntArray
    product: IntArray
    pending_s: IntArray
    start_s: IntArray


@dataclass(frozen=True, slots=True)
class EvictionTable:
    """Each eviction that took place: notice served at `noticed_s`, nodes taken at `evicted_s`."""

    job: IntArray
    tenant: IntArray
    product: IntArray
    gpus: IntArray
    noticed_s: IntArray
    evicted_s: IntArray
    guaranteed_until_s: IntArray


@dataclass(frozen=True, slots=True)
class OutageTable:
    """Each time a node fault took a job's nodes: without them over [from_s, until_s), until it ran again, gave up, or
    the run ended."""

    job: IntArray
    tenant: IntArray
    product: IntArray
    gpus: IntArray
    from_s: IntArray
    until_s: IntArray


@dataclass(frozen=True, slots=True)
class ExclusionTable:
    """Time [from_s, until_s) that no service level counts, for a tenant, product, region and SKU; ANY for any of them.

    `cause` is an index into `tenants.exclusion.EXCLUSION_CAUSES`.
    """

    tenant: IntArray
    product: IntArray
    region: IntArray
    sku: IntArray
    from_s: IntArray
    until_s: IntArray
    cause: IntArray


ANY = -1


@dataclass(frozen=True, slots=True)
class WorkTable:
    """What a segment held without keeping work, beside the rows of a SegmentTable, in seconds: starting up, work that
    was thrown away later, and writing checkpoints."""

    stalled_s: IntArray
    lost_s: IntArray
    written_s: IntArray


@dataclass(frozen=True, slots=True)
class CapacityTable:
    """GPU-seconds that nobody's job held, per hour: `state` is an index into `STATES`. Rows need not be unique."""

    hour_s: IntArray
    region: IntArray
    sku: IntArray
    state: IntArray
    gpu_s: IntArray


STATES = (
    "down",
    "scrubbing",
    "idle.gathering",
    "idle.reserved_unused",
    "idle.held_back",
    "idle.fragmented",
    "idle.spare",
    "idle.no_demand",
)
