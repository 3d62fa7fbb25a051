"""Which stretch of time a page shows: a month, week or day in which there are data, and the ways to its neighbours.

Without a word in the address it is the one of now, or the last before it of which something is known. The API says at
which hours there is more (`before`, `after`), so that no step leads to where there is nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from billing.console.asking import Answer
from billing.console.blocks import Link, Steps
from billing.console.visit import Visit
from billing.errors import PeriodError
from billing.metering.local_months import zone_of
from billing.months import parse_utc, utc_text
from billing.settling.buckets import bounds

_FEW = 2
ALL = "all"  # whatever is known
# span: the bucket in which it is shown where nobody has said
FITTING: Mapping[str, str] = {"day": "hour", "week": "hour", "month": "day", ALL: ""}
_END_S = 4_070_908_800  # 2099: what lies behind it no calendar is asked for
_OWN = ("span", "on", "cursor", "done", "csv", "since", "until")
Asks = Callable[[str, str, str], Awaitable[Answer]]  # (from, until, bucket): RFC 3339 or "", a word of the API or ""


class Period(NamedTuple):
    """What was asked for: the answer, and the steps away from it."""

    found: Answer
    steps: Steps


async def shown_period(
    visit: Visit, asks: Asks, last_s: int, usual: str = "month", *, whole: bool = False, narrow: bool = True
) -> Period:
    """Ask for the period that the address names, or for the last one of which something is known.

    Args:
        asks:   asks the API for a window.
        last_s: nothing is known from this Unix second on.
        usual:  the span where the address names none.
        whole:  whether all that is known may be shown as one.
        narrow: whether a month in which a day or two hold everything opens at the last of those.
    """
    span = visit.query.get("span", usual)
    span = span if span in FITTING and (whole or span != ALL) else usual
    zone = zone_asked(visit)
    if span == ALL:
        steps = Steps("all that is known", others=_others(visit, span, "", whole))
        return Period(await asks("", "", FITTING[ALL]), steps)
    on_s = _day_s(visit.query.get("on", ""), zone)
    at_s = max(0, last_s - 1) if on_s is None else on_s
    found = await asks(*_window(span, zone, at_s, last_s), FITTING[span])
    told: dict[str, Any] = found.data if found.ok else {"before": None, "after": None}
    known = told["before"] or told["after"]
    if on_s is None and known and _nothing(found):
        at_s = parse_utc(known)
        found = await asks(*_window(span, zone, at_s, last_s), FITTING[span])
        told = found.data
    chosen = on_s is not None or any(visit.query.get(name) for name in ("span", "bucket"))
    days = _busy(found) if narrow and not chosen else []
    if span == "month" and 0 < len(days) <= _FEW:  # bars of a day or two say less than their hours
        span, at_s = "day", parse_utc(days[-1])
        found = await asks(*_window(span, zone, at_s, last_s), FITTING[span])
        told = found.data if found.ok else told
    before, after = (
        _address(visit, span, _day(parse_utc(told[way]), zone)) if told[way] else "" for way in ("before", "after")
    )
    others = _others(visit, span, _day(at_s, zone), whole)
    return Period(found, Steps(_words(span, zone, at_s), before, after, others))


def chosen_window(visit: Visit, since: str, until: str) -> Steps:
    """Return the steps from a window that somebody has typed: back to periods."""
    return Steps(f"{since or 'the begin'} to {until or 'now'}", others=_others(visit, "", "", whole=False))


def zone_asked(visit: Visit) -> ZoneInfo:
    """Return the time zone in the address; UTC where there is none, or no such one."""
    try:
        return zone_of(visit.query.get("time_zone") or "UTC")
    except PeriodError:
        return zone_of("UTC")


def _nothing(found: Answer) -> bool:
    return not (
        found.data["totals"] if "totals" in found.data else found.data.get("states") or found.data.get("products")
    )


def _busy(found: Answer) -> list[str]:
    """When the buckets begin in which there is something."""
    names = ("groups", "installed_gpu_s", "rented_gpu_s")
    return [str(each["since"]) for each in found.items if any(each.get(name) for name in names)]


def _window(span: str, zone: ZoneInfo, at_s: int, last_s: int) -> tuple[str, str]:
    """The period around a moment, cut where nothing can be known yet."""
    from_s, until_s = _ends(span, zone, at_s)
    return utc_text(from_s), utc_text(min(until_s, last_s) if from_s < last_s else until_s)


def _ends(span: str, zone: ZoneInfo, at_s: int) -> tuple[int, int]:
    first_s, *_, end_s = bounds(span, zone, at_s, at_s + 1)
    return max(0, first_s), end_s


def _words(span: str, zone: ZoneInfo, at_s: int) -> str:
    from_s, until_s = _ends(span, zone, at_s)
    first, last = _day(from_s, zone), _day(until_s - 1, zone)
    return first[:7] if span == "month" else first if span == "day" else f"{first} to {last}"


def _day(at_s: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_s, zone).date().isoformat()


def _day_s(text: str, zone: ZoneInfo) -> int | None:
    """The first second of a date such as 2026-11-01, None of what is none."""
    try:
        found = datetime.fromisoformat(text)
        second_s = int(found.replace(tzinfo=zone).astimezone(UTC).timestamp())
    except (ValueError, OverflowError):
        return None
    return second_s if len(text) == len("2026-11-01") and 0 <= second_s < _END_S else None


def _others(visit: Visit, span: str, on: str, whole: bool) -> list[Link]:
    spans = [each for each in FITTING if whole or each != ALL]
    return [Link(each, "" if each == span else _address(visit, each, on)) for each in spans]


def _address(visit: Visit, span: str, on: str) -> str:
    kept = {name: value for name, value in visit.query.items() if name not in _OWN}
    return "?" + urlencode({**kept, "span": span, **({"on": on} if on and span != ALL else {})})
