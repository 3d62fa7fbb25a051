"""What service levels leave out and give back: excluded time, single allocations, lost seconds, broken promises."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from billing.books import Books, close
from billing.errors import UsageError
from billing.invoices.bill import month_bills
from billing.metering.classes import DEGRADED
from billing.money import format_usd
from billing.months import parse_utc
from billing.sla.credit import Key, Measured, Outage, claim_by_node, reason
from billing.sla.exclusions import NO_EXCLUSIONS, ExcludedTime, Interval, cut, exclusion_table, intervals
from billing.sla.facts import SlaFacts
from billing.sla.indicators import assess, promises
from billing.sla.report import evidence_hash, sla_reports
from billing.sla.told import Told
from billing.usage import CapacityTable, EvictionTable, Names, OutageTable, SegmentTable, StartTable, WorkTable
from billing_facts import HOUR_S, NAMES, price_book, registry, table
from tenants.exclusion import Exclusion
from tenants.registry import Registry
from tenants.sla_terms import SLA_PRESETS

ACME, ON_DEMAND, SPOT, RESERVED = 1, 1, 2, 3
USD_2_95 = 2_953_717
Row = tuple[int, ...]


def books(
    segments: list[Row], evictions: list[Row] = (), outages: list[Row] = (), work: list[Row] = (), **more: Any
) -> Books:
    """Books of acme in eu/h100. Rows: (job, product, gpus, start_s, end_s, cause), (job, product, noticed_s, evicted_s,
    guaranteed_until_s), (job, product, gpus, from_s, until_s), (stalled_s, lost_s, written_s)."""
    held = [(job, ACME, product, 0, 0, *rest) for job, product, *rest in segments]
    return close(
        NAMES,
        registry(**{"refund_s": 600, **more}),
        price_book(),
        table(SegmentTable, held),
        table(StartTable, []),
        table(EvictionTable, [(job, ACME, product, 8, *times) for job, product, *times in evictions]),
        table(OutageTable, [(job, ACME, *rest) for job, *rest in outages]),
        table(CapacityTable, []),
        {},
        4 * HOUR_S,
        table(WorkTable, work) if work else None,
    )


def excluding(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"cause": "maintenance", **row} for row in rows]


# -- excluded time ---------------------------------------------------------------------------------------------------


def test_excluded_time_is_in_neither_number_and_is_shown_with_its_cause() -> None:
    segments, outages = [(0, RESERVED, 8, 0, 3000, 2)], [(0, RESERVED, 8, 3000, 3600)]
    (counted,) = books(segments, outages=outages).sla
    assert (counted.healthy_gpu_s, counted.entitled_gpu_s, counted.met) == (24_000, 28_800, False)
    window = excluding({"from_s": 2900, "until_s": 3500})
    closed = books(segments, outages=outages, sla_exclusion=window)
    (row,) = closed.sla
    assert (row.healthy_gpu_s, row.entitled_gpu_s) == (24_000 - 800, 28_800 - 4_800)
    assert row.excluded_gpu_s == 4_800
    assert [each.time for each in closed.excluded] == [
        ExcludedTime("maintenance", 2900, 3500, held_gpu_s=800, lost_gpu_s=0),
        ExcludedTime("maintenance", 3000, 3500, held_gpu_s=0, lost_gpu_s=4_000),
    ]
    assert closed.credits[0].evidence == (Outage("0", "0", 8, 3500, 3600),)


@pytest.mark.parametrize(
    ("row", "excluded_gpu_s"),
    [
        ({}, 800),
        ({"tenant": "acme"}, 800),
        ({"tenant": "birch"}, 0),
        ({"product": "bare.spot"}, 0),
        ({"product": "bare.reserved", "region": "eu", "sku": "h100"}, 800),
        ({"region": "us"}, 0),
        ({"sku": "b200"}, 0),
    ],
)
def test_an_exclusion_is_for_whom_and_where_it_says(row: dict[str, Any], excluded_gpu_s: int) -> None:
    window = excluding({**row, "from_s": 0, "until_s": 100})
    (level,) = books([(0, RESERVED, 8, 0, 3000, 0)], sla_exclusion=window).sla
    assert level.excluded_gpu_s == excluded_gpu_s


def test_exclusions_that_overlap_take_a_second_once_and_the_first_gives_its_cause() -> None:
    rows = [
        Exclusion(cause="tenant", from_s=50, until_s=200),
        Exclusion(cause="maintenance", from_s=0, until_s=100),
        Exclusion(cause="force_majeure", from_s=60, until_s=90),
    ]
    found = intervals(exclusion_table(NAMES, rows), ACME, RESERVED, (0, 0))
    assert found == [Interval(0, 100, 0), Interval(100, 200, 1)]
    assert cut(found, 90, 300) == ([(200, 300)], [Interval(90, 100, 0), Interval(100, 200, 1)])
    assert cut(found, 20, 30) == ([], [Interval(20, 30, 0)])
    assert cut([], 5, 5) == ([], [])


def test_an_exclusion_of_something_unknown_is_refused() -> None:
    with pytest.raises(UsageError, match=r"sla_exclusion\[0\]\.region: unknown region \(found 'mars'"):
        exclusion_table(NAMES, [Exclusion(cause="tenant", from_s=0, until_s=1, region="mars")])


def test_a_month_that_was_excluded_altogether_promises_nothing() -> None:
    window = excluding({"from_s": 0, "until_s": 4 * HOUR_S})
    closed = books([(0, RESERVED, 8, 0, 100, 2)], outages=[(0, RESERVED, 8, 100, 7200)], sla_exclusion=window)
    assert closed.sla[0].met is None and closed.credits == []


# -- evictions that broke a promise ----------------------------------------------------------------------------------


def test_an_eviction_without_full_notice_gives_back_the_last_seconds() -> None:
    closed = books([(0, ON_DEMAND, 8, 0, 3600, 1)], evictions=[(0, ON_DEMAND, 3300, 3600, 0)])
    (credit,) = closed.credits
    assert (credit.basis, credit.exact) == ("eviction", (8 * 600 * USD_2_95 * 10_000, 36_000_000))
    assert credit.evidence[0].from_s == 3000 and credit.evidence[0].gpu_s == 4_800
    (row,) = closed.sla
    assert (row.notices_kept, row.notices_total, row.notice_s_min, row.inside_guarantee) == (0, 1, 300, 0)
    assert row.refund_micro_usd == row.credit_micro_usd == credit.amount_micro_usd == 3_940_000
    assert reason(credit) == "charge of 4800 GPU-s before 1 eviction without full notice or inside a guarantee"
    (bill,) = month_bills(NAMES, closed.lines, closed.credits)
    assert bill.credits_micro_usd == -3_940_000


@pytest.mark.parametrize(
    ("eviction", "given_back"),
    [((3000, 3600, 0), 0), ((3000, 3600, 3601), 1), ((3001, 3600, 0), 1)],
    ids=["full notice", "inside the guarantee", "a second short"],
)
def test_only_a_broken_promise_is_given_back(eviction: tuple[int, int, int], given_back: int) -> None:
    closed = books([(0, ON_DEMAND, 8, 0, 3600, 1)], evictions=[(0, ON_DEMAND, *eviction)])
    assert len(closed.credits) == given_back
    assert closed.sla[0].inside_guarantee == int(eviction[2] > eviction[1])


def test_no_more_is_given_back_than_was_held() -> None:
    closed = books([(0, SPOT, 8, 3400, 3600, 1)], evictions=[(0, SPOT, 3590, 3600, 0)])
    assert closed.credits[0].exact == (1600 * 1_250_000 * 10_000, 36_000_000)


def test_a_start_that_was_free_already_gives_nothing_back() -> None:
    closed = books([(0, SPOT, 8, 3500, 3600, 1)], evictions=[(0, SPOT, 3590, 3600, 0)])
    assert closed.credits == [] and closed.sla[0].notices_kept == 0


def test_a_product_that_gives_nothing_back_has_no_credit() -> None:
    closed = books([(0, ON_DEMAND, 8, 0, 3600, 1)], evictions=[(0, ON_DEMAND, 3599, 3600, 0)], refund_s=0)
    assert closed.credits == [] and closed.sla[0].notices_kept == 0


def test_an_eviction_in_excluded_time_is_counted_and_not_paid_for() -> None:
    window = excluding({"from_s": 3600, "until_s": 3700})
    closed = books([(0, SPOT, 8, 0, 3600, 1)], evictions=[(0, SPOT, 3600, 3600, 0)], sla_exclusion=window)
    assert closed.credits == [] and closed.sla[0].notices_total == 1


def test_a_second_given_back_is_no_part_of_what_availability_is_a_share_of() -> None:
    segments = [(0, ON_DEMAND, 8, 0, 3600, 1), (1, ON_DEMAND, 8, 0, 600, 2)]
    closed = books(segments, [(0, ON_DEMAND, 3600, 3600, 0)], [(1, ON_DEMAND, 8, 600, 7200)])
    share, refund = closed.credits
    assert (share.basis, share.credit_bp, refund.basis) == ("pool", 10_000, "eviction")
    assert share.charge.numerator == 8 * (3600 + 600 - 600) * USD_2_95
    bill = month_bills(NAMES, closed.lines, closed.credits)[0]
    assert bill.total_micro_usd == 0  # all of it, and not a cent more


# -- single allocations and lost seconds -----------------------------------------------------------------------------


def test_an_allocation_is_judged_by_itself_and_by_its_share_of_the_charge() -> None:
    terms = {"name": "target_9990", "scope": "node"}
    segments = [(0, RESERVED, 8, 0, 7200, 0), (1, RESERVED, 8, 0, 7000, 2)]
    closed = books(segments, outages=[(1, RESERVED, 8, 7000, 7200)], sla=[terms])
    (credit,) = closed.credits
    assert (credit.basis, credit.credit_bp) == ("node", 2_500)  # 97.2 %
    assert credit.charge == (8 * 7000 * 2_600_000, 3600)
    assert reason(credit) == "25.00 % of the charge of the allocations below it by target_9990, 1 outage"
    (as_pool,) = books(segments, outages=[(1, RESERVED, 8, 7000, 7200)]).credits
    assert (as_pool.basis, as_pool.credit_bp, as_pool.charge.numerator) == ("pool", 2_500, 8 * 14_200 * 2_600_000)


def test_the_expected_credit_of_one_node() -> None:
    """8 GPUs at 2.35 for 30 days, down 8 hours, the fee charged in full: 98.8888 %, 30 % of 13,536."""
    terms = next(terms for terms in SLA_PRESETS if terms.name == "target_9950").model_copy(update={"scope": "node"})
    entitled = 8 * 30 * 86_400
    nodes = [
        (Measured(whole - lost, whole, whole * 2_350_000, whole), [])
        for whole, lost in [(entitled, 0)] * 7 + [(entitled, 8 * 8 * HOUR_S)]
    ]
    credit = claim_by_node(Key(0, 0, 0), terms, nodes)
    assert credit.exact.numerator == 4_060_800_000 * credit.exact.denominator
    assert claim_by_node(Key(0, 0, 0), terms, []).exact.numerator == 0


def test_linear_terms_give_nothing_for_seconds_that_were_never_charged() -> None:
    products = [{"code": "bare.reserved", "sla": "linear"}]
    held = table(SegmentTable, [(0, ACME, RESERVED, 0, 0, 8, 0, 3000, 2)])
    lines = books([(0, RESERVED, 8, 0, 3000, 2)]).lines
    facts = SlaFacts(
        lines,
        held,
        table(WorkTable, [(0, 0, 0)]),
        table(StartTable, []),
        table(EvictionTable, []),
        table(OutageTable, [(0, ACME, RESERVED, 8, 3000, 3600)]),
        NO_EXCLUSIONS,
        Told(["j0"], ["down"], []),
    )
    parties = registry()
    linear = parties.model_copy(
        update={
            "products": tuple(
                product.model_copy(update={"sla": "linear"}) if product.code == products[0]["code"] else product
                for product in parties.products
            )
        }
    )
    (row,), credits, _ = assess(NAMES, promises(NAMES, linear), facts)
    assert (row.terms, row.met, credits) == ("linear", False, [])
    meanwhile = facts._replace(outages=table(OutageTable, [(0, ACME, RESERVED, 4, 1000, 3100)]))
    (row,), (credit,), _ = assess(NAMES, promises(NAMES, linear), meanwhile)
    assert (row.healthy_gpu_s, row.entitled_gpu_s) == (24_000 - 8_000, 24_400)
    assert credit.basis == "lost_seconds" and credit.exact == (8_000 * 2_600_000 * 10_000, 36_000_000)
    assert reason(credit) == "charge of 8400 lost GPU-s by linear, 1 outage"


def test_a_degraded_second_counts_by_its_factor_and_is_cut_not_rounded() -> None:
    closed = books([(0, RESERVED, 3, 0, 3601, 0)])
    lines = closed.lines
    degraded = replace(
        lines, charge_class=np.full_like(lines.charge_class, DEGRADED), factor_bp=np.full_like(lines.factor_bp, 6_001)
    )
    none = table(StartTable, []), table(EvictionTable, []), table(OutageTable, [])
    held = table(SegmentTable, [(0, ACME, RESERVED, 0, 0, 3, 0, 3601, 0)])
    facts = SlaFacts(degraded, held, table(WorkTable, [(0, 0, 0)]), *none, NO_EXCLUSIONS, Told(["j0"], [], []))
    (row,), _, _ = assess(NAMES, promises(NAMES, registry()), facts)
    assert (row.healthy_gpu_s, row.entitled_gpu_s) == (10_803 * 6_001 // 10_000, 10_803)
    assert row.degraded_gpu_s == 10_803 and row.met is False


# -- goodput, reports ------------------------------------------------------------------------------------------------


def test_goodput_is_that_of_the_segments_that_ended_in_the_month() -> None:
    closed = books([(0, SPOT, 8, 0, 1000, 0), (1, SPOT, 4, 1000, 8000, 0)], work=[(100, 0, 20), (10, 5000, 0)])
    january, february = closed.sla
    assert (january.kept_gpu_s, january.ended_gpu_s) == (8 * 880, 8 * 1000)
    assert (february.kept_gpu_s, february.ended_gpu_s) == (4 * 1990, 4 * 7000)
    assert january.gpu_s_between_interruptions[1] == 0


def test_a_report_is_of_one_tenant_and_month_and_its_hash_is_of_all_of_it() -> None:
    segments = [(0, ON_DEMAND, 8, 0, 3600, 1), (1, RESERVED, 8, 0, 7300, 0)]
    closed = books(segments, [(0, ON_DEMAND, 3600, 3600, 0)])
    reports = sla_reports(NAMES, closed.sla, closed.credits, closed.excluded)
    assert [(report.tenant, report.month, len(report.levels)) for report in reports] == [
        ("acme", "2026-01", 2),
        ("acme", "2026-02", 1),
    ]
    level = reports[0].levels[0]
    assert level.credits[0].evidence_hash == evidence_hash(closed.credits[0].evidence)
    assert format_usd(reports[0].credit_micro_usd, 2) == "3.94"
    changed = [row._replace(notice_s_min=1) if row.notice_s_min is not None else row for row in closed.sla]
    again, other = (sla_reports(NAMES, rows, closed.credits, closed.excluded) for rows in (closed.sla, changed))
    assert [report.hash for report in again] == [report.hash for report in reports]
    assert [before.hash != after.hash for before, after in zip(reports, other, strict=True)] == [True, False]


# -- reserved capacity that a fee is charged for -----------------------------------------------------------------------

APRIL = Names(("acme",), ("bare.reserved",), ("eu",), ("h100",), parse_utc("2026-04-01T00:00:00Z"))
MONTH_S = 30 * 86_400


def april(hours: int, terms: dict[str, Any], charge: str = "term") -> Books:
    """64 GPUs reserved at 2.35 for April, in use all the time; one node of 8 is down for some hours."""
    down_s = 10 * 86_400
    again_s = down_s + hours * HOUR_S
    contract = {"id": "c", "tenant": "acme", "product": "bare.reserved", "region": "eu", "sku": "h100", "nodes": 8}
    contract |= {"gpus_per_node": 8, "from_s": 0, "until_s": MONTH_S, "charge": charge}
    parties = Registry.from_mapping(
        {
            "tenant": [{"id": "acme", "name": "Acme", "kind": "external"}],
            "product": [{"code": "bare.reserved", "sla": terms["name"]}],
            "contract": [contract],
            "sla": [terms],
        }
    )
    held = [
        (0, 0, 0, 0, 0, 56, 0, MONTH_S, 0),
        (1, 0, 0, 0, 0, 8, 0, down_s, 2),
        (1, 0, 0, 0, 0, 8, again_s, MONTH_S, 0),
    ]
    price = {"product": "*", "sku": "*", "from": "2026-01-01T00:00:00Z", "usd_per_gpu_hour": "2.35"}
    return close(
        APRIL,
        parties,
        price_book([price]),
        table(SegmentTable, held),
        table(StartTable, []),
        table(EvictionTable, []),
        table(OutageTable, [(1, 0, 0, 8, down_s, again_s)]),
        table(CapacityTable, []),
        None,
        MONTH_S,
    )


@pytest.mark.parametrize(
    ("hours", "terms", "credit_usd", "entitled_gpu_s"),
    [
        (8, {"name": "target_9990"}, "10828.80", 165_888_000),
        (8, {"name": "target_9950", "scope": "node"}, "4060.80", 165_888_000),
        (8, {"name": "linear"}, "150.40", 165_888_000),
        (4, {"name": "target_9990"}, "0.00", 165_888_000),
        (8, {"name": "target_9990", "cap_bp": 500}, "5414.40", 165_888_000),
    ],
    ids=["pool", "node", "linear", "4 h", "capped"],
)
def test_the_expected_credits_under_a_fee(
    hours: int, terms: dict[str, Any], credit_usd: str, entitled_gpu_s: int
) -> None:
    books = april(hours, terms)
    (row,) = books.sla
    assert (row.healthy_gpu_s, row.entitled_gpu_s) == (entitled_gpu_s - hours * 8 * HOUR_S, entitled_gpu_s)
    assert (row.reserved_gpu_s, row.delivered_gpu_s) == (entitled_gpu_s, row.healthy_gpu_s)
    assert format_usd(row.credit_micro_usd, 2) == credit_usd
    (bill,) = books.month_bills()
    assert format_usd(bill.total_micro_usd, 2) == format_usd(108_288_000_000 - row.credit_micro_usd, 2)
    assert books.findings == []


def test_without_a_fee_what_was_lost_was_never_charged() -> None:
    books = april(8, {"name": "linear"}, charge="usage")
    (row,) = books.sla
    assert (row.met, row.credit_micro_usd) == (False, 0)
    assert row.reserved_gpu_s == 165_888_000
