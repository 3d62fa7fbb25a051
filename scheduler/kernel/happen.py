"""What happens to jobs, nodes, contracts and the Offer: the events of `scheduler.core` on flat arrays."""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import count, drop, has, put, set_of, words_of
from scheduler.kernel.books import change_contract, end_batch, note_batch, stir
from scheduler.kernel.capacity import capacity_of, exact_of, holds
from scheduler.kernel.fields import Flat
from scheduler.kernel.holding import scrub
from scheduler.kernel.moves import cancel, release, revoke, wait
from scheduler.kernel.outbox import row_of
from scheduler.kernel.waiting import head_of, pull, queue_of


def pool_at(s: Flat, number: int) -> int:
    """Return the first word of a pool."""
    return s[f.POOLS] + number * f.POOL_WIDTH


def pool_of_node(s: Flat, node: int) -> int:
    """Return the pool that a node of the cluster belongs to."""
    for number in range(s[f.POOL_COUNT]):
        p = pool_at(s, number)
        if node < s[p + f.FIRST_NODE] + s[p + f.NODES]:
            return p
    s[f.ERROR] = 6
    return pool_at(s, 0)


def submit(s: Flat, j: Flat, h: Flat, o: Flat, b: int) -> None:
    p = j[b + f.POOL]
    s[p + f.TOUCHED] = 1
    j[b + f.PENDING_S] = s[f.NOW_S]
    if j[b + f.FULL] + (1 if j[b + f.PART] else 0) > s[p + f.NODES]:
        cancel(s, j, o, b, f.REASON_TOO_LARGE)
    else:
        wait(s, j, h, b)


def expire(s: Flat, j: Flat, o: Flat, b: int) -> None:
    if j[b + f.STATUS] != f.PENDING:
        return
    p, tier, queue = j[b + f.POOL], j[b + f.TIER], queue_of(s, j, b)
    s[p + f.TOUCHED] = 1
    if head_of(s, j, p, queue) == b:  # only the head keeps others from starting
        stir(s, p, tier, tier + 1)
    pull(s, j, b, queue)
    cancel(s, j, o, b, f.REASON_PATIENCE)


def first_hit(s: Flat, j: Flat, p: int, node: int, claims: bool) -> int:
    """Return the holder of a node with the lowest row, among claims or allocations; NONE: nobody holds it."""
    best = f.NONE
    for tier in range(f.TIERS):
        b = s[p + f.GRANT_HEAD] if claims else s[p + f.RUN_HEAD + tier]
        while b >= 0:
            if (best < 0 or b < best) and holds(s, j, b, node):
                best = b
            b = j[b + f.NEXT]
        if claims:
            break
    return best


def node_down(s: Flat, j: Flat, h: Flat, o: Flat, node: int) -> None:
    p = pool_of_node(s, node)
    node -= s[p + f.FIRST_NODE]
    down = set_of(s, p, f.DOWN)
    if has(s, down, node):
        return
    put(s, down, node)
    s[p + f.DOWN_NODES] += 1
    s[p + f.TOUCHED] = 1
    b = first_hit(s, j, p, node, True)
    while b >= 0:
        revoke(s, j, h, o, b)
        b = first_hit(s, j, p, node, True)
    b = first_hit(s, j, p, node, False)
    while b >= 0:
        release(s, j, h, o, b, f.CAUSE_NODE_FAULT)
        b = first_hit(s, j, p, node, False)
    for number in (f.FIRM, f.INTERNAL):
        c = capacity_of(s, p, number)
        drop(s, exact_of(s, p, c, s[p + f.PER_NODE]), node)
        s[c + f.FREE_GPUS] -= s[p + f.PER_NODE]
    drop(s, set_of(s, p, f.DIRTY), node)
    if has(s, set_of(s, p, f.SCRUBBING), node):
        drop(s, set_of(s, p, f.SCRUBBING), node)
        s[p + f.SCRUBBING_NODES] -= 1
    note_batch(s, p, node, f.NONE)
    stir(s, p, 0, f.TIERS)


def node_up(s: Flat, h: Flat, node: int) -> None:
    p = pool_of_node(s, node)
    node -= s[p + f.FIRST_NODE]
    down = set_of(s, p, f.DOWN)
    if not has(s, down, node):
        return
    s[p + f.TOUCHED] = 1
    drop(s, down, node)
    s[p + f.DOWN_NODES] -= 1
    for number in (f.FIRM, f.INTERNAL):
        c = capacity_of(s, p, number)
        put(s, exact_of(s, p, c, s[p + f.PER_NODE]), node)
        s[c + f.FREE_GPUS] += s[p + f.PER_NODE]
    stir(s, p, 0, f.TIERS)
    nodes = set_of(s, p, f.SCRATCH)
    for k in range(words_of(s, p)):
        s[nodes + k] = 0
    put(s, nodes, node)
    scrub(s, h, p, nodes)


def control(s: Flat) -> None:
    """Ask lend what may be sold until the next tick."""
    for number in range(s[f.POOL_COUNT]):
        p = pool_at(s, number)
        idle = exact_of(s, p, capacity_of(s, p, f.INTERNAL), s[p + f.PER_NODE])
        offer = 0
        if s[f.LEND] != f.LEND_NONE:
            offer = max(0, count(s, idle, words_of(s, p)) - s[f.HEADROOM_NODES])
        if offer != s[p + f.OFFER]:
            if offer > s[p + f.OFFER]:
                stir(s, p, 2, f.TIERS)
            s[p + f.OFFER] = offer
            s[p + f.LENT_CHANGED] = 1
            s[p + f.TOUCHED] = 1


def apply(s: Flat, j: Flat, h: Flat, o: Flat, code: int, nodes: int) -> None:
    """Apply one event; `nodes` is what a contract's event brings."""
    kind, row, epoch = code >> f.KIND_SHIFT, (code >> f.ROW_SHIFT) & (f.ROWS - 1), code & (f.EPOCHS - 1)
    s[f.EVENT_COUNT] += 1
    if s[f.TAPED]:
        at = row_of(o, f.EVENTS)
        o[at], o[at + 1], o[at + 2] = kind, row, epoch
    b = row * f.JOB_WIDTH
    if kind == f.EVENT_SUBMIT:
        submit(s, j, h, o, b)
    elif kind == f.EVENT_FINISH:
        if j[b + f.EPOCH] == epoch:
            release(s, j, h, o, b, f.CAUSE_FINISHED)
    elif kind == f.EVENT_NOTICE_END:
        if j[b + f.EPOCH] == epoch:
            release(s, j, h, o, b, f.CAUSE_EVICTED)
    elif kind == f.EVENT_SCRUB_END:
        p = pool_at(s, row % s[f.POOL_COUNT])
        end_batch(s, p, row)
        s[p + f.GATHER_CHANGED] = 1
        s[p + f.TOUCHED] = 1
    elif kind == f.EVENT_NODE_UP:
        node_up(s, h, row)
    elif kind == f.EVENT_NODE_DOWN:
        node_down(s, j, h, o, row)
    elif kind == f.EVENT_EXPIRE:
        if j[b + f.EPOCH] == epoch:
            expire(s, j, o, b)
    elif kind == f.EVENT_CONTROL:
        control(s)
    else:
        contract(s, row, nodes)


def contract(s: Flat, row: int, nodes: int) -> None:
    """A contract begins (ends: negative nodes)."""
    at = s[f.RESERVATIONS] + 2 * row
    p = pool_at(s, s[at])
    change_contract(s, p, s[at + 1], nodes)
    stir(s, p, 0, 1)
    s[p + f.TOUCHED] = 1
