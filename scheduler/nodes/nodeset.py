"""Sets of nodes as Python ints: bit i is node i of a pool.

A set of 3,000 nodes is 400 bytes; union, difference and count are a few dozen nanoseconds, whatever the size of the
gang. So a gang is placed, claimed and released by a handful of operations, and "first n of these nodes, by row" has
one obvious answer, which makes every choice reproducible (ADR 0003).
"""

from collections.abc import Iterator

import numpy as np

NodeSet = int
NOTHING: NodeSet = 0


def everything(node_count: int) -> NodeSet:
    """Return the set of nodes 0..node_count-1."""
    return (1 << node_count) - 1


def lowest(nodes: NodeSet, count: int) -> NodeSet:
    """Return the `count` lowest rows of `nodes`, which must hold at least that many. O(count) or O(log rows)."""
    if count == 1:
        return nodes & -nodes
    if count <= 6:
        rest = nodes
        for _ in range(count):
            rest &= rest - 1
        return nodes ^ rest
    # Bisect on the width of a prefix until the prefix holds exactly `count` nodes.
    low, high = count, nodes.bit_length()
    while low < high:
        middle = (low + high) >> 1
        if (nodes & ((1 << middle) - 1)).bit_count() >= count:
            high = middle
        else:
            low = middle + 1
    return nodes & ((1 << low) - 1)


def highest(nodes: NodeSet, count: int) -> NodeSet:
    """Return the `count` highest rows of `nodes`, which must hold at least that many."""
    if count == 1:
        return 1 << (nodes.bit_length() - 1)
    spare = nodes.bit_count() - count
    return nodes ^ lowest(nodes, spare) if spare else nodes


def rows(nodes: NodeSet) -> Iterator[int]:
    """Yield the rows of `nodes`, ascending."""
    while nodes:
        bit = nodes & -nodes
        yield bit.bit_length() - 1
        nodes ^= bit


def row_array(nodes: NodeSet) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return the rows of `nodes`, ascending, as int64: the bulk form of `rows`."""
    raw = np.frombuffer(nodes.to_bytes((nodes.bit_length() + 7) // 8, "little"), dtype=np.uint8)
    return np.flatnonzero(np.unpackbits(raw, bitorder="little")).astype(np.int64)


def of_rows(node_rows: "Iterator[int] | list[int] | range") -> NodeSet:
    """Return the set that holds these rows."""
    nodes = NOTHING
    for row in node_rows:
        nodes |= 1 << row
    return nodes


def text(nodes: NodeSet) -> str:
    """Return the set as ranges for people and tapes: `0-3,7`."""
    parts: list[str] = []
    while nodes:
        first = (nodes & -nodes).bit_length() - 1
        shifted = nodes >> first
        length = (~shifted & (shifted + 1)).bit_length() - 1
        parts.append(f"{first}-{first + length - 1}" if length > 1 else str(first))
        nodes &= ~(((1 << length) - 1) << first)
    return ",".join(parts)
