"""The job rows of renters with a deadline (`sim.engine.deadline`): one for each move that a renter may make.

A renter's first row is its work on spot. Every other row begins with a changeover, so it runs that much longer. All
rows of a renter have its time of submission; only the first is submitted then, the others when it moves, if ever.
"""

from dataclasses import replace

import numpy as np

from billing.rating.prices import PriceBook
from scheduler.events import NEVER
from sim.result import DeadlineRow, JobRows
from sim.scenario.check import pool_index
from sim.scenario.model import Scenario
from sim.workload.demand import Demand
from sim.workload.draw import HOUR_S, UNIT_BP, JobStream

MOVES = 4  # rows of each product for one renter: who has moved so often stays where it is


def with_fallback(demand: Demand, drawn: JobStream) -> list[JobStream]:
    """Return a stream as it was drawn, or for a demand with a fallback the rows of both its products."""
    if not demand.fallback:
        return [drawn]
    renter = np.repeat(np.arange(len(drawn.submit_s)), MOVES)
    changeover_s = np.full(len(renter), demand.changeover_s.value, dtype=np.int64)
    never = np.full(len(renter), NEVER, dtype=np.int64)
    fallback = replace(
        drawn,
        name=demand.fallback_name,
        product=demand.fallback,
        gpus=drawn.gpus[renter],
        submit_s=drawn.submit_s[renter],
        run_s=drawn.run_s[renter] + changeover_s,
        estimate_s=drawn.estimate_s[renter] + changeover_s,
        patience_s=never,
        within=None if drawn.within is None else drawn.within[renter],
    )
    changeover_s[::MOVES] = 0
    spot = replace(
        fallback,
        name=drawn.name,
        product=drawn.product,
        run_s=drawn.run_s[renter] + changeover_s,
        estimate_s=drawn.estimate_s[renter] + changeover_s,
    )
    return [spot, fallback]


def deadline_rows(scenario: Scenario, jobs: JobRows, book: PriceBook) -> tuple[DeadlineRow, ...]:
    """Return the renters with a deadline, in the order of their demand and submission. O(jobs) where there are any.

    Raises:
        PriceError: a product of theirs has no price when they come.
    """
    demands = sorted((row for row in scenario.demand if row.fallback), key=lambda row: row.stream_name)
    if not demands:
        return ()
    row_of = {job_id: row for row, job_id in enumerate(jobs.job_id)}
    found = []
    for demand in demands:
        pool = scenario.pool[pool_index(scenario, demand.region, demand.sku, "demand")]
        first = 1
        while f"{demand.stream_name}-{first:04d}" in row_of:
            numbers = range(first, first + MOVES)
            spot = tuple(row_of[f"{demand.stream_name}-{number:04d}"] for number in numbers)
            submit_s, work_s = int(jobs.submit_s[spot[0]]), int(jobs.run_s[spot[0]])
            hour_unix_s = scenario.epoch_s + submit_s - submit_s % HOUR_S
            prices = [
                book.price_at(_plan(scenario, code), pool.sku, pool.region, hour_unix_s)
                for code in (demand.product, demand.fallback)
            ]
            found.append(
                DeadlineRow(
                    submit_s,
                    submit_s + work_s + work_s * demand.deadline_slack_bp.value // UNIT_BP,
                    work_s,
                    demand.changeover_s.value,
                    demand.deadline_check_s,
                    demand.deadline_rule == "uniform",
                    spot,
                    tuple(row_of[f"{demand.fallback_name}-{number:04d}"] for number in numbers),
                    *prices,
                )
            )
            first += MOVES
    return tuple(found)


def _plan(scenario: Scenario, code: str) -> str:
    return scenario.registry.products[scenario.registry.product_index(code)].price_plan
