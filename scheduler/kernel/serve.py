"""Deciding for one pool, once per instant: `scheduler.decide.serve` on flat arrays, in the same order of service."""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import count, set_of, words_of
from scheduler.kernel.books import closed_of, contract_room, forget, kept_nodes, offer_room
from scheduler.kernel.capacity import capacity_of, fits, whole_of
from scheduler.kernel.fields import Flat
from scheduler.kernel.gather import choose_ready, grant_in, room_capacity
from scheduler.kernel.moves import advance
from scheduler.kernel.promise import limit_to_spare, promise, take_granted
from scheduler.kernel.waiting import head_of, member, need_at, pull, seek


def offered(s: Flat, j: Flat, b: int) -> bool:
    tier = j[b + f.TIER]
    return tier < 2 or j[b + f.FULL] <= offer_room(s, j[b + f.POOL], tier)


def serve(s: Flat, j: Flat, h: Flat, o: Flat, p: int) -> None:
    """Decide everything for one pool."""
    if s[p + f.GATHER_CHANGED]:
        s[p + f.GATHER_CHANGED] = 0
        b = s[p + f.GRANT_HEAD]
        while b >= 0:
            after = j[b + f.NEXT]
            advance(s, j, h, o, b)
            b = after
    if s[p + f.ASKED] and s[p + f.WAITING + f.CONTRACT_QUEUE]:
        serve_contracts(s, j, h, o, p)
    for tier in range(f.TIERS):
        if s[p + f.FRESH + tier] >= 0 or s[p + f.ASKED + tier]:
            if s[p + f.WAITING + tier]:
                serve_tier(s, j, h, o, p, tier)
            s[p + f.FRESH + tier] = f.NONE
            s[p + f.ASKED + tier] = 0


def serve_contracts(s: Flat, j: Flat, h: Flat, o: Flat, p: int) -> None:
    """Grant every RESERVED job that fits the unused part of its tenant's reservation, in order."""
    lines, line_count = s[p + f.LINES + f.CONTRACT_QUEUE], s[p + f.LINE_COUNT + f.CONTRACT_QUEUE]
    all_nodes, empty, firm = set_of(s, p, f.ALL), set_of(s, p, f.EMPTY), capacity_of(s, p, f.FIRM)
    for number in range(line_count):
        s[lines + number * f.LINE_WIDTH + f.PLACE] = 0
    while True:
        best, best_line = f.NONE, f.NONE
        for number in range(line_count):
            line = lines + number * f.LINE_WIDTH
            where = seek(s, line, s[line + f.PLACE], f.ABSENT - 1) if s[line + f.LINE_HEAD] >= 0 else f.NONE
            if where >= 0:
                b = member(s, line, where)
                if best < 0 or j[b + f.KEY] < j[best + f.KEY]:
                    best, best_line = b, line
        if best < 0:
            return
        s[best_line + f.PLACE] = j[best + f.POSITION] + 1
        full = j[best + f.FULL]
        if full <= contract_room(s, p, j[best + f.TENANT]) and fits(
            s, p, firm, empty, all_nodes, all_nodes, full, 0, 0
        ):
            pull(s, j, best, f.CONTRACT_QUEUE)
            grant_in(s, j, h, o, best, empty, all_nodes, all_nodes, False)


def serve_tier(s: Flat, j: Flat, h: Flat, o: Flat, p: int, tier: int) -> None:
    all_nodes = set_of(s, p, f.ALL)
    head = head_of(s, j, p, tier)
    promise_s = s[p + f.PROMISE_S + tier]
    if head == s[p + f.BLOCKED + tier] and (promise_s < 0 or promise_s > s[f.NOW_S]):
        # Nothing has changed since this head was found not to fit: only the newcomers may be worth a look.
        if s[f.EASY]:
            look_at_newcomers(s, j, p, tier, head)
            backfill(s, j, h, o, p, tier, head)
        return
    while offered(s, j, head):
        full, part, kept = j[head + f.FULL], j[head + f.PART], kept_nodes(s, p, tier)
        hopeful = not kept and head != s[p + f.LAST_BLOCKED + tier]
        found = hopeful and choose_ready(s, j, head, all_nodes, all_nodes)
        closed = closed_of(s, p, tier)
        if not found and not fits(s, p, room_capacity(s, p, tier), closed, all_nodes, all_nodes, full, part, kept):
            break
        pull(s, j, head, tier)
        grant_in(s, j, h, o, head, closed, all_nodes, all_nodes, found)
        if not s[p + f.WAITING + tier]:
            return
        head = head_of(s, j, p, tier)
    s[p + f.BLOCKED + tier] = head
    s[p + f.LAST_BLOCKED + tier] = head
    if s[p + f.WAITING + tier] > 1 and s[f.EASY]:
        look_at_all(s, j, p, tier, head)
        backfill(s, j, h, o, p, tier, head)


def most_nodes(s: Flat, p: int, tier: int) -> int:
    """Whole nodes within a tier's reach."""
    to = set_of(s, p, f.SCRATCH)
    whole_of(s, p, room_capacity(s, p, tier), closed_of(s, p, tier), set_of(s, p, f.ALL), to)
    return count(s, to, words_of(s, p)) - kept_nodes(s, p, tier)


def look_at_all(s: Flat, j: Flat, p: int, tier: int, head: int) -> None:
    """Set where to look in each line that may yield somebody; the head itself is not its own later job."""
    most = most_nodes(s, p, tier)
    if tier >= 2:
        most = min(most, offer_room(s, p, tier))
    line = s[p + f.LINES + tier]
    for _ in range(s[p + f.LINE_COUNT + tier]):
        first = 1 if line == j[head + f.LINE] else 0
        s[line + f.PLACE] = f.NONE
        if s[line + f.LINE_JOBS_WAITING] > first and s[line + f.LINE_FULL] <= most:
            s[line + f.PLACE] = s[line + f.LINE_HEAD] + first
        line += f.LINE_WIDTH


def look_at_newcomers(s: Flat, j: Flat, p: int, tier: int, head: int) -> None:
    """The same where everybody but the newcomers has been turned down already, and nothing has changed."""
    most = most_nodes(s, p, tier)
    if tier >= 2:
        most = min(most, offer_room(s, p, tier))
    line = s[p + f.LINES + tier]
    for _ in range(s[p + f.LINE_COUNT + tier]):
        s[line + f.PLACE] = f.NONE
        line += f.LINE_WIDTH
    b = s[p + f.FRESH + tier]
    while b >= 0:
        line = j[b + f.LINE]
        if j[b + f.FULL] <= most and b != head:
            where = s[line + f.PLACE]
            s[line + f.PLACE] = j[b + f.POSITION] if where < 0 else min(where, j[b + f.POSITION])
        b = j[b + f.NEXT]


def backfill(s: Flat, j: Flat, h: Flat, o: Flat, p: int, tier: int, head: int) -> None:
    """Grant later jobs that do not delay the head's promised start, in the order of the queue."""
    all_nodes, granted = set_of(s, p, f.ALL), False
    scrub_s = s[p + f.SCRUB_S] if tier >= 2 else 0
    while True:
        b = next_candidate(s, j, p, tier, head)
        if b < 0:
            break
        line, narrow, need_s = j[b + f.LINE], s[p + f.BEST_NARROW] != 0, need_at(s, j[b + f.LINE], j[b + f.POSITION])
        if not offered(s, j, b):
            s[line + f.PLACE] = j[b + f.POSITION] + 1
            continue
        promise_s = s[p + f.PROMISE_S + tier]
        pull(s, j, b, tier)
        closed, whole, limit = closed_of(s, p, tier), all_nodes, all_nodes
        if narrow:
            limit_to_spare(s, j, p, tier, j[b + f.FULL], j[b + f.PART])
            whole, limit = set_of(s, p, f.NARROW_WHOLE), set_of(s, p, f.NARROW_PART)
        grant_in(s, j, h, o, b, closed, whole, limit, False)
        if s[f.NOW_S] + need_s + scrub_s > promise_s:
            take_granted(s, j, p, tier, b)
        s[p + f.PROMISE_S + tier] = promise_s  # the grant made the pool forget it; it holds until the end of this pass
        granted = True
    if granted:
        forget(s, p, tier)


def next_candidate(s: Flat, j: Flat, p: int, tier: int, head: int) -> int:
    """Return the next job that may be backfilled, NONE if there is none; BEST_NARROW: only on what is spare."""
    c, all_nodes, kept = room_capacity(s, p, tier), set_of(s, p, f.ALL), kept_nodes(s, p, tier)
    back_s = s[f.NOW_S] + (s[p + f.SCRUB_S] if tier >= 2 else 0)
    most, closed = most_nodes(s, p, tier), closed_of(s, p, tier)
    best = f.NONE
    line = s[p + f.LINES + tier] - f.LINE_WIDTH
    for _ in range(s[p + f.LINE_COUNT + tier]):
        line += f.LINE_WIDTH
        if s[line + f.PLACE] < 0:
            continue
        full, part = s[line + f.LINE_FULL], s[line + f.LINE_PART]
        where = seek(s, line, s[line + f.PLACE], f.ABSENT - 1)
        if where < 0 or full > most or (part and not fits(s, p, c, closed, all_nodes, all_nodes, full, part, kept)):
            s[line + f.PLACE] = f.NONE
            continue
        if s[p + f.PROMISE_S + tier] <= s[f.NOW_S]:
            promise(s, j, p, tier, head)
        limit_s = s[p + f.PROMISE_S + tier] - back_s
        narrow = need_at(s, line, where) > limit_s
        if narrow:
            limit_to_spare(s, j, p, tier, full, part)
            narrow_whole, narrow_part = set_of(s, p, f.NARROW_WHOLE), set_of(s, p, f.NARROW_PART)
            if not fits(s, p, c, closed, narrow_whole, narrow_part, full, part, kept):
                # Others of this shape that end as late need not be asked; the next one that ends in time may.
                where = seek(s, line, where + 1, limit_s)
                narrow = False
        s[line + f.PLACE] = where
        if where >= 0:
            b = member(s, line, where)
            if best < 0 or j[b + f.KEY] < j[best + f.KEY]:
                best = b
                s[p + f.BEST_NARROW] = 1 if narrow else 0
    return best
