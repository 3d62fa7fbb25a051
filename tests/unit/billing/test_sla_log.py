"""Service levels from a log: whatever order told it, however late, and whether what was down was still held."""

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from billing.closing.correction import Earlier, correction_parts
from billing.closing.month import Basis
from billing.log.books import books_of
from billing.log.event import Event
from billing.log.fold import facts_of
from billing.money import Exact
from billing.sla.credit import ServiceCredit
from billing.sla.exclusions import ExcludedTime
from billing.sla.indicators import SlaRow
from billing.sla.report import sla_reports
from billing.terms import Terms
from billing_facts import HOUR_S, registry
from told_events import EPOCH_S, Fact, ended, random_log, started, terms, told, unix

DOWN = {"outage": "o1", "job": "job-a1", "product": "bare.ondemand", "gpus": 8}


def basis(events: list[Event], agreed: Terms | None = None) -> Basis:
    agreed = agreed or terms()
    return Basis(books_of(facts_of(events, agreed, EPOCH_S + 2 * HOUR_S), agreed), agreed)


def levels(*rows: Fact, agreed: Terms | None = None) -> tuple[SlaRow, list[ServiceCredit]]:
    books = basis(told(rows), agreed).books
    (row,) = books.sla
    return row, books.credits


def outage(from_s: int, until_s: int, **more: Any) -> list[Fact]:
    data = {**DOWN, **more}
    return [("outage.started", from_s, "acme", data), ("outage.ended", until_s, "acme", data)]


def test_an_outage_names_its_event_and_job_in_the_evidence() -> None:
    row, (credit,) = levels(started(0), ended(3000, cause="node_fault"), *outage(3000, 3600))
    assert (row.healthy_gpu_s, row.entitled_gpu_s, row.faults) == (24_000, 28_800, 1)
    assert credit.evidence == (("scheduler-2", "job-a1", 8, 3000, 3600),)


def test_gpus_that_are_down_while_they_are_held_are_entitled_once_and_not_charged() -> None:
    row, (credit,) = levels(started(0), *outage(1000, 1900, gpus=2), ended(3600))
    assert (row.healthy_gpu_s, row.entitled_gpu_s) == (28_800 - 1_800, 28_800)
    assert credit.charge == Exact(27_000 * 2_953_717, 3600)


def test_an_eviction_that_broke_its_promise_names_its_event() -> None:
    gone = ("preemption.executed", 3600, "acme", {"allocation": "a1", **unix(noticed_s=3500, guaranteed_until_s=0)})
    agreed = replace(terms(), registry=registry(refund_s=300))
    row, (credit,) = levels(started(0), gone, ended(3600, cause="evicted"), agreed=agreed)
    assert (row.notice_s_min, row.notices_kept, credit.basis) == (100, 0, "eviction")
    assert credit.evidence[0][:5] == ("scheduler-1", "job-a1", 8, 3300, 3600)
    assert credit.exact == Exact(2_400 * 2_953_717 * 10_000, 36_000_000)


def test_a_degraded_gpu_counts_and_is_charged_by_its_factor() -> None:
    slow = {"allocation": "a1", "gpus": 8, "factor_bp": 6_000, **unix(from_s=0, until_s=1800)}
    row, (credit,) = levels(started(0), ("gpus.degraded", 1800, "acme", slow), ended(3600))
    assert (row.healthy_gpu_s, row.entitled_gpu_s, row.degraded_gpu_s) == (28_800 - 5_760, 28_800, 14_400)
    assert credit.credit_bp == 10_000 and credit.charge.numerator == (28_800 - 5_760) * 2_953_717 * 10_000
    assert credit.charge.denominator == 36_000_000


def test_time_that_an_event_excludes_is_shown_with_its_cause() -> None:
    away = {"product": "bare.ondemand", "cause": "force_majeure", **unix(from_s=2900, until_s=3600)}
    rows = [started(0), ended(3000, cause="node_fault"), *outage(3000, 3600), ("sla.excluded", 3600, "acme", away)]
    books = basis(told(rows)).books
    assert (books.sla[0].met, books.credits) == (True, [])
    assert [each.time for each in books.excluded] == [
        ExcludedTime("force_majeure", 2900, 3600, held_gpu_s=800, lost_gpu_s=0),
        ExcludedTime("force_majeure", 3000, 3600, held_gpu_s=0, lost_gpu_s=4_800),
    ]


def test_an_outage_that_is_told_late_is_credited_on_the_next_invoice() -> None:
    early = [started(0), ended(3000, cause="node_fault")]
    before, after = basis(told(early)), basis(told([*early, *outage(3000, 3600)]))
    found = correction_parts(before, after, "acme", [Earlier("acme-000001", "2026-01")], "scheduler-2")
    (item,) = [part.item for part in found]
    (credit,) = after.books.credits
    assert (item.kind, item.cause, item.fixed_micro) == ("correction", "scheduler-2", -credit.amount_micro_usd)
    assert "service credit" in item.description


@given(st.integers(0, 10**6))
def test_reports_depend_on_the_set_of_events_alone(seed: int) -> None:
    events = random_log(seed)
    shuffled = [*events, *random.Random(seed).sample(events, len(events))]
    one, other = (basis(order).books for order in (events, shuffled))
    assert sla_reports(one.names, one.sla, one.credits, one.excluded) == sla_reports(
        other.names, other.sla, other.credits, other.excluded
    )
