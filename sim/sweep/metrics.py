"""What a sweep may measure: numbers of `summary.json` by their path, and the steady state of the allocation.

An amount of money is in whole USD here; everything else is as in the summary. What a run has not got is None.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from billing.money import MICRO_PER_USD
from scheduler.events import Status
from sim.report.timeline import installed_gpus
from sim.result import RunResult
from sim.stats.batches import BATCHES, batch_means
from sim.stats.warmup import mser5
from sim.workload.draw import HOUR_S
from tenants.band import Band

STEADY = "steady.allocated.bp"
_BATCH_H = 24  # a batch shorter than a day would hang together with the next one
_BANDS = tuple(band.name.lower() for band in Band)
_BASELINE = "internal_delay."
METRICS = (
    *(f"utilisation.{kind}.bp" for kind in ("allocated", "busy", "goodput")),
    STEADY,
    *(f"money.{kind}.usd" for kind in ("external", "credits", "external_net", "internal")),
    "jobs.total",
    *(f"jobs.by_status.{status.name.lower()}" for status in Status),
    *(f"wait_s.{band}.{key}" for band in _BANDS for key in ("started", "never_started", "mean", "p50", "p95", "max")),
    *(_BASELINE + key for key in ("jobs", "later", "earlier", "total_s", "max_s", "p50_s", "p99_s", "gpu_s")),
    *(f"reclaim.{key}" for key in ("starts", "wait_s_max", "over_bound")),
    *(f"interruptions.{key}" for key in ("evictions", "notices_kept", "inside_guarantee", "node_faults")),
    "interruptions.jobs_interrupted_by_faults",
    *(f"reliability.{key}" for key in ("ettr_bp", "lost_gpu_s", "hardware_faults", "second_order_evictions")),
    "residual_gpu_s",
    "events",
    "decisions",
)


def needs_baseline(metrics: tuple[str, ...]) -> bool:
    """Whether the world without rentals has to be run, too."""
    return any(name.startswith(_BASELINE) for name in metrics)


def measured(summary: Mapping[str, Any]) -> dict[str, float | int | None]:
    """Return every metric of a summary but the steady state."""
    return {name: _at(summary, name) for name in METRICS if name != STEADY}


def steady_state(result: RunResult) -> dict[str, float | int] | None:
    """Return the share of the installed GPUs that was held after the warm-up: mean and half-width in bp, cut in hours.

    Of hourly values, cut by MSER-5. The half-width, by batch means, is left out where 30 batches of a day do not fit;
    None where there is not a day.
    """
    held_bp = _hourly_bp(result)
    if len(held_bp) < _BATCH_H:
        return None
    cut = mser5(held_bp)
    found: dict[str, float | int] = {"mean": float(np.mean(held_bp[cut:])), "cut_h": cut}
    if len(held_bp) - cut >= BATCHES * _BATCH_H:
        found["half_width"] = batch_means(held_bp[cut:]).half_width
    return found


def _hourly_bp(result: RunResult) -> list[float]:
    """The share of each full hour, from the area under the steps of what is held: exact below 2^53 GPU-seconds."""
    segments = result.segments
    at_s = np.concatenate([[0], segments.start_s, segments.end_s])
    change = np.concatenate([[0], segments.gpus, -segments.gpus])
    order = np.argsort(at_s, kind="stable")
    at_s, held = at_s[order], change[order].cumsum()
    area = np.concatenate([[0], (np.diff(at_s) * held[:-1]).cumsum()])
    hours = np.arange(result.horizon_s // HOUR_S + 1) * HOUR_S
    whole = installed_gpus(result) * HOUR_S
    shares: list[float] = (np.diff(np.interp(hours, at_s, area)) * 10_000 / max(whole, 1)).tolist()
    return shares


def _at(summary: Mapping[str, Any], name: str) -> float | int | None:
    *path, last = name.split(".")
    node: Any = summary
    for key in path:
        node = node.get(key) if isinstance(node, Mapping) else None
    if not isinstance(node, Mapping):
        return None
    if last == "usd":
        micro = node.get("micro_usd")
        return None if micro is None else micro / MICRO_PER_USD
    value = node.get(last)
    return value if isinstance(value, int) else None
