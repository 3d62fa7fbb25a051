"""Numbers as people read them. Integer arithmetic only; what is shown is rounded half up unless a docstring says so."""

from datetime import UTC, datetime

from billing.money import MICRO_PER_CENT, floor_decimal, format_price, format_usd, round_half_up

# Typographic signs by name: in source they are too easily taken for a hyphen or a space.
DASH, MINUS, TIMES, NBSP = "\u2013", "\u2212", "\u00d7", "\u00a0"
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # not the locale's
_LATEST_S = 253_402_300_799  # 9999-12-31T23:59:59Z, the last second that a calendar date can name


def group(number: int) -> str:
    """Return 1234567 as "1,234,567"."""
    return f"{number:,}"


def ratio(part: int, whole: int, decimals: int = 1) -> str:
    """Return part of whole in percent, without the sign; a dash of nothing."""
    if not whole:
        return DASH
    return _decimal((2 * 100 * 10**decimals * part + whole) // (2 * whole), decimals)


def ratio_floor(part: int, whole: int, decimals: int = 4) -> str:
    """Return part of whole in percent, rounded down: an availability never looks better than it was."""
    return floor_decimal(100 * part, whole, decimals) if whole else DASH


def basis_points(bp: int) -> str:
    """Return 9950 as "99.5"."""
    return f"{bp // 100}.{bp % 100:02d}".rstrip("0").rstrip(".")


def usd(micro_usd: int) -> str:
    """Return an amount to the cent, e.g. "$1,234.50"; half a cent goes away from zero."""
    cents = round_half_up(micro_usd, MICRO_PER_CENT)
    whole, part = format_usd(abs(cents) * MICRO_PER_CENT, decimals=2).split(".")
    return f"{MINUS if cents < 0 else ''}${group(int(whole))}.{part}"


def usd_price(micro_usd: int) -> str:
    """Return a unit price with as many decimals as it has, at least two."""
    return f"${format_price(micro_usd)}"


def usd_brief(micro_usd: int) -> str:
    """Return an amount with three digits or so, for labels: "$1.24 M", "$31.2 k", "$870", "$0.25"."""
    for unit, name in ((10**15, " bn"), (10**12, " M"), (10**9, " k")):
        if micro_usd >= unit:
            return f"${_digits(micro_usd, unit)}{name}"
    return usd(micro_usd).removesuffix(".00")


def gpu_h(gpu_s: int) -> str:
    """Return GPU-seconds as GPU-hours with one decimal and separators."""
    tenths = (10 * gpu_s + HOUR_S // 2) // HOUR_S
    return f"{tenths // 10:,}.{tenths % 10}"


def gpu_h_brief(gpu_s: int) -> str:
    """Return GPU-seconds as GPU-hours, short: "4.15 M", "12.3 k", "870"."""
    for unit, name in ((10**9, " bn"), (10**6, " M"), (10**3, " k")):
        if gpu_s >= unit * HOUR_S:
            return _digits(gpu_s, unit * HOUR_S) + name
    return group((gpu_s + HOUR_S // 2) // HOUR_S)


def span(seconds: int) -> str:
    """Return a duration in its largest two units: "45 s", "12 min 05 s", "1 h 02 min", "3 d 04 h"."""
    sign, s = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    if s < MINUTE_S:
        return f"{sign}{s} s"
    if s < HOUR_S:
        big, small, names = MINUTE_S, 1, ("min", "s")
    elif s < DAY_S:
        big, small, names = HOUR_S, MINUTE_S, ("h", "min")
    else:
        big, small, names = DAY_S, HOUR_S, ("d", "h")
    whole, rest = s // big, s % big // small
    return f"{sign}{whole:,} {names[0]}" + (f" {rest:02d} {names[1]}" if rest else "")


def mean_span(total_s: int, count: int) -> str:
    """Return total / count as a duration; below a minute with one decimal."""
    if not count:
        return DASH
    tenths = (20 * abs(total_s) + count) // (2 * count)
    sign = MINUS if total_s < 0 and tenths else ""
    if tenths < 10 * MINUTE_S:
        return f"{sign}{tenths // 10}.{tenths % 10} s"
    return sign + span(tenths // 10)


def day(unix_s: int) -> str:
    """Return the UTC date, or the number of the day for times that no calendar reaches."""
    return f"{_utc(unix_s):%Y-%m-%d}" if 0 <= unix_s <= _LATEST_S else f"day {unix_s // DAY_S}"


def minute(unix_s: int) -> str:
    """Return the UTC date and time to the minute."""
    return f"{day(unix_s)} {unix_s % DAY_S // HOUR_S:02d}:{unix_s % HOUR_S // MINUTE_S:02d}"


def bin_start(unix_s: int, bin_s: int) -> str:
    """Return the start of a bin, without the time of day where bins are whole days that begin at midnight."""
    return day(unix_s) if bin_s % DAY_S == 0 and unix_s % DAY_S == 0 else minute(unix_s)


def month_starts(from_s: int, until_s: int) -> list[tuple[int, str, bool]]:
    """Return (Unix second, short name, is January) of every first of a month in [from_s, until_s)."""
    if until_s > _LATEST_S or from_s < 0:
        return []
    first, found = _utc(from_s), []
    year, month = first.year, first.month
    while (at_s := int(datetime(year, month, 1, tzinfo=UTC).timestamp())) < until_s:
        if at_s >= from_s:
            found.append((at_s, _MONTHS[month - 1], month == 1))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def _utc(unix_s: int) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)


def _digits(amount: int, unit: int) -> str:
    """Return amount / unit with up to three significant digits, or all of the whole ones."""
    decimals = 2 if amount < 10 * unit else 1 if amount < 100 * unit else 0
    scaled = (2 * amount * 10**decimals + unit) // (2 * unit)
    shown = _decimal(scaled, decimals)
    return shown.rstrip("0").rstrip(".") if decimals else shown


def _decimal(scaled: int, decimals: int) -> str:
    """Return scaled / 10^decimals in decimal digits."""
    whole, rest = divmod(scaled, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
