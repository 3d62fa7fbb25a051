"""Jobs that wait: `scheduler.state.waiting` on flat arrays.

Keys never change, so each job has one place in the line of its shape for the whole run. A line is a segment tree over
places that holds the least need of the jobs that wait there (ABSENT: none does). So "the next one from here on that
needs at most so long" costs O(log line), where a list is searched one by one.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.fields import Flat


def set_need(s: Flat, line: int, place: int, need_s: int) -> None:
    """Write the need at a place of a line: ABSENT takes the job out."""
    tree = s[line + f.TREE]
    i = s[line + f.LEAVES] + place
    s[tree + i] = need_s
    i >>= 1
    while i:
        least = min(s[tree + 2 * i], s[tree + 2 * i + 1])
        if s[tree + i] == least:
            return
        s[tree + i] = least
        i >>= 1


def seek(s: Flat, line: int, place: int, limit_s: int) -> int:
    """Return the first place from `place` on where a job waits that needs at most `limit_s`; NONE if there is none."""
    if place >= s[line + f.LINE_SIZE]:
        return f.NONE
    leaves, tree = s[line + f.LEAVES], s[line + f.TREE]
    i = leaves + place
    while s[tree + i] > limit_s:
        while i & 1:
            i >>= 1
        if i == 0:
            return f.NONE
        i += 1
    while i < leaves:
        i <<= 1
        if s[tree + i] > limit_s:
            i += 1
    return i - leaves


def need_at(s: Flat, line: int, place: int) -> int:
    """Return what the job that waits at a place needs, in seconds."""
    return s[s[line + f.TREE] + s[line + f.LEAVES] + place]


def member(s: Flat, line: int, place: int) -> int:
    """Return the first word of the job whose place this is."""
    return s[s[line + f.MEMBERS] + place]


def push(s: Flat, j: Flat, b: int, queue: int, need_s: int) -> None:
    """Add a job to its line."""
    p, line, place = j[b + f.POOL], j[b + f.LINE], j[b + f.POSITION]
    set_need(s, line, place, need_s)
    if s[line + f.LINE_HEAD] < 0 or place < s[line + f.LINE_HEAD]:
        s[line + f.LINE_HEAD] = place
    s[line + f.LINE_JOBS_WAITING] += 1
    s[p + f.WAITING + queue] += 1


def pull(s: Flat, j: Flat, b: int, queue: int) -> None:
    """Take a job out of its line."""
    p, line, place = j[b + f.POOL], j[b + f.LINE], j[b + f.POSITION]
    set_need(s, line, place, f.ABSENT)
    if s[line + f.LINE_HEAD] == place:
        s[line + f.LINE_HEAD] = seek(s, line, place, f.ABSENT - 1)
    s[line + f.LINE_JOBS_WAITING] -= 1
    s[p + f.WAITING + queue] -= 1


def head_of(s: Flat, j: Flat, p: int, queue: int) -> int:
    """Return the first word of the most urgent job of a queue that is not empty. O(lines)."""
    best, best_key = f.NONE, f.ENDLESS
    line = s[p + f.LINES + queue]
    for _ in range(s[p + f.LINE_COUNT + queue]):
        if s[line + f.LINE_HEAD] >= 0:
            b = member(s, line, s[line + f.LINE_HEAD])
            if j[b + f.KEY] < best_key:
                best, best_key = b, j[b + f.KEY]
        line += f.LINE_WIDTH
    return best


def queue_of(s: Flat, j: Flat, b: int) -> int:
    """Return which queue of its pool a job waits in."""
    product = s[f.PRODUCTS] + j[b + f.PRODUCT] * f.PRODUCT_WIDTH
    return f.CONTRACT_QUEUE if s[product + f.BAND_OF] == f.BAND_RESERVED else j[b + f.TIER]
