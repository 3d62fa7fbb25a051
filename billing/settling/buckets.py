"""Use in buckets of time: windows that are snapped to them, and sums by whatever was asked for.

    hour     hours of UTC, as use is metered
    day      from midnight to midnight of a time zone; with daylight saving 23 or 25 hours
    week     seven days, from Monday on (ISO 8601)
    month    a calendar month

An hour belongs to the bucket in which it begins. Buckets adjoin, so the sum over a window is the same in all of them.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billing.money import SECONDS_PER_HOUR, Exact

BUCKETS = ("hour", "day", "week", "month")
GROUPS = ("product", "region", "sku", "meter", "charge_class")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONG = timedelta(days=32)


class Use(NamedTuple):
    """`times` rows of use that are alike, of the hour from Unix second `hour_s` on (0 where hours are put together).
    Each has `quantity` units of its meter and comes to numerator / denominator micro-units of `currency`."""

    hour_s: int
    product: str
    region: str
    sku: str
    meter: str
    charge_class: str
    factor_bp: int
    quantity: int
    numerator: str
    denominator: str
    currency: str
    times: int


class Metered(NamedTuple):
    """Use of one meter, in its unit: measured == billable + the sum of `excluded`, which is free, by its reason."""

    meter: str
    measured: int
    billable: int
    excluded: dict[str, int]


class Group(NamedTuple):
    """What was used under one value of each of the words that were grouped by, and what it comes to, exact."""

    words: tuple[str, ...]
    meters: list[Metered]
    exact: Exact
    currency: str


def bounds(bucket: str, zone: ZoneInfo, from_s: int, until_s: int) -> list[int]:
    """Return where the buckets begin that hold [from_s, until_s), Unix seconds, and behind them where the last ends.

    Args:
        bucket: one of `BUCKETS`.
        until_s: above `from_s`.

    Cost: O(buckets).
    """
    found = [_begin(bucket, zone, from_s)]
    while found[-1] < until_s:
        found.append(_next(bucket, zone, found[-1]))
    return found


def grouped(uses: Iterable[Use], by: Sequence[str]) -> list[Group]:
    """Return use summed by some of `GROUPS`, in order of their values; with none, all of it is one group. Two
    currencies are never added: what was rated in either is a group of its own.

    Cost: O(uses).
    """
    measured: dict[tuple[str, ...], dict[str, dict[str, int]]] = {}
    amounts: dict[tuple[str, ...], dict[int, int]] = {}
    places = [Use._fields.index(word) for word in by]
    for use in uses:
        words = (*(str(use[place]) for place in places), use.currency)
        reason = use.charge_class if use.factor_bp == 0 else ""
        of_meter = measured.setdefault(words, {}).setdefault(use.meter, {})
        of_meter[reason] = of_meter.get(reason, 0) + use.quantity * use.times
        sums, denominator = amounts.setdefault(words, {}), int(use.denominator)
        sums[denominator] = sums.get(denominator, 0) + int(use.numerator) * use.times
    return [
        Group(
            words[:-1], [_metered(*each) for each in sorted(measured[words].items())], _sum(amounts[words]), words[-1]
        )
        for words in sorted(measured)
    ]


def bucketed(uses: Iterable[Use], begins: Sequence[int], by: Sequence[str]) -> list[list[Group]]:
    """Return the groups of each bucket. `begins` as of `bounds`: one more than there are buckets."""
    held: list[list[Use]] = [[] for _ in begins[1:]]
    for use in uses:
        held[bisect_right(begins, use.hour_s) - 1].append(use)
    return [grouped(each, by) for each in held]


def exact_sum(amounts: Iterable[Exact]) -> Exact:
    """Return what amounts come to together, in lowest terms; 0 of none. Cost: one addition of fractions for each
    denominator."""
    sums: dict[int, int] = {}
    for numerator, denominator in amounts:
        sums[denominator] = sums.get(denominator, 0) + numerator
    return _sum(sums)


def _metered(meter: str, by_reason: dict[str, int]) -> Metered:
    excluded = {reason: quantity for reason, quantity in sorted(by_reason.items()) if reason}
    return Metered(meter, sum(by_reason.values()), by_reason.get("", 0), excluded)


def _sum(by_denominator: dict[int, int]) -> Exact:
    found = sum((Fraction(numerator, denominator) for denominator, numerator in by_denominator.items()), Fraction(0))
    return Exact(found.numerator, found.denominator)


def _begin(bucket: str, zone: ZoneInfo, at_s: int) -> int:
    if bucket == "hour":
        return at_s - at_s % SECONDS_PER_HOUR
    day = datetime.fromtimestamp(at_s, zone).replace(hour=0, minute=0, second=0)
    if bucket == "week":
        day -= timedelta(days=day.weekday())
    begin_s = _unix_s(day.replace(day=1) if bucket == "month" else day)
    # Where a clock was put back over midnight, yesterday's date comes once more.
    while (next_s := _next(bucket, zone, begin_s)) <= at_s:
        begin_s = next_s
    return begin_s


def _next(bucket: str, zone: ZoneInfo, begin_s: int) -> int:
    if bucket == "hour":
        return begin_s + SECONDS_PER_HOUR
    # A day that has no midnight begins later, and is dated all the same.
    day = datetime.fromtimestamp(begin_s, zone).replace(hour=0, minute=0, second=0, fold=0)
    if bucket == "month":
        return _unix_s((day.replace(day=1) + _LONG).replace(day=1))
    return _unix_s(day + timedelta(days=7 if bucket == "week" else 1))


def _unix_s(midnight: datetime) -> int:
    """The first second at which a clock shows it."""
    return (midnight.replace(fold=0) - _EPOCH) // timedelta(seconds=1)
