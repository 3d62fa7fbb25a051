"""Placement: `scheduler.policy.place` on flat arrays. The choice under way stands in WHOLE and PART_NODE of its
pool.
"""

from scheduler.kernel import fields as f
from scheduler.kernel.bits import add_highest, add_lowest, any_of, clear, count, lowest_node, set_of, words_of
from scheduler.kernel.capacity import exact_of, partly_of, whole_of
from scheduler.kernel.fields import Flat


def pick_whole(s: Flat, p: int, wanted: int, steps: int, top: bool) -> bool:
    """Pick whole nodes out of FREE into WHOLE, step by step; False when the steps do not hold so many."""
    words = words_of(s, p)
    free, chosen, liked = set_of(s, p, f.FREE), set_of(s, p, f.WHOLE), set_of(s, p, f.SCRATCH)
    for number in range(steps):
        step = s[s[p + f.STEPS] + 2 * number]
        for k in range(words):
            s[liked + k] = s[free + k] & s[step + k] & ~s[chosen + k]
        found = count(s, liked, words)
        if found >= wanted:
            if top:
                add_highest(s, chosen, liked, words, wanted)
            else:
                add_lowest(s, chosen, liked, words, wanted)
            return True
        for k in range(words):
            s[chosen + k] |= s[liked + k]
        wanted -= found
    return wanted == 0


def pick_part(s: Flat, p: int, c: int, closed: int, limit: int, part: int, steps: int) -> int:
    """Pick the node of the part: best fit, or the lowest with room; NONE when the steps hold none."""
    words = words_of(s, p)
    liked, chosen = set_of(s, p, f.SCRATCH), set_of(s, p, f.WHOLE)
    for number in range(steps):
        step = s[s[p + f.STEPS] + 2 * number + 1]
        if s[f.FIRST_FIT]:
            partly_of(s, p, c, closed, limit, part, liked)
            for k in range(words):
                s[liked + k] &= ~s[chosen + k] & s[step + k]
            node = lowest_node(s, liked, words)
            if node >= 0:
                return node
            continue
        for free in range(part, s[p + f.PER_NODE] + 1):
            at = exact_of(s, p, c, free)
            if not any_of(s, at, words):
                continue
            for k in range(words):
                s[liked + k] = s[at + k] & ~s[closed + k] & ~s[chosen + k] & s[limit + k] & s[step + k]
            node = lowest_node(s, liked, words)
            if node >= 0:
                return node
    return f.NONE


def place_gang(
    s: Flat, p: int, c: int, closed: int, whole: int, limit: int, full: int, part: int, steps: int, top: bool
) -> bool:
    """Choose nodes in a room by the first `steps` preferences, into WHOLE and PART_NODE; False if they do not suffice.

    `top`: the highest rows, as rentals are placed; else `packed` or `first_fit`.
    """
    clear(s, set_of(s, p, f.WHOLE), words_of(s, p))
    s[p + f.PART_NODE] = f.NONE
    if full:
        whole_of(s, p, c, closed, whole, set_of(s, p, f.FREE))
        if not pick_whole(s, p, full, steps, top):
            return False
    if part:
        s[p + f.PART_NODE] = pick_part(s, p, c, closed, limit, part, steps)
        return s[p + f.PART_NODE] >= 0
    return True


def prefer(s: Flat, p: int, number: int, whole: int, part: int) -> None:
    """Note a step of the preference: a set for whole nodes, and one for the part."""
    s[s[p + f.STEPS] + 2 * number] = whole
    s[s[p + f.STEPS] + 2 * number + 1] = part
