"""Instants and the run: `Core.step` and the clock on flat arrays.

`advance_run` and `close_run` are called from outside; `advance_run` goes on until the run is over or an array is full.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.books import note_renewable
from scheduler.kernel.fields import Flat
from scheduler.kernel.happen import apply, pool_at
from scheduler.kernel.lists import next_timer
from scheduler.kernel.moves import asked_nodes
from scheduler.kernel.outbox import row_of
from scheduler.kernel.report import note_idle, why
from scheduler.kernel.serve import serve
from scheduler.kernel.work import write_open


def next_instant(s: Flat, j: Flat, h: Flat) -> int:
    """Return when something happens next; ENDLESS if nothing ever does."""
    if s[f.HORIZON_S] == f.ENDLESS and not s[f.OPEN_COUNT]:
        s[f.TICK_S] = f.ENDLESS  # nothing is left to lend for
    at_s = s[f.TICK_S]
    if s[f.NEXT_JOB] < s[f.JOB_COUNT]:
        at_s = min(at_s, max(0, j[s[f.NEXT_JOB] * f.JOB_WIDTH + f.SUBMIT_S]))
    if s[f.NEXT_TOLD] < s[f.TOLD_COUNT]:
        at_s = min(at_s, s[s[f.TOLD] + s[f.NEXT_TOLD] * f.TOLD_WIDTH])
    if s[f.TIMER_COUNT]:
        at_s = min(at_s, h[0])
    return at_s


def most_rows(s: Flat, section: int, live: int, nodes: int, events: int) -> int:
    """Return how many rows one step may add to a section of the outbox.

    No job does more in one instant than end, wait, be granted, start and be evicted, and start once more.
    """
    if section == f.SEGMENT_NODES or section == f.DECISION_NODES:
        rows = 4 * nodes
    elif section == f.EVENTS:
        rows = events
    elif section == f.DECISIONS:
        rows = 8 * live
    else:
        rows = 2 * live
    taped = section >= f.STEPS_TAKEN
    return rows + s[f.POOL_COUNT] + 1 if s[f.TAPED] or not taped else 0


def room_for_a_step(s: Flat, j: Flat, h: Flat, o: Flat, now_s: int) -> int:
    """Return FINISHED_ALL if the arrays hold whatever a step at `now_s` may let go of; else which one may not."""
    live, nodes, events = s[f.LIVE_JOBS], s[f.LIVE_NODES], s[f.TIMER_COUNT] + s[f.TOLD_COUNT] - s[f.NEXT_TOLD] + 2
    row = s[f.NEXT_JOB]
    while row < s[f.JOB_COUNT] and j[row * f.JOB_WIDTH + f.SUBMIT_S] <= now_s:
        live += 1
        nodes += asked_nodes(s, j, row * f.JOB_WIDTH)
        events += 1
        row += 1
    if 2 * (s[f.TIMER_COUNT] + 4 * live + s[f.POOL_COUNT] + events) > len(h):
        return f.HEAP_FULL
    for section in range(f.SECTION_COUNT):
        if o[3 * section + 2] + most_rows(s, section, live, nodes, events) > o[3 * section + 1]:
            return f.OUTBOX_FULL
    return f.FINISHED_ALL


def apply_all(s: Flat, j: Flat, h: Flat, o: Flat) -> None:
    """Apply everything that happens at NOW_S, in the order of kind, row, epoch."""
    now_s = s[f.NOW_S]
    while True:
        told = s[f.TOLD] + s[f.NEXT_TOLD] * f.TOLD_WIDTH
        has_told = s[f.NEXT_TOLD] < s[f.TOLD_COUNT] and s[told] <= now_s
        has_timer = s[f.TIMER_COUNT] > 0 and h[0] <= now_s
        if has_timer and not (has_told and s[told + 1] < h[1]):
            apply(s, j, h, o, next_timer(s, h), 0)
        elif has_told:
            s[f.NEXT_TOLD] += 1
            apply(s, j, h, o, s[told + 1], s[told + 2])
        else:
            break
    while s[f.NEXT_JOB] < s[f.JOB_COUNT] and j[s[f.NEXT_JOB] * f.JOB_WIDTH + f.SUBMIT_S] <= now_s:
        row = s[f.NEXT_JOB]
        s[f.NEXT_JOB] = row + 1
        s[f.LIVE_JOBS] += 1
        s[f.LIVE_NODES] += asked_nodes(s, j, row * f.JOB_WIDTH)
        apply(s, j, h, o, (f.EVENT_SUBMIT << f.KIND_SHIFT) | (row << f.ROW_SHIFT), 0)
    if s[f.TICK_S] == now_s:
        s[f.TICK_S] += s[f.INTERVAL_S]
        apply(s, j, h, o, f.EVENT_CONTROL << f.KIND_SHIFT, 0)


def take_step(s: Flat, j: Flat, h: Flat, o: Flat, now_s: int) -> None:
    """Apply everything that happens at `now_s`, and decide once."""
    s[f.NOW_S] = now_s
    s[f.STEP_COUNT] += 1
    for number in range(s[f.POOL_COUNT]):
        s[pool_at(s, number) + f.TOUCHED] = 0
    apply_all(s, j, h, o)
    for number in range(s[f.POOL_COUNT]):
        p = pool_at(s, number)
        if not s[p + f.TOUCHED]:
            continue
        serve(s, j, h, o, p)
        if s[p + f.LENT_CHANGED]:
            s[p + f.LENT_CHANGED] = 0
            for product in range(s[f.PRODUCT_COUNT]):
                if s[s[f.PRODUCTS] + product * f.PRODUCT_WIDTH + f.ROLLING]:
                    note_renewable(s, p, product, now_s)
        if s[f.METERED]:
            note_idle(s, o, p)
    if s[f.TAPED]:
        at = row_of(o, f.STEPS_TAKEN)
        o[at], o[at + 1], o[at + 2] = now_s, o[3 * f.EVENTS + 2], o[3 * f.DECISIONS + 2]


def advance_run(s: Flat, j: Flat, h: Flat, o: Flat, steps: int) -> int:
    """Go on for at most so many steps; return FINISHED_ALL when the run is over, else why the engine came back."""
    for _ in range(steps):
        now_s = next_instant(s, j, h)
        if now_s >= s[f.HORIZON_S] or s[f.ERROR]:
            return f.FINISHED_ALL
        full = room_for_a_step(s, j, h, o, now_s)
        if full:
            return full
        take_step(s, j, h, o, now_s)
    return f.STEPS_DONE


def close_run(s: Flat, j: Flat, o: Flat) -> None:
    """Cut what is still open at NOW_S, and say why who waits does. The outbox must hold a row of each holder."""
    for number in range(s[f.POOL_COUNT]):
        p = pool_at(s, number)
        for tier in range(f.TIERS):
            b = s[p + f.RUN_HEAD + tier]
            while b >= 0:
                write_open(s, j, o, b)
                b = j[b + f.NEXT]
    for row in range(s[f.JOB_COUNT]):
        b = row * f.JOB_WIDTH
        if j[b + f.STATUS] == f.PENDING or j[b + f.STATUS] == f.GRANTED:
            j[b + f.REASON] = why(s, j, b)
