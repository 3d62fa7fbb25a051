"""Clocks that jump: which events of a source cannot have happened when they say.

`seq` is the order in which a source wrote its events, so their times do not run backwards. Where they do, the fewest
events are set aside that leave a clock which runs forward (those outside a longest non-decreasing run), whichever way
the clock had jumped; an event that is off by no more than `CLOCK_SLACK_S` stays.
"""

from bisect import bisect_right
from collections.abc import Sequence

CLOCK_SLACK_S = 60  # threads of one emitter may overtake each other by this much


def jumps(times_s: Sequence[int]) -> list[int]:
    """Return the places of the events that are off, ascending. `times_s` in order of seq.

    Cost: O(n), and O(n log n) where any time runs backwards by more than the slack.

    >>> jumps([0, 10, 9_000, 20, 30]), jumps([0, 100, 70, 200])
    ([2], [])
    """
    latest_s = 0
    for time_s in times_s:
        if time_s < latest_s - CLOCK_SLACK_S:
            break
        latest_s = max(latest_s, time_s)
    else:
        return []
    kept = _longest(times_s)
    off = []
    before = after = 0
    for place, time_s in enumerate(times_s):
        while after < len(kept) and kept[after] < place:
            before, after = after, after + 1
        if after < len(kept) and kept[after] == place:
            continue
        low_s = times_s[kept[before]] if kept[before] < place else 0
        high_s = times_s[kept[after]] if after < len(kept) else time_s
        if not low_s - CLOCK_SLACK_S <= time_s <= high_s + CLOCK_SLACK_S:
            off.append(place)
    return off


def _longest(times_s: Sequence[int]) -> list[int]:
    """Return the places of a longest non-decreasing run: among equals the one that ends smallest."""
    ends_s: list[int] = []  # the smallest time that a run of each length ends in
    at: list[int] = []  # its place
    came_from: list[int] = []
    for place, time_s in enumerate(times_s):
        length = bisect_right(ends_s, time_s)
        came_from.append(at[length - 1] if length else -1)
        ends_s[length : length + 1] = [time_s]
        at[length : length + 1] = [place]
    kept, place = [], at[-1] if at else -1
    while place >= 0:
        kept.append(place)
        place = came_from[place]
    return kept[::-1]
