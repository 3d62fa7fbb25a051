"""I10: months of any time zone adjoin, cover all time, and differ from UTC's by what their clocks do."""

from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from billing.metering.level import covered_s, stretches
from billing.metering.local_months import month_windows

ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
YEAR_S = 366 * 86_400


@given(st.sampled_from(ZONES), st.integers(0, 4 * 10**9), st.integers(1, 3 * YEAR_S))
def test_local_months_adjoin_and_cover_everything(name: str, from_s: int, length_s: int) -> None:
    months = month_windows(ZoneInfo(name), from_s, from_s + length_s)
    assert months[0].from_s <= from_s < months[0].until_s
    assert months[-1].from_s < from_s + length_s <= months[-1].until_s
    for one, other in pairwise(months):
        assert one.until_s == other.from_s and other.month == one.month + 1
    for each in months:
        assert 27 * 86_400 < each.until_s - each.from_s < 32 * 86_400


@given(st.lists(st.tuples(st.integers(-5, 25), st.integers(-3, 3)), max_size=6), st.integers(0, 3))
def test_the_integral_of_a_level_is_that_of_its_seconds(changes: list[tuple[int, int]], initial: int) -> None:
    level = [initial + sum(step for at_s, step in changes if at_s <= second) for second in range(20)]
    found = stretches(initial, changes, 0, 20)
    assert sum(each.level * (each.until_s - each.from_s) for each in found) == sum(level)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: tuple(sorted(pair))), max_size=6))
def test_covered_seconds_are_counted_once(intervals: list[tuple[int, int]]) -> None:
    seconds = {second for from_s, until_s in intervals for second in range(from_s, until_s)}
    assert covered_s(intervals, 3, 17) == len(seconds & set(range(3, 17)))
