"""EASY backfilling as a list would have it: one number of free GPUs, sorted ends by estimate, a queue that is scanned.

The slow, obvious form that goal P1 is measured against. It knows neither nodes nor bands, and records nothing.
"""

import heapq
from bisect import insort


def starts(submit_s: list[int], gpus: list[int], run_s: list[int], estimate_s: list[int], capacity: int) -> list[int]:
    """Return when each job starts, in order of submission. Ties end in the row; finishes come before submissions."""
    found = [-1] * len(submit_s)
    free, queue, row = capacity, [], 0
    ends: list[tuple[int, int]] = []  # by estimate
    finishes: list[tuple[int, int]] = []
    while row < len(submit_s) or finishes:
        now_s = submit_s[row] if row < len(submit_s) else finishes[0][0]
        now_s = min(now_s, finishes[0][0]) if finishes else now_s
        while finishes and finishes[0][0] == now_s:
            job = heapq.heappop(finishes)[1]
            ends.remove((found[job] + max(1, estimate_s[job]), job))
            free += gpus[job]
        while row < len(submit_s) and submit_s[row] == now_s:
            queue.append(row)
            row += 1
        for job in _allowed(queue, free, ends, gpus, estimate_s, now_s):
            found[job] = now_s
            free -= gpus[job]
            if run_s[job]:
                insort(ends, (now_s + max(1, estimate_s[job]), job))
                heapq.heappush(finishes, (now_s + run_s[job], job))
            else:
                free += gpus[job]
            queue.remove(job)
    return found


def _allowed(
    queue: list[int], free: int, ends: list[tuple[int, int]], gpus: list[int], estimate_s: list[int], now_s: int
) -> list[int]:
    """Return who starts now: the queue while it fits, then whoever does not delay its head."""
    chosen: list[int] = []
    place = 0
    while place < len(queue) and gpus[queue[place]] <= free:
        chosen.append(queue[place])
        free -= gpus[queue[place]]
        place += 1
    if place >= len(queue) or not free:
        return chosen
    at_s, spare = now_s, free
    later = sorted([*ends, *((now_s + max(1, estimate_s[job]), job) for job in chosen)])
    for end_s, job in later:
        if spare >= gpus[queue[place]] and end_s > at_s:
            break
        at_s, spare = max(end_s, now_s + 1), spare + gpus[job]
    spare -= gpus[queue[place]]
    for job in queue[place + 1 :]:
        in_time = now_s + max(1, estimate_s[job]) <= at_s
        if gpus[job] <= free and (in_time or gpus[job] <= spare):
            chosen.append(job)
            free -= gpus[job]
            spare -= 0 if in_time else gpus[job]
            if not free:
                break
    return chosen
