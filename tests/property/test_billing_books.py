"""Closed books close: line items are the bills, states are the installed capacity, and a planted fault shows."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from billing.invoices.bill import make_bill, month_bills
from billing.metering.meter import meter
from billing.money import exact_sum, round_half_up
from billing.months import hour_period, month_period, run_period
from billing.rating.rate import LineItemTable, rate
from billing.reconcile import check_bills, check_capacity
from billing.usage import SegmentTable
from billing_facts import NAMES, TENANTS, closed_world, price_book, segment_tables

SEEDS = st.integers(0, 10**9)
RUN = run_period(4 * 3600)


def lines_of(segments: SegmentTable) -> LineItemTable:
    return rate(NAMES, meter(segments), price_book())


@given(segment_tables())
def test_line_items_are_the_bills(segments: SegmentTable) -> None:
    lines = lines_of(segments)
    run = [make_bill(NAMES, lines, [], tenant, RUN) for tenant in range(len(TENANTS))]
    assert sum(bill.exact_charges.numerator for bill in run) == exact_sum(lines.numerator)
    assert sum(bill.quantity_gpu_s for bill in run) == exact_sum(lines.quantity)
    assert list(check_bills(NAMES, lines, [], month_bills(NAMES, lines, []))) == []


@given(segment_tables())
def test_the_lines_of_a_bill_are_its_total_to_the_cent(segments: SegmentTable) -> None:
    for bill in month_bills(NAMES, lines_of(segments), []):
        assert sum(line.amount_micro_usd for line in bill.lines) == bill.total_micro_usd == bill.charges_micro_usd
        exact = bill.exact_charges
        assert bill.total_micro_usd == 10_000 * round_half_up(exact.numerator, exact.denominator * 10_000)
        for line in bill.lines:
            off = line.amount_micro_usd * line.exact.denominator - line.exact.numerator
            assert abs(off) < 10_000 * line.exact.denominator
            assert line.exact.numerator == line.quantity_gpu_s * line.unit_price_micro_usd


@given(segment_tables())
def test_hours_and_months_are_the_run_before_rounding(segments: SegmentTable) -> None:
    lines = lines_of(segments)
    months = sorted({bill.period.month for bill in month_bills(NAMES, lines, [])})
    for tenant in range(len(TENANTS)):
        whole = make_bill(NAMES, lines, [], tenant, RUN).exact_charges.numerator
        by_hour = [make_bill(NAMES, lines, [], tenant, hour_period(NAMES.epoch_s, h * 3600)) for h in range(4)]
        by_month = [make_bill(NAMES, lines, [], tenant, month_period(NAMES.epoch_s, month)) for month in months]
        for parts in (by_hour, by_month):
            assert sum(bill.exact_charges.numerator for bill in parts) == whole


@given(segment_tables())
def test_row_amounts_are_within_a_micro_usd_of_exact(segments: SegmentTable) -> None:
    lines = lines_of(segments)
    off = lines.amount_micro_usd * lines.denominator - lines.numerator
    assert (np.abs(off) < lines.denominator).all()


@given(segment_tables())
def test_more_usage_never_costs_less(segments: SegmentTable) -> None:
    """Bills of one tenant before and after the first segment holds one more GPU."""
    if len(segments.gpus) == 0:
        return
    gpus = segments.gpus.copy()
    gpus[0] += 1
    both = (segments, replace(segments, gpus=gpus))
    before, after = (make_bill(NAMES, lines_of(each), [], int(segments.tenant[0]), RUN) for each in both)
    assert after.total_micro_usd >= before.total_micro_usd


@given(SEEDS)
def test_capacity_closes_with_residual_0(seed: int) -> None:
    world = closed_world(seed)
    books = world.books()
    assert books.findings == []
    assert books.capacity.gpu_s.sum() == sum(world.installed.values()) * world.horizon_s


@given(SEEDS)
def test_credits_are_never_more_than_the_charges(seed: int) -> None:
    books = closed_world(seed).books()
    for credit in books.credits:
        exact, charge = Fraction(*credit.exact), Fraction(*credit.charge)
        assert 0 < exact <= charge
        assert abs(credit.amount_micro_usd - exact) < 10_000
    for bill in month_bills(NAMES, books.lines, books.credits):
        assert bill.total_micro_usd >= 0
        assert bill.total_micro_usd == sum(line.amount_micro_usd for line in bill.lines)


@given(SEEDS, st.data())
def test_canary_a_planted_second_is_found_in_its_hour_and_nowhere_else(seed: int, data: st.DataObject) -> None:
    world = closed_world(seed)
    states = world.books().capacity
    row = data.draw(st.integers(0, len(states) - 1))
    gpu_s = states.gpu_s.copy()
    gpu_s[row] += data.draw(st.sampled_from((-1, 1)))
    planted = replace(states, gpu_s=gpu_s)
    (finding,) = check_capacity(NAMES, planted, world.installed, world.horizon_s)
    assert finding.count == 1
    assert NAMES.regions[states.region[row]] in finding.where and NAMES.skus[states.sku[row]] in finding.where


@given(SEEDS)
def test_the_same_facts_give_the_same_books(seed: int) -> None:
    one, other = (closed_world(seed).books() for _ in range(2))
    assert (one.sla, one.credits) == (other.sla, other.credits)
    assert one.lines.amount_usd() == other.lines.amount_usd()
