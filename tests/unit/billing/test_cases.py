"""Published billing cases that this build covers: exact amounts, rounding, metering of levels, SLA steps.

Every other kind belongs to a rating model that does not exist yet. Text is parsed to integers here, never to floats.
"""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from billing.metering.meter import meter
from billing.money import largest_remainder, round_half_up
from billing.months import parse_utc
from billing.sla.credit import credit_step_bp
from billing.usage import SegmentTable
from billing_facts import HOUR_S, table

Case = dict[str, Any]
Answer = dict[str, str | int]


def whole(text: str, decimals: int) -> int:
    """A decimal text as a whole number of its last decimal; more decimals than that are a fault of the test."""
    number, _, part = text.lstrip("-").partition(".")
    assert len(part.rstrip("0")) <= decimals, text
    units = int(number + part[:decimals].ljust(decimals, "0"))
    return -units if text.startswith("-") else units


def text(units: int, decimals: int) -> str:
    """The reverse of `whole`, as the cases write it: no idle zeros."""
    digits = f"{abs(units):0{decimals + 1}d}"
    number = f"{digits[:-decimals]}.{digits[-decimals:]}".rstrip("0").rstrip(".") if decimals else digits
    return f"{'-' if units < 0 else ''}{number}"


def standard(given: Case) -> Answer:
    return {"amount": text(whole(given["unit"], 6) * whole(given["quantity"], 6), 12)}


def currency_round(given: Case) -> Answer:
    decimals = given["decimals"]
    return {"amount": text(round_half_up(whole(given["amount"], 30), 10 ** (30 - decimals)), decimals)}


def currency_round_product(given: Case) -> Answer:
    decimals, exact = given["decimals"], whole(given["quantity"], 9) * whole(given["multiplier"], 9)
    return {"amount": text(round_half_up(exact, 10 ** (18 - decimals)), decimals)}


def component_sum(given: Case) -> Answer:
    exact = sum(whole(quantity, 9) * whole(price, 9) for quantity, price in given["components"])
    return {"amount": text(round_half_up(exact, 10 ** (18 - given["decimals"])), given["decimals"])}


def prorated_amount(given: Case) -> Answer:
    amount = int(given["amount_minor"]) * given["days_used"]
    return {"amount_minor": str(round_half_up(amount, given["days_in_period"]))}


def prorated_hours(given: Case) -> Answer:
    exact = whole(given["quantity"], 9) * whole(given["monthly_unit_price"], 9) * int(given["hours"])
    unit = int(given["hours_in_month"]) * 10 ** (18 - given["decimals"])
    return {"amount": text(round_half_up(exact, unit), given["decimals"])}


def tax(given: Case) -> Answer:
    exact = int(given["net_minor"]) * whole(given["tax_percent"], 4)
    return {"tax_minor": str(round_half_up(exact, 100 * 10**4))}


def credit_note_rounding(given: Case) -> Answer:
    net = round_half_up(int(given["paid_net_minor"]) * given["days_unused"], given["days_in_period"])
    tax_minor = int(str(tax({"net_minor": net, "tax_percent": given["tax_percent"]})["tax_minor"]))
    return {"net_minor": str(net), "tax_minor": str(tax_minor), "total_minor": str(net + tax_minor)}


def credit_notes_cover_invoice(given: Case) -> Answer:
    gross = [int(net) * (100 + int(given["tax_percent"])) for net in given["lines_minor"]]
    return {
        "invoice_total_minor": str(sum(largest_remainder(gross, 100))),
        "naive_per_line_credit_sum_minor": str(sum(round_half_up(each, 100) for each in gross)),
    }


def rounding_drift(given: Case) -> Answer:
    used = whole(given["exact_credits_used"], 6)
    (overage,) = largest_remainder([used - whole(given["included"], 6)], 10**4)
    drift = whole(given["sum_of_81_cent_rounded_lines"], 2) - round_half_up(used, 10**4)
    return {"exact_overage_cents": text(overage, 2), "drift": text(drift, 2)}


def window_coverage(given: Case) -> Answer:
    """A node held for the hours given, metered; what sampling showed is arithmetic on the case itself."""
    hours = int(given["node_ran_hours"])
    usage = meter(table(SegmentTable, [(0, 0, 0, 0, 0, 1, 0, hours * HOUR_S, 0)]))
    sampled_min = hours * 60 - int(given["sampling_gap_minutes"])
    return {
        "correct_hours": text(round_half_up(int(usage.quantity.sum()), HOUR_S), 0),
        "sampled_hours_round5": text(round_half_up(sampled_min * 10**5, 60), 5),
    }


def time_weighted_sum(given: Case) -> Answer:
    """The average level over a period is the metered integral of the level: deltas are GPUs that come and go."""
    start_s, end_s = parse_utc(given["period_start"]), parse_utc(given["period_end"])
    level, rows, since_s = int(given["initial"]), [], 0
    for at, change in [*given["deltas"], [given["period_end"], "0"]]:
        at_s = parse_utc(at) - start_s
        rows.append((0, 0, 0, 0, 0, level, since_s, at_s, 0))
        level, since_s = level + int(change), at_s
    gpu_s = int(meter(table(SegmentTable, rows)).quantity.sum())
    return {"quantity_round5": text(round_half_up(gpu_s * 10**5, end_s - start_s), 5)}


def sla_tier(given: Case) -> Answer:
    """The cases list (lower bound, credit) from best to worst; a step is (bound above it, credit)."""
    tiers = [(whole(bound, 2), whole(credit, 2)) for bound, credit in given["tiers"]]
    steps = [(above, credit) for (above, _), (_, credit) in pairwise(tiers)]
    credit_bp = credit_step_bp(whole(given["uptime_percent"], 6), 100 * 10**6, steps)
    return {"credit_percent": text(credit_bp, 2)}


COVERED: dict[str, Callable[[Case], Answer]] = {
    kind.__name__: kind
    for kind in (
        standard,
        currency_round,
        currency_round_product,
        component_sum,
        prorated_amount,
        prorated_hours,
        tax,
        credit_note_rounding,
        credit_notes_cover_invoice,
        rounding_drift,
        window_coverage,
        time_weighted_sum,
        sla_tier,
    )
}


def same(found: str | int, expected: str | int) -> bool:
    return whole(str(found), 12) == whole(str(expected), 12)


@pytest.mark.parametrize("kind", COVERED)
def test_cases_of_a_kind(kind: str, case_file: Callable[[str], Path]) -> None:
    cases = json.loads(case_file("billing_cases.json").read_text())["cases"]
    mine = [case for case in cases if case["kind"] == kind]
    assert mine, f"no case of kind {kind}"
    for case in mine:
        answer = COVERED[kind](case["input"])
        for name, expected in case["expect"].items():
            assert same(answer[name], expected), f"{case['id']}: {name} is {answer[name]}, not {expected}"


def test_an_answer_that_is_off_by_one_is_not_the_same() -> None:
    assert same("15.0", "15")
    assert not same("15.01", "15")
