"""The pictures of E0: every fact as a ratio to what was published, and failures by size of job."""

from collections.abc import Sequence

from sim.experiments.e0_worlds import GPUS_PER_NODE
from sim.experiments.experiment import Finding
from sim.experiments.words import band
from sim.pictures.picture import Line, Picture, Series
from sim.stats.estimates import Estimate

HOURS_PER_1000_NODE_DAYS = 24_000
# Mean hours between failures of jobs of so many GPUs, all causes, RSC-1.
PUBLISHED_MTTF_H = {8: 1_144.8, 1_024: 7.9}


def hours_between(size: int, rate: float) -> float | None:
    """Return the mean hours between failures of a job of `size` GPUs; None for a rate of 0."""
    return HOURS_PER_1000_NODE_DAYS * GPUS_PER_NODE / (size * rate) if rate > 0 else None


def by_size(rate_all: float, sizes: dict[int, Estimate]) -> Picture:
    """Return the mean time to failure over the size of a job, with its interval turned over from that of the rate."""
    known = {size: rate for size, rate in sizes.items() if rate.mean > rate.half_width}
    x = tuple(float(size) for size in known)
    ends = (float(min(known, default=8)), float(max(known, default=1024)))
    simulated = Series(
        "simulated, 95 % interval",
        x,
        tuple(hours_between(size, rate.mean) or 0.0 for size, rate in known.items()),
        tuple(hours_between(size, rate.mean + rate.half_width) or 0.0 for size, rate in known.items()),
        tuple(hours_between(size, rate.mean - rate.half_width) or 0.0 for size, rate in known.items()),
    )
    at_ends = tuple(hours_between(int(size), rate_all) or 0.0 for size in ends)
    law = Series(f"24 / (N r), r = {rate_all:g} per 1,000 node-days", ends, at_ends, role="analytic")
    sizes_told, hours_told = tuple(map(float, PUBLISHED_MTTF_H)), tuple(PUBLISHED_MTTF_H.values())
    published = Series("published, RSC-1", sizes_told, hours_told, role="published")
    runs = next(iter(sizes.values())).n if sizes else 0
    return Picture(
        "failures-by-size", "lines", "The larger the job, the sooner it fails", "GPUs of a job",
        "mean hours between failures", (simulated, law, published), log="xy",
        caption=f"All causes of failure. {runs} runs; intervals are those of the rate, turned over.",
    )  # fmt: skip


def forest(findings: Sequence[Finding]) -> Picture:
    """Return every finding whose expectation has a middle to be a ratio to."""
    held = [(each, each.expected) for each in findings if each.expected is not None and each.expected.low > 0]
    rows = tuple(float(row) for row in range(len(held)))
    middle = [(expected.low + expected.high) / 2 for _, expected in held]
    value = [finding.estimate.mean if finding.estimate else finding.value or 0 for finding, _ in held]
    half = [finding.estimate.half_width if finding.estimate else 0.0 for finding, _ in held]
    scaled = [(mean / at, width / at) for mean, width, at in zip(value, half, middle, strict=True)]
    bands = Series(
        "published: band or point", rows, tuple(1.0 for _ in held),
        tuple(expected.low / at for (_, expected), at in zip(held, middle, strict=True)),
        tuple(expected.high / at for (_, expected), at in zip(held, middle, strict=True)), "limit",
    )  # fmt: skip
    simulated = Series(
        "simulated, 95 % interval", rows, tuple(mean for mean, _ in scaled),
        tuple(mean - width for mean, width in scaled), tuple(mean + width for mean, width in scaled),
    )  # fmt: skip
    names = tuple(f"{finding.name} [{band(expected)} {finding.unit}]".replace(" ]", "]") for finding, expected in held)
    return Picture(
        "facts", "forest", "What is public, and what comes out of the engine", "simulated over published", "",
        (bands, simulated), lines=(Line("x", 1.0, ""),), places=names,
    )  # fmt: skip
