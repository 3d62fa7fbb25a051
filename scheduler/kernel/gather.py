"""Gathering nodes for a granted job: `scheduler.decide.gather` and `scheduler.policy.victims` on flat arrays."""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import copy_words, set_of, words_of
from scheduler.kernel.capacity import capacity_of, covers, fits, partly_of, whole_of
from scheduler.kernel.fields import Flat
from scheduler.kernel.lists import cell_of, free_cells
from scheduler.kernel.moves import grant
from scheduler.kernel.place import place_gang, prefer


def room_capacity(s: Flat, p: int, tier: int) -> int:
    """Return the capacity that a tier plans on."""
    return capacity_of(s, p, f.FIRM if tier == 0 else f.INTERNAL)


def find_blocked(s: Flat, j: Flat, b: int) -> int:
    """Return the nodes on which a job could not start at once, though no internal work holds them."""
    p = j[b + f.POOL]
    if s[f.BLIND] and j[b + f.TIER] < 2:
        return set_of(s, p, f.EMPTY)
    blocked, second, third = set_of(s, p, f.BLOCKED_NODES), set_of(s, p, f.RENTED_2), set_of(s, p, f.RENTED_3)
    scrubbing, dirty = set_of(s, p, f.SCRUBBING), set_of(s, p, f.DIRTY)
    for k in range(words_of(s, p)):
        s[blocked + k] = s[second + k] | s[third + k] | s[scrubbing + k]
        if j[b + f.RENTER]:
            s[blocked + k] |= s[dirty + k]
    return blocked


def choose_ready(s: Flat, j: Flat, b: int, whole: int, limit: int) -> bool:
    """Choose among nodes on which the job could start at once, within the limits of its room."""
    p = j[b + f.POOL]
    prefer(s, p, 0, set_of(s, p, f.ALL), set_of(s, p, f.ALL))
    blocked = find_blocked(s, j, b)
    internal, top = capacity_of(s, p, f.INTERNAL), j[b + f.TIER] >= 2
    return place_gang(s, p, internal, blocked, whole, limit, j[b + f.FULL], j[b + f.PART], 1, top)


def choose(s: Flat, j: Flat, b: int, closed: int, whole: int, limit: int) -> bool:
    """Choose where ready nodes do not suffice: ready ones first, then those that come free, then victims'."""
    p, tier, full, part = j[b + f.POOL], j[b + f.TIER], j[b + f.FULL], j[b + f.PART]
    words, internal = words_of(s, p), capacity_of(s, p, f.INTERNAL)
    blind, all_nodes, empty = s[f.BLIND] != 0 and tier < 2, set_of(s, p, f.ALL), set_of(s, p, f.EMPTY)
    ready_whole, ready_part = set_of(s, p, f.READY_WHOLE), set_of(s, p, f.READY_PART)
    soon_whole, soon_part = set_of(s, p, f.SOON_WHOLE), set_of(s, p, f.SOON_PART)
    second, third, leaving = set_of(s, p, f.RENTED_2), set_of(s, p, f.RENTED_3), set_of(s, p, f.LEAVING)
    blocked = find_blocked(s, j, b)
    whole_of(s, p, internal, blocked, all_nodes, ready_whole)
    whole_of(s, p, internal, empty, all_nodes, soon_whole)
    if part:
        partly_of(s, p, internal, blocked, all_nodes, part, ready_part)
        partly_of(s, p, internal, empty, all_nodes, part, soon_part)
    for k in range(words):
        open_soon = s[leaving + k] | ~(s[second + k] | s[third + k])
        if not part:
            s[ready_part + k] = 0
            s[soon_part + k] = 0
        if not blind:
            s[soon_whole + k] &= open_soon
            s[soon_part + k] &= open_soon
    prefer(s, p, 0, ready_whole, ready_part)
    prefer(s, p, 1, soon_whole, soon_part)
    c = room_capacity(s, p, tier)
    if place_gang(s, p, c, closed, whole, limit, full, part, 2, tier >= 2):
        return True
    plan_victims(s, j, b, c, closed, whole, limit)
    prefer(s, p, 2, set_of(s, p, f.REACH_WHOLE), set_of(s, p, f.REACH_PART))
    return place_gang(s, p, c, closed, whole, limit, full, part, 3, tier >= 2)


def enough(s: Flat, j: Flat, b: int, c: int, closed: int, whole: int, limit: int) -> bool:
    """Whether the job fits once the nodes that are covered by victims, and by nobody who stays, are vacated."""
    p = j[b + f.POOL]
    words, cover, stay = words_of(s, p), s[p + f.COVER], s[p + f.STAY]
    reach_whole, reach_part = set_of(s, p, f.REACH_WHOLE), set_of(s, p, f.REACH_PART)
    limit_whole, limit_part = set_of(s, p, f.LIMIT_WHOLE), set_of(s, p, f.LIMIT_PART)
    copy_words(s, reach_whole, set_of(s, p, f.SOON_WHOLE), words)
    copy_words(s, reach_part, set_of(s, p, f.SOON_PART), words)
    useful = set_of(s, p, f.USEFUL)
    for k in range(words):
        word, node = s[useful + k], k << 5
        while word:
            if word & 1 and s[cover + node] and not s[stay + node]:
                s[reach_whole + k] |= 1 << (node & 31)
                s[reach_part + k] |= 1 << (node & 31)
            word >>= 1
            node += 1
        s[limit_whole + k] = s[whole + k] & s[reach_whole + k]
        s[limit_part + k] = s[limit + k] & s[reach_part + k]
    return fits(s, p, c, closed, limit_whole, limit_part, j[b + f.FULL], j[b + f.PART], kept=0)


def shift(s: Flat, j: Flat, b: int, counts: int, by: int) -> None:
    """Count a holder's nodes in (1) or out (-1)."""
    cell = j[b + f.HOLD]
    while cell >= 0:
        s[counts + s[cell]] += by
        cell = s[cell + 1]
    if j[b + f.HOLD_PART] >= 0:
        s[counts + j[b + f.HOLD_PART]] += by


def next_holder(s: Flat, j: Flat, p: int, tier: int, b: int, lower: int, claims: bool) -> int:
    """Return the next gang of a tier that may be evicted for some USEFUL node, after `b` (NONE: from the start).

    Claims come before allocations, youngest first; renters under notice are left out.
    """
    useful = set_of(s, p, f.USEFUL)
    youngest = s[p + f.GRANT_TAIL] if claims else s[p + f.RUN_TAIL + lower]
    b = j[b + f.PREVIOUS] if b >= 0 else youngest
    while b >= 0:
        mine = j[b + f.TIER] == lower and (lower < 2 or j[b + f.STATUS] != f.EVICTING)
        if mine and covers(s, j, b, useful):
            return b
        b = j[b + f.PREVIOUS]
    return f.NONE


def plan_victims(s: Flat, j: Flat, b: int, c: int, closed: int, whole: int, limit: int) -> None:
    """Work out REACH_WHOLE and REACH_PART: the nodes that are open once the smallest set found of victims has left.

    `scheduler.policy.victims.youngest_first`: the youngest gangs of the least important band until it fits, then a walk
    back that drops whoever is not needed.
    """
    p, tier, part = j[b + f.POOL], j[b + f.TIER], j[b + f.PART]
    words, useful, cover, stay = words_of(s, p), set_of(s, p, f.USEFUL), s[p + f.COVER], s[p + f.STAY]
    whole_of(s, p, c, closed, whole, useful)
    if part:
        partly_of(s, p, c, closed, limit, part, set_of(s, p, f.SCRATCH))
        for k in range(words):
            s[useful + k] |= s[set_of(s, p, f.SCRATCH) + k]
    for node in range(s[p + f.NODES]):
        s[cover + node] = 0
        s[stay + node] = 0
    if tier == 0:
        count_sharers(s, j, p, stay)
    chosen, done = f.NONE, False
    for lower in range(3, tier, -1):
        if lower >= 2 and s[f.BLIND] and tier < 2:
            continue
        for claims in (True, False):
            other = next_holder(s, j, p, tier, f.NONE, lower, claims)
            while other >= 0 and not done:
                chosen = cell_of(s, other, chosen)
                shift(s, j, other, cover, 1)
                if lower < 2:
                    shift(s, j, other, stay, -1)
                done = enough(s, j, b, c, closed, whole, limit)
                if not done:
                    other = next_holder(s, j, p, tier, other, lower, claims)
    if chosen >= 0:
        cell = s[chosen + 1]  # from the last but one back
        while cell >= 0:
            other = s[cell]
            shift(s, j, other, cover, -1)
            if j[other + f.TIER] < 2:
                shift(s, j, other, stay, 1)
            if not enough(s, j, b, c, closed, whole, limit):
                shift(s, j, other, cover, 1)
                if j[other + f.TIER] < 2:
                    shift(s, j, other, stay, -1)
            cell = s[cell + 1]
    free_cells(s, chosen)
    enough(s, j, b, c, closed, whole, limit)


def count_sharers(s: Flat, j: Flat, p: int, stay: int) -> None:
    """Count the nodes of everybody of tier 1 who might be evicted: they stay until they are chosen."""
    for claims in (True, False):
        other = next_holder(s, j, p, 0, f.NONE, 1, claims)
        while other >= 0:
            shift(s, j, other, stay, 1)
            other = next_holder(s, j, p, 0, other, 1, claims)


def grant_in(s: Flat, j: Flat, h: Flat, o: Flat, b: int, closed: int, whole: int, limit: int, found: bool) -> None:
    """Grant a job that fits the room; `found`: on the choice under way, which is ready."""
    ready = found or choose_ready(s, j, b, whole, limit)
    if not ready and not choose(s, j, b, closed, whole, limit):
        s[f.ERROR] = 4
        return
    grant(s, j, h, o, b, ready and not s[f.BLIND])
