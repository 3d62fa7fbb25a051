"""Spend alerts: when what a tenant was charged in a month reached parts of the sum it wanted to be told at.

An alert fires at the end of the hour that reached its threshold, once per threshold and month. The forecast is exact
proration: what was charged so far x length of the month / time that has passed; it is not made on a month's first day,
when it would be little but noise, and fires once, for the whole of the sum.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from billing.contracts.line import ContractLine
from billing.money import BP, SECONDS_PER_HOUR, Exact, parse_usd
from billing.months import month_bounds, month_numbers
from billing.rating.rate import LineItemTable
from billing.usage import Names
from tenants.wallet import SpendAlert

_QUIET_S = 86_400  # no forecast in the first seconds of a month


class Alert(NamedTuple):
    """`spent` of the month had been charged at `at_s` (seconds since the epoch), when `threshold_bp` of the sum was
    reached, or when the forecast reached all of it. `expected` is what the month comes to at that rate. Exact
    micro-units."""

    alert: str
    tenant: str
    kind: str  # "spent" or "forecast"
    month: int
    threshold_bp: int
    at_s: int
    spent: Exact
    expected: Exact


def spend_alerts(
    names: Names, alerts: Sequence[SpendAlert], lines: LineItemTable, extra: Sequence[ContractLine]
) -> list[Alert]:
    """Return every alert that fired, in order of (alert, month, time, threshold).

    What contracts add counts at the end of the hour in which it is due, so in the month that bills it. Cost: O(line
    items + hours) for each alert.
    """
    return [each for alert in alerts for each in _of_one(names, alert, lines, extra)]


def forecast(spent: Fraction, passed_s: int, whole_s: int) -> Fraction:
    """Return what a period of `whole_s` comes to if it goes on as in its first `passed_s` seconds."""
    return spent * Fraction(whole_s, passed_s)


def _of_one(names: Names, alert: SpendAlert, lines: LineItemTable, extra: Sequence[ContractLine]) -> Iterator[Alert]:
    mine = lines.tenant == names.tenants.index(alert.tenant)
    numerators: dict[int, int] = {}
    for hour_s, numerator in zip(lines.hour_s[mine].tolist(), lines.numerator[mine].tolist(), strict=True):
        numerators[hour_s] = numerators.get(hour_s, 0) + numerator
    charged = {
        hour_s + SECONDS_PER_HOUR: Fraction(numerator, lines.denominator) for hour_s, numerator in numerators.items()
    }
    for line in extra:
        if line.tenant == alert.tenant and line.exact.numerator:
            end_s = (line.due_s // SECONDS_PER_HOUR + 1) * SECONDS_PER_HOUR
            charged[end_s] = charged.get(end_s, Fraction(0)) + Fraction(*line.exact)
    times = np.array(sorted(charged), dtype=np.int64)
    months = month_numbers(names.epoch_s, times - 1)
    for month in np.unique(months).tolist():
        at = [(end_s, charged[end_s]) for end_s in times[months == month].tolist()]
        yield from _of_month(names, alert, month, at)


def _of_month(names: Names, alert: SpendAlert, month: int, charged: Sequence[tuple[int, Fraction]]) -> Iterator[Alert]:
    begins_s, ends_s = month_bounds(names.epoch_s, month)
    begins_s = max(0, begins_s)  # before the epoch nobody counted
    limit, spent = parse_usd(alert.amount), Fraction(0)
    waiting = list(alert.thresholds_bp)
    warned = not alert.forecast
    for end_s, amount in charged:
        spent += amount
        expected = forecast(spent, end_s - begins_s, ends_s - begins_s)
        if not warned and end_s - begins_s >= _QUIET_S and expected >= limit:
            warned = True
            yield _alert(alert, "forecast", month, BP, end_s, spent, expected)
        while waiting and spent * BP >= limit * waiting[0]:
            yield _alert(alert, "spent", month, waiting.pop(0), end_s, spent, expected)


def _alert(
    alert: SpendAlert, kind: str, month: int, threshold_bp: int, at_s: int, spent: Fraction, expected: Fraction
) -> Alert:
    amounts = (Exact(amount.numerator, amount.denominator) for amount in (spent, expected))
    return Alert(alert.id, alert.tenant, kind, month, threshold_bp, at_s, *amounts)
