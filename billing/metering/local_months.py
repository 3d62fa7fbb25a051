"""Calendar months of a time zone, as intervals of Unix time.

A month begins at the first second that its clock shows the first of it: with daylight saving, months are an hour
shorter or longer, and adjoin all the same. So the bills of a year's local months add up to those of its UTC months.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from billing.errors import PeriodError
from billing.months import month_label

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LocalMonth(NamedTuple):
    """[from_s, until_s) in Unix seconds; `month` counts from January 1970."""

    month: int
    label: str
    from_s: int
    until_s: int


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its name in the IANA database.

    Raises:
        PeriodError: there is none.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        allowed = "a name of the IANA database, such as America/New_York or UTC"
        raise PeriodError("unknown time zone", path="timezone", found=name, allowed=allowed) from None


def month_windows(zone: ZoneInfo, from_s: int, until_s: int) -> list[LocalMonth]:
    """Return the months of a zone that touch [from_s, until_s), Unix seconds, in order."""
    first = datetime.fromtimestamp(from_s, zone)
    month = (first.year - 1970) * 12 + first.month - 1
    found = []
    while (start_s := _starts_s(zone, month)) < until_s:
        found.append(LocalMonth(month, month_label(month), start_s, _starts_s(zone, month + 1)))
        month += 1
    return found


def _starts_s(zone: ZoneInfo, month: int) -> int:
    """Return the first second of a month: the earlier one, where the clock shows midnight twice."""
    midnight = datetime(1970 + month // 12, month % 12 + 1, 1, tzinfo=zone)
    return (midnight - _EPOCH) // timedelta(seconds=1)
