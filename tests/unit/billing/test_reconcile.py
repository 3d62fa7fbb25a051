"""Books that add up have no findings; a fault that is planted must be found where it is and as large as it is."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from billing.finding import Finding
from billing.invoices.bill import Bill, month_bills
from billing.metering.meter import meter
from billing.metering.states import StateTable, all_states
from billing.money import Exact
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable
from billing.reconcile import check_bills, check_capacity, check_lines, check_usage, reconcile
from billing.usage import STATES, CapacityTable, Names, SegmentTable
from billing_facts import HOUR_S, JANUARY, NAMES, closed_world, price_book, table

WORLD = closed_world(7)
BOOKS = WORLD.books()
SEGMENTS = table(SegmentTable, WORLD.segments)


def plus(column: np.ndarray, more: int = 1, row: int = 0) -> np.ndarray:
    """The column with `more` added in one row."""
    changed = column.copy()
    changed[row] += more
    return changed


def capacity_findings(states: StateTable, horizon_s: int = WORLD.horizon_s) -> list[Finding]:
    return list(check_capacity(NAMES, states, WORLD.installed, horizon_s))


def line_findings(lines: LineItemTable) -> list[Finding]:
    return list(check_lines(NAMES, BOOKS.usage, lines, price_book()))


def bill_findings(bills: list[Bill]) -> list[Finding]:
    return list(check_bills(NAMES, BOOKS.lines, BOOKS.credits, bills))


def bills() -> list[Bill]:
    return month_bills(NAMES, BOOKS.lines, BOOKS.credits)


def test_closed_books_have_no_findings() -> None:
    assert BOOKS.findings == []
    assert len(BOOKS.credits) > 0, "a world without credits proves less"


def test_v16_the_accounting_identity_over_one_hour(case_file: Callable[[str], Path]) -> None:
    """Two nodes of 8 through six states: each GPU-second is counted once, the residual is 0."""
    cases = json.loads(case_file("scheduling_cases.json").read_text())["cases"]
    case = next(case for case in cases if case["id"] == "V16")
    inputs, expected = case["inputs"], case["expected"]
    gpus, products = inputs["gpus_per_node"], ("internal", "spot")
    states = {"idle": "idle.spare", "draining": "scrubbing", "scrubbing": "scrubbing", "down": "down"}
    names = Names(("t",), products, (inputs["region"],), (inputs["sku"],), JANUARY)
    held, free = [], []
    for _, state, start_s, end_s in inputs["segments"]:
        if state in products:
            held.append((0, 0, products.index(state), 0, 0, gpus, start_s, end_s, 0))
        else:
            free.append((0, 0, 0, STATES.index(states[state]), gpus * (end_s - start_s)))
    found = all_states(names, meter(table(SegmentTable, held)), table(CapacityTable, free))
    wanted: dict[str, int] = {}
    for state, gpu_s in expected["gpu_s"].items():
        word = states.get(state, f"held.{state}")
        wanted[word] = wanted.get(word, 0) + gpu_s
    words = [found.state_names[state] for state in found.state.tolist()]
    assert dict(zip(words, found.gpu_s.tolist(), strict=True)) == wanted
    assert found.gpu_s.sum() == expected["capacity_gpu_s"] == inputs["nodes"] * gpus * HOUR_S
    assert list(check_capacity(names, found, {(0, 0): inputs["nodes"] * gpus}, HOUR_S)) == []


@pytest.mark.parametrize(("more", "what"), [(-1, "GPU-s held by nobody"), (1, "GPU-s counted twice")])
def test_a_second_too_few_or_too_many_is_found_in_its_hour_and_pool(more: int, what: str) -> None:
    states = BOOKS.capacity
    (finding,) = capacity_findings(replace(states, gpu_s=plus(states.gpu_s, more)))
    assert finding == ("hour 2026-01-31T22:00:00Z, eu, h100", what, 1, NAMES.epoch_s)


def test_a_segment_that_ends_a_second_early_is_found() -> None:
    row = next(row for row, segment in enumerate(WORLD.segments) if segment[6] < segment[7])
    shorter = replace(SEGMENTS, end_s=plus(SEGMENTS.end_s, -1, row))
    free = table(CapacityTable, WORLD.capacity)
    (finding,) = capacity_findings(all_states(NAMES, meter(shorter), free))
    assert (finding.what, finding.count) == ("GPU-s held by nobody", WORLD.segments[row][5])


def test_the_last_hour_counts_up_to_the_horizon() -> None:
    free = table(CapacityTable, [(0, 0, 0, 0, 8 * 3600), (3600, 0, 0, 0, 8 * 10)])
    states = all_states(NAMES, meter(table(SegmentTable, [])), free)
    assert list(check_capacity(NAMES, states, {(0, 0): 8}, 3610)) == []
    assert [finding.count for finding in check_capacity(NAMES, states, {(0, 0): 8}, 3611)] == [8]


@pytest.mark.parametrize(
    "row",
    [(7200, 0, 0, 0, 5), (1, 0, 0, 0, 5), (0, 1, 1, 0, 5), (0, 9, 0, 0, 5)],
    ids=["after the run", "off the hour", "a pool not installed", "a region nobody knows"],
)
def test_rows_that_belong_nowhere_are_found(row: tuple[int, ...]) -> None:
    free = table(CapacityTable, [(0, 0, 0, 0, 8 * 3600), row])
    states = all_states(NAMES, meter(table(SegmentTable, [])), free)
    (finding,) = check_capacity(NAMES, states, {(0, 0): 8}, 3600)
    assert (finding.what, finding.count) == ("GPU-s outside the run or in a pool that is not installed", 5)


def test_a_free_state_below_zero_is_found_although_the_sum_closes() -> None:
    free = table(CapacityTable, [(0, 0, 0, 0, 8 * 3600 + 5), (0, 0, 0, 6, -5)])
    states = all_states(NAMES, meter(table(SegmentTable, [])), free)
    findings = list(check_capacity(NAMES, states, {(0, 0): 8}, 3600))
    assert findings == [("hour 2026-01-31T22:00:00Z, eu, h100, idle.spare", "GPU-s, below 0", -5, NAMES.epoch_s)]


def test_usage_that_is_not_what_the_segments_held_is_found() -> None:
    usage = BOOKS.usage
    (more,) = check_usage(NAMES, SEGMENTS, replace(usage, quantity=plus(usage.quantity)))
    (less,) = check_usage(NAMES, SEGMENTS, replace(usage, quantity=plus(usage.quantity, -1)))
    assert (more.what, more.count) == ("GPU-s metered but not held", 1)
    assert (less.what, less.count) == ("GPU-s held but not metered", 1)


def test_usage_booked_on_somebody_else_is_found_on_both() -> None:
    usage = BOOKS.usage
    other = replace(usage, tenant=plus(usage.tenant, 1))
    assert {finding.what for finding in check_usage(NAMES, SEGMENTS, other)} >= {
        "GPU-s metered but not held",
        "GPU-s held but not metered",
    }


def test_a_key_that_occurs_twice_is_found() -> None:
    usage = BOOKS.usage
    twice = np.r_[0, np.arange(len(usage))]
    doubled = replace(usage, **{name: getattr(usage, name)[twice] for name in type(usage).__slots__})
    assert next(iter(check_usage(NAMES, SEGMENTS, doubled))).what == "rows whose key occurs more than once"


@pytest.mark.parametrize("column", ["tenant", "hour_s", "quantity", "unit_price_micro_usd", "numerator"])
def test_a_line_that_is_not_usage_x_price_is_found(column: str) -> None:
    lines = replace(BOOKS.lines, **{column: plus(getattr(BOOKS.lines, column))})
    assert Finding(f"line items, {column}", "rows that are not usage x price", 1) in line_findings(lines)


def test_amounts_that_are_not_the_rounded_sum_are_found() -> None:
    lines = replace(BOOKS.lines, amount_micro_usd=plus(BOOKS.lines.amount_micro_usd))
    (finding,) = line_findings(lines)
    assert (finding.what, finding.count) == ("micro-USD more in the rows than in their rounded sum", 1)


def test_a_missing_line_is_found() -> None:
    columns = {name: getattr(BOOKS.lines, name)[1:] for name in LineItemTable.__slots__ if name != "denominator"}
    assert line_findings(replace(BOOKS.lines, **columns)) == [
        Finding("line items", "rows more than hourly usage has", -1)
    ]


def with_total(bill: Bill, more: int) -> Bill:
    return replace(bill, total_micro_usd=bill.total_micro_usd + more)


def with_charge(bill: Bill, more: int) -> Bill:
    first, *rest = bill.lines
    dearer = replace(first, amount_micro_usd=first.amount_micro_usd + more)
    total, charges = bill.total_micro_usd + more, bill.charges_micro_usd + more
    return replace(bill, lines=(dearer, *rest), total_micro_usd=total, charges_micro_usd=charges)


def with_exact(bill: Bill, more: int) -> Bill:
    exact = bill.exact_charges
    return replace(bill, exact_charges=Exact(exact.numerator + more, exact.denominator))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda bills: [with_total(bills[0], 10_000), *bills[1:]], "micro-USD more in the lines than in the total"),
        (lambda bills: [with_charge(bills[0], 10_000), *bills[1:]], "micro-USD more in the charges than"),
        (lambda bills: [with_exact(bills[0], 1), *bills[1:]], "1/3600 micro-USD more than the line items"),
        (lambda bills: bills[1:], "1/3600 micro-USD more than the line items"),
        (lambda bills: [*bills, bills[0]], "1/3600 micro-USD more than the line items"),
        (lambda bills: [with_charge(bills[0], -(10**12)), *bills[1:]], "micro-USD, a total below 0"),
        (lambda bills: [replace(bill, credits_micro_usd=0) for bill in bills], "micro-USD more on bills than posted"),
    ],
    ids=["total", "charge", "exact", "missing", "twice", "negative", "credit"],
)
def test_a_bill_that_is_not_its_lines_is_found(change: Callable[[list[Bill]], list[Bill]], what: str) -> None:
    assert bill_findings(bills()) == []
    assert any(finding.what.startswith(what) for finding in bill_findings(change(bills())))


def test_findings_come_together_and_nothing_is_raised() -> None:
    """A price book that knows no price stops one check, not the others."""
    usage = replace(BOOKS.usage, quantity=plus(BOOKS.usage.quantity))
    states = replace(BOOKS.capacity, gpu_s=plus(BOOKS.capacity.gpu_s))
    facts = (SEGMENTS, usage, BOOKS.lines, BOOKS.credits, PriceBook.from_rows([]), states, WORLD.installed)
    findings = reconcile(NAMES, *facts, horizon_s=WORLD.horizon_s)
    assert [finding.what.split(":")[0] for finding in findings] == [
        "GPU-s counted twice",
        "GPU-s metered but not held",
        "cannot be checked",
    ]


def test_a_year_of_pools_is_checked_hour_by_hour() -> None:
    hours = np.arange(0, 8760 * HOUR_S, HOUR_S)
    free = table(CapacityTable, [(int(hour_s), 0, 0, 7, 8 * HOUR_S) for hour_s in hours])
    states = all_states(NAMES, meter(table(SegmentTable, [])), free)
    assert list(check_capacity(NAMES, states, {(0, 0): 8}, 8760 * HOUR_S)) == []
    assert len(list(check_capacity(NAMES, states, {(0, 0): 9}, 8760 * HOUR_S))) == 8760
