"""Node sets as words of 32 bits: bit i of word k is node 32 k + i. The set ops of `scheduler.nodes.nodeset`, on flat
arrays.

Every function takes the state and the first word of a set, and costs O(words).
"""

from scheduler.kernel import fields as f
from scheduler.kernel.fields import Flat


def ones(word: int) -> int:
    """Return how many bits of a word are set."""
    word -= (word >> 1) & 0x55555555
    word = (word & 0x33333333) + ((word >> 2) & 0x33333333)
    word = (word + (word >> 4)) & 0x0F0F0F0F
    word += word >> 8
    return (word + (word >> 16)) & 0x3F


def lowest_bit(word: int) -> int:
    """Return the place of the lowest bit set."""
    return ones((word & -word) - 1)


def highest_bit(word: int) -> int:
    """Return the place of the highest bit set."""
    word |= word >> 1
    word |= word >> 2
    word |= word >> 4
    word |= word >> 8
    word |= word >> 16
    return ones(word) - 1


def set_of(s: Flat, p: int, number: int) -> int:
    """Return the first word of a pool's set."""
    return (s[p + f.SETS] + number * s[p + f.WORDS]) & f.AT


def words_of(s: Flat, p: int) -> int:
    """Return how many words a set of a pool has."""
    return s[p + f.WORDS] & f.WIDE


def has(s: Flat, at: int, node: int) -> bool:
    return (s[at + (node >> 5)] >> (node & 31)) & 1 != 0


def put(s: Flat, at: int, node: int) -> None:
    s[at + (node >> 5)] |= 1 << (node & 31)


def drop(s: Flat, at: int, node: int) -> None:
    s[at + (node >> 5)] &= ~(1 << (node & 31))


def clear(s: Flat, at: int, words: int) -> None:
    for k in range(words):
        s[at + k] = 0


def copy_words(s: Flat, to: int, at: int, words: int) -> None:
    for k in range(words):
        s[to + k] = s[at + k]


def count(s: Flat, at: int, words: int) -> int:
    """Return how many nodes are in a set."""
    total = 0
    for k in range(words):
        total += ones(s[at + k])
    return total


def count_open(s: Flat, at: int, closed: int, words: int) -> int:
    """Return how many nodes of a set are not in another."""
    total = 0
    for k in range(words):
        total += ones(s[at + k] & ~s[closed + k])
    return total


def any_of(s: Flat, at: int, words: int) -> bool:
    k = 0
    while k < words and not s[at + k]:
        k += 1
    return k < words


def lowest_node(s: Flat, at: int, words: int) -> int:
    """Return the lowest node of a set, NONE if it is empty."""
    for k in range(words):
        if s[at + k]:
            return (k << 5) + lowest_bit(s[at + k])
    return f.NONE


def add_lowest(s: Flat, to: int, at: int, words: int, wanted: int) -> None:
    """Add the `wanted` lowest nodes of one set to another; there must be so many."""
    for k in range(words):
        word = s[at + k]
        found = ones(word)
        if found <= wanted:
            s[to + k] |= word
            wanted -= found
        else:
            while wanted:
                bit = word & -word
                s[to + k] |= bit
                word ^= bit
                wanted -= 1
            return


def add_highest(s: Flat, to: int, at: int, words: int, wanted: int) -> None:
    """Add the `wanted` highest nodes of one set to another; there must be so many."""
    for back in range(words):
        k = words - 1 - back
        word = s[at + k]
        found = ones(word)
        if found <= wanted:
            s[to + k] |= word
            wanted -= found
        else:
            while wanted:
                bit = 1 << highest_bit(word)
                s[to + k] |= bit
                word ^= bit
                wanted -= 1
            return
