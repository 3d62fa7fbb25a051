"""Runs side by side: what was used, earned, delayed and evicted under different policies in one world.

Everything comes from the run folders. Values are ints in the unit that stands beside them, or None where a run has no
such number; a difference is against the first run. One seed each: a difference is an observation, not a result.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from billing.money import round_half_up
from billing.sla.indicators import nearest_rank
from scheduler.why.wait_cause import WaitCause
from sim.errors import SimError
from sim.folder.manifest import differences
from sim.folder.run_folder import RunFolder, read
from sim.result import IntArray
from tenants.band import Band

_INTERNAL = "band IN ('internal_critical', 'internal')"
_RENTAL = "band IN ('reserved', 'on_demand', 'spot')"
_HOUR_S = 3600
PER_MILLE_GPU_H = 1_000 * _HOUR_S


class Metric(NamedTuple):
    """One number of each run. Units: `bp`, `s`, `micro_usd`, `count`, `milli` (thousandths)."""

    name: str
    unit: str
    values: tuple[int | None, ...]

    @property
    def differences(self) -> tuple[int | None, ...]:
        """Of each run against the first."""
        first = self.values[0]
        return tuple(None if value is None or first is None else value - first for value in self.values)


class Comparison(NamedTuple):
    """The runs, and what can be said of each; `world_differences` is empty where all ran in the same world."""

    runs: tuple[dict[str, Any], ...]  # id, scenario, policy, lend, seed
    metrics: tuple[Metric, ...]
    waits: tuple[Metric, ...]  # seconds by band and cause
    world_differences: tuple[str, ...]


def compare(folders: Sequence[Path], force: bool = False) -> Comparison:
    """Read runs and put their numbers side by side.

    The delay of internal jobs is that of the run's own baseline, or else against a run of the comparison that had the
    same policy and lent nothing.

    Raises:
        SimError: no such run; or runs of different worlds, unless `force`.
    """
    runs = [read(folder) for folder in folders]
    found = [
        f"{other.path.name}: {text}" for other in runs[1:] for text in differences(runs[0].manifest, other.manifest)
    ]
    if found and not force:
        allowed = f"runs of the world of {runs[0].path.name}, or --force"
        raise SimError(
            "runs of different worlds", code="compare.worlds", path="RUN", found="; ".join(found), allowed=allowed
        )
    columns = [_numbers(run, _delays(run, [] if found else runs)) for run in runs]
    names = list(columns[0])
    metrics = [Metric(name, columns[0][name][0], tuple(column[name][1] for column in columns)) for name in names]
    return Comparison(
        runs=tuple(
            {"run": run.path.name, **{key: run.manifest[key] for key in ("scenario", "policy", "lend", "seed")}}
            for run in runs
        ),
        metrics=tuple(metric for metric in metrics if any(value is not None for value in metric.values)),
        waits=_waits([run.summary().get("wait_by_cause_s", {}) for run in runs]),
        world_differences=tuple(found),
    )


def _numbers(run: RunFolder, later_s: IntArray | None) -> dict[str, tuple[str, int | None]]:
    """Name -> (unit, value) of everything that is compared, the same names for each run."""
    summary = run.summary()
    use, money, breaks = summary["utilisation"], summary["money"], summary["interruptions"]
    rented = run.query(
        "SELECT coalesce(sum(gpus * (end_s - start_s)), 0)::BIGINT AS gpu_s, count(*) AS held"
        f" FROM allocations WHERE {_RENTAL}"
    )[0]
    evicted = run.query(f"SELECT count(*) AS count FROM evictions WHERE {_RENTAL}")[0]["count"]
    broken = run.query(
        f"SELECT count(*) AS count FROM allocations WHERE {_RENTAL} AND cause IN ('evicted', 'node_fault')"
    )
    kept_bp = 10_000 * (rented["held"] - broken[0]["count"]) // rented["held"] if rented["held"] else None
    found: dict[str, tuple[str, int | None]] = {
        f"{kind} utilisation": ("bp", use[kind]["bp"]) for kind in ("allocated", "busy", "goodput")
    }
    for name, key in (("revenue", "external"), ("service credits", "credits"), ("net revenue", "external_net")):
        found[name] = ("micro_usd", None if money is None else money[key]["micro_usd"])
    count = 0 if later_s is None else len(later_s)
    found["internal delay, mean"] = (
        "s",
        round_half_up(int(later_s.sum()), count) if later_s is not None and count else None,
    )
    found["internal delay, p99"] = ("s", nearest_rank(later_s, 99) if later_s is not None else None)
    found["internal delay, longest"] = ("s", int(later_s[-1]) if later_s is not None and count else None)
    found["grant to start, longest"] = ("s", summary["reclaim"]["wait_s_max"])
    for band in Band:
        waits = summary["wait_s"].get(band.name.lower())
        found[f"wait to first start, {band.name.lower()}, mean"] = ("s", None if waits is None else waits["mean"])
        found[f"wait to first start, {band.name.lower()}, p95"] = ("s", None if waits is None else waits["p95"])
    found["rental GPU-hours"] = ("count", rented["gpu_s"] // _HOUR_S)
    found["rental evictions"] = ("count", evicted)
    per_mille = 1_000 * evicted * PER_MILLE_GPU_H // rented["gpu_s"] if rented["gpu_s"] else None
    found["rental evictions per 1,000 GPU-h"] = ("milli", per_mille)
    found["rental allocations not cut short"] = ("bp", kept_bp)
    found["notices kept"] = (
        "bp",
        10_000 * breaks["notices_kept"] // breaks["evictions"] if breaks["evictions"] else None,
    )
    second = run.query("SELECT count(*) AS count FROM evictions WHERE second_order")[0]["count"]
    found["evictions of second order"] = ("count", second)
    found["jobs done"] = ("count", summary["jobs"]["by_status"]["done"])
    mean_rho, worst_rho = _finish_time_ratios(run)
    found["finish-time ratio, internal"] = ("milli", mean_rho)
    found["finish-time ratio, worst tenant"] = ("milli", worst_rho)
    return found


def _finish_time_ratios(run: RunFolder) -> tuple[int | None, int | None]:
    """Return, in thousandths, sum T_shared / sum T_alone of finished internal jobs: over all, and of the worst tenant.

    T_alone is estimated as the run time: the job alone on the cluster. Source: rho of Themis (NSDI 2020).
    """
    rows = run.query(
        "SELECT tenant, sum(end_s - submit_s)::BIGINT AS shared_s, sum(run_s)::BIGINT AS alone_s FROM jobs"
        f" WHERE status = 'done' AND {_INTERNAL} GROUP BY tenant HAVING sum(run_s) > 0 ORDER BY tenant"
    )
    if not rows:
        return None, None
    shared_s, alone_s = sum(row["shared_s"] for row in rows), sum(row["alone_s"] for row in rows)
    return 1_000 * shared_s // alone_s, max(1_000 * row["shared_s"] // row["alone_s"] for row in rows)


def _delays(run: RunFolder, others: Sequence[RunFolder]) -> IntArray | None:
    """Return by how much internal jobs started later than without rentals, ascending; None if nobody knows."""
    own = run.query("SELECT later_s FROM internal_delay WHERE later_s IS NOT NULL ORDER BY later_s")
    if own:
        return np.array([row["later_s"] for row in own], dtype=np.int64)
    for other in others:
        if other.manifest["lend"] == "none" and other.manifest["policy"] == run.manifest["policy"]:
            start_of = _starts(other)
            pairs = [(start_s, start_of[job]) for job, start_s in _starts(run).items() if job in start_of]
            return np.sort(np.array([start_s - without_s for start_s, without_s in pairs], dtype=np.int64))
    return None


def _starts(run: RunFolder) -> dict[str, int]:
    rows = run.query(f"SELECT job_id, start_s FROM jobs WHERE {_INTERNAL} AND start_s IS NOT NULL")
    return {row["job_id"]: row["start_s"] for row in rows}


def _waits(found: Sequence[Mapping[str, Mapping[str, int]]]) -> tuple[Metric, ...]:
    bands, causes = [band.name.lower() for band in Band], [cause.name.lower() for cause in WaitCause]
    rows = [
        Metric(f"{band}: {cause}", "s", tuple(each.get(band, {}).get(cause, 0) if each else None for each in found))
        for band in bands
        for cause in causes
    ]
    return tuple(row for row in rows if any(row.values))
