"""A day of the smallest scenario, run, settled and written to a run folder."""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from billing.books import Books
from sim.engine.run import run
from sim.folder import run_folder
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import load
from sim.settle import settle
from sim.summary import summarise

# Names that scripts rely on, in this order; more columns may follow.
CONTRACT = {
    "jobs": "job_id tenant band product gpus submit_s start_s end_s run_s wait_s preemptions status reason",
    "allocations": "job_id tenant band product sku region nodes gpus start_s end_s cause",
    "hourly_usage": "tenant hour_s sku region product gpu_s",
    "line_items": "tenant hour_s product sku region quantity unit unit_price_micro_usd amount_usd",
    "capacity": "hour_s sku region state gpu_s",
    "sla": "tenant product month",
    "waits": "job_id cause wait_s",
    "evictions": "job_id tenant band product sku region gpus noticed_s evicted_s guaranteed_until_s by_job_id",
    "internal_delay": "job_id tenant band product gpus submit_s start_s start_without_s later_s",
    "contracts": "contract kind tenant product sku region month from_s until_s quantity",
    "wallets": "wallet tenant kind month at_s amount_micro balance_micro",
    "spend_alerts": "alert tenant kind month threshold_bp at_s",
}
FILES = [f"{table}.parquet" for table in CONTRACT]
FILES += ["manifest.json", "scenario.toml", "summary.json", "tape.jsonl.gz", "report.html"]
TOML = 'name = "small"\n'
SUMMARY = {"revenue_usd": "12.50", "jobs": 3}


class Finished(NamedTuple):
    """A run and its books."""

    result: RunResult
    books: Books


def finish() -> Finished:
    """Run a day of the smallest scenario."""
    result = run(build(load("small"), days=1), seed=1)
    return Finished(result, settle(result))


def write_run(out: Path, finished: Finished, report_html: str | None = "<html>") -> Path:
    """Write a run folder."""
    return run_folder.write(out, finished.result, finished.books, "small", TOML, SUMMARY, report_html)


def write_small(out: Path, name: str = "small", days: int | None = None) -> Path:
    """Run a small scenario and write its run folder, with its own summary and no page."""
    scenario = load(name)
    result = run(build(scenario, days=days))
    books = settle(result)
    return run_folder.write(out, result, books, name, scenario.text, summarise(result, books))


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal, dataclasses field by field and arrays with their dtype."""
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and np.array_equal(left, right)
    if dataclasses.is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left))
    return bool(left == right)
