"""What jobs hold, in every view of their pool, and when they give it back by estimate: the writers of
`scheduler.state.pool`.

`b` is the first word of a job's record, `p` that of its pool's.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import drop, ones, set_of, words_of
from scheduler.kernel.books import forget, note_batch, set_nodes
from scheduler.kernel.capacity import capacity_of, give_hold, take_hold
from scheduler.kernel.fields import Flat
from scheduler.kernel.lists import arm, cell_of, free_cells


def product_of(s: Flat, j: Flat, b: int) -> int:
    """Return the first word of a job's product."""
    return s[f.PRODUCTS] + j[b + f.PRODUCT] * f.PRODUCT_WIDTH


def is_reserved(s: Flat, j: Flat, b: int) -> bool:
    return s[product_of(s, j, b) + f.BAND_OF] == f.BAND_RESERVED


def held_gpus(s: Flat, j: Flat, b: int) -> int:
    """GPUs that a job holds or claims."""
    gpus = j[b + f.HOLD_NODES] * s[j[b + f.POOL] + f.PER_NODE]
    return gpus + j[b + f.PART] if j[b + f.HOLD_PART] >= 0 else gpus


def take(s: Flat, j: Flat, b: int) -> None:
    """Book the choice under way (WHOLE, PART_NODE) as what the job holds, in the views of its tier and below."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    forget(s, p, tier)
    whole = set_of(s, p, f.WHOLE)
    cell, nodes = f.NONE, 0
    for k in range(words_of(s, p) - 1, -1, -1):
        word = s[whole + k]
        if word:
            for bit in range(f.WORD_BITS - 1, -1, -1):
                if (word >> bit) & 1:
                    cell = cell_of(s, (k << 5) + bit, cell)
                    nodes += 1
    j[b + f.HOLD], j[b + f.HOLD_NODES], j[b + f.HOLD_PART] = cell, nodes, s[p + f.PART_NODE]
    if tier >= 2:
        rented = set_of(s, p, f.RENTED_2 if tier == 2 else f.RENTED_3)
        for k in range(words_of(s, p)):
            s[rented + k] |= s[whole + k]
        s[p + f.LENT + tier] += nodes
        s[p + f.LENT_CHANGED] = 1
        return
    if tier == 0:
        take_hold(s, j, p, capacity_of(s, p, f.FIRM), b)
    take_hold(s, j, p, capacity_of(s, p, f.INTERNAL), b)


def give(s: Flat, j: Flat, b: int) -> bool:
    """Undo `take` in the views, the job's own list aside; return whether a node came free as a whole."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    if tier >= 2:
        rented = set_of(s, p, f.RENTED_2 if tier == 2 else f.RENTED_3)
        cell = j[b + f.HOLD]
        while cell >= 0:
            drop(s, rented, s[cell])
            cell = s[cell + 1]
        s[p + f.LENT + tier] -= j[b + f.HOLD_NODES]
        s[p + f.LENT_CHANGED] = 1
        return False
    if tier == 0:
        give_hold(s, j, p, capacity_of(s, p, f.FIRM), b)
    return give_hold(s, j, p, capacity_of(s, p, f.INTERNAL), b)


def let_go(s: Flat, j: Flat, b: int) -> None:
    """Forget which nodes the job held."""
    free_cells(s, j[b + f.HOLD])
    j[b + f.HOLD], j[b + f.HOLD_NODES], j[b + f.HOLD_PART] = f.NONE, 0, f.NONE


def end_place(s: Flat, j: Flat, p: int, tier: int, end_s: int, b: int) -> int:
    """Return the place of (end_s, job) among a tier's ends, ascending. O(log ends)."""
    at = s[p + f.ENDS] + tier * s[p + f.ENDS_WIDTH]
    low, high = 0, s[p + f.END_COUNT + tier]
    while low < high:
        middle = (low + high) >> 1
        other = s[at + middle]
        other_s = j[other + f.ESTIMATED_END_S]
        if other_s < end_s or (other_s == end_s and other < b):
            low = middle + 1
        else:
            high = middle
    return low


def set_end(s: Flat, j: Flat, b: int, end_s: int) -> None:
    """Note when a job gives its nodes back, by its estimate."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    forget(s, p, tier)
    place = end_place(s, j, p, tier, end_s, b)
    at = s[p + f.ENDS] + tier * s[p + f.ENDS_WIDTH]
    j[b + f.ESTIMATED_END_S] = end_s
    for k in range(s[p + f.END_COUNT + tier], place, -1):
        s[at + k] = s[at + k - 1]
    s[at + place] = b
    s[p + f.END_COUNT + tier] += 1


def drop_end(s: Flat, j: Flat, b: int) -> None:
    """Forget it."""
    p, tier = j[b + f.POOL], j[b + f.TIER]
    place = end_place(s, j, p, tier, j[b + f.ESTIMATED_END_S], b)
    at = s[p + f.ENDS] + tier * s[p + f.ENDS_WIDTH]
    s[p + f.END_COUNT + tier] -= 1
    for k in range(place, s[p + f.END_COUNT + tier]):
        s[at + k] = s[at + k + 1]


def scrub_hold(s: Flat, j: Flat, h: Flat, b: int) -> None:
    """Start to clean what a job held, but for nodes that are down."""
    p = j[b + f.POOL]
    nodes, down = set_of(s, p, f.SCRATCH), set_of(s, p, f.DOWN)
    for k in range(words_of(s, p)):
        s[nodes + k] = 0
    set_nodes(s, j, b, nodes)
    for k in range(words_of(s, p)):
        s[nodes + k] &= ~s[down + k]
    scrub(s, h, p, nodes)


def scrub(s: Flat, h: Flat, p: int, nodes: int) -> None:
    """Start to clean a set of nodes; at once done where cleaning takes no time."""
    dirty, scrubbing = set_of(s, p, f.DIRTY), set_of(s, p, f.SCRUBBING)
    batch = s[f.BATCH_COUNT] * s[f.POOL_COUNT] + s[p + f.INDEX]
    found = False
    for k in range(words_of(s, p)):
        word = s[nodes + k]
        s[dirty + k] &= ~word
        if word and s[p + f.SCRUB_S]:
            found = True
            s[p + f.SCRUBBING_NODES] += ones(word & ~s[scrubbing + k])
            s[scrubbing + k] |= word
            node = k << 5
            while word:
                if word & 1:
                    note_batch(s, p, node, batch)
                word >>= 1
                node += 1
    if found:
        s[f.BATCH_COUNT] += 1
        arm(s, h, s[f.NOW_S] + s[p + f.SCRUB_S], f.EVENT_SCRUB_END, batch, 0)
