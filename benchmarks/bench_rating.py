"""Rating a million hours by each kind of price, beside a plain loop of one exact fraction per hour.

    python benchmarks/bench_rating.py [--rows 1000000]

Rating looks prices up, reckons exactly, and deals a rounded amount out to each hour; the loop only multiplies and
adds. Times are of this machine and are printed, never asserted.
"""

import argparse
import time
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from billing.metering.meter import UsageTable, billed_usage
from billing.months import run_period
from billing.rating.charges import charges_of
from billing.rating.prices import PriceBook
from billing.rating.rate import rate
from billing.usage import Names

HOURS, PRODUCTS = 8760, ("a", "b", "c")
HEAD: dict[str, Any] = {"product": "*", "sku": "*", "from": "2026-01-01T00:00:00Z"}
TIERS = [
    {"up_to": "1000", "unit_price": "2.95", "flat": "10"},
    {"up_to": "5000", "unit_price": "2.5"},
    {"unit_price": "2.1"},
]
BOOKS: dict[str, dict[str, Any]] = {
    "standard": {"usd_per_gpu_hour": "2.95"},
    "dynamic": {
        "model": "dynamic",
        "series": [
            {"from": f"{np.datetime64('2026-01-01T00:00:00') + np.timedelta64(hour, 'h')}Z", "unit_price": 1 + hour % 3}
            for hour in range(HOURS)
        ],
    },
    "graduated": {"model": "graduated", "tiers": TIERS, "discount_bp": 500},
    "volume": {"model": "volume", "tiers": TIERS},
    "package": {"model": "package", "package_size": "10", "package_price": "25"},
}


def usage_of(rows: int) -> UsageTable:
    """Rows of tenants that hold three products all year."""
    row = np.arange(rows, dtype=np.int64)
    series, hour = np.divmod(row, HOURS)
    none = np.zeros(rows, dtype=np.int64)
    gpu_s = np.random.default_rng(1).integers(1, 3600 * 64, rows)
    return billed_usage(series // len(PRODUCTS), hour * 3600, none, none, series % len(PRODUCTS), gpu_s)


def seconds(work: Callable[[], object]) -> float:
    """The best of three."""
    taken = []
    for _ in range(3):
        begin = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def loop_s(rows: int) -> float:
    """Seconds of the plain exact loop: one Fraction per hour, added up; measured on a tenth of the rows."""
    some = max(1, rows // 10)
    return seconds(lambda: sum((Fraction(gpu_s * 2_950_000, 3600) for gpu_s in range(some)), Fraction(0))) * rows / some


def measure(name: str, book: PriceBook, names: Names, usage: UsageTable, plain_s: float) -> str:
    """The figures of one price book."""
    period = run_period(HOURS * 3600)
    lines = rate(names, usage, book)
    rate_s = seconds(lambda: rate(names, usage, book))
    charges_s = seconds(lambda: charges_of(names, lines, book, period))
    found = len(charges_of(names, lines, book, period))
    return (
        f"case={name}  rows={len(usage)}  rate_s={rate_s:.2f}  plain_loop_s={plain_s:.2f}"
        f"  numbers={lines.numerator.dtype}  charges={found}  charges_s={charges_s:.2f}"
    )


def main() -> None:
    """Rate the same usage by every book."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    usage, plain_s = usage_of(rows), loop_s(rows)
    tenants = tuple(f"t{number}" for number in range(int(usage.tenant.max()) + 1))
    names = Names(tenants, PRODUCTS, ("eu",), ("h100",), 1_767_225_600)
    for name, row in BOOKS.items():
        print(measure(name, PriceBook.from_mappings([{**HEAD, **row}]), names, usage, plain_s), flush=True)


if __name__ == "__main__":
    main()
