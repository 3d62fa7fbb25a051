"""Everything that the report page shows, as plain frozen data: ints and strings, no I/O and no arithmetic.

`build` fills it from a finished run, `page` turns it into HTML; a page can therefore be drawn and tested without a run.
Times are int seconds since the scenario's epoch, quantities GPU-seconds, money int micro-USD, ratios basis points.
Tuples of one section are aligned with each other where a docstring says so.
"""

from dataclasses import dataclass
from typing import NamedTuple

from sim.report.why_model import NO_WAITS, DelayedJob, EvictionPair, Waits

# Who can hold a GPU, bottom to top of the main picture. The key is also the name of its colour and pattern.
HOLDERS = (
    ("critical", "internal critical"),
    ("internal", "internal"),
    ("reserved", "reserved"),
    ("ondemand", "on-demand"),
    ("spot", "spot"),
    ("down", "cleaning or down"),
    ("idle", "idle"),
)


class Series(NamedTuple):
    """One band of a picture: `values` has one entry per bin."""

    key: str
    label: str
    values: tuple[int, ...]


class Fact(NamedTuple):
    """One line of the header."""

    label: str
    value: str


class Gap(NamedTuple):
    """A stretch of whole hours without a frontier run, and what was sold into it. `room_gpu_s` is the healthy capacity
    that internal jobs left free."""

    from_s: int
    until_s: int
    room_gpu_s: int
    sold_gpu_s: int
    revenue_micro_usd: int


class CapacityRow(NamedTuple):
    """GPU-seconds that no job held, by reason."""

    key: str
    label: str
    meaning: str
    gpu_s: int


class DelayRow(NamedTuple):
    """Starts of one internal product with rentals on and off; waits are totals over `jobs` paired jobs."""

    product: str
    jobs: int
    wait_with_s: int
    wait_without_s: int
    later: int
    earlier: int
    worst_s: int


class ReclaimRow(NamedTuple):
    """Grant to start, over all starts of one product that may reclaim rented nodes."""

    product: str
    starts: int
    waited: int
    p50_s: int
    p99_s: int
    max_s: int


class RevenueRow(NamedTuple):
    """What one tenant was charged for one product over the whole run."""

    tenant: str
    product: str
    gpu_s: int
    amount_micro_usd: int
    credit_micro_usd: int


class BillColumn(NamedTuple):
    """One kind of line on the hourly bill; `key` is its fill. Without a price: lines of several prices together."""

    key: str
    product: str
    sku: str
    region: str
    unit_price_micro_usd: int | None


class BillHour(NamedTuple):
    """One hour of the bill; the tuples are aligned with the bill's columns. Amounts are whole cents."""

    hour_s: int
    gpu_s: tuple[int, ...]
    amount_micro_usd: tuple[int, ...]
    total_micro_usd: int


class MonthLine(NamedTuple):
    """One line of the month's bill, already rounded to cents as the document shows it."""

    text: str
    gpu_s: int
    amount_micro_usd: int


class SlaRow(NamedTuple):
    """Service levels of one tenant, product and month.

    Availability is the exact pair `healthy_gpu_s / entitled_gpu_s`; `target_bp` is None where none was promised, times
    to start are None where nothing started.
    """

    tenant: str
    product: str
    month: str
    healthy_gpu_s: int
    entitled_gpu_s: int
    target_bp: int | None
    notices: int
    notices_kept: int
    start_p50_s: int | None
    start_p95_s: int | None
    start_p99_s: int | None
    credit_micro_usd: int


class DisturbanceRow(NamedTuple):
    """Evictions and node faults that hit the jobs of one tenant's product; `notice_min_s` is None without evictions."""

    tenant: str
    product: str
    starts: int
    evictions: int
    notice_min_s: int | None
    notice_promised_s: int
    notices_kept: int
    inside_guarantee: int
    faults: int
    outage_gpu_s: int
    lost_gpu_s: int


class GuessRow(NamedTuple):
    """An input that nobody vouches for."""

    where: str
    value: str
    source: str
    confidence: str


class FindingRow(NamedTuple):
    """Something about the input or the books that a reader should know."""

    where: str
    what: str
    times: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The run cut into equal bins of `bin_s`; all tuples have one entry per bin, the last bin may be cut short."""

    bin_s: int
    installed_gpu_s: tuple[int, ...]
    holders: tuple[Series, ...]  # GPU-seconds, in the order of HOLDERS; sums to installed_gpu_s
    revenue: tuple[Series, ...]  # micro-USD charged for rentals, by band
    evictions: tuple[int, ...]
    gaps: tuple[Gap, ...]
    frontier_starts_s: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Delay:
    """How long internal jobs waited because of rentals.

    `ladder_s` are durations; `reclaim_le` counts starts whose wait from grant to start was at most that long,
    `paired_le` the jobs whose start came at most that much later than with rentals off (empty without a paired run).
    """

    ladder_s: tuple[int, ...]
    reclaim_le: tuple[int, ...]
    paired_le: tuple[int, ...]
    reclaim: tuple[ReclaimRow, ...]
    paired: tuple[DelayRow, ...]
    unpaired: int  # jobs that started in one of the two runs only
    bounds: tuple[tuple[str, int], ...]  # (product, declared bound in seconds), ascending
    over_bound: int


@dataclass(frozen=True, slots=True)
class TenantBill:
    """One tenant's busiest day hour by hour, and the month that holds it."""

    tenant: str
    day_s: int
    columns: tuple[BillColumn, ...]
    hours: tuple[BillHour, ...]
    day_total_micro_usd: int
    month: str
    month_lines: tuple[MonthLine, ...]
    month_total_micro_usd: int


@dataclass(frozen=True, slots=True)
class ReportData:
    """The whole page. `bill` is None when no external tenant was charged anything."""

    title: str
    facts: tuple[Fact, ...]
    epoch_s: int
    horizon_s: int
    installed_gpu_s: int
    allocated_gpu_s: int
    busy_gpu_s: int
    goodput_gpu_s: int
    external_gpu_s: int
    timeline: Timeline
    unheld: tuple[CapacityRow, ...]
    delay: Delay
    revenue: tuple[RevenueRow, ...]
    bill: TenantBill | None
    sla: tuple[SlaRow, ...]
    disturbances: tuple[DisturbanceRow, ...]
    residual_gpu_s: int
    residual_micro_usd: int
    guesses: tuple[GuessRow, ...]
    findings: tuple[FindingRow, ...]
    files: tuple[str, ...]  # names beside the page that hold the full tables
    waits: Waits = NO_WAITS
    eviction_pairs: tuple[EvictionPair, ...] = ()
    delayed: tuple[DelayedJob, ...] = ()
    delay_gpu_s: int = 0  # of all jobs that started in both runs: seconds later times GPUs
