"""The moves of a job: `scheduler.jobs.lives` on flat arrays. Nothing here chooses.

`b` is the first word of a job's record, `p` that of its pool's. The module is a little longer than most because a grant
may revoke, evict and start, and these stand together.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import drop, has, put, set_of, words_of
from scheduler.kernel.books import set_nodes, stir, use_contract, was_renewable
from scheduler.kernel.capacity import capacity_of, covers, exact_of
from scheduler.kernel.fields import Flat
from scheduler.kernel.holding import (
    drop_end,
    give,
    held_gpus,
    is_reserved,
    let_go,
    product_of,
    scrub,
    scrub_hold,
    set_end,
    take,
)
from scheduler.kernel.lists import append, arm, cell_of, free_cells, unlink
from scheduler.kernel.outbox import decide, row_of
from scheduler.kernel.waiting import push, queue_of
from scheduler.kernel.work import book_work, left_by_estimate_s, startup_s, with_writes


def push_job(s: Flat, j: Flat, b: int) -> None:
    need_s = left_by_estimate_s(s, j, b)
    if j[b + f.FIRST_START_S] >= 0:
        need_s += s[product_of(s, j, b) + f.RESTART_S]
    push(s, j, b, queue_of(s, j, b), need_s)


def wait(s: Flat, j: Flat, h: Flat, b: int) -> None:
    p, tier = j[b + f.POOL], j[b + f.TIER]
    j[b + f.STATUS] = f.PENDING
    if is_reserved(s, j, b):
        stir(s, p, 0, 1)
    else:
        j[b + f.NEXT] = s[p + f.FRESH + tier]
        s[p + f.FRESH + tier] = b
    push_job(s, j, b)
    patience_s = j[b + f.PATIENCE_S]
    if patience_s != f.ENDLESS:
        arm(s, h, s[f.NOW_S] + max(1, patience_s), f.EVENT_EXPIRE, b // f.JOB_WIDTH, j[b + f.EPOCH])


def asked_nodes(s: Flat, j: Flat, b: int) -> int:
    """Nodes that a job may hold: what it counts in LIVE_NODES."""
    return min(j[b + f.FULL], s[j[b + f.POOL] + f.NODES]) + 1


def leave(s: Flat, j: Flat, b: int, status: int) -> None:
    """A job is done or cancelled."""
    j[b + f.STATUS] = status
    s[f.OPEN_COUNT] -= 1
    s[f.LIVE_JOBS] -= 1
    s[f.LIVE_NODES] -= asked_nodes(s, j, b)


def cancel(s: Flat, j: Flat, o: Flat, b: int, reason: int) -> None:
    if j[b + f.STATUS] == f.PENDING:
        j[b + f.WAIT_S] += s[f.NOW_S] - j[b + f.PENDING_S]
    j[b + f.REASON] = reason
    j[b + f.END_S] = s[f.NOW_S]
    j[b + f.EPOCH] += 1
    leave(s, j, b, f.CANCELLED)
    decide(s, j, o, b, f.CANCEL, reason, False)


def note_if_in_the_way(s: Flat, j: Flat, b: int, taken: int, last: int) -> int:
    """Add a cell for a job that sits on a node of a set behind the cell `last`; return the last cell."""
    if not covers(s, j, b, taken):
        return last
    cell = cell_of(s, b, f.NONE)
    s[last + 1] = cell
    return cell


def in_the_way(s: Flat, j: Flat, b: int) -> int:
    """Return cells of the jobs of lower tiers on the nodes of the choice under way; called before it is taken."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    words, whole, part = words_of(s, p), set_of(s, p, f.WHOLE), s[p + f.PART_NODE]
    inner, rented = set_of(s, p, f.LIMIT_WHOLE), set_of(s, p, f.LIMIT_PART)
    second, third = set_of(s, p, f.RENTED_2), set_of(s, p, f.RENTED_3)
    internal = capacity_of(s, p, f.INTERNAL)
    free = exact_of(s, p, internal, s[p + f.PER_NODE])
    some_inner, some_rented = False, False
    for k in range(words):
        s[inner + k] = s[whole + k] & ~s[free + k]
        s[rented + k] = s[whole + k] & (s[second + k] | s[third + k])
        some_inner = some_inner or s[inner + k] != 0
        some_rented = some_rented or s[rented + k] != 0
    if part >= 0:
        short = True
        for gpus in range(j[b + f.PART], s[p + f.PER_NODE] + 1):
            if has(s, exact_of(s, p, internal, gpus), part):
                short = False
        if short:
            put(s, inner, part)
            some_inner = True
        if has(s, second, part) or has(s, third, part):
            put(s, rented, part)
            some_rented = True
    first = cell_of(s, f.NONE, f.NONE)  # a sentinel, so that adding needs no case for an empty list
    last = first
    for lower in range(tier + 1, f.TIERS):
        taken, some = (inner, some_inner) if lower < 2 else (rented, some_rented)
        if some:
            other = s[p + f.GRANT_HEAD]
            while other >= 0:
                if j[other + f.TIER] == lower:
                    last = note_if_in_the_way(s, j, other, taken, last)
                other = j[other + f.NEXT]
            other = s[p + f.RUN_HEAD + lower]
            while other >= 0:
                last = note_if_in_the_way(s, j, other, taken, last)
                other = j[other + f.NEXT]
    found = s[first + 1]
    s[first + 1] = f.NONE
    free_cells(s, first)
    return found


def grant(s: Flat, j: Flat, h: Flat, o: Flat, b: int, at_once: bool) -> None:
    """Promise the choice under way to a waiting job; start it if it can. `at_once`: nothing is in the way."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    j[b + f.STATUS] = f.GRANTED
    j[b + f.GRANTED_S] = s[f.NOW_S]
    holders = f.NONE if at_once or tier == 3 else in_the_way(s, j, b)
    take(s, j, b)
    if is_reserved(s, j, b):
        use_contract(s, p, j[b + f.TENANT], j[b + f.HOLD_NODES])
    decide(s, j, o, b, f.GRANT, j[b + f.PART], True)
    if at_once:
        start(s, j, h, o, b)
        return
    append(s, j, p + f.GRANT_HEAD, p + f.GRANT_TAIL, b)
    j[b + f.VICTIM] = f.NONE
    cell = holders
    while cell >= 0:
        other = s[cell]
        if j[other + f.STATUS] == f.GRANTED:
            revoke(s, j, h, o, other)
            s[cell] = f.NONE
        else:
            j[b + f.VICTIM] = cell_of(s, other, j[b + f.VICTIM])
            if j[other + f.STATUS] != f.RUNNING:
                s[cell] = f.NONE
        cell = s[cell + 1]
    cell = holders
    while cell >= 0:
        if s[cell] >= 0:
            serve_notice(s, j, h, o, s[cell], b // f.JOB_WIDTH)
        cell = s[cell + 1]
    free_cells(s, holders)
    advance(s, j, h, o, b)


def advance(s: Flat, j: Flat, h: Flat, o: Flat, b: int) -> None:
    """Bring a granted job nearer to its start: clean what has been vacated, start when every node is ready."""
    p = j[b + f.POOL]
    words, dirty, scrubbing = words_of(s, p), set_of(s, p, f.DIRTY), set_of(s, p, f.SCRUBBING)
    if j[b + f.RENTER] and covers(s, j, b, dirty):
        nodes, stays = set_of(s, p, f.SCRATCH), set_of(s, p, f.LIMIT_WHOLE)
        for k in range(words):
            s[nodes + k] = 0
            s[stays + k] = 0
        set_nodes(s, j, b, nodes)
        cell = j[b + f.VICTIM]
        while cell >= 0:
            set_nodes(s, j, s[cell], stays)
            cell = s[cell + 1]
        some = False
        for k in range(words):
            s[nodes + k] &= s[dirty + k] & ~s[scrubbing + k] & ~s[stays + k]
            some = some or s[nodes + k] != 0
        if some:
            scrub(s, h, p, nodes)
    if j[b + f.VICTIM] < 0 and not covers(s, j, b, scrubbing):
        unlink(s, j, p + f.GRANT_HEAD, p + f.GRANT_TAIL, b)
        start(s, j, h, o, b)


def start(s: Flat, j: Flat, h: Flat, o: Flat, b: int) -> None:
    now_s = s[f.NOW_S]
    p, tier, product = j[b + f.POOL], j[b + f.TIER], product_of(s, j, b)
    j[b + f.WAIT_S] += now_s - j[b + f.PENDING_S]
    first = j[b + f.FIRST_START_S] < 0
    left_s = with_writes(s, j, b, j[b + f.RUN_S] - j[b + f.WORK_S])
    if not first:
        left_s += s[product + f.RESTART_S]
    j[b + f.START_S] = now_s
    at = row_of(o, f.STARTED)
    o[at], o[at + 1], o[at + 2], o[at + 3] = b // f.JOB_WIDTH, j[b + f.PENDING_S], j[b + f.GRANTED_S], now_s
    decide(s, j, o, b, f.START, 0, False)
    j[b + f.RESTARTING] = 0
    if first:
        j[b + f.FIRST_START_S] = now_s
        j[b + f.FIRST_GRANTED_S] = j[b + f.GRANTED_S]
    if not left_s:  # a job without length holds nothing: it is done as it starts
        give(s, j, b)
        stir(s, p, tier, f.TIERS)
        if is_reserved(s, j, b):
            use_contract(s, p, j[b + f.TENANT], -j[b + f.HOLD_NODES])
        let_go(s, j, b)
        j[b + f.END_S] = now_s
        j[b + f.EPOCH] += 1
        leave(s, j, b, f.DONE)
        return
    j[b + f.STATUS] = f.RUNNING
    append(s, j, p + f.RUN_HEAD + tier, p + f.RUN_TAIL + tier, b)
    s[p + f.HELD_GPUS] += held_gpus(s, j, b)
    if not j[b + f.RENTER]:
        set_nodes(s, j, b, set_of(s, p, f.DIRTY))
    set_end(s, j, b, now_s + left_by_estimate_s(s, j, b) + startup_s(s, j, b))
    arm(s, h, now_s + left_s, f.EVENT_FINISH, b // f.JOB_WIDTH, j[b + f.EPOCH])
    j[b + f.GUARANTEED_UNTIL_S] = now_s + s[product + f.GUARANTEE_S]


def revoke(s: Flat, j: Flat, h: Flat, o: Flat, b: int) -> None:
    """Take a grant back: a higher tier needs the nodes, or one failed. The job waits again, in its place."""
    p = j[b + f.POOL]
    unlink(s, j, p + f.GRANT_HEAD, p + f.GRANT_TAIL, b)
    free_cells(s, j[b + f.VICTIM])
    j[b + f.VICTIM] = f.NONE
    give(s, j, b)
    if is_reserved(s, j, b):
        use_contract(s, p, j[b + f.TENANT], -j[b + f.HOLD_NODES])
    decide(s, j, o, b, f.REVOKE, 0, True)
    let_go(s, j, b)
    j[b + f.STATUS] = f.PENDING
    stir(s, p, j[b + f.TIER], f.TIERS)
    push_job(s, j, b)
    patience_s = j[b + f.PATIENCE_S]
    if patience_s != f.ENDLESS and j[b + f.PENDING_S] + max(1, patience_s) <= s[f.NOW_S]:
        arm(s, h, s[f.NOW_S] + 1, f.EVENT_EXPIRE, b // f.JOB_WIDTH, j[b + f.EPOCH])


def serve_notice(s: Flat, j: Flat, h: Flat, o: Flat, b: int, by: int) -> None:
    j[b + f.EVICTOR] = by
    p, now_s, product = j[b + f.POOL], s[f.NOW_S], product_of(s, j, b)
    if s[product + f.ROLLING]:
        # A rolling guarantee: renewed at the end of each period if the Offer had room then.
        start_s, guarantee_s = j[b + f.START_S], s[product + f.GUARANTEE_S]
        periods = (now_s - start_s) // guarantee_s
        until_s = start_s + periods * guarantee_s
        if not periods or was_renewable(s, p, j[b + f.PRODUCT], until_s):
            until_s += guarantee_s
        j[b + f.GUARANTEED_UNTIL_S] = until_s
    evict_at_s = max(now_s + s[product + f.NOTICE_S], j[b + f.GUARANTEED_UNTIL_S])
    j[b + f.STATUS] = f.EVICTING
    j[b + f.EVICT_AT_S] = evict_at_s
    j[b + f.NOTICED_S] = max(now_s, evict_at_s - s[product + f.NOTICE_S])
    decide(s, j, o, b, f.EVICT, evict_at_s, True)
    if evict_at_s <= now_s:
        release(s, j, h, o, b, f.CAUSE_EVICTED)
        return
    if j[b + f.TIER] >= 2:
        set_nodes(s, j, b, set_of(s, p, f.LEAVING))
    arm(s, h, evict_at_s, f.EVENT_NOTICE_END, b // f.JOB_WIDTH, j[b + f.EPOCH])


def drop_victim(s: Flat, j: Flat, p: int, victim: int) -> None:
    """Nobody waits for this job to leave any more."""
    b = s[p + f.GRANT_HEAD]
    while b >= 0:
        before, cell = f.NONE, j[b + f.VICTIM]
        while cell >= 0:
            after = s[cell + 1]
            if s[cell] == victim:
                if before < 0:
                    j[b + f.VICTIM] = after
                else:
                    s[before + 1] = after
                s[cell + 1] = f.NONE
                free_cells(s, cell)
                break
            before, cell = cell, after
        b = j[b + f.NEXT]


def release(s: Flat, j: Flat, h: Flat, o: Flat, b: int, cause: int) -> None:
    """End a job's allocation: book its work, let go of the segment, and let it wait again or leave."""
    p, tier, product, now_s = j[b + f.POOL], j[b + f.TIER], product_of(s, j, b), s[f.NOW_S]
    row, gpus = b // f.JOB_WIDTH, held_gpus(s, j, b)
    s[p + f.TOUCHED] = 1
    unlink(s, j, p + f.RUN_HEAD + tier, p + f.RUN_TAIL + tier, b)
    drop_end(s, j, b)
    freed = give(s, j, b)
    # Renters want whole nodes: the end of a job that shared its node is nothing to them.
    stir(s, p, tier, 2 if tier < 2 and not freed else f.TIERS)
    if tier >= 2:
        leaving = set_of(s, p, f.LEAVING)
        cell = j[b + f.HOLD]
        while cell >= 0:
            drop(s, leaving, s[cell])
            cell = s[cell + 1]
    s[p + f.HELD_GPUS] -= gpus
    if is_reserved(s, j, b):
        use_contract(s, p, j[b + f.TENANT], -j[b + f.HOLD_NODES])
    lost_s = book_work(s, j, o, b, cause)
    j[b + f.EPOCH] += 1
    j[b + f.END_S] = now_s
    if j[b + f.RENTER]:
        scrub_hold(s, j, h, b)
    let_go(s, j, b)
    s[p + f.GATHER_CHANGED] = 1
    drop_victim(s, j, p, b)
    if cause == f.CAUSE_FINISHED:
        leave(s, j, b, f.DONE)
        return
    if cause == f.CAUSE_EVICTED:
        j[b + f.PREEMPTIONS] += 1
        at = row_of(o, f.EVICTED)
        o[at], o[at + 1], o[at + 2], o[at + 3] = row, gpus, j[b + f.NOTICED_S], now_s
        by = j[b + f.EVICTOR]
        o[at + 4], o[at + 5], o[at + 6] = j[b + f.GUARANTEED_UNTIL_S], by, lost_s
        o[at + 7] = j[by * f.JOB_WIDTH + f.RESTARTING]
    else:
        j[b + f.FAULTS] += 1
        at = row_of(o, f.FAULTED)
        due_s = j[b + f.EVICT_AT_S] if j[b + f.STATUS] == f.EVICTING else f.ENDLESS
        o[at], o[at + 1], o[at + 2], o[at + 3] = row, gpus, now_s, due_s
    if s[product + f.REQUEUE]:
        j[b + f.PENDING_S] = now_s
        if cause == f.CAUSE_NODE_FAULT:
            j[b + f.RESTARTING] = 1
        wait(s, j, h, b)
    else:
        cancel(s, j, o, b, f.REASON_NO_REQUEUE)
