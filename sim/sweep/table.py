"""What a sweep has shown so far: means with intervals, and differences against the arm that each is compared with."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sim.stats.estimates import LEVEL_BP, Estimate, QuantileEstimate, mean_interval, quantile_interval
from sim.stats.paired import Paired, paired
from sim.sweep.arms import Arm, Plan
from sim.sweep.metrics import STEADY
from sim.sweep.one_run import DONE, Task
from sim.sweep.run import Asked, Records, value_of


class Row(NamedTuple):
    """One metric in one arm. `single` is the value of an arm with one run; its interval, if any, is of batch means.
    `quantiles` are those over seeds that the sweep asks for, by their bp."""

    arm: Arm
    metric: str
    n: int
    estimate: Estimate | None
    single: float | None
    paired: Paired | None
    quantiles: dict[int, QuantileEstimate]


class Failure(NamedTuple):
    """A run that did not give a number."""

    arm: Arm
    seed: int
    status: str
    reason: str


class Shown(NamedTuple):
    """The table of a sweep, whole or in part. `too_wide`: arms whose interval is wider than the sweep wants it, though
    there are no more seeds to come."""

    rows: tuple[Row, ...]
    failures: tuple[Failure, ...]
    done: int
    asked: int
    seeds: tuple[int, ...]
    comparisons: int
    too_wide: int


def shown(plan: Plan, asked: Asked, records: Records) -> Shown:
    """Return what the records show; the same records give the same table, whoever ran them."""
    comparisons = sum(arm.against is not None for arm in plan.arms)
    rows = [
        _row(plan, asked, records, place, metric, max(comparisons, 1))
        for metric in plan.spec.metrics
        for place in range(len(plan.arms))
    ]
    every = [(arm, task) for arm, tasks in zip(plan.arms, asked.tasks, strict=True) for task in tasks]
    ended = [(arm, task, records[task.key]) for arm, task in every if task.key in records]
    failures = [
        Failure(arm, task.seed, record["status"], record["reason"])
        for arm, task, record in ended
        if record["status"] != DONE
    ]
    done = len(ended) - len(failures)
    too_wide = sum(_too_wide(plan, tasks, records) for tasks in asked.tasks) if len(ended) == len(every) else 0
    return Shown(tuple(rows), tuple(failures), done, len(every), asked.seeds, comparisons, too_wide)


def _too_wide(plan: Plan, tasks: Sequence[Task], records: Records) -> bool:
    until = plan.spec.until
    known = [] if until is None else [each for each in _values(tasks, records, until.metric) if each is not None]
    return until is not None and not (len(known) > 1 and mean_interval(known).half_width <= float(until.half_width))


def _row(plan: Plan, asked: Asked, records: Records, place: int, metric: str, comparisons: int) -> Row:
    arm, tasks = plan.arms[place], asked.tasks[place]
    values = _values(tasks, records, metric)
    known = [value for value in values if value is not None]
    estimate = mean_interval(known) if len(known) > 1 else None
    single = known[0] if len(known) == 1 else None
    if single is not None and metric == STEADY:
        estimate = _of_batches(tasks, records)
    found = None
    if arm.against is not None:
        others = _values(asked.tasks[arm.against], records, metric)
        both = [(a, b) for a, b in zip(values, others, strict=True) if a is not None and b is not None]
        if len(both) > 1 and comparisons <= 10_000 - LEVEL_BP:
            found = paired([mine for mine, _ in both], [other for _, other in both], comparisons)
    quantiles = {each: quantile_interval(known, each) for each in plan.spec.quantiles_bp} if known else {}
    return Row(arm, metric, len(known), estimate, single, found, quantiles)


def _values(tasks: Sequence[Task], records: Records, metric: str) -> list[float | int | None]:
    return [value_of(records.get(task.key), metric) for task in tasks]


def _of_batches(tasks: Sequence[Task], records: Records) -> Estimate | None:
    """The interval of the one run that an arm has, if it was long enough."""
    for task in tasks:
        steady = records.get(task.key, {}).get("steady")
        if steady and "half_width" in steady:
            return Estimate(steady["mean"], steady["half_width"], 1, LEVEL_BP)
    return None


def document(name: str, found: Shown) -> dict[str, Any]:
    """The table as one JSON document."""
    return {
        "sweep": name,
        "runs": {"asked": found.asked, "done": found.done, "failed": len(found.failures)},
        "seeds": list(found.seeds),
        "comparisons": found.comparisons,
        "too_wide": found.too_wide,
        "rows": [
            {
                "arm": row.arm.labels,
                "metric": row.metric,
                "n": row.n,
                "mean": row.single if row.estimate is None else row.estimate.mean,
                "half_width": None if row.estimate is None else row.estimate.half_width,
                "paired": None if row.paired is None else _paired(row.paired),
                "quantiles": [
                    {"quantile_bp": bp, "value": each.value, "low": each.low, "high": each.high}
                    for bp, each in row.quantiles.items()
                ],
            }
            for row in found.rows
        ],
        "failures": [
            {"arm": each.arm.labels, "seed": each.seed, "status": each.status, "reason": each.reason}
            for each in found.failures
        ],
    }


def _paired(found: Paired) -> dict[str, Any]:
    difference = found.difference
    return {
        "difference": difference.mean,
        "half_width": difference.half_width,
        "n": difference.n,
        "level_bp": difference.level_bp,
        "verdict": found.verdict,
        "needed_n": found.needed_n,
    }
