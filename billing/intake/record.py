"""One interval of use, as a file tells it, and what is said of a line that tells none."""

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billing.errors import PeriodError
from billing.metering.meter import TIME_S_MAX
from billing.months import parse_utc

GPUS_MAX = 10**7  # 20 million rows of them still add up in an int64
SPAN_S_MAX = 20 * 366 * 86_400  # nothing is held longer: a time is wrong
NAME_CHARS_MAX = 200  # with the words that its events add, a name is still one that the log takes
_DIGITS_MAX = len(str(TIME_S_MAX))
_NAMED = ("id", "tenant", "product", "region", "sku")
_ODD = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # what the log takes in no name either


class Interval(NamedTuple):
    """GPUs that were held over [start_s, end_s), Unix seconds. `cause` is a word of `billing.usage.CAUSES`.

    `end_s` is None while it lasts. `stalled_s` are seconds of it in which it did not run.
    """

    line: int
    id: str
    tenant: str
    product: str
    region: str
    sku: str
    gpus: int
    start_s: int
    end_s: int | None
    cause: str
    stalled_s: int


class Rejected(NamedTuple):
    """A line that is not billed, and why."""

    line: int
    id: str
    reason: str


class Passed(NamedTuple):
    """A line that tells of nothing to bill, such as a step of a job: counted by `what`, not at fault."""

    what: str


class Defaults(NamedTuple):
    """What a file does not say of its rows; "" where it must."""

    product: str = ""
    region: str = ""
    sku: str = ""


def name_fault(*names: str) -> str:
    """Return in words what is wrong with the id, tenant, product, region or SKU of a line, "" if nothing is."""
    if all(names) and all(len(name) <= NAME_CHARS_MAX and name.isprintable() for name in names):
        return ""
    for what, name in zip(_NAMED, names, strict=True):
        if not name:
            return f"{what} is empty"
        if len(name) > NAME_CHARS_MAX:
            return f"{what} has {len(name)} characters, allowed {NAME_CHARS_MAX}"
        if _ODD.search(name):
            return f"{what} is {name[:40]!r}: a control character in it"
    return ""


def never_billable(each: Interval) -> str:
    """Return in words what no terms and no later file can mend of an interval, "" if there is nothing."""
    if each.end_s is None:
        return ""
    if each.end_s <= each.start_s:
        return f"interval of {each.end_s - each.start_s} s: the end must be later than the start"
    if each.end_s - each.start_s > SPAN_S_MAX:
        return f"interval of {each.end_s - each.start_s} s, allowed {SPAN_S_MAX}"
    return ""


def gpus_of(text: str) -> int | None:
    """Return a number of GPUs, None where the text is none from 1 to GPUS_MAX."""
    if not (text.isdigit() and text.isascii()) or len(text) > _DIGITS_MAX:
        return None
    gpus = int(text)
    return gpus if 1 <= gpus <= GPUS_MAX else None


def unix_s(text: str) -> int | None:
    """Return a time in Unix seconds: written so, or as RFC 3339 with an offset. None for anything else."""
    if text.isdigit() and text.isascii():
        return int(text) if len(text) <= _DIGITS_MAX and int(text) <= TIME_S_MAX else None
    return _rfc_3339_s(text)


@lru_cache(maxsize=1 << 12)
def _rfc_3339_s(text: str) -> int | None:
    try:
        at_s = parse_utc(text)
    except PeriodError:
        return None
    return at_s if 0 <= at_s <= TIME_S_MAX else None


@lru_cache(maxsize=1 << 12)
def local_unix_s(text: str, zone: ZoneInfo) -> int | None:
    """Return a local time without an offset in Unix seconds; None where it is no time, or no one time.

    An hour that a zone's clock shows twice, or never, has no one meaning: such a time is refused, not guessed.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None or moment.microsecond:
        return None
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        return None
    return unix_s(first.isoformat())
