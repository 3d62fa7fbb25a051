"""The promised start: `scheduler.plan.promise` on flat arrays."""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import copy_words, drop, set_of, words_of
from scheduler.kernel.books import closed_of, kept_nodes
from scheduler.kernel.capacity import (
    capacity_of,
    copy_capacity,
    fits,
    free_gpus_of,
    give_hold,
    partly_of,
    take_on,
    whole_of,
)
from scheduler.kernel.fields import Flat
from scheduler.kernel.gather import room_capacity
from scheduler.kernel.holding import held_gpus
from scheduler.kernel.place import place_gang, prefer


def next_end(s: Flat, j: Flat, p: int, tier: int, cursor: int) -> int:
    """Return the job whose end by estimate comes next in this tier's view, and move the cursor on; NONE: no more."""
    best, best_tier, best_s = f.NONE, 0, 0
    for lower in range(tier + 1):
        place_now = s[cursor + lower]
        if place_now < s[p + f.END_COUNT + lower]:
            b = s[s[p + f.ENDS] + lower * s[p + f.ENDS_WIDTH] + place_now]
            end_s = j[b + f.ESTIMATED_END_S]
            if best < 0 or end_s < best_s or (end_s == best_s and b < best):
                best, best_tier, best_s = b, lower, end_s
    if best >= 0:
        s[cursor + best_tier] += 1
    return best


def close_then(s: Flat, p: int, tier: int, closed: int) -> None:
    """Write which nodes are out of the tier's reach after the ends seen so far."""
    second = set_of(s, p, f.SOON_RENTED_2)
    third = set_of(s, p, f.SOON_RENTED_3 if tier == 3 else f.SOON_RENTED_2)
    for k in range(words_of(s, p)):
        s[closed + k] = s[second + k] | s[third + k] if tier >= 2 else 0


def promise(s: Flat, j: Flat, p: int, tier: int, head: int) -> None:
    """Work out PROMISE_S, the promised capacity and its closed nodes for the head of a tier."""
    words, full, part = words_of(s, p), j[head + f.FULL], j[head + f.PART]
    kept, now_capacity, now_closed = kept_nodes(s, p, tier), room_capacity(s, p, tier), closed_of(s, p, tier)
    all_nodes, c, closed = set_of(s, p, f.ALL), capacity_of(s, p, f.PROMISED + tier), set_of(s, p, f.PROMISE_CLOSED)
    closed += tier * words
    not_whole, not_part = set_of(s, p, f.NOT_NOW_WHOLE), set_of(s, p, f.NOT_NOW_PART)
    whole_of(s, p, now_capacity, now_closed, all_nodes, not_whole)
    if part:
        partly_of(s, p, now_capacity, now_closed, all_nodes, part, not_part)
    for k in range(words):
        s[not_whole + k] = s[all_nodes + k] & ~s[not_whole + k]
        s[not_part + k] = s[all_nodes + k] & ~s[not_part + k] if part else s[all_nodes + k]
    copy_capacity(s, p, c, now_capacity)
    copy_words(s, set_of(s, p, f.SOON_RENTED_2), set_of(s, p, f.RENTED_2), words)
    copy_words(s, set_of(s, p, f.SOON_RENTED_3), set_of(s, p, f.RENTED_3), words)
    short_gpus = full * s[p + f.PER_NODE] + part
    short_gpus -= free_gpus_of(s, p, c, now_closed) if tier >= 2 else s[c + f.FREE_GPUS]
    cursor = s[p + f.STEPS] + 6
    for lower in range(f.TIERS):
        s[cursor + lower] = 0
    at_s, scrub_s = f.ENDLESS, s[p + f.SCRUB_S] if tier >= 2 else 0
    b = next_end(s, j, p, tier, cursor)
    while b >= 0:
        back_s = max(j[b + f.ESTIMATED_END_S] + scrub_s, s[f.NOW_S] + 1)
        if back_s > at_s:
            break
        short_gpus -= held_gpus(s, j, b)
        if j[b + f.TIER] >= 2:
            rented = set_of(s, p, f.SOON_RENTED_2 if j[b + f.TIER] == 2 else f.SOON_RENTED_3)
            cell = j[b + f.HOLD]
            while cell >= 0:
                drop(s, rented, s[cell])
                cell = s[cell + 1]
        else:
            give_hold(s, j, p, c, b)
        if short_gpus <= 0 and at_s == f.ENDLESS:
            close_then(s, p, tier, closed)
            if fits(s, p, c, closed, all_nodes, all_nodes, full, part, kept):
                at_s = back_s
        b = next_end(s, j, p, tier, cursor)
    close_then(s, p, tier, closed)
    s[p + f.PROMISE_S + tier] = at_s
    if at_s == f.ENDLESS:
        return
    take_promised(s, p, c, closed, full, part, kept)


def take_promised(s: Flat, p: int, c: int, closed: int, full: int, part: int, kept: int) -> None:
    """Take the head's nodes off what will be free then, busy ones first, and what contracts may call on."""
    all_nodes, whole = set_of(s, p, f.ALL), set_of(s, p, f.WHOLE)
    prefer(s, p, 0, set_of(s, p, f.NOT_NOW_WHOLE), set_of(s, p, f.NOT_NOW_PART))
    prefer(s, p, 1, all_nodes, all_nodes)
    if not place_gang(s, p, c, closed, all_nodes, all_nodes, full, part, 2, False):
        s[f.ERROR] = 5
    take_set(s, p, c, whole)
    if s[p + f.PART_NODE] >= 0:
        take_on(s, p, c, s[p + f.PART_NODE], part)
    if kept:
        prefer(s, p, 0, all_nodes, all_nodes)
        place_gang(s, p, c, closed, all_nodes, all_nodes, kept, 0, 1, True)
        take_set(s, p, c, whole)


def take_set(s: Flat, p: int, c: int, whole: int) -> None:
    """Take whole nodes off a capacity."""
    for k in range(words_of(s, p)):
        word, node = s[whole + k], k << 5
        while word:
            if word & 1:
                take_on(s, p, c, node, s[p + f.PER_NODE])
            word >>= 1
            node += 1


def limit_to_spare(s: Flat, j: Flat, p: int, tier: int, full: int, part: int) -> None:
    """Write NARROW_WHOLE and NARROW_PART: what is spare beside the head at its promised start."""
    c, all_nodes = capacity_of(s, p, f.PROMISED + tier), set_of(s, p, f.ALL)
    closed = set_of(s, p, f.PROMISE_CLOSED + tier)
    whole, limit = set_of(s, p, f.NARROW_WHOLE), set_of(s, p, f.NARROW_PART)
    if full:
        whole_of(s, p, c, closed, all_nodes, whole)
    else:
        copy_words(s, whole, all_nodes, words_of(s, p))
    if part:
        partly_of(s, p, c, closed, all_nodes, part, limit)
    else:
        copy_words(s, limit, all_nodes, words_of(s, p))


def take_granted(s: Flat, j: Flat, p: int, tier: int, b: int) -> None:
    """What a backfilled job holds past the promised start is spare no more."""
    take_set(s, p, capacity_of(s, p, f.PROMISED + tier), set_of(s, p, f.WHOLE))
    if s[p + f.PART_NODE] >= 0:
        take_on(s, p, capacity_of(s, p, f.PROMISED + tier), s[p + f.PART_NODE], j[b + f.PART])
