"""Use in buckets: they adjoin and hold the window, and every grouping of every length comes to the same sums."""

from bisect import bisect_right
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.settling.buckets import BUCKETS, GROUPS, Use, bounds, bucketed, exact_sum, grouped

ZONES = ("UTC", "America/St_Johns", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia")
DAY_S = 86_400
BERLIN = ZoneInfo("Europe/Berlin")
SUMMER_BEGINS_S = 1_774_738_800  # 2026-03-29 in Berlin, a day of 23 hours: midnight is 23:00 of the 28th in UTC
HOURS = st.integers(0, 60 * 24).map(lambda hour: 1_700_000_000 // 3600 * 3600 + hour * 3600)
WORDS = st.tuples(*(st.sampled_from((f"{word}-a", f"{word}-b")) for word in GROUPS[:4]))
USES = st.builds(
    lambda hour_s, words, class_, quantity, amount, times: Use(
        hour_s, *words, *class_, quantity, *map(str, amount), "USD", times
    ),
    HOURS,
    WORDS,
    st.sampled_from((("billed", 10_000), ("degraded", 6_000), ("free.down", 0))),
    st.integers(0, 2**62),
    st.tuples(st.integers(-(10**30), 10**30), st.sampled_from((1, 9, 3600, 10**9))),
    st.integers(1, 5),
)


@given(st.sampled_from(BUCKETS), st.sampled_from(ZONES), st.integers(0, 4 * 10**9), st.integers(1, 90 * DAY_S))
@settings(max_examples=60)
def test_buckets_adjoin_and_hold_the_window(bucket: str, name: str, from_s: int, length_s: int) -> None:
    begins = bounds(bucket, ZoneInfo(name), from_s, from_s + length_s)
    assert begins[0] <= from_s < begins[1] and begins[-2] < from_s + length_s <= begins[-1]
    shortest, longest = {
        "hour": (3600, 3600), "day": (22 * 3600, 49 * 3600), "week": (6 * DAY_S - 3600, 7 * DAY_S + 3600),
        "month": (27 * DAY_S, 32 * DAY_S),
    }[bucket]  # fmt: skip
    assert all(shortest <= end_s - begin_s <= longest for begin_s, end_s in pairwise(begins))
    # Snapped once more they stay as they are, wherever one begins.
    assert bounds(bucket, ZoneInfo(name), begins[0], begins[-1]) == begins
    assert bounds(bucket, ZoneInfo(name), begins[-2], begins[-1]) == begins[-2:]


def test_days_weeks_and_months_begin_where_the_calendar_says() -> None:
    assert bounds("day", BERLIN, SUMMER_BEGINS_S + 7, SUMMER_BEGINS_S + 8) == [
        SUMMER_BEGINS_S,
        SUMMER_BEGINS_S + 82_800,
    ]
    monday_s = SUMMER_BEGINS_S - 6 * DAY_S
    assert bounds("week", BERLIN, SUMMER_BEGINS_S, SUMMER_BEGINS_S + 1) == [monday_s, SUMMER_BEGINS_S + 82_800]
    first_s = SUMMER_BEGINS_S - 28 * DAY_S
    assert bounds("month", BERLIN, SUMMER_BEGINS_S, SUMMER_BEGINS_S + 1) == [first_s, first_s + 31 * DAY_S - 3600]


@given(st.lists(USES, max_size=12), st.sampled_from(ZONES), st.permutations(GROUPS), st.integers(0, 5))
@settings(max_examples=40)
def test_every_bucket_and_grouping_comes_to_the_same(uses: list[Use], name: str, words: list[str], count: int) -> None:
    by = words[:count]
    whole = sum((Fraction(int(use.numerator), int(use.denominator)) * use.times for use in uses), Fraction(0))
    free = sum(use.quantity * use.times for use in uses if use.factor_bp == 0)
    every = sum(use.quantity * use.times for use in uses)
    for bucket in BUCKETS:
        begins = bounds(bucket, ZoneInfo(name), 1_700_000_000, 1_700_000_000 + 61 * DAY_S)
        assert all(begins[0] <= use.hour_s < begins[-1] for use in uses)
        held = bucketed(uses, begins, by)
        assert len(held) == len(begins) - 1
        groups = [group for each in held for group in each]
        assert Fraction(*exact_sum(group.exact for group in groups)) == whole
        meters = [metered for group in groups for metered in group.meters]
        assert sum(metered.measured for metered in meters) == every
        assert sum(sum(metered.excluded.values()) for metered in meters) == free
        assert all(each.measured == each.billable + sum(each.excluded.values()) for each in meters)
        for use in uses:
            place = bisect_right(begins, use.hour_s) - 1
            assert tuple(getattr(use, word) for word in by) in {group.words for group in held[place]}
    assert {group.words for group in grouped(uses, by)} == {tuple(getattr(use, word) for word in by) for use in uses}
    assert all(
        group.exact == twin.exact for group, twin in zip(grouped(uses, by), grouped(uses[::-1], by), strict=True)
    )
