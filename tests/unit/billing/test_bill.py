import pytest

from billing.invoices.bill import CREDIT, USAGE, make_bill, month_bills
from billing.metering.meter import meter
from billing.money import Exact
from billing.months import hour_period, month_period, parse_month, run_period
from billing.rating.rate import LineItemTable, rate
from billing.usage import SegmentTable
from billing_facts import HOUR_S, NAMES, closed_world, price_book, table

JAN = parse_month("2026-01")
ACME, BIRCH = 1, 2


def lines_of(*segments: tuple[int, ...]) -> LineItemTable:
    """Line items of (tenant, product, gpus, start_s, end_s) in one pool."""
    rows = [(0, tenant, product, 0, 0, gpus, start, end, 0) for tenant, product, gpus, start, end in segments]
    return rate(NAMES, meter(table(SegmentTable, rows)), price_book())


def test_a_line_gathers_what_has_one_price() -> None:
    """Spot in eu costs 1.25 until 23:00 UTC, the second hour of the run, and 1.333333 from then on."""
    bill = make_bill(NAMES, lines_of((ACME, 2, 8, 0, 3 * HOUR_S)), [], ACME, run_period(3 * HOUR_S))
    assert [(line.unit_price_micro_usd, line.quantity_gpu_s) for line in bill.lines] == [
        (1_250_000, 28_800),
        (1_333_333, 57_600),
    ]
    assert [line.amount_micro_usd for line in bill.lines] == [10_000_000, 21_330_000]
    assert bill.total_micro_usd == 31_330_000


def test_lines_add_up_where_rounding_each_would_not() -> None:
    """Three products at 1 GPU-second: 0.07, 0.08 and 0.03 cents. Nothing is due, and no line is."""
    bill = make_bill(NAMES, lines_of(*((ACME, product, 1, 0, 1) for product in (0, 1, 2))), [], ACME, run_period(1))
    assert bill.total_micro_usd == 0 == sum(line.amount_micro_usd for line in bill.lines)
    thirds = make_bill(NAMES, lines_of(*((ACME, product, 1, 0, 9) for product in (0, 1, 2))), [], ACME, run_period(9))
    assert thirds.exact_charges == Exact(9 * (2_600_000 + 2_953_717 + 1_250_000), 3600)
    assert [line.amount_micro_usd for line in thirds.lines] == [10_000, 10_000, 0]


def test_an_hour_a_month_and_a_run_bill_what_lies_inside_them() -> None:
    lines = lines_of((ACME, 0, 1, 0, 4 * HOUR_S), (BIRCH, 0, 1, 0, HOUR_S))
    periods = [hour_period(NAMES.epoch_s, HOUR_S), month_period(NAMES.epoch_s, JAN), run_period(4 * HOUR_S)]
    bills = [make_bill(NAMES, lines, [], ACME, period) for period in periods]
    assert [bill.quantity_gpu_s for bill in bills] == [HOUR_S, 2 * HOUR_S, 4 * HOUR_S]
    assert [bill.total_micro_usd for bill in bills] == [2_600_000, 5_200_000, 10_400_000]


def test_who_used_nothing_gets_an_empty_bill() -> None:
    bill = make_bill(NAMES, lines_of((BIRCH, 0, 1, 0, 10)), [], ACME, run_period(10))
    assert (bill.lines, bill.total_micro_usd, bill.quantity_gpu_s) == ((), 0, 0)


def test_credits_are_negative_lines_on_the_bill_of_their_month_and_of_the_run() -> None:
    world = closed_world(7)
    books = world.books()
    credit = books.credits[0]
    tenant, month = credit.key.tenant, credit.key.month
    for period in (month_period(NAMES.epoch_s, month), run_period(world.horizon_s)):
        bill = make_bill(NAMES, books.lines, books.credits, tenant, period)
        given = [line for line in bill.lines if line.kind == CREDIT]
        assert [line.amount_micro_usd for line in given] == [-credit.amount_micro_usd]
        assert given[0].exact == Exact(-credit.exact.numerator, credit.exact.denominator)
        assert credit.terms in given[0].note
        assert bill.total_micro_usd == bill.charges_micro_usd + bill.credits_micro_usd
        assert bill.credits_micro_usd == -credit.amount_micro_usd
    hour = make_bill(NAMES, books.lines, books.credits, tenant, hour_period(NAMES.epoch_s, 0))
    other_month = make_bill(NAMES, books.lines, books.credits, tenant, month_period(NAMES.epoch_s, month + 1))
    assert {line.kind for line in (*hour.lines, *other_month.lines)} <= {USAGE}


def test_month_bills_are_the_bills_of_everybody_with_usage() -> None:
    lines = lines_of((ACME, 0, 1, 0, 4 * HOUR_S), (BIRCH, 2, 1, 0, HOUR_S))
    bills = month_bills(NAMES, lines, [])
    assert [(bill.tenant, bill.period.label) for bill in bills] == [
        ("acme", "2026-01"),
        ("acme", "2026-02"),
        ("birch", "2026-01"),
    ]
    assert bills[0] == make_bill(NAMES, lines, [], ACME, bills[0].period)


@pytest.mark.parametrize("seed", range(5))
def test_the_bill_of_one_tenant_does_not_change_with_the_usage_of_another(seed: int) -> None:
    world = closed_world(seed)
    alone = [row for row in world.segments if row[1] == ACME]
    together = rate(NAMES, meter(table(SegmentTable, world.segments)), price_book())
    apart = rate(NAMES, meter(table(SegmentTable, alone)), price_book())
    period = run_period(world.horizon_s)
    assert make_bill(NAMES, together, [], ACME, period) == make_bill(NAMES, apart, [], ACME, period)
