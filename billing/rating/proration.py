"""Which part of a month is charged, when a price begins or ends inside it. Exact fractions of calendar time, UTC.

days            days inside / days of the month              23 Feb to 15 Mar of a 28-day cycle: 20/28
fixed_30_days   every month has 30 days                      the same days: 22/30
hours           hours inside / hours of the month            24 of 720: 1/30
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from fractions import Fraction

from billing.money import SECONDS_PER_HOUR

DAYS_OF_A_FIXED_MONTH = 30


def share_of_days(from_s: int, until_s: int, month_from_s: int, month_until_s: int) -> Fraction:
    """Return the part of a month that lies in [from_s, until_s), in whole days. All times Unix seconds inside it."""
    return sum(
        (Fraction(*part) for part in cycle_parts(_day(from_s), _day(until_s), _day(month_from_s).day)), Fraction(0)
    )


def share_of_30_days(from_s: int, until_s: int, month_from_s: int, month_until_s: int) -> Fraction:
    """Return the same where every month has 30 days."""
    return fixed_30_days(_day(from_s), _day(until_s))


def share_of_hours(from_s: int, until_s: int, month_from_s: int, month_until_s: int) -> Fraction:
    """Return the part of a month that lies in [from_s, until_s), in whole hours."""
    hours = [at_s // SECONDS_PER_HOUR for at_s in (from_s, until_s, month_from_s, month_until_s)]
    return Fraction(hours[1] - hours[0], hours[3] - hours[2])


def share_none(from_s: int, until_s: int, month_from_s: int, month_until_s: int) -> Fraction:
    """Return 1: a fee is due in full for a month that was begun."""
    return Fraction(1)


PRORATIONS: dict[str, Callable[[int, int, int, int], Fraction]] = {
    "none": share_none,
    "days": share_of_days,
    "fixed_30_days": share_of_30_days,
    "hours": share_of_hours,
}


def fixed_30_days(start: date, end: date) -> Fraction:
    """Return the months from `start` to `end` (exclusive), where every month has 30 days and its 31st is a 30th."""
    months = 12 * (end.year - start.year) + end.month - start.month
    days = min(end.day, DAYS_OF_A_FIXED_MONTH) - min(start.day, DAYS_OF_A_FIXED_MONTH)
    return Fraction(DAYS_OF_A_FIXED_MONTH * months + days, DAYS_OF_A_FIXED_MONTH)


def cycle_parts(start: date, end: date, cycle_day: int) -> list[tuple[int, int]]:
    """Return (days, days of its billing cycle) of each part of [start, end) between the cycle days of the months.

    The first and the last part may be stubs, those between are whole cycles. A month that is too short for the cycle
    day has its cycle on its last day.
    """
    parts = []
    month = start.month if _cycle(start.year, start.month, cycle_day) <= start else start.month - 1
    begin = _cycle(start.year, month, cycle_day)
    while begin < end:
        month += 1
        after = _cycle(start.year, month, cycle_day)
        parts.append(((min(after, end) - max(begin, start)).days, (after - begin).days))
        begin = after
    return parts


def _cycle(year: int, month: int, cycle_day: int) -> date:
    """Return the cycle day of a month, counted on from a year: month 0 is the December before it."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    return date(year, month, min(cycle_day, (first_of_next - date(year, month, 1)).days))


def _day(at_unix_s: int) -> date:
    return datetime.fromtimestamp(at_unix_s, UTC).date()
