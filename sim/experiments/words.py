"""Numbers of experiments as text: no more digits than the interval allows, units beside them."""

from math import floor, log10
from typing import Any

from sim.experiments.experiment import Expected, Finding, Outcome
from sim.stats.estimates import LEVEL_BP

_PLAIN_DIGITS = 4  # of a number that has no interval


def number(value: float | int, half_width: float | None = None) -> str:
    """Return a number with the digits that its interval leaves: two of the half-width, or four in all."""
    if isinstance(value, int):
        return f"{value:,}"
    scale = half_width if half_width else abs(value)
    digits = 2 if half_width else _PLAIN_DIGITS
    places = max(0, digits - 1 - floor(log10(scale))) if scale else 0
    text = f"{value:,.{min(places, 9)}f}"
    return text.rstrip("0").rstrip(".") if not half_width and "." in text else text


def cell(value: Any) -> str:
    """Return a cell of a table as text."""
    if value is None:
        return "-"
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def ours(finding: Finding) -> str:
    """Return what came out: mean and interval, or the number. The interval is one of 95 % where it does not say."""
    if finding.estimate is None:
        return cell(finding.value)
    mean, half_width, _, level_bp = finding.estimate
    shared = "" if level_bp == LEVEL_BP else f" ({level_bp / 100:g} %)"
    return f"{number(mean, half_width)} ± {number(half_width, half_width)}{shared}" if half_width else number(mean)


def band(expected: Expected | None) -> str:
    """Return what it is held against."""
    if expected is None:
        return ""
    low, high = number(expected.low), number(expected.high)
    return low if expected.low == expected.high else f"{low} to {high}"


def told(finding: Finding) -> str:
    """Return a finding as a phrase: name, number, unit."""
    return f"{finding.name}: {ours(finding)} {finding.unit}".strip()


def answer(outcome: Outcome) -> str:
    """Return the answer: the experiment's own, or how many findings lie where they were expected."""
    if outcome.answer:
        return outcome.answer
    held = [finding for finding in outcome.findings if finding.expected is not None]
    inside = [finding for finding in held if finding.verdict == "inside"]
    missed = [told(finding) for finding in held if finding.verdict != "inside"]
    text = f"{len(inside)} of {len(held)} figures lie where they were expected."
    return f"{text} Not so: {'; '.join(missed)}." if missed else text


def value(given: Any) -> str:
    """Return an input as text: as it was written, with separators."""
    if isinstance(given, tuple):
        return ", ".join(value(each) for each in given)
    return f"{given:,}" if isinstance(given, int | float) else str(given)
