"""Lists in flat arrays: timers (a heap), cells (singly linked), jobs in order (doubly linked)."""

from scheduler.kernel import fields as f
from scheduler.kernel.fields import Flat


def arm(s: Flat, h: Flat, at_s: int, kind: int, row: int, epoch: int) -> None:
    """Ask to be told at `at_s`. O(log timers)."""
    if at_s >= f.ENDLESS:
        return
    code = (kind << f.KIND_SHIFT) | (row << f.ROW_SHIFT) | epoch
    i = s[f.TIMER_COUNT]
    s[f.TIMER_COUNT] = i + 1
    while i:
        up = (i - 1) >> 1
        if h[2 * up] < at_s or (h[2 * up] == at_s and h[2 * up + 1] <= code):
            break
        h[2 * i], h[2 * i + 1] = h[2 * up], h[2 * up + 1]
        i = up
    h[2 * i], h[2 * i + 1] = at_s, code


def next_timer(s: Flat, h: Flat) -> int:
    """Take the first timer off the heap and return its code."""
    code = h[1]
    last = s[f.TIMER_COUNT] - 1
    s[f.TIMER_COUNT] = last
    at_s, moved = h[2 * last], h[2 * last + 1]
    i, child = 0, 1
    while child < last:
        other = child + 1
        if other < last and (
            h[2 * other] < h[2 * child] or (h[2 * other] == h[2 * child] and h[2 * other + 1] < h[2 * child + 1])
        ):
            child = other
        if at_s < h[2 * child] or (at_s == h[2 * child] and moved <= h[2 * child + 1]):
            break
        h[2 * i], h[2 * i + 1] = h[2 * child], h[2 * child + 1]
        i, child = child, 2 * child + 1
    h[2 * i], h[2 * i + 1] = at_s, moved
    return code


def cell_of(s: Flat, value: int, after: int) -> int:
    """Return a new cell that holds a value and points on to another."""
    cell = s[f.FREE_CELL]
    if cell < 0:
        s[f.ERROR] = 1
        return after
    s[f.FREE_CELL] = s[cell + 1]
    s[cell] = value
    s[cell + 1] = after
    return cell


def free_cells(s: Flat, cell: int) -> None:
    """Give a whole list back."""
    while cell >= 0:
        after = s[cell + 1]
        s[cell + 1] = s[f.FREE_CELL]
        s[f.FREE_CELL] = cell
        cell = after


def append(s: Flat, j: Flat, head: int, tail: int, b: int) -> None:
    """Put a job last; `head` and `tail` are where the ends of the list stand in the state."""
    last = s[tail]
    j[b + f.PREVIOUS], j[b + f.NEXT] = last, f.NONE
    if last < 0:
        s[head] = b
    else:
        j[last + f.NEXT] = b
    s[tail] = b


def unlink(s: Flat, j: Flat, head: int, tail: int, b: int) -> None:
    """Take a job out of its list."""
    before, after = j[b + f.PREVIOUS], j[b + f.NEXT]
    if before < 0:
        s[head] = after
    else:
        j[before + f.NEXT] = after
    if after < 0:
        s[tail] = before
    else:
        j[after + f.PREVIOUS] = before
