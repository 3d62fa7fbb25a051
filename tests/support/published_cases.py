"""The published billing cases, and whether an answer is theirs."""

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from billing_kinds import Case
from case_file import cases_path


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
