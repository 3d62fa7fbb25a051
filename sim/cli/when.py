"""Times as people write them on a command line: seconds since the run's epoch, or RFC 3339."""

from typing import Annotated

import typer

from sim.errors import SimError

AtFlag = Annotated[str | None, typer.Option("--at", metavar="TIME", help="When, as RFC 3339 in UTC [now].")]
_LATELY_S = 3_600  # the clocks of two machines may differ, and whoever writes down a decision may be late
_UNITS_S = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def parse_second(text: str, epoch_s: int, horizon_s: int, flag: str = "--at") -> int:
    """The second meant, in seconds since the epoch.

    Raises:
        SimError: not a time, or outside the run.
    """
    from billing.errors import PeriodError
    from billing.months import parse_utc, utc_text

    last_s = horizon_s - 1
    span = f"0 to {last_s} seconds since the epoch, or {utc_text(epoch_s)} to {utc_text(epoch_s + last_s)}"
    try:
        at_s = int(text) if text.removeprefix("-").isdecimal() else parse_utc(text) - epoch_s
    except PeriodError:
        raise SimError("not a time", code="time.malformed", path=flag, found=text, allowed=span) from None
    if not 0 <= at_s < horizon_s:
        raise SimError("outside the run", code="time.outside", path=flag, found=text, allowed=span)
    return at_s


def at_or_now(text: str | None) -> int:
    """The Unix second meant by `--at`, now without it. Raises PeriodError."""
    from billing.months import parse_utc
    from sim.cli.edge import now_s

    return now_s() if text is None else parse_utc(text)


def past_or_now(text: str | None) -> int:
    """The Unix second meant by `--at`, for what must not be done before its time. Raises PeriodError, SimError."""
    from billing.months import utc_text
    from sim.cli.edge import now_s

    at_s, now = at_or_now(text), now_s()
    if at_s > now:
        allowed = f"until now, {utc_text(now)}"
        raise SimError("lies in the future", code="time.outside", path="--at", found=text, allowed=allowed)
    return at_s


def lately_or_now(text: str | None) -> int:
    """The Unix second meant by `--at`, for what starts deadlines: dated back, they would end before their time.

    Raises PeriodError, SimError.
    """
    from billing.months import utc_text
    from sim.cli.edge import now_s

    at_s, now = at_or_now(text), now_s()
    if at_s < now - _LATELY_S:
        allowed = f"from {utc_text(now - _LATELY_S)}, an hour ago"
        raise SimError("lies too far back", code="time.outside", path="--at", found=text, allowed=allowed)
    return at_s


def parse_duration(text: str, flag: str) -> int:
    """The seconds of a duration such as 90d, 12h, 30m or 3600.

    Raises:
        SimError: not a duration, or none at all.
    """
    number, unit = (text[:-1], text[-1:]) if text[-1:] in _UNITS_S else (text, "s")
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and int(number)):
        allowed = "a number with d, h, m or s, such as 90d"
        raise SimError("not a duration", code="time.malformed", path=flag, found=text, allowed=allowed)
    return int(number) * _UNITS_S[unit]


def parse_hour(text: str, epoch_s: int, horizon_s: int, flag: str = "--hour") -> tuple[int, str | None]:
    """The start of the hour meant, in seconds since the epoch, and a remark when the time had to be moved to it.

    A bare small number is more often a mistaken hour index than a second: it is taken as seconds, and that is said.

    Raises:
        SimError: not a time, or outside the run.
    """
    from billing.money import SECONDS_PER_HOUR
    from billing.months import utc_text

    at_s, number = parse_second(text, epoch_s, horizon_s, flag), text.isdecimal()
    hour_s = at_s - at_s % SECONDS_PER_HOUR
    if hour_s == at_s:
        return hour_s, None
    remark = f"{flag} {text} is not on the hour: showing the hour from {hour_s} s ({utc_text(epoch_s + hour_s)})"
    if number and at_s < SECONDS_PER_HOUR:
        remark += f"; {flag} counts seconds, not hours"
    return hour_s, remark
