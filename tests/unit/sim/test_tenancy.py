"""Quotas, cohorts and budgets in a scenario file: what is read, what is refused, and what a run makes of them."""

import json
import tomllib
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from scheduler.events import Status
from scheduler.quotas.rows import NO_LIMIT, NO_TENANCY
from scheduler.tape import compare
from sim.cli import app
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.measures.quota_use import quota_use
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import from_mapping, show
from sim.scenario.model import Scenario
from sim.settle import settle
from sim.summary import summarise
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


def test_guarantees_become_rows_the_largest_cells_first() -> None:
    guarantee = [{"tenant": "vision", "cells": {"gpu": 4, "node": 2}}, {"tenant": "speech", "cells": {"gpu_4": 1}}]
    tenancy = build(scenario(guarantee=guarantee)).tenancy
    assert [tuple(row) for row in tenancy.guarantees] == [(0, 0, 3, 2), (0, 0, 0, 4), (1, 0, 2, 1)]


def test_guarantees_may_be_counted_in_domains() -> None:
    pool = [{"region": "us-1", "sku": "h100", "nodes": 16, "gpus_per_node": 8, "rack_nodes": 4, "pod_racks": 2}]
    guarantee = [{"tenant": "vision", "cells": {"rack": 1}}, {"tenant": "speech", "cells": {"pod": 1}}]
    built = build(scenario(pool=pool, guarantee=guarantee))
    assert [tuple(row) for row in built.tenancy.guarantees] == [(0, 0, 4, 1), (1, 0, 5, 1)]
    with pytest.raises(ScenarioError, match=r"guarantee\[1\].cells.pod: guarantees and contracts of one time promise"):
        scenario(pool=pool, guarantee=[{"tenant": "vision", "cells": {"node": 9}}, guarantee[1]])


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
    "guarantee above capacity": (
        {"guarantee": [{"tenant": "vision", "cells": {"node": 9}}, {"tenant": "speech", "cells": {"node": 8}}]},
        "labs.toml: guarantee[1].cells.node: guarantees and contracts of one time promise more than pool[0] has "
        "(found 8; allowed at most 16 nodes)",
    ),
    "unknown level": (
        {"guarantee": [{"tenant": "vision", "cells": {"nodes": 9}}]},
        "labs.toml: guarantee[0].cells: unknown level, did you mean 'node'? (found 'nodes'; "
        "allowed gpu, gpu_2, gpu_4, node)",
    ),
    "no cells": (
        {"guarantee": [{"tenant": "vision", "cells": {"node": 0}}]},
        "labs.toml: guarantee[0].cells.node: out of range (found 0; allowed an integer from 1 to 1000000000)",
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


def test_a_guarantee_is_granted_at_once_through_a_whole_run() -> None:
    """Vision floods the cluster; speech has eight nodes guaranteed, and never waits longer than vision's notice."""
    waits_s = {}
    for name, tables in {"with": {"guarantee": [{"tenant": "speech", "cells": {"node": 8}}]}, "without": {}}.items():
        result = run(build(scenario(demand=[demand("vision"), demand("speech", 6)], **tables)))
        mine = result.starts.tenant == 1
        waits_s[name] = int((result.starts.start_s - result.starts.pending_s)[mine].max())
        assert result.tape is not None and compare(result.tape)[1] is None
    assert waits_s["with"] <= 60 < 3600 < waits_s["without"]


def second_by_second(result: RunResult, tenant: int, from_s: int, until_s: int, above: int = 0) -> int:
    """GPU-seconds of a tenant above so many GPUs, from every change to the next."""
    segments = result.segments
    mine = segments.tenant == tenant
    edges = sorted({from_s, until_s, *segments.start_s[mine].tolist(), *segments.end_s[mine].tolist()})
    total = 0
    for begin_s, end_s in pairwise([at_s for at_s in edges if from_s <= at_s <= until_s]):
        now = mine & (segments.start_s <= begin_s) & (segments.end_s > begin_s)
        total += max(0, int(segments.gpus[now].sum()) - above) * (end_s - begin_s)
    return total


def test_the_summary_says_who_used_borrowed_and_lent(tmp_path: Path) -> None:
    budget = [{"tenant": "vision", "soft_gpu_hours": 1000}]
    result = run(build(scenario(cohort=COHORT, quota=QUOTAS, budget=budget)))
    told = summarise(result, settle(result))
    vision, speech = told["quota"]["tenants"]
    for number, row in enumerate((vision, speech)):
        assert row["used_gpu_s"] == second_by_second(result, number, 0, result.horizon_s)
        assert row["borrowed_gpu_s"] == second_by_second(result, number, 0, result.horizon_s, 64)
    assert vision["borrowed_gpu_s"] > 0
    assert speech["lent_gpu_s"] == vision["borrowed_gpu_s"]  # the only one who can have lent it
    assert vision["lent_gpu_s"] == speech["borrowed_gpu_s"]
    january, february = told["quota"]["budgets"]
    assert (january["month"], february["month"]) == ("2026-01", "2026-02")
    assert january["used_gpu_s"] == second_by_second(result, 0, 0, 2 * 86_400)
    assert {key: value for key, value in told["findings"][-1].items() if key != "what"} == {
        "where": "budget of vision",
        "count": 1,
    }
    assert "soft stop reached" in told["findings"][-1]["what"]


def test_a_summary_without_quotas_says_nothing_of_them() -> None:
    assert quota_use(run(build(scenario(demand=[demand("vision", 1)])))) == {}


def test_the_command_shows_it(tmp_path: Path) -> None:
    path = tmp_path / "labs.toml"
    path.write_text(scenario(cohort=COHORT, quota=QUOTAS).text)
    runner = CliRunner()
    folder = str(tmp_path / "run")
    done = runner.invoke(app, ["run", str(path), "--out", folder, "--no-report", "--days", "1", "--quiet"])
    assert done.exit_code == 0, done.output
    shown = runner.invoke(app, ["quota", "show", folder, "--csv"])
    assert shown.exit_code == 0, shown.output
    lines = shown.output.splitlines()
    assert lines[0] == "tenant,region,sku,nominal,most held,used,borrowed,lent"
    assert lines[1].startswith("vision,us-1,h100,64,80,")
    told = json.loads(runner.invoke(app, ["--json", "quota", "show", folder]).output)
    assert [row["tenant"] for row in told["tenants"]] == ["vision", "speech"]
    assert runner.invoke(app, ["replay", folder, "--format", "tape"]).exit_code == 0
