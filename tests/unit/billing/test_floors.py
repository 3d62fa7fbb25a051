"""Floors and terms in figures that can be checked by hand: published cases and the numbers of the billing design."""

from fractions import Fraction
from typing import Any

import pytest

from billing.contracts.floor import dues
from billing.contracts.line import ContractLine
from billing.money import round_half_up
from billing.usage import Names
from billing_facts import HOUR_S, NAMES
from contract_worlds import full_world, lines_of, parties
from tenants.contract import Contract, TakeOrPay

DAY_S = 86_400
FEBRUARY_2023 = 1_675_209_600  # 2023-02-01T00:00:00Z


def owed(floor: dict[str, Any], from_day: int, days: int, charged_micro_an_hour: int, **keys: Any) -> list[Fraction]:
    """What a floor comes to beside a steady charge, in micro-units, from a day of February 2023 on."""
    row = {"id": "c", "tenant": "acme", "product": "p", "region": "r", "sku": "s", "nodes": 0}
    row |= {"from_s": from_day * DAY_S, "until_s": (from_day + days) * DAY_S, "take_or_pay": floor, **keys}
    contract = Contract.model_validate(row)
    names = Names(NAMES.tenants, NAMES.products, NAMES.regions, NAMES.skus, FEBRUARY_2023)
    horizon_s = 60 * DAY_S
    charged = [charged_micro_an_hour] * (horizon_s // HOUR_S)
    assert isinstance(contract.take_or_pay, TakeOrPay)
    return [Fraction(*due.owed) for due in dues(names, contract, contract.take_or_pay, charged, 1, horizon_s)]


def test_a_monthly_minimum_is_prorated_to_its_days() -> None:
    """Case lago-mincommit-trueup-monthly: 10,000.00 a month, 25 of 28 days, a fee of 892.86 drawn: 8,035.71."""
    minor = round_half_up(100_000 * 25, 28)
    (due,) = owed({"per": "month", "amount": "10000"}, 3, 25, 0)
    assert round_half_up(due.numerator, due.denominator * 10_000) - minor == 803_571


def test_a_floor_that_is_reached_owes_nothing_and_one_that_is_not_owes_the_rest() -> None:
    """Cases om-*-minspend: 100 of 1,000 is short of 900, 500 of 100 of nothing."""
    hours = 28 * 24
    assert owed({"per": "month", "amount": "1000"}, 0, 28, 0) == [1_000 * 10**6]
    assert owed({"per": "month", "amount": "672"}, 0, 28, 250_000) == [(672 - hours // 4) * 10**6]
    assert owed({"per": "month", "amount": "100"}, 0, 28, 10**6) == [0]


def test_an_hour_of_a_commitment_is_covered_or_unused() -> None:
    """Case focus-commit-usage_3: 0.75 of 1.00 an hour was used, 0.25 was not."""
    assert owed({"per": "hour", "amount": "1"}, 0, 1, 750_000) == [24 * 250_000]
    assert owed({"per": "hour", "amount": "1"}, 0, 1, 1_000_000) == [0]


def test_a_floor_in_gpu_hours_has_its_own_price() -> None:
    (due,) = owed({"per": "month", "gpu_hours": 28 * 24, "price_per_gpu_hour": "2.35"}, 0, 28, HOUR_S // 2)
    assert due == Fraction(28 * 24, 2) * 2_350_000


def test_a_term_is_settled_at_its_end_and_each_renewal_anew() -> None:
    renewal = {"length_s": 10 * DAY_S, "notice_s": DAY_S}
    found = owed({"per": "term", "amount": "240"}, 0, 20, 250_000, renewal=renewal, cancelled_s=35 * DAY_S)
    assert found == [(240 - 120) * 10**6, (240 - 60) * 10**6, (240 - 60) * 10**6]
    going_on = owed({"per": "term", "amount": "240"}, 50, 20, 250_000)
    assert going_on == [0]  # it ends after the books


@pytest.mark.parametrize(("charge", "kinds"), [("term", {"reservation_unused"}), ("usage", set())])
def test_unused_capacity_is_charged_for_the_term_only(charge: str, kinds: set[str]) -> None:
    row = {"id": "c", "tenant": "lab", "product": "bare.reserved", "region": "eu", "sku": "b200", "nodes": 1}
    row |= {"from_s": 0, "until_s": 4 * HOUR_S, "gpus_per_node": 8, "charge": charge}
    lines: list[ContractLine] = lines_of(full_world(1), parties([row]))
    parts = [line.quantity for line in lines if line.kind.startswith("reservation")]
    assert sum(parts) == 8 * 4 * HOUR_S
    assert {line.kind for line in lines if line.exact.numerator} == kinds
