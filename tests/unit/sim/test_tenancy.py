"""Quotas, cohorts and budgets in a scenario file: what is read, what is refused, and what a run makes of them."""

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from scheduler.events import Status
from scheduler.tape import compare
from scheduler.tenancy import NO_LIMIT, NO_TENANCY
from sim.build import build
from sim.errors import ScenarioError
from sim.run import run
from sim.scenario import Scenario, from_mapping, show
from tenants.errors import TenantError

HOURS = 3600


def demand(tenant: str, per_day: int = 200) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "product": "int.research",
        "jobs_per_day": per_day,
        "nodes": [1, 2],
        "weights": [3, 1],
        "run_median_s": 2 * HOURS,
        "run_mean_s": 3 * HOURS,
    }


def scenario(**tables: Any) -> Scenario:
    """Two labs and a renter on 16 nodes of 8 GPUs, with these tables on top."""
    small = tomllib.loads(show("small"), parse_float=Decimal)
    mapping = {
        **small,
        "name": "labs",
        "epoch": "2026-01-30T00:00:00Z",
        "tenant": [
            {"id": "vision", "name": "Vision", "kind": "internal"},
            {"id": "speech", "name": "Speech", "kind": "internal"},
            {"id": "acme", "name": "Acme", "kind": "external"},
        ],
        "demand": [demand("vision"), demand("speech", 20)],
    }
    for table in ("programme", "faults", "contract"):
        mapping.pop(table, None)
    return from_mapping(mapping | tables, "labs.toml")


COHORT = [{"id": "labs"}]
QUOTAS = [
    {"tenant": "vision", "cohort": "labs", "nominal_gpus": 64, "borrowing_limit_gpus": 16},
    {"tenant": "speech", "cohort": "labs", "nominal_gpus": 64, "lending_limit_gpus": 32},
]


def test_a_scenario_without_quotas_gives_the_core_nothing() -> None:
    assert build(scenario()).tenancy == NO_TENANCY


def test_quotas_become_rows() -> None:
    tenancy = build(scenario(cohort=COHORT, quota=QUOTAS, policy={"fair_reclaim": True})).tenancy
    assert [tuple(row) for row in tenancy.cohorts] == [(-1, 1)]
    assert [tuple(row) for row in tenancy.quotas] == [
        (0, 0, 0, 64, 16, NO_LIMIT, 1),
        (1, 0, 0, 64, NO_LIMIT, 32, 1),
    ]
    assert tenancy.fair_reclaim and not tenancy.months_s


def test_budgets_know_the_months_of_the_run() -> None:
    tenancy = build(scenario(budget=[{"tenant": "vision", "hard_gpu_hours": 10}])).tenancy
    assert [tuple(row) for row in tenancy.budgets] == [(0, 36_000, 36_000)]
    assert tenancy.months_s == (-29 * 86_400, 2 * 86_400)


REFUSED = {
    "unknown parent": (
        {"cohort": [{"id": "labs", "parent": "lab"}]},
        "labs.toml: cohort[0].parent: unknown cohort, did you mean 'labs'? (found 'lab'; allowed labs)",
    ),
    "cycle": (
        {"cohort": [{"id": "a", "parent": "b"}, {"id": "b", "parent": "c"}, {"id": "c", "parent": "a"}]},
        "labs.toml: cohort[0].parent: cohorts form a cycle (found 'a > b > c > a'; allowed a tree)",
    ),
    "own parent": (
        {"cohort": [{"id": "a", "parent": "a"}]},
        "labs.toml: cohort[0].parent: cohorts form a cycle (found 'a > a'; allowed a tree)",
    ),
    "above capacity": (
        {"cohort": COHORT, "quota": [QUOTAS[0], QUOTAS[1] | {"nominal_gpus": 65}]},
        "labs.toml: quota: quotas promise more than pool[0] has (found 129; allowed at most 128 GPUs)",
    ),
    "below zero": (
        {"quota": [{"tenant": "vision", "nominal_gpus": 1, "borrowing_limit_gpus": -1}]},
        "labs.toml: quota[0].borrowing_limit_gpus: out of range (found -1; allowed an integer from 0 to 1000000000)",
    ),
    "unknown tenant": (
        {"quota": [{"tenant": "visoin", "nominal_gpus": 1}]},
        "labs.toml: quota[0].tenant: unknown tenant, did you mean 'vision'? (found 'visoin'; "
        "allowed vision, speech, acme)",
    ),
    "a renter": (
        {"quota": [{"tenant": "acme", "nominal_gpus": 1}]},
        "labs.toml: quota[0].tenant: a quota is for internal work, this tenant is external (found 'acme'; "
        "allowed vision, speech)",
    ),
    "nobody": (
        {"quota": [{"nominal_gpus": 1}]},
        "labs.toml: quota[0]: a quota of nobody (allowed tenant, cohort, or both)",
    ),
    "twice": (
        {"quota": [{"tenant": "vision", "nominal_gpus": 1}, {"tenant": "vision", "nominal_gpus": 2}]},
        "labs.toml: quota[1]: the same pool as in quota[0]",
    ),
    "unknown pool": (
        {"quota": [{"tenant": "vision", "nominal_gpus": 1, "sku": "b300"}]},
        "labs.toml: quota[0]: no such pool (found region (none), sku b300; allowed us-1/h100)",
    ),
    "stops out of order": (
        {"budget": [{"tenant": "vision", "soft_gpu_hours": 5, "hard_gpu_hours": 4}]},
        "labs.toml: budget[0].hard_gpu_hours: must not be below soft_gpu_hours, which is 5 (found 4)",
    ),
    "no stop": (
        {"budget": [{"tenant": "vision"}]},
        "labs.toml: budget[0]: no stop at all (allowed soft_gpu_hours, hard_gpu_hours)",
    ),
    "two budgets": (
        {"budget": [{"tenant": "vision", "hard_gpu_hours": 4}, {"tenant": "vision", "hard_gpu_hours": 5}]},
        "labs.toml: budget[1].tenant: used already by budget[0] (found 'vision')",
    ),
    "unknown key": (
        {"quota": [{"tenant": "vision", "nominal": 4}]},
        "labs.toml: quota[0].nominal: unknown key, did you mean 'nominal_gpus'? (allowed tenant, cohort, region, sku, "
        "nominal_gpus, borrowing_limit_gpus, lending_limit_gpus, weight)",
    ),
}


@pytest.mark.parametrize(("tables", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_promised_is_refused_before_the_run(tables: dict[str, Any], line: str) -> None:
    with pytest.raises((ScenarioError, TenantError)) as refused:
        scenario(**tables)
    assert str(refused.value) == line


def test_a_run_keeps_to_its_quotas_and_its_tape_replays() -> None:
    """Vision wants far more than its 64 GPUs and borrows at most 16; speech gets its own back whenever it asks."""
    result = run(build(scenario(cohort=COHORT, quota=QUOTAS)))
    segments = result.segments
    edges = sorted({*segments.start_s.tolist(), *segments.end_s.tolist()})
    for tenant, most in ((0, 80), (1, 128)):
        mine = segments.tenant == tenant
        held = [int(segments.gpus[mine & (segments.start_s <= at_s) & (segments.end_s > at_s)].sum()) for at_s in edges]
        assert max(held) <= most
        assert tenant or max(held) == most
    assert (result.outcomes.status == Status.DONE).sum() > 50
    assert result.tape is not None
    steps, difference = compare(result.tape)
    assert steps > 100 and difference is None


def test_a_hard_stop_holds_until_the_month_is_over() -> None:
    """The run begins two days before the end of a month: vision's budget is gone on the first day."""
    budget = [{"tenant": "vision", "soft_gpu_hours": 100, "hard_gpu_hours": 400}]
    result = run(build(scenario(budget=budget)))
    mine = result.starts.tenant == 0
    first_month = result.starts.start_s[mine & (result.starts.start_s < 2 * 86_400)]
    assert 0 < first_month.max() < 12 * HOURS
    assert result.starts.start_s[mine & (result.starts.start_s >= 2 * 86_400)].min() == 2 * 86_400
    assert result.tape is not None and compare(result.tape)[1] is None
