"""Rows with models, tiers, series and limits: what they mean, and each mistake refused by its key."""

from typing import Any

import numpy as np
import pytest

from billing.errors import PriceError
from billing.metering.meter import UsageTable
from billing.metering.meters import METER_CODES
from billing.months import month_numbers, run_period
from billing.rating.charges import charges_of
from billing.rating.curves import shares
from billing.rating.models import MODELS
from billing.rating.price_row import Model
from billing.rating.prices import PriceBook
from billing.rating.rate import NO_UNIT_PRICE, price_text, rate
from billing.rating.row_check import KEYS
from billing.usage import Names
from billing_facts import HOUR_S, JANUARY, table

ROW: dict[str, Any] = {"product": "bare.spot", "sku": "h100", "from": "2026-01-01T00:00:00Z"}
TIERS = [{"up_to": "10", "unit_price": "2", "flat": "1"}, {"unit_price": "1"}]
GRADUATED = {**ROW, "model": "graduated", "tiers": TIERS}
BLOCKS = [{"block_size": "1", "max_blocks": 5, "price": "2"}, {"block_size": "10", "price": "1"}]
EVENTS = {**ROW, "meter": "tool_calls", "model": "percentage", "rate_percent": "1"}
SPOT = {
    **ROW,
    "model": "dynamic",
    "series": [
        {"from": "2026-01-01T00:00:00Z", "unit_price": "1"},
        {"from": "2026-01-01T01:30:00Z", "unit_price": "1.5"},
    ],
}
ONE = Names(("acme", "birch"), ("bare.spot",), ("eu",), ("h100",), JANUARY)


def usage(*rows: tuple[int, int, int]) -> UsageTable:
    """(tenant, hour, GPU-seconds) each."""
    return table(UsageTable, [(tenant, hour * HOUR_S, 0, 0, 0, 0, 0, 10_000, held) for tenant, hour, held in rows])


def amounts(book: PriceBook, *rows: tuple[int, int, int]) -> list[int]:
    """Exact micro-USD of each row; these tests use whole ones."""
    lines = rate(ONE, usage(*rows), book)
    whole, rest = np.divmod(lines.numerator, lines.denominator)
    assert not rest.any()
    return [int(amount) for amount in whole]


def test_every_model_has_its_keys_and_its_function() -> None:
    assert set(KEYS) == set(MODELS) == set(Model.__args__)  # type: ignore[attr-defined]


def test_tiers_count_per_tenant_and_month() -> None:
    book = PriceBook.from_mappings([GRADUATED])
    hours = 31 * 24
    found = amounts(book, (0, 0, 36_000), (0, 1, 3600), (0, hours, 3600), (1, 1, 7200))
    assert found == [21_000_000, 1_000_000, 3_000_000, 5_000_000]
    lines = rate(ONE, usage((0, 0, 3600)), book)
    assert lines.unit_price_micro_usd.tolist() == [NO_UNIT_PRICE]
    assert price_text(NO_UNIT_PRICE) == "by tiers"


def test_a_later_row_starts_its_tiers_anew() -> None:
    book = PriceBook.from_mappings([GRADUATED, {**GRADUATED, "from": "2026-01-01T01:00:00Z"}])
    assert amounts(book, (0, 0, 36_000), (0, 1, 3600)) == [21_000_000, 3_000_000]


def test_a_spot_price_is_that_of_the_start_of_the_hour() -> None:
    book = PriceBook.from_mappings([SPOT])
    assert amounts(book, (0, 0, 3600), (0, 1, 3600), (0, 2, 3600)) == [1_000_000, 1_000_000, 1_500_000]
    assert book.price_at("bare.spot", "h100", "eu", JANUARY + 7200) == 1_500_000
    assert book.change_times() == [JANUARY, JANUARY + 5400]
    (charge,) = charges_of(ONE, rate(ONE, usage((0, 0, 3600), (0, 2, 3600)), book), book, run_period(10_800))
    assert [(step.what, step.price_micro) for step in charge.steps] == [
        ("unit price", 1_000_000),
        ("unit price", 1_500_000),
    ]


def test_fees_are_for_the_part_of_the_month_in_which_the_row_applies() -> None:
    """A row that begins on 22 January applies for 10 of 31 days, or for 9 of 30 fixed ones up to 1 February."""
    found = {}
    for proration in ("none", "days", "fixed_30_days", "hours"):
        row = {**ROW, "from": "2026-01-22T00:00:00Z", "usd_per_gpu_hour": "0", "minimum": "93"}
        found[proration] = amounts(PriceBook.from_mappings([{**row, "proration": proration}]), (0, 24 * 25, 3600))
    assert found == {"none": [93_000_000], "days": [30_000_000], "fixed_30_days": [27_900_000], "hours": [30_000_000]}


def test_what_a_month_lacks_falls_on_its_last_hour() -> None:
    book = PriceBook.from_mappings([{**ROW, "usd_per_gpu_hour": "1", "minimum": "5", "maximum": "6"}])
    assert amounts(book, (0, 0, 3600), (0, 1, 3600)) == [1_000_000, 4_000_000]
    assert amounts(book, (0, 0, 18_000), (0, 1, 7200)) == [5_000_000, 1_000_000]


def test_the_price_of_one_unit_is_what_the_market_side_asks_for() -> None:
    rows = [GRADUATED, {**ROW, "model": "package", "package_size": "4", "package_price": "2", "discount_bp": 5000}]
    assert [PriceBook.from_mappings([row]).rows[0].micro_usd for row in rows] == [2_000_000, 250_000]


def test_a_charge_names_its_row_its_months_and_its_steps() -> None:
    book = PriceBook.from_mappings(
        [GRADUATED, {**GRADUATED, "from": "2026-01-01T02:00:00Z", "until": "2026-03-01T00:00:00Z"}]
    )
    lines = rate(ONE, usage((0, 0, 72_000), (0, 2, 3600), (0, 31 * 24, 3600)), book)
    charges = charges_of(ONE, lines, book, run_period(40 * 24 * HOUR_S))
    assert [(charge.rate_id, charge.from_s - JANUARY, charge.until_s - JANUARY) for charge in charges] == [
        ("price[0]", 0, 7200),
        ("price[1]", 7200, 31 * 86_400),
        ("price[1]", 31 * 86_400, 40 * 86_400),
    ]
    assert [step.what for step in charges[0].steps] == ["tier 1", "tier 1 flat fee", "tier 2"]
    assert charges[0].exact == (31_000_000, 1)
    assert charges[0].model == "graduated" and charges[0].unit == "gpu_s" and charges[0].quantity == 72_000
    assert charges_of(ONE, lines, book, run_period(0)) == []


def test_seconds_that_are_free_or_in_part_say_so() -> None:
    book, shared = PriceBook.from_mappings([{**ROW, "usd_per_gpu_hour": "2"}]), PriceBook.from_mappings([GRADUATED])
    rows = [(0, 0, 0, 0, 0, 0, 0, 10_000, 3600), (0, 0, 0, 0, 0, 0, 1, 6000, 3600), (0, 0, 0, 0, 0, 0, 2, 0, 3600)]
    held = table(UsageTable, rows)
    found = [
        (charge.charge_class, charge.factor_bp, charge.exact.numerator, charge.steps[-1].what)
        for charge in charges_of(ONE, rate(ONE, held, book), book, run_period(3600))
    ]
    assert found == [
        ("billed", 10_000, 2_000_000, "unit price"),
        ("degraded", 6_000, 1_200_000, "degraded, charged at 60.00 %"),
        ("free.preempted", 0, 0, "free.preempted, charged at 0.00 %"),
    ]
    (charge,) = charges_of(ONE, rate(ONE, held, shared), shared, run_period(3600))
    assert charge.exact.numerator == 4_200_000 and charge.quantity == 3 * 3600
    assert [step.what for step in charge.steps[:2]] == [
        "3600 gpu_s degraded, counted at 60.00 %",
        "3600 gpu_s free.preempted, counted at 0.00 %",
    ]


def test_a_price_per_event_is_not_made_up_from_hours() -> None:
    book = PriceBook.from_mappings([{**EVENTS, "fixed_per_event": "2"}])
    calls = table(UsageTable, [(0, 0, 0, 0, 0, METER_CODES.index("tool_calls"), 0, 10_000, 5)])
    with pytest.raises(PriceError, match=r"price\[0\]: the price is per event"):
        rate(ONE, calls, book)


def test_months_are_those_of_the_hours() -> None:
    assert month_numbers(JANUARY, np.array([0, 31 * 86_400])).tolist() == [672, 673]
    assert shares(PriceBook.from_mappings([GRADUATED]).rows[0].plan, np.zeros(0, dtype=np.int64), 1)[0].tolist() == []


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ROW, r"usd_per_gpu_hour: missing"),
        ({**ROW, "meter": "tool_calls"}, r"unit_price: missing"),
        ({**ROW, "meter": "calls", "unit_price": 1}, r"meter: unknown value"),
        ({**ROW, "usd_per_gpu_hour": 1, "unit_price": 1}, r"usd_per_gpu_hour: a price is either"),
        ({**ROW, "meter": "tool_calls", "usd_per_gpu_hour": 1}, r"usd_per_gpu_hour: a price is either"),
        ({**ROW, "model": "magic"}, r"model: unknown value"),
        (without(GRADUATED, "tiers"), r"tiers: missing: model graduated needs it"),
        ({**GRADUATED, "usd_per_gpu_hour": 1}, r"usd_per_gpu_hour: not a key of model graduated"),
        ({**GRADUATED, "tiers": TIERS[::-1]}, r"tiers\[0\]\.up_to: missing: only the last tier"),
        ({**GRADUATED, "tiers": TIERS[:1]}, r"tiers\[0\]\.up_to: the last tier must have no bound"),
        ({**GRADUATED, "tiers": [TIERS[0], *TIERS]}, r"tiers\[1\]\.up_to: tiers must ascend.*above 10"),
        ({**GRADUATED, "tiers": [{"up_to": 0, "unit_price": 1}, TIERS[1]]}, r"tiers\[0\]\.up_to: must be above 0"),
        ({**GRADUATED, "tiers": [{"rate_percent": 1}]}, r"tiers\[0\]\.unit_price: missing"),
        ({**GRADUATED, "tiers": [{"unit_price": 1, "price": 1}]}, r"tiers\[0\]\.price: not a key of model graduated"),
        ({**GRADUATED, "tiers": [{"unit_price": "x"}]}, r"tiers\[0\]\.unit_price: not an exact amount"),
        ({**GRADUATED, "tiers": [{"unit_price": 10**13}]}, r"tiers\[0\]\.unit_price: amount too large"),
        ({**GRADUATED, "tiers": [{"unit": 1}]}, r"tiers\[0\]\.unit: unknown key"),
        (
            {**ROW, "model": "block_top_tier", "tiers": [without(BLOCKS[0], "max_blocks"), BLOCKS[1]]},
            r"max_blocks: missing",
        ),
        ({**ROW, "model": "block_all_tiers", "tiers": [BLOCKS[0] | {"block_size": 0}]}, r"block_size: must be above 0"),
        ({**ROW, "model": "package", "package_price": 1}, r"package_size: missing"),
        ({**ROW, "model": "package", "package_price": 1, "package_size": 0}, r"package_size: must be above 0"),
        ({**EVENTS, "min_per_event": 2, "max_per_event": 1}, r"min_per_event: above max_per_event"),
        ({**EVENTS, "min_per_event": 2, "free_units": 1}, r"free_units: cannot be told apart"),
        ({**EVENTS, "meter": "gpu_s", "fixed_per_event": 1}, r"meter: GPU time comes in seconds, not in events"),
        ({**EVENTS, "rate_percent": "1.00001"}, r"rate_percent: finer than"),
        ({**ROW, "usd_per_gpu_hour": 1, "minimum": 2, "maximum": 1}, r"minimum: above maximum"),
        ({**ROW, "usd_per_gpu_hour": 1, "minimum": "-2"}, r"minimum: negative amount"),
        ({**ROW, "usd_per_gpu_hour": 1, "discount_bp": 10_001}, r"discount_bp: "),
        ({**ROW, "usd_per_gpu_hour": 1, "convert": {"op": "divide", "factor": 0}}, r"convert\.factor: must be above 0"),
        ({**ROW, "usd_per_gpu_hour": 1, "convert": {"op": "add", "factor": 1}}, r"convert\.op: unknown value"),
        ({**ROW, "usd_per_gpu_hour": 1, "until": ROW["from"]}, r"until: ends before it begins"),
        ({**ROW, "usd_per_gpu_hour": 1, "until": "soon"}, r"until: not a time"),
        ({**SPOT, "from": "2025-12-31T00:00:00Z"}, r"series\[0\]\.from: no price before"),
        ({**SPOT, "series": [SPOT["series"][0]] * 2}, r"series\[1\]\.from: steps must ascend"),
        ({**SPOT, "series": [SPOT["series"][0] | {"unit_price": "-1"}]}, r"series\[0\]\.unit_price: negative"),
        ({**SPOT, "series": []}, r"series: missing"),
    ],
)
def test_a_row_that_its_model_cannot_price_is_refused_by_its_key(row: dict[str, Any], message: str) -> None:
    with pytest.raises(PriceError, match=message) as caught:
        PriceBook.from_mappings([{**ROW, "region": "x", "usd_per_gpu_hour": 1}, row], file="t.toml")
    assert str(caught.value).startswith("t.toml: price[1].")


def flat(from_: str, until: str | None = None) -> dict[str, Any]:
    row = {**ROW, "from": f"2026-01-01T{from_}:00:00Z", "usd_per_gpu_hour": 1}
    return row if until is None else {**row, "until": f"2026-01-01T{until}:00:00Z"}


def test_versions_follow_each_other_without_a_gap_or_an_overlap() -> None:
    with pytest.raises(
        PriceError, match=r"price\[1\]\.from: leaves a gap after price\[0\], which ends at 2026-01-01T02"
    ):
        PriceBook.from_mappings([flat("00", "02"), flat("03")])
    with pytest.raises(PriceError, match=r"price\[0\]\.from: overlaps with price\[1\], which applies until"):
        PriceBook.from_mappings([flat("01"), flat("00", "02")])
    PriceBook.from_mappings([flat("00", "02"), flat("02"), {**flat("01"), "region": "eu"}, {**flat("05"), "sku": "*"}])


def test_an_hour_after_the_last_version_is_refused_with_the_reason() -> None:
    book = PriceBook.from_mappings([flat("01", "03")])
    assert amounts(book, (0, 2, 3600)) == [1_000_000]
    with pytest.raises(PriceError, match=r"at 2026-01-01T03:00:00Z; price\[0\] ended at 2026-01-01T03:00:00Z"):
        amounts(book, (0, 2, 3600), (0, 3, 3600))
    with pytest.raises(PriceError, match=r"at 2026-01-01T00:00:00Z; price\[0\] begins at 2026-01-01T01:00:00Z"):
        amounts(book, (0, 0, 3600))
    abroad = PriceBook.from_mappings([{**flat("01"), "from": "2026-01-01T03:00:00+02:00"}])
    with pytest.raises(PriceError, match=r"price\[0\] begins at 2026-01-01T01:00:00Z"):
        amounts(abroad, (0, 0, 3600))
    with pytest.raises(PriceError, match=r"T03:00:00Z; price\[0\] ended"):
        book.require_prices("bare.spot", "h100", "eu", JANUARY + 3600, JANUARY + 4 * 3600)
    book.require_prices("bare.spot", "h100", "eu", JANUARY + 3600, JANUARY + 3 * 3600)
    general = PriceBook.from_mappings([flat("01", "03"), {**flat("00"), "product": "*", "usd_per_gpu_hour": 7}])
    general.require_prices("bare.spot", "h100", "eu", JANUARY, JANUARY + 9 * 3600)
    assert amounts(general, (0, 0, 3600), (0, 2, 3600), (0, 3, 3600)) == [7_000_000, 1_000_000, 7_000_000]


def test_some_lines_can_be_charged_by_a_book_that_does_not_know_the_others() -> None:
    book = PriceBook.from_mappings([GRADUATED])
    other = PriceBook.from_mappings([{**ROW, "product": "*", "usd_per_gpu_hour": 1, "until": "2026-01-01T01:00:00Z"}])
    lines = rate(ONE, usage((0, 0, 3600), (1, 1, 3600)), book)
    mine = lines.tenant == 1
    (charge,) = charges_of(ONE, lines, book, run_period(7200), only=mine)
    assert charge.tenant == "birch" and charge.rows.tolist() == [1]
    with pytest.raises(PriceError, match="no price"):
        charges_of(ONE, lines, other, run_period(7200))
    assert charges_of(ONE, lines, other, run_period(7200), only=np.zeros(2, dtype=np.bool_)) == []
