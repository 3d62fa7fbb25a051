import numpy as np
import pytest

from billing.errors import PeriodError
from billing.months import (
    hour_period,
    month_bounds,
    month_label,
    month_numbers,
    month_period,
    parse_month,
    parse_utc,
    run_period,
    utc_text,
)

JANUARY = 1767225600  # 2026-01-01T00:00:00Z
NUMBER = 56 * 12  # months from January 1970 to January 2026


def test_a_month_is_written_and_read() -> None:
    assert parse_month("2026-01") == NUMBER
    assert month_label(NUMBER + 11) == "2026-12"
    assert parse_month("1969-12") == -1


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "2026-00", "26-01", "2026-01-01", "", "\u0662026-01"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match="not a month"):
        parse_month(text)


@pytest.mark.parametrize(
    ("text", "unix_s"),
    [("2026-01-01T00:00:00Z", JANUARY), ("2026-01-01T01:00:00+01:00", JANUARY), ("1970-01-01T00:00:00+00:00", 0)],
)
def test_times_are_read_exactly(text: str, unix_s: int) -> None:
    assert parse_utc(text) == unix_s


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.5Z", "yesterday", ""])
def test_times_without_offset_or_finer_than_a_second_are_refused(text: str) -> None:
    with pytest.raises(PeriodError):
        parse_utc(text)


def test_times_are_written_in_utc() -> None:
    assert utc_text(JANUARY) == "2026-01-01T00:00:00Z"


def test_months_of_an_epoch_inside_a_month_begin_before_the_run() -> None:
    assert month_bounds(JANUARY + 86400, NUMBER) == (-86400, 30 * 86400)
    assert month_bounds(JANUARY, NUMBER + 1) == (31 * 86400, 59 * 86400)  # February 2026 has 28 days


def test_leap_years_have_their_day() -> None:
    from_s, until_s = month_bounds(JANUARY, parse_month("2028-02"))
    assert until_s - from_s == 29 * 86400


def test_the_last_second_of_a_month_belongs_to_it() -> None:
    end_s = 31 * 86400
    assert month_numbers(JANUARY, np.array([0, end_s - 1, end_s])).tolist() == [NUMBER, NUMBER, NUMBER + 1]


def test_an_hour_across_a_month_end_belongs_to_the_month_in_which_it_starts() -> None:
    """Only with an epoch off the full hour; bounds and month numbers agree on it, second by second."""
    epoch_s = JANUARY + 31 * 86400 - 5000
    at_s = np.arange(0, 9000)
    months = month_numbers(epoch_s, at_s)
    boundary_s = month_bounds(epoch_s, NUMBER)[1]
    assert boundary_s == 7200
    assert (months == np.where(at_s < boundary_s, NUMBER, NUMBER + 1)).all()


def test_periods_say_what_they_cover() -> None:
    assert hour_period(JANUARY, 7200)[:4] == ("hour", "2026-01-01T02:00:00Z", 7200, 10800)
    assert month_period(JANUARY, NUMBER) == ("month", "2026-01", 0, 31 * 86400, NUMBER)
    assert run_period(500)[:4] == ("run", "whole run", 0, 500)


@pytest.mark.parametrize("hour_s", [-3600, 1, 3599])
def test_an_hour_starts_on_the_hour(hour_s: int) -> None:
    with pytest.raises(PeriodError, match="multiple of 3600"):
        hour_period(JANUARY, hour_s)
