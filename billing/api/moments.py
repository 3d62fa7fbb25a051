"""Times that a request names, and the windows between them."""

from datetime import UTC, datetime, tzinfo
from typing import Annotated

from fastapi import Query

from billing.api.problems import MONTH_PATTERN, invalid
from billing.errors import PeriodError
from billing.months import parse_utc

DAY_S = 86_400
_CHARS_MAX = 40
_FIRST_S, _END_S = 0, 4_102_444_800  # 1970 to 2100: within it every calendar is sure of itself

Since = Annotated[
    str | None,
    Query(alias="from", max_length=_CHARS_MAX, description="RFC 3339; none: the begin of the month of `until`."),
]
Until = Annotated[str | None, Query(max_length=_CHARS_MAX, description="RFC 3339, not part of the window; none: now.")]
Month = Annotated[str | None, Query(pattern=MONTH_PATTERN, description="A month: 2026-11.")]


def moment_of(text: str, place: str) -> int:
    """Return the Unix second that a request names at a place such as `query.at`. Raises Problem."""
    try:
        found = parse_utc(text)
    except (PeriodError, OverflowError):
        found = -1
    if not _FIRST_S <= found < _END_S:
        raise invalid(place, "must be a time as 2026-11-01T00:00:00Z, in whole seconds, from 1970 to 2099")
    return found


def window(now_s: int, since: str | None, until: str | None, zone: tzinfo, longest_s: int) -> tuple[int, int]:
    """Return [from_s, until_s), Unix seconds, of a request's `from` and `until`; without them, the month so far.

    Args:
        now_s: where a window ends that names no end.

    Raises:
        Problem: no times, empty, or longer than `longest_s`.
    """
    until_s = max(_FIRST_S + 1, now_s) if until is None else moment_of(until, "query.until")
    if since is None:
        last = datetime.fromtimestamp(max(_FIRST_S, until_s - 1), zone)
        first = last.replace(day=1, hour=0, minute=0, second=0, fold=0).astimezone(UTC)
        from_s = max(_FIRST_S, int(first.timestamp()))
    else:
        from_s = moment_of(since, "query.from")
    if from_s >= until_s:
        raise invalid("query.from", "must lie before until")
    if until_s - from_s > longest_s:
        raise invalid("query.from", f"is too long before until, days at most {longest_s // DAY_S}")
    return from_s, until_s
