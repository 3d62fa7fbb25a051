"""Axes: where ticks stand and what they say."""

from math import log

from sim.report import text
from sim.report.model import ReportData
from sim.report.shapes import Tick

_STEPS_S = (3_600, 10_800, 21_600, 43_200, 86_400, 2 * 86_400, 7 * 86_400, 14 * 86_400)
LOG_TICKS = (
    (0, "0", False),
    (1, "1 s", False),
    (10, "10 s", True),
    (60, "1 min", False),
    (600, "10 min", True),
    (3_600, "1 h", False),
    (36_000, "10 h", True),
    (259_200, "3 d", False),
    (2_592_000, "30 d", True),
)


def bin_word(bin_s: int) -> str:
    """Return what one bin is called: hour, day, week, or a number of weeks."""
    named = {text.HOUR_S: "hour", text.DAY_S: "day", 7 * text.DAY_S: "week"}
    return named.get(bin_s, f"{bin_s // (7 * text.DAY_S)} weeks")


def time_ticks(data: ReportData) -> list[Tick]:
    """Return the ticks of the time axis: hours, days or months, whichever leaves 4 to 24 of them."""
    wide_s = len(data.timeline.installed_gpu_s) * data.timeline.bin_s
    first, last = data.epoch_s, data.epoch_s + wide_s
    months = text.month_starts(first, last)
    if len(months) >= 4:
        step = 1 + len(months) // 25
        return [
            Tick(
                (at - first) * 10_000 // wide_s, name + (f" {text.day(at)[:4]}" if january else ""), i % (3 * step) > 0
            )
            for i, (at, name, january) in enumerate(months)
            if i % step == 0
        ]
    step_s = next((s for s in _STEPS_S if wide_s <= 16 * s), wide_s)
    at_s = -(-first // step_s) * step_s
    places = range(at_s, last, step_s)
    return [Tick((at - first) * 10_000 // wide_s, _time_word(at, step_s), i % 4 > 0) for i, at in enumerate(places)]


def nice_top(largest: int) -> int:
    """Return the least round number (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 x 10^n) from `largest` up, at least 2."""
    power = 1
    while True:
        for factor in (10, 15, 20, 25, 30, 40, 50, 60, 80):
            if factor * power // 10 >= max(largest, 2) and factor * power % 10 == 0:
                return factor * power // 10
        power *= 10


def zoom_floor(bp: int) -> int:
    """Return where a share axis may begin without hiding anything at or above `bp`."""
    return next((floor for floor in (9_990, 9_900, 9_500, 9_000, 8_000, 5_000) if bp >= floor), 0)


def log_bp(seconds: int, last_s: int) -> int:
    """Return the place of a duration: 0 at the left edge, then 1 s to `last_s` by their logarithm."""
    return 0 if seconds < 1 else 700 + round(9_300 * log(seconds) / log(last_s))


def _time_word(unix_s: int, step_s: int) -> str:
    if step_s >= text.DAY_S or unix_s % text.DAY_S == 0:
        return text.day(unix_s)[5:] if text.day(unix_s)[:3] != "day" else text.day(unix_s)
    return text.minute(unix_s)[-5:]
