"""Published cases of metering, through the functions that the product uses."""

import json
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from billing.metering.classes import FreeRule, charge_marks
from billing.metering.level import covered_s, time_weighted_sum
from billing.metering.local_months import month_windows, zone_of
from billing.metering.meter import meter
from billing.months import parse_month, parse_utc
from billing.terms import metering_from
from billing.usage import CAUSES, SegmentTable
from billing_facts import HOUR_S, table

Case = dict[str, Any]


def spot_interruption_rule(given: Case) -> Case:
    rule = FreeRule(int(given["grace_seconds"]), True, False, True)
    cause = CAUSES.index("evicted" if given["ended_by"] == "provider" else "finished")
    segments = table(SegmentTable, [(0, 0, 0, 0, 0, 1, 0, int(given["ran_seconds"]), cause)])
    usage = meter(segments, charge_marks(segments, [rule]))
    charged = (usage.quantity * usage.factor_bp).sum()
    assert charged % 10_000 == 0
    return {"charged_seconds": str(charged // 10_000)}


def window_coverage(given: Case) -> Case:
    ran_s = int(given["node_ran_hours"]) * HOUR_S
    sampled_s = covered_s([(0, ran_s - 60 * int(given["sampling_gap_minutes"]))], 0, ran_s)
    correct_s = covered_s([(0, ran_s), (0, ran_s)], 0, ran_s)
    return {
        "correct_hours": str(Fraction(correct_s, HOUR_S)),
        "sampled_hours_round5": five(Fraction(sampled_s, HOUR_S)),
    }


def time_weighted(given: Case) -> Case:
    changes = [(parse_utc(at), int(change)) for at, change in given["deltas"]]
    period = parse_utc(given["period_start"]), parse_utc(given["period_end"])
    level = time_weighted_sum(int(given["initial"]), changes, *period)
    return {"quantity_round5": five(Fraction(*level))}


def month_windows_dst(given: Case) -> Case:
    zone = zone_of(given["tz"])
    at_s = [parse_utc(datetime.fromisoformat(text).replace(tzinfo=zone).isoformat()) for text in given["events_local"]]
    months = month_windows(zone, min(at_s), max(at_s) + 1)
    return {"counts": {each.label: sum(each.from_s <= at < each.until_s for at in at_s) for each in months}}


def late_usage_window(given: Case) -> Case:
    """Two invoices look back over two months; what was late is priced by whole blocks, once its month is due."""
    agreed = metering_from({"late_usage": "look_back", "late_months": int(given["lookback_periods"])})
    open_month = parse_month(given["last_invoiced_through"][:7])
    billed = {}
    for at, quantity in given["late"]:
        due = agreed.due(parse_month(at[:7]), open_month)
        blocks = -(-int(quantity) // int(given["block_size"])) if due else 0
        cents = blocks * whole_cents(given["block_price"])
        billed[at[:7]] = f"{cents // 100}.{cents % 100:02d}" if cents else "0"
    return {"billed_for": billed}


def whole_cents(text: str) -> int:
    units, cents = text.split(".")
    return int(units) * 100 + int(cents)


def five(value: Fraction) -> str:
    """Rounded to five decimals, half up, without idle zeros but one."""
    units = (value * 10**5 * 2 + 1) // 2
    whole, part = divmod(units, 10**5)
    return f"{whole}.{str(part).zfill(5).rstrip('0') or '0'}"


KINDS: dict[str, Callable[[Case], Case]] = {
    "spot_interruption_rule": spot_interruption_rule,
    "window_coverage": window_coverage,
    "time_weighted_sum": time_weighted,
    "month_windows_dst": month_windows_dst,
    "late_usage_window": late_usage_window,
}


@pytest.mark.parametrize("kind", KINDS)
def test_cases_of_a_kind(kind: str, case_file: Callable[[str], Path]) -> None:
    cases = json.loads(case_file("billing_cases.json").read_text())["cases"]
    mine = [case for case in cases if case["kind"] == kind]
    assert mine, f"no case of kind {kind}"
    for case in mine:
        assert KINDS[kind](case["input"]) == case["expect"], case["id"]
