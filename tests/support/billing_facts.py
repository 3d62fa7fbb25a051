"""Facts for billing tests: tables from plain rows, Hypothesis strategies, and small worlds whose capacity closes.

A closed world is drawn node by node: each node is always held by somebody or in a free state, so the installed capacity
is accounted for by construction. Hours are cut here with a plain loop, on purpose not with the meter.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st

from billing.books import Books, close
from billing.rating.prices import PriceBook
from billing.usage import STATES, CapacityTable, EvictionTable, Names, OutageTable, SegmentTable, StartTable
from tenants.registry import Registry

HOUR_S = 3600
JANUARY = 1767225600  # 2026-01-01T00:00:00Z
LAST_HOURS_OF_JANUARY = JANUARY + 31 * 86400 - 2 * HOUR_S  # the month ends two hours into the run
TENANTS = ("lab", "acme", "birch")
PRODUCTS = ("int.research", "bare.ondemand", "bare.spot", "bare.reserved")
NAMES = Names(TENANTS, PRODUCTS, ("eu", "us"), ("h100", "b200"), LAST_HOURS_OF_JANUARY)
PRICES = tuple(
    dict(zip(("product", "sku", "region", "from", "usd_per_gpu_hour"), row, strict=True))
    for row in (
        ("*", "*", "*", "2025-01-01T00:00:00Z", "2.60"),
        ("bare.ondemand", "h100", "*", "2025-01-01T00:00:00Z", "2.953717"),
        ("bare.spot", "*", "*", "2025-01-01T00:00:00Z", "1.25"),
        ("bare.spot", "*", "*", "2026-01-31T23:00:00Z", "1.333333"),
        ("bare.spot", "*", "us", "2026-02-01T00:00:00Z", "0.000001"),
    )
)
FULL = (0, 0, 10_000)  # of a row of usage: meter, class and factor of GPU-seconds that are charged in full
Row = Sequence[int]
T = TypeVar("T")


def table(kind: type[T], rows: Sequence[Row]) -> T:
    """A billing table from rows in the order of its columns."""
    count = len(fields(kind))  # type: ignore[arg-type]
    columns = np.array(rows, dtype=np.int64).reshape(len(rows), count)
    return kind(*(np.ascontiguousarray(columns[:, place]) for place in range(count)))


def registry(plans: dict[str, str] | None = None, refund_s: int = 0, **more: Any) -> Registry:
    """Tenants and products as in NAMES, with the published presets as SLA terms; `plans` changes price plans, `more`
    are other tables."""
    tenants = [{"id": name, "name": name, "kind": "internal" if name == "lab" else "external"} for name in TENANTS]
    products: list[dict[str, Any]] = [
        {"code": "int.research"},
        {"code": "bare.ondemand", "sla": "target_9950", "notice_s": 600, "refund_s": refund_s},
        {"code": "bare.spot", "notice_s": 60, "refund_s": refund_s},
        {"code": "bare.reserved", "sla": "target_9990"},
    ]
    priced = [{**row, "price_plan": (plans or {}).get(row["code"], row["code"])} for row in products]
    return Registry.from_mapping({"tenant": tenants, "product": priced, **more})


def price_book(rows: Sequence[dict[str, Any]] = PRICES) -> PriceBook:
    return PriceBook.from_mappings(rows)


def segment_rows(horizon_s: int = 4 * HOUR_S) -> st.SearchStrategy[tuple[int, ...]]:
    """Rows of a segment table: any job, tenant, product, pool and interval within the horizon, empty ones too."""
    interval = st.tuples(st.integers(0, horizon_s), st.integers(0, horizon_s)).map(sorted)
    head = st.tuples(
        st.integers(0, 9),
        st.integers(0, len(TENANTS) - 1),
        st.integers(0, len(PRODUCTS) - 1),
        st.integers(0, 1),
        st.integers(0, 1),
        st.integers(0, 70),
    )
    return st.tuples(head, interval, st.integers(0, 4)).map(lambda parts: (*parts[0], *parts[1], parts[2]))


def segment_tables(rows_max: int = 12) -> st.SearchStrategy[SegmentTable]:
    return st.lists(segment_rows(), max_size=rows_max).map(lambda rows: table(SegmentTable, rows))


@dataclass(frozen=True)
class ClosedWorld:
    """Facts in which every GPU-second of `installed` is accounted for. Rows are tuples in the order of the columns."""

    segments: list[Row]
    starts: list[Row]
    evictions: list[Row]
    outages: list[Row]
    capacity: list[Row]
    installed: dict[tuple[int, int], int]
    horizon_s: int

    def books(self, names: Names = NAMES, parties: Registry | None = None, book: PriceBook | None = None) -> Books:
        return close(
            names,
            parties or registry(),
            book or price_book(),
            table(SegmentTable, self.segments),
            table(StartTable, self.starts),
            table(EvictionTable, self.evictions),
            table(OutageTable, self.outages),
            table(CapacityTable, self.capacity),
            self.installed,
            self.horizon_s,
        )


def closed_world(seed: int) -> ClosedWorld:
    """Draw a world of a few nodes over a few hours across the end of a month, the last hour usually not full."""
    rng = random.Random(seed)
    horizon_s = rng.choice((2 * HOUR_S, 4 * HOUR_S, rng.randint(1, 4 * HOUR_S)))
    world = ClosedWorld([], [], [], [], [], {}, horizon_s)
    for region in (0, 1):
        for sku in (0, 1)[: rng.randint(1, 2)]:
            nodes, gpus = rng.randint(1, 3), rng.choice((1, 8))
            world.installed[region, sku] = nodes * gpus
            for _ in range(nodes):
                draw_node(rng, world, region, sku, gpus)
    return world


def draw_node(rng: random.Random, world: ClosedWorld, region: int, sku: int, gpus: int) -> None:
    """Fill one node's time with holders and free states; some holders are evicted, some lose it to a fault."""
    at_s = 0
    while at_s < world.horizon_s:
        end_s = min(world.horizon_s, at_s + rng.choice((1, 59, HOUR_S, rng.randint(1, 2 * HOUR_S))))
        if rng.random() < 0.4:
            add_free(world, region, sku, rng.randrange(len(STATES)), gpus, at_s, end_s)
            at_s = end_s
            continue
        job, tenant = len(world.segments), rng.randrange(len(TENANTS))
        product, cause = rng.randrange(len(PRODUCTS)), rng.randrange(5)
        world.segments.append((job, tenant, product, region, sku, gpus, at_s, end_s, cause))
        world.starts.append((job, tenant, product, max(0, at_s - rng.randint(0, 900)), at_s))
        if cause == 1:
            noticed_s = max(at_s, end_s - rng.choice((59, 60, 600)))
            guaranteed_s = rng.choice((at_s, end_s, end_s + 1))
            world.evictions.append((job, tenant, product, gpus, noticed_s, end_s, guaranteed_s))
        if cause == 2 and end_s < world.horizon_s:
            until_s = min(world.horizon_s, end_s + rng.randint(0, 2 * HOUR_S))
            world.outages.append((job, tenant, product, gpus, end_s, until_s))
        at_s = end_s


def add_free(world: ClosedWorld, region: int, sku: int, state: int, gpus: int, from_s: int, until_s: int) -> None:
    """Add capacity rows for GPUs that nobody holds over [from_s, until_s), one per hour touched."""
    while from_s < until_s:
        end_s = min(until_s, (from_s // HOUR_S + 1) * HOUR_S)
        world.capacity.append((from_s // HOUR_S * HOUR_S, region, sku, state, gpus * (end_s - from_s)))
        from_s = end_s
