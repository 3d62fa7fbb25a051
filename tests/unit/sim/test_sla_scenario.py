"""Every preset on a run with many faults, maintenance that does not count, and promises that were not kept."""

import json
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from billing.books import Books
from billing.invoices.bill import month_bills
from billing.sla.report import sla_reports
from sim.engine.run import run
from sim.errors import ScenarioError
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.file import from_mapping, load
from sim.scenario.model import Scenario
from sim.settle import settle
from tenants.errors import TenantError
from tenants.sla_terms import SLA_PRESETS

DAYS = 3


def scenario(**changes: Any) -> Scenario:
    """The small scenario with a fault a day on every other node, and whatever is changed."""
    small = load("small")
    mapping = {**small._mapping, "faults": {"rate_per_1000_node_days": 500, "repair_s": 20_000}, **changes}
    return from_mapping(mapping)


@cache
def finished() -> RunResult:
    return run(build(scenario(), days=DAYS), seed=1, tape=False)


def books_under(**changes: Any) -> Books:
    """The books of the one run, under other terms: terms decide nothing about what happens."""
    world = build(scenario(**changes), days=DAYS)
    result = finished()
    return settle(replace(result, world=replace(result.world, registry=world.registry, exclusions=world.exclusions)))


def promise(terms: str, scope: str = "pool") -> dict[str, Any]:
    products = [{"code": "bare.ondemand", "sla": terms}, {"code": "bare.reserved", "sla": terms}]
    return {"product": products, "sla": [{"name": terms, "scope": scope}]}


@pytest.mark.parametrize("preset", SLA_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_gives_back_what_its_schedule_says(preset: Any) -> None:
    books = books_under(**promise(preset.name))
    assert books.findings == []
    rows = {row[:3]: row for row in books.sla if row.terms == preset.name}
    assert any(row.faults for row in rows.values())
    credited = {credit.key: credit for credit in books.credits if credit.basis not in ("eviction", "lost_seconds")}
    lost = [credit for credit in books.credits if credit.basis == "lost_seconds"]
    assert bool(lost) == preset.linear  # the fee of a contract runs on while nodes are down, and is given back
    assert all(0 < Fraction(*credit.exact) <= Fraction(*credit.charge) for credit in lost)
    for key, row in rows.items():
        uptime = Fraction(100 * row.healthy_gpu_s, row.entitled_gpu_s)
        steps = [Fraction(credit, 100) for below, credit in preset.steps if uptime < Fraction(below, 100)]
        share = max(steps, default=Fraction(0)) / 100
        assert row.credit_bp == share * 10_000
        assert (key in credited) == (share > 0)
        if share:
            credit = credited[key]
            assert Fraction(*credit.exact) == Fraction(*credit.charge) * share
            assert sum(outage.gpu_s for outage in credit.evidence) == row.entitled_gpu_s - row.healthy_gpu_s
    bills = month_bills(books.names, books.lines, books.credits)
    assert -sum(bill.credits_micro_usd for bill in bills) == sum(credit.amount_micro_usd for credit in books.credits)


def test_single_allocations_are_judged_by_themselves() -> None:
    as_nodes, as_pool = books_under(**promise("target_9950", "node")), books_under(**promise("target_9950"))
    assert as_nodes.findings == []
    for row, other in zip(as_nodes.sla, as_pool.sla, strict=True):
        assert (row.healthy_gpu_s, row.entitled_gpu_s) == (other.healthy_gpu_s, other.entitled_gpu_s)
        assert row.credit_bp >= other.credit_bp  # the worst allocation is no better than their mean
    nodes = [credit for credit in as_nodes.credits if credit.basis == "node"]
    assert nodes and all(credit.charge.numerator > 0 for credit in nodes)


def test_promises_that_were_not_kept_are_given_back_on_the_bill() -> None:
    """The run kept ten minutes of notice; under a promise of a day none of its evictions did."""
    kept = books_under()
    assert all(row.notices_kept == row.notices_total and row.refund_micro_usd == 0 for row in kept.sla)
    broken = books_under(product=[{"code": "bare.spot", "notice_s": 86_400, "refund_s": 1_800}])
    rows = [row for row in broken.sla if row.evictions and row.refund_micro_usd]
    assert rows and all(row.notice_s_min is not None and row.notices_kept < row.notices_total for row in rows)
    assert broken.findings == []
    refunds = [credit for credit in broken.credits if credit.basis == "eviction"]
    assert sum(credit.amount_micro_usd for credit in refunds) == sum(row.refund_micro_usd for row in broken.sla)
    assert all(each.gpu_s <= 1_800 * each.gpus for credit in refunds for each in credit.evidence)


def test_maintenance_that_declares_itself_excluded_counts_in_neither_number() -> None:
    counted = books_under()
    window = {"nodes": 4, "from_day": 1, "hour": 6, "length_s": 7_200}
    away = books_under(maintenance=[{**window, "excluded": True}])
    for row, before in zip(away.sla, counted.sla, strict=True):
        assert row.excluded_gpu_s == before.entitled_gpu_s - row.entitled_gpu_s
        assert row.healthy_gpu_s <= before.healthy_gpu_s
    assert {each.time.cause for each in away.excluded} == {"maintenance"}
    assert {(each.time.from_s, each.time.until_s) for each in away.excluded} >= {(108_000, 115_200)}
    assert books_under(maintenance=[window]).excluded == []


def test_an_exclusion_is_in_the_report_of_its_tenant_alone() -> None:
    row = {"cause": "tenant", "tenant": "acme", "from_s": 0, "until_s": 86_400}
    books = books_under(sla_exclusion=[row])
    reports = sla_reports(books.names, books.sla, books.credits, books.excluded)
    causes = {report.tenant: {time.cause for level in report.levels for time in level.excluded} for report in reports}
    assert causes.pop("acme") == {"tenant"}
    assert set().union(*causes.values()) == set()


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        (
            {"sla_exclusion": [{"cause": "act_of_god", "from_s": 0, "until_s": 1}]},
            TenantError,
            r"sla_exclusion\[0\]\.cause",
        ),
        (
            {"sla_exclusion": [{"cause": "tenant", "from_s": 9, "until_s": 9}]},
            TenantError,
            r"must be later than from_s",
        ),
        (
            {"sla_exclusion": [{"cause": "tenant", "from_s": 0, "until_s": 1, "tenant": "acne"}]},
            TenantError,
            r"sla_exclusion\[0\]\.tenant: unknown tenant, did you mean 'acme'",
        ),
        (
            {"sla_exclusion": [{"cause": "tenant", "from_s": 0, "until_s": 1, "sku": "abacus"}]},
            ScenarioError,
            r"sla_exclusion\[0\]\.sku: no pool has it",
        ),
        ({"sla": [{"name": "linear", "steps": [[9_000, 100]]}]}, TenantError, r"linear terms count every lost second"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_row_and_key(changes: Any, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        build(scenario(**changes), days=1)


def test_evidence_is_plain_json() -> None:
    books = books_under(**promise("target_9999"))
    json.dumps([each._asdict() for credit in books.credits for each in credit.evidence])
