"""What the page shows of waits by cause, of evictions and their causes, and of delayed jobs; see `sim.report.model`."""

from typing import NamedTuple


class WaitRow(NamedTuple):
    """Seconds waited for one cause, aligned with the bands of `Waits`; `key` is its fill."""

    key: str
    label: str
    meaning: str
    wait_s: tuple[int, ...]


class EvictionPair(NamedTuple):
    """Evictions of one product's jobs for another's (`by_product` is "" where no job caused them), by so many jobs."""

    product: str
    by_product: str
    evictions: int
    evictors: int
    gpus: int
    lost_gpu_s: int
    lost_micro_usd: int


class DelayedJob(NamedTuple):
    """An internal job that started later than without rentals; `end_later_s` is None where it ended in one run only."""

    job_id: str
    product: str
    gpus: int
    submit_s: int
    wait_without_s: int
    wait_with_s: int
    end_later_s: int | None


class Waits(NamedTuple):
    """What jobs waited for: `bands` that waited, how many of their `jobs` did, and a row per cause."""

    bands: tuple[str, ...] = ()
    jobs: tuple[int, ...] = ()
    rows: tuple[WaitRow, ...] = ()


NO_WAITS = Waits()
