"""Billing periods: calendar months in UTC, made of whole hours.

Hours count from the scenario's epoch. When the epoch does not lie on a full UTC hour, an hour belongs to the month in
which it starts; with an ordinary epoch this is simply the calendar month. A month is an int: months since January 1970.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from billing.errors import PeriodError
from billing.money import SECONDS_PER_HOUR
from billing.usage import IntArray


class Period(NamedTuple):
    """What a bill covers: [from_s, until_s) in seconds since the epoch, and whose service credits are due on it.

    `kind` is "hour" (no credits: they are posted at the close of a month), "month" or "run" (all credits). `month` is
    -1 unless the kind is "month".
    """

    kind: str
    label: str
    from_s: int
    until_s: int
    month: int = -1


def month_numbers(epoch_s: int, at_s: IntArray) -> IntArray:
    """Return the month of each time: that of the start of its hour."""
    hour_s = at_s - at_s % SECONDS_PER_HOUR
    return (epoch_s + hour_s).astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)


def month_of(epoch_s: int, at_s: int) -> int:
    """Return the month of one time, in seconds since the epoch."""
    return int(month_numbers(epoch_s, np.array([at_s], dtype=np.int64))[0])


def month_bounds(epoch_s: int, month: int) -> tuple[int, int]:
    """Return [from_s, until_s) of a month in seconds since the epoch; from_s is negative if the run began inside it."""
    return _first_hour(epoch_s, month), _first_hour(epoch_s, month + 1)


def month_label(month: int) -> str:
    """Return "2026-11"."""
    return str(np.datetime64(month, "M"))


def parse_month(text: str) -> int:
    """Return the number of a month written YYYY-MM.

    Raises:
        PeriodError: anything else.
    """
    match = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    if match is None:
        raise PeriodError("not a month", found=text, allowed="YYYY-MM")
    return (int(match[1]) - 1970) * 12 + int(match[2]) - 1


def utc_text(unix_s: int) -> str:
    """Return "2026-01-01T00:00:00Z"."""
    return f"{np.datetime64(unix_s, 's')}Z"


def parse_utc(text: str) -> int:
    """Return an RFC 3339 time as Unix seconds.

    Raises:
        PeriodError: not a time, no offset from UTC, or finer than a second.
    """
    allowed = "an RFC 3339 time in whole seconds, such as 2026-01-01T00:00:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PeriodError("not a time", found=text, allowed=allowed) from None
    if moment.tzinfo is None or moment.microsecond:
        raise PeriodError("not an exact time", found=text, allowed=allowed)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def hour_period(epoch_s: int, hour_s: int) -> Period:
    """Return the period of the hour that starts `hour_s` seconds after the epoch.

    Raises:
        PeriodError: `hour_s` is no start of an hour.
    """
    if hour_s < 0 or hour_s % SECONDS_PER_HOUR:
        allowed = f"a multiple of {SECONDS_PER_HOUR}, 0 or more"
        raise PeriodError("not the start of an hour", found=hour_s, allowed=allowed)
    return Period("hour", utc_text(epoch_s + hour_s), hour_s, hour_s + SECONDS_PER_HOUR)


def month_period(epoch_s: int, month: int) -> Period:
    """Return the period of a month."""
    return Period("month", month_label(month), *month_bounds(epoch_s, month), month)


def run_period(horizon_s: int) -> Period:
    """Return the period of a whole run."""
    return Period("run", "whole run", 0, horizon_s)


def split_at_months(epoch_s: int, from_s: int, until_s: int) -> Iterator[tuple[int, int, int]]:
    """Yield (month, from_s, until_s) for the parts of an interval, in order; nothing for an empty one."""
    while from_s < until_s:
        month = int(month_numbers(epoch_s, np.array([from_s]))[0])
        end_s = min(until_s, month_bounds(epoch_s, month)[1])
        yield month, from_s, end_s
        from_s = end_s


def _first_hour(epoch_s: int, month: int) -> int:
    start_s = int(np.datetime64(month, "M").astype("datetime64[s]").astype(np.int64)) - epoch_s
    return -(-start_s // SECONDS_PER_HOUR) * SECONDS_PER_HOUR
