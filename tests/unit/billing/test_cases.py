"""Every published billing case, by its id, through the public functions of billing (`support/billing_kinds.py`)."""

from fractions import Fraction

import pytest

from billing_kinds import KINDS, Case
from published_cases import cases, same, wrong

CASES_TOTAL, KINDS_TOTAL = 99, 44


@pytest.mark.parametrize("case", cases() or [None], ids=lambda case: case["id"] if case else "no file")
def test_case(case: Case | None) -> None:
    if case is None:
        pytest.skip("missing cases/billing_cases.json beside the checkout (SPILLWAY_CASES may name another folder)")
    answer = KINDS[case["kind"]](case["input"])
    assert case["expect"]
    assert list(wrong(answer, case["expect"])) == []


def test_all_cases_of_all_kinds_are_here() -> None:
    found = cases()
    if not found:
        pytest.skip("missing cases/billing_cases.json beside the checkout")
    assert len(found) == len({case["id"] for case in found}) == CASES_TOTAL
    assert len(KINDS) == KINDS_TOTAL
    assert {case["kind"] for case in found} == set(KINDS)


def test_an_answer_that_is_off_by_one_is_not_the_same() -> None:
    assert same(Fraction(15), "15.0")
    assert not same(Fraction("15.01"), "15")
    assert list(wrong({"amount": Fraction(1)}, {"amount": "1", "parts": ["1"]})) == ["parts is None, not ['1']"]
    assert same([Fraction(1), Fraction(2)], ["1.0", "2"]) and not same([Fraction(1)], ["1", "2"])
