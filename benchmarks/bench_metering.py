"""From allocations to invoices, and how a long file of intervals streams.

    python benchmarks/bench_metering.py [--allocations N] [--lines N] [--only chain|stream]

chain: N allocations of 100 tenants over 30 days, to exact hourly usage, to line items, to drafts of every invoice, as a
multiple of a bare numpy difference array that gives the same GPU-seconds per hour (dense, no checks, no prices, no
rounding). Checking the books is apart: the chain does not need it. stream: N lines of CSV through `billing.intake`,
with the peak memory of the process, which runs alone. Processing time of this machine; the ratio says more.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from billing.closing.preview import preview, usage_basis
from billing.intake.intervals import read_intervals
from billing.intake.record import Defaults, Rejected
from billing.intake.stream import take_in
from billing.metering.classes import charge_marks, free_rules
from billing.metering.meter import meter
from billing.rating.rate import rate
from billing.terms import Terms, terms_from
from billing.usage import IntArray, Names, SegmentTable

JANUARY, DAYS, TENANTS = 1_767_225_600, 30, 100
PRODUCTS = ("bare.ondemand", "bare.spot", "bare.reserved")
HOURS = DAYS * 24


def terms() -> Terms:
    """A hundred tenants, three products, one price each."""
    tenants = [{"id": f"t{n}", "name": f"Tenant {n}", "kind": "external"} for n in range(TENANTS)]
    price = {"sku": "*", "from": "2025-01-01T00:00:00Z"}
    prices = [{**price, "product": code, "usd_per_gpu_hour": f"2.{n}5"} for n, code in enumerate(PRODUCTS)]
    return terms_from({"epoch": "2026-01-01T00:00:00Z", "tenant": tenants, "price": prices})


def allocations(count: int, agreed: Terms) -> tuple[Names, SegmentTable]:
    """Allocations of minutes to a day, one in ten evicted."""
    rng = np.random.default_rng(7)
    products = tuple(product.code for product in agreed.registry.products)
    names = Names(tuple(t.id for t in agreed.registry.tenants), products, ("eu", "us"), ("h100", "b200"), JANUARY)
    start_s = rng.integers(0, DAYS * 86_400 - 86_400, count)
    columns = {
        "job": np.arange(count),
        "tenant": rng.integers(0, TENANTS, count),
        "product": np.array([products.index(code) for code in PRODUCTS])[rng.integers(0, len(PRODUCTS), count)],
        "region": rng.integers(0, 2, count),
        "sku": rng.integers(0, 2, count),
        "gpus": rng.integers(1, 65, count),
        "start_s": start_s,
        "end_s": start_s + rng.integers(60, 86_400, count),
        "cause": (rng.random(count) < 0.1).astype(np.int64),
    }
    return names, SegmentTable(**{name: column.astype(np.int64) for name, column in columns.items()})


def difference_array(segments: SegmentTable) -> IntArray:
    """The bare array: GPU-seconds of every series and hour that used any, as (series and hour, GPU-seconds)."""
    series = ((segments.tenant * 8 + segments.product) * 2 + segments.region) * 2 + segments.sku
    width = int(series.max()) + 1
    step, inside = np.zeros((2, width * (HOURS + 1)), dtype=np.int64)
    for at_s, gpus in ((segments.start_s, segments.gpus), (segments.end_s, -segments.gpus)):
        hour = at_s // 3600
        cell = series * (HOURS + 1) + hour
        np.add.at(step, cell, gpus)
        np.add.at(inside, cell, gpus * ((hour + 1) * 3600 - at_s))
    usage = inside + 3600 * (np.cumsum(step.reshape(width, HOURS + 1), axis=1).ravel() - step)
    used = np.flatnonzero(usage)
    return np.stack((used, usage[used]))


def timed(work: Callable[[], object], repeats: int = 3) -> float:
    """The least processor seconds of a few repeats."""
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def chain(count: int) -> None:
    """Print what each step takes, and all of them as a multiple of the bare array."""
    agreed = terms()
    names, segments = allocations(count, agreed)
    rules = free_rules(names, agreed.registry)
    usage = meter(segments, charge_marks(segments, rules))
    basis = usage_basis(names, usage, agreed, DAYS * 86_400)
    array_s = timed(lambda: difference_array(segments))
    meter_s = timed(lambda: meter(segments, charge_marks(segments, rules)))
    rate_s = timed(lambda: rate(names, usage, agreed.book, agreed.plans(names.products)))
    books_s = timed(lambda: usage_basis(names, usage, agreed, DAYS * 86_400))
    drafts_s = timed(lambda: preview(replace(basis)))
    total_s = meter_s + rate_s + drafts_s
    print(
        f"allocations={count}  hours={len(usage)}  drafts={len(preview(basis))}  array_s={array_s:.2f}"
        f"  meter_s={meter_s:.2f}  rate_s={rate_s:.2f}  drafts_s={drafts_s:.2f}  total_s={total_s:.2f}"
        f"  ratio={total_s / array_s:.1f}  check_s={books_s - rate_s:.2f}",
        flush=True,
    )


def lines(count: int) -> Iterator[str]:
    """A file of intervals that is never on disk."""
    yield "id,tenant,product,region,sku,gpus,start,end\n"
    for n in range(count):
        start_s = JANUARY + n * 7919 % (DAYS * 86_400)
        yield f"job-{n},t{n % TENANTS},{PRODUCTS[n % 3]},eu,h100,8,{start_s},{start_s + 600 + n % 7200}\n"


def stream(count: int) -> None:
    """Print what a file of intervals takes, and the peak memory."""
    agreed, rejected = terms(), list[Rejected]()
    begin = time.process_time()
    taken = take_in(lambda: read_intervals(lines(count), Defaults(), "lines"), agreed, rejected.append)
    cpu_s, peak_mb = time.process_time() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"lines={count}  billed={taken.intervals}  hours={len(taken.usage)}  cpu_s={cpu_s:.0f}  peak_mb={peak_mb}")


def main() -> None:
    """Run both, the stream in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--allocations", type=int, default=1_000_000)
    parser.add_argument("--lines", type=int, default=20_000_000)
    parser.add_argument("--only", choices=("chain", "stream"))
    asked = parser.parse_args()
    if asked.only != "stream":
        chain(asked.allocations)
    if asked.only == "stream":
        stream(asked.lines)
    elif asked.only is None:
        subprocess.run([sys.executable, __file__, "--only", "stream", "--lines", str(asked.lines)], check=True)


if __name__ == "__main__":
    main()
