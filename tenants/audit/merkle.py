"""Merkle trees as RFC 6962 has them: what a log held, in 32 bytes, and proofs of it that need no look at the log.

    leaf_hash(d) = SHA-256(0x00 || d)    node_hash(l, r) = SHA-256(0x01 || l || r)    a tree is split at the largest
    power of 2 below its size; the root of an empty one is SHA-256("")

    inclusion     this leaf stands at this index of a tree of this size and root
    consistency   the tree of the larger size begins with everything that the smaller one held

Whoever keeps a root that he was given can later ask for both, and cannot be shown another past. Two shapes of the same
tree: `Tree` keeps every node, for proofs; a frontier keeps the O(log n) nodes that an append needs, for a database.

Indexes count from 0. Source: RFC 6962 section 2.1, verification as in RFC 9162 section 2.1; ISOLATION.md section 11.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

Hash = bytes  # 32 of them
HASH_BYTES = 32
EMPTY_ROOT: Hash = sha256(b"").digest()


def leaf_hash(data: bytes) -> Hash:
    """Return the hash of a leaf. The prefixes keep a leaf from being taken for a node."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of a node with two children."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that only grows. Every complete node is kept: twice the leaves, and any proof in O(log n) hashes."""

    __slots__ = ("_levels",)

    def __init__(self, leaves: Iterable[Hash] = ()) -> None:
        """A tree of these leaf hashes, in their order."""
        self._levels: list[list[Hash]] = [[]]  # [height][i] is the root of leaves i << height to (i + 1) << height
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0])

    def append(self, leaf: Hash) -> None:
        """Add a leaf by its hash. Cost: one more hash, amortised."""
        levels, made, height = self._levels, leaf, 0
        row = levels[0]
        index = len(row)
        row.append(made)
        while index & 1:
            made = sha256(b"\x01" + row[-2] + made).digest()
            index >>= 1
            height += 1
            if height == len(levels):
                levels.append([])
            row = levels[height]
            row.append(made)

    @property
    def leaves(self) -> Sequence[Hash]:
        """The leaf hashes, in their order."""
        return self._levels[0]

    def frontier(self) -> list[Hash]:
        """Return the roots of the complete subtrees that the tree falls into, the largest first (see `grown`)."""
        size, begin, found = len(self), 0, []
        for height in reversed(range(size.bit_length())):
            if size >> height & 1:
                found.append(self._levels[height][begin >> height])
                begin += 1 << height
        return found

    def root(self, size: int | None = None) -> Hash:
        """Return the root over the first `size` leaves (default: all). Raises IndexError beyond the tree."""
        end = self._size(size)
        return self._span(0, end) if end else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[Hash]:
        """Return the proof that leaf `index` stands in the tree of the first `size` leaves, lowest node first.

        Raises:
            IndexError: no such leaf, or a size beyond the tree.
        """
        begin, end = 0, self._size(size)
        if not 0 <= index < end:
            raise IndexError(f"leaf {index} of a tree of {end}")
        path: list[Hash] = []
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int, new: int | None = None) -> list[Hash]:
        """Return the proof that the first `old` leaves are what the tree of `new` begins with, lowest node first.

        Raises:
            IndexError: sizes that are not 0 <= old <= new <= the tree's.
        """
        begin, end = 0, self._size(new)
        if not 0 <= old <= end:
            raise IndexError(f"size {old} of a tree of {end}")
        path: list[Hash] = []
        if not old:
            return path
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._span(middle, end))
                end = middle
            else:
                path.append(self._span(begin, middle))
                begin = middle
        # The verifier knows the old root: where the walk never turned right, that is the node it ends at.
        return path[::-1] if begin == 0 else [self._span(begin, end), *path[::-1]]

    def _size(self, size: int | None) -> int:
        if size is not None and not 0 <= size <= len(self):
            raise IndexError(f"size {size} of a tree of {len(self)}")
        return len(self) if size is None else size

    def _span(self, begin: int, end: int) -> Hash:
        """The root over leaves begin to end, where `begin` is a multiple of the power of 2 that holds them."""
        height = (end - begin).bit_length() - 1
        if end - begin == 1 << height:
            return self._levels[height][begin >> height]
        middle = begin + (1 << height)
        return node_hash(self._span(begin, middle), self._span(middle, end))


def _split(count: int) -> int:
    """The largest power of 2 below `count`, which is at least 2."""
    return 1 << ((count - 1).bit_length() - 1)


def grown(frontier: Sequence[Hash], size: int, leaf: Hash) -> list[Hash]:
    """Return the frontier of a tree of `size` leaves after one more.

    A frontier holds the roots of the complete subtrees that a tree falls into, the largest first: one for each bit that
    is set in its size. Cost: O(log n) at most, one hash on average.
    """
    after = [*frontier, leaf]
    while size & 1:
        right = after.pop()
        after[-1] = node_hash(after[-1], right)
        size >>= 1
    return after


def frontier_root(frontier: Sequence[Hash]) -> Hash:
    """Return the root of the tree that a frontier stands for."""
    if not frontier:
        return EMPTY_ROOT
    root = frontier[-1]
    for left in reversed(frontier[:-1]):
        root = node_hash(left, root)
    return root


def verify_inclusion(leaf: Hash, index: int, size: int, path: Sequence[Hash], root: Hash) -> bool:
    """Whether `path` proves that the leaf of this hash stands at `index` in the tree of `size` and `root`."""
    if not 0 <= index < size or any(len(node) != HASH_BYTES for node in (leaf, *path)):
        return False
    at, last, made = index, size - 1, leaf
    for node in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            made = node_hash(node, made)
            while at and not at & 1:  # it was the last of its row, and went up without a sibling
                at, last = at >> 1, last >> 1
        else:
            made = node_hash(made, node)
        at, last = at >> 1, last >> 1
    return last == 0 and made == root


def verify_consistency(old: int, old_root: Hash, new: int, new_root: Hash, path: Sequence[Hash]) -> bool:
    """Whether `path` proves that the tree of `new` and `new_root` begins with the tree of `old` and `old_root`."""
    if not 0 <= old <= new or any(len(node) != HASH_BYTES for node in path):
        return False
    if old == new or old == 0:
        return not path and (old_root == new_root if old == new else old_root == EMPTY_ROOT)
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not nodes or not path:
        return False
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_made = new_made = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_made, new_made = node_hash(node, old_made), node_hash(node, new_made)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new_made = node_hash(new_made, node)
        at, last = at >> 1, last >> 1
    return last == 0 and old_made == old_root and new_made == new_root
