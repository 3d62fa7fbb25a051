"""Every published billing case, by its id, through the public functions of billing (`support/billing_kinds.py`)."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest

from billing_kinds import KINDS, Case
from case_file import cases_path

CASES_TOTAL, KINDS_TOTAL = 99, 44


def cases() -> list[Case]:
    path = cases_path("billing_cases.json")
    return json.loads(path.read_text(encoding="utf-8"))["cases"] if path.is_file() else []


def same(found: Any, expected: Any) -> bool:
    """Exactly the same amounts; 15.0 is 15, and a word is itself."""
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(same(found[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        return len(found) == len(expected) and all(same(*pair) for pair in zip(found, expected, strict=True))
    return found == expected if isinstance(found, str) else Fraction(found) == Fraction(expected)


def wrong(answer: dict[str, Any], expected: dict[str, Any]) -> Iterator[str]:
    """What an answer lacks or has otherwise."""
    for name, value in expected.items():
        if name not in answer or not same(answer[name], value):
            yield f"{name} is {answer.get(name)}, not {value}"


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
