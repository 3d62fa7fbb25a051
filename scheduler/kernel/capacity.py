"""Free GPUs on nodes, and the rooms of tiers: `scheduler.nodes.capacity` on flat arrays.

A room is four numbers: a capacity, the set of closed nodes, and the sets to which whole nodes and the part are limited.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import clear, copy_words, count_open, has, ones, words_of
from scheduler.kernel.fields import Flat


def capacity_of(s: Flat, p: int, number: int) -> int:
    """Return the first word of a pool's capacity."""
    return (s[p + f.CAPACITIES] + number * s[p + f.CAPACITY_WIDTH]) & f.AT


def exact_of(s: Flat, p: int, c: int, free: int) -> int:
    """Return the set of nodes with exactly `free` GPUs free."""
    return (c + f.EXACT + free * words_of(s, p)) & f.AT


def excess_of(s: Flat, p: int, c: int) -> int:
    """Return where the excess of node 0 stands."""
    return c + f.EXACT + (s[p + f.PER_NODE] + 1) * words_of(s, p)


def copy_capacity(s: Flat, p: int, to: int, c: int) -> None:
    """Make one capacity equal to another."""
    copied = f.EXACT + (s[p + f.PER_NODE] + 1) * words_of(s, p)
    if s[to + f.EXCESS_NODES] or s[c + f.EXCESS_NODES]:
        copied = s[p + f.CAPACITY_WIDTH]
    copy_words(s, to, c, copied)


def free_on(s: Flat, p: int, c: int, node: int) -> int:
    """Return the free GPUs of a healthy node."""
    word, bit = node >> 5, 1 << (node & 31)
    words = words_of(s, p)
    at = c + f.EXACT + word
    for free in range(s[p + f.PER_NODE] + 1):
        if s[at] & bit:
            return free
        at += words
    s[f.ERROR] = 2  # a node that is down is in no set: nobody may ask
    return 0


def move(s: Flat, p: int, c: int, node: int, free: int, to: int) -> None:
    word, bit = node >> 5, 1 << (node & 31)
    s[exact_of(s, p, c, free) + word] ^= bit
    s[exact_of(s, p, c, to) + word] ^= bit
    s[c + f.FREE_GPUS] += to - free


def take_on(s: Flat, p: int, c: int, node: int, gpus: int) -> None:
    """Take GPUs of one node; what it does not have is kept as excess."""
    free = free_on(s, p, c, node)
    if gpus > free:
        at = excess_of(s, p, c) + node
        if not s[at]:
            s[c + f.EXCESS_NODES] += 1
        s[at] += gpus - free
        gpus = free
    if gpus:
        move(s, p, c, node, free, free - gpus)


def give_on(s: Flat, p: int, c: int, node: int, gpus: int) -> bool:
    """Give GPUs of one node back, paying its excess off first; return whether the node is free as a whole now."""
    if s[c + f.EXCESS_NODES]:
        at = excess_of(s, p, c) + node
        owed = s[at]
        if owed:
            paid = min(owed, gpus)
            gpus -= paid
            s[at] = owed - paid
            if owed == paid:
                s[c + f.EXCESS_NODES] -= 1
    if not gpus:
        return False
    free = free_on(s, p, c, node)
    move(s, p, c, node, free, free + gpus)
    return free + gpus == s[p + f.PER_NODE]


def take_hold(s: Flat, j: Flat, p: int, c: int, b: int) -> None:
    """Take what a job holds."""
    cell = j[b + f.HOLD]
    while cell >= 0:
        take_on(s, p, c, s[cell], s[p + f.PER_NODE])
        cell = s[cell + 1]
    if j[b + f.HOLD_PART] >= 0:
        take_on(s, p, c, j[b + f.HOLD_PART], j[b + f.PART])


def give_hold(s: Flat, j: Flat, p: int, c: int, b: int) -> bool:
    """Give back what a job holds; return whether a node came free as a whole."""
    freed = False
    cell = j[b + f.HOLD]
    while cell >= 0:
        if give_on(s, p, c, s[cell], s[p + f.PER_NODE]):
            freed = True
        cell = s[cell + 1]
    if j[b + f.HOLD_PART] >= 0 and give_on(s, p, c, j[b + f.HOLD_PART], j[b + f.PART]):
        freed = True
    return freed


def whole_of(s: Flat, p: int, c: int, closed: int, limit: int, to: int) -> None:
    """Write the nodes of a room that are free as a whole."""
    at = exact_of(s, p, c, s[p + f.PER_NODE])
    for k in range(words_of(s, p)):
        s[to + k] = s[at + k] & ~s[closed + k] & s[limit + k]


def partly_of(s: Flat, p: int, c: int, closed: int, limit: int, gpus: int, to: int) -> None:
    """Write the nodes of a room with at least `gpus` GPUs free."""
    words = words_of(s, p)
    clear(s, to, words)
    for free in range(gpus, s[p + f.PER_NODE] + 1):
        at = exact_of(s, p, c, free)
        for k in range(words):
            s[to + k] |= s[at + k]
    for k in range(words):
        s[to + k] &= ~s[closed + k] & s[limit + k]


def free_gpus_of(s: Flat, p: int, c: int, closed: int) -> int:
    """GPUs free on all nodes within reach, whatever their shape."""
    total = 0
    for free in range(1, s[p + f.PER_NODE] + 1):
        total += free * count_open(s, exact_of(s, p, c, free), closed, words_of(s, p))
    return total


def fits(s: Flat, p: int, c: int, closed: int, whole: int, limit: int, full: int, part: int, kept: int) -> bool:
    """Whether `full` whole nodes and `part` GPUs on one node more are free, leaving `kept` whole nodes free."""
    words = words_of(s, p)
    top = exact_of(s, p, c, s[p + f.PER_NODE])
    spare = -full
    for k in range(words):
        spare += ones(s[top + k] & ~s[closed + k] & s[whole + k])
    if spare < 0:
        return False
    if part:
        some = False
        found = False
        for k in range(words):
            open_part = ~s[closed + k] & s[limit + k]
            if open_part:
                word = 0
                at = exact_of(s, p, c, part) + k
                for _ in range(part, s[p + f.PER_NODE] + 1):
                    word |= s[at]
                    at += words
                word &= open_part
                if word:
                    some = True
                    if word & ~(s[top + k] & ~s[closed + k] & s[whole + k]):
                        found = True
                        break
        # The part may need a node of its own out of the whole ones.
        if not found and not (spare and some):
            return False
    if not kept:
        return True
    return count_open(s, top, closed, words) - full - (1 if part else 0) >= kept


def covers(s: Flat, j: Flat, b: int, at: int) -> bool:
    """Whether a job holds or claims a node of a set."""
    cell = j[b + f.HOLD]
    while cell >= 0:
        if has(s, at, s[cell]):
            return True
        cell = s[cell + 1]
    return j[b + f.HOLD_PART] >= 0 and has(s, at, j[b + f.HOLD_PART])


def holds(s: Flat, j: Flat, b: int, node: int) -> bool:
    """Whether a job holds or claims a node."""
    cell = j[b + f.HOLD]
    while cell >= 0:
        if s[cell] == node:
            return True
        cell = s[cell + 1]
    return j[b + f.HOLD_PART] == node
