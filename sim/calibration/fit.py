"""From a trace to a scenario: its generator draws arrivals, sizes and run times as the trace has them.

Each product of the trace becomes one tenant, and each class of sizes (a power of two up to the next) one `[[demand]]`
row of it: the sizes of the class with their counts as weights, a log-normal law of run times, and arrivals with the
day and the week of the whole product. What is not kept: who of the users submitted, bursts, trends over weeks, and that
a user's jobs resemble each other. A node of the scenario has one GPU, so every size is exact.
"""

import math
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from sim.calibration.lognormal import law_of
from sim.calibration.profile import size_class, span_of, week
from sim.errors import SimError
from sim.replay import REGION, SKU, defaults_text
from sim.result import IntArray
from sim.scenario.file import from_mapping
from sim.scenario.model import Scenario
from sim.scenario.toml_text import to_toml
from sim.traces.trace import Trace
from sim.workload.draw import DAY_S, HOUR_S, UNIT_BP, week_weights

DAYS_MOST = 36_500
_LOAD = 0.8  # of a cluster whose size nobody knows
_WEEKDAYS = 5 * 24
_SLACK_MOST = 10**6
_TENANTS = {"int.research": ("staff", "internal"), "bare.spot": ("renters", "external")}
_FOUR = Decimal("0.0001")


class Fit(NamedTuple):
    """A fitted scenario, and the seconds of it in which the trace submitted."""

    scenario: Scenario
    from_s: int
    until_s: int


class Wave(NamedTuple):
    """Day and week of arrivals, as `sim.workload.draw.week_weights` takes them."""

    day_swing_bp: int
    weekend_bp: int
    peak_hour: int


def fit(trace: Trace, gpus: int | None = None) -> Fit:
    """Return the scenario of a trace on a cluster of `gpus` GPUs; without it, of the trace's own machine.

    Where the trace names no machine either, of one that its work fills to 80 %, and that holds its largest job.

    Raises:
        SimError: shorter than a day or longer than 100 years, or a job is larger than the cluster.
    """
    span_s = span_of(trace)
    first_s = int(trace.jobs.submit_s[0])
    if not DAY_S <= span_s <= (DAYS_MOST - 1) * DAY_S:
        message, allowed = "no daily shape to fit", f"submissions over 1 to {DAYS_MOST - 1:,} days"
        raise SimError(message, code="trace.span", file=trace.file, found=f"{span_s} s", allowed=allowed)
    begin_s = (first_s + trace.epoch_s) // HOUR_S * HOUR_S
    from_s = first_s + trace.epoch_s - begin_s
    nodes, why = _size(trace, span_s, gpus)
    used = [trace.products[row] for row in np.unique(trace.jobs.product).tolist()]
    defaults = tomllib.loads(defaults_text())
    mapping: dict[str, Any] = {
        "name": "fitted",
        "title": f"Fitted to {trace.file}",
        "epoch": datetime.fromtimestamp(begin_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "days": -(-(from_s + span_s) // DAY_S),
        "seed": 1,
        "policy": {"name": "easy", "lend": "all_idle"},
        "pool": [{"region": REGION, "sku": SKU, "nodes": nodes, "gpus_per_node": 1}],
        "tenant": [dict(zip(("id", "kind"), _TENANTS[code], strict=True), name=_TENANTS[code][0]) for code in used],
        "product": [row for row in defaults["product"] if row["code"] in used],
        "price": [row for row in defaults["price"] if row["product"] in used],
        "demand": [row for code in used for row in _demand(trace, code)],
    }
    head = f"# Fitted to {ascii(trace.file)[1:-1]} by `spillway trace fit`. Nodes of one GPU: {why}.\n"
    text = f"{head}\n{to_toml(mapping)}"
    return Fit(from_mapping(mapping, "fitted", text), from_s, from_s + span_s)


def wave_of(counts: IntArray, seen_s: IntArray) -> Wave:
    """Return the cosine of the day (its first harmonic) and the rate of a weekend hour over that of a weekday's.

    `counts` and `seen_s`: submissions and seconds by hour of the week, (168,). Days when more arrives at weekends than
    on weekdays, which the generator cannot draw, come out as equal.
    """
    by_hour = counts.reshape(7, 24).sum(0) / np.maximum(seen_s.reshape(7, 24).sum(0), 1)
    wave = complex((by_hour * np.exp(2j * np.pi * np.arange(24) / 24)).sum())
    swing = 2 * abs(wave) / float(by_hour.sum())
    peak = round(np.angle(wave) * 24 / (2 * math.pi)) % 24
    days_s, ends_s = int(seen_s[:_WEEKDAYS].sum()), int(seen_s[_WEEKDAYS:].sum())
    days, ends = int(counts[:_WEEKDAYS].sum()), int(counts[_WEEKDAYS:].sum())
    weekend = UNIT_BP if not (days and ends_s) else round(UNIT_BP * ends * days_s / (days * ends_s))
    return Wave(min(UNIT_BP, round(UNIT_BP * swing)), min(UNIT_BP, weekend), peak)


def _size(trace: Trace, span_s: int, gpus: int | None) -> tuple[int, str]:
    """GPUs of the cluster, and where the number comes from."""
    largest = int(trace.jobs.gpus.max())
    if gpus is None and not trace.processors:
        mean = float((trace.jobs.gpus.astype(float) * trace.jobs.run_s).sum()) / span_s
        return max(largest, math.ceil(mean / _LOAD)), "as many as the work fills to 80 %, a guess"
    nodes, why = (gpus, "as asked") if gpus is not None else (trace.processors, "those of the trace's machine")
    if largest > nodes:
        message, allowed = "a job is larger than the cluster", f"--gpus {largest} or more"
        raise SimError(message, code="impossible_size", file=trace.file, found=f"{nodes} GPUs", allowed=allowed)
    return nodes, why


def _demand(trace: Trace, code: str) -> list[dict[str, Any]]:
    """The demand rows of one product, by class of sizes."""
    jobs = trace.jobs
    mine = jobs.product == trace.products.index(code)
    wave = wave_of(*week(trace, jobs.submit_s[mine]))
    weights = week_weights(*wave)
    _, seen_s = week(trace, jobs.submit_s[mine])
    weighted_s = int((seen_s * weights).sum())
    low = size_class(jobs.gpus)
    tenant, _ = _TENANTS[code]
    rows: list[dict[str, Any]] = []
    for first in np.unique(low[mine]).tolist():
        own = mine & (low == first)
        sizes, counts = np.unique(jobs.gpus[own], return_counts=True)
        law = law_of(jobs.run_s[own], jobs.gpus[own])
        # So many a day that the span, with its days of the week, expects as many jobs as the trace has.
        per_day = Decimal(int(own.sum()) * DAY_S * int(weights.sum())) / (len(weights) * weighted_s)
        rows.append(
            {
                "tenant": tenant,
                "product": code,
                "name": f"{tenant}-{first}",
                "jobs_per_day": _param(max(_FOUR, per_day.quantize(_FOUR)), "jobs/day", trace),
                "nodes": _param(sizes.tolist(), "nodes", trace),
                "weights": _param(counts.tolist(), "jobs", trace),
                "run_median_s": _param(law.median_s, "s", trace),
                "run_mean_s": _param(law.mean_s, "s", trace),
                "run_max_s": _param(law.max_s, "s", trace),
                "slack_max_bp": _param(_slack_bp(jobs.run_s[own], jobs.estimate_s[own]), "bp of the run time", trace),
                "day_swing_bp": _param(wave.day_swing_bp, "bp", trace),
                "weekend_bp": _param(wave.weekend_bp, "bp", trace),
                "peak_hour": wave.peak_hour,
            }
        )
    return rows


def _slack_bp(run_s: IntArray, estimate_s: IntArray) -> int:
    """Twice the median slack: the end of the even law that has this median."""
    run_s = np.maximum(run_s, 1)
    ratio = np.maximum(estimate_s, run_s) / run_s - 1
    return min(_SLACK_MOST, round(2 * UNIT_BP * float(np.median(ratio))))


def _param(value: object, unit: str, trace: Trace) -> dict[str, object]:
    return {"value": value, "unit": unit, "source": f"fitted to {trace.file}", "confidence": "derived"}
