"""The tree against the words of RFC 6962, for every size up to 130: roots, every proof, and what must be refused."""

from reference import slow_merkle as slow
from tenants.audit.merkle import Tree, frontier_root, grown, leaf_hash, verify_consistency, verify_inclusion

LARGEST = 130
INPUTS = [number.to_bytes(2, "big") for number in range(LARGEST)]
LEAVES = [leaf_hash(data) for data in INPUTS]
TREE = Tree(LEAVES)


def test_roots_and_frontiers_equal_the_definition() -> None:
    frontier: list[bytes] = []
    for size in range(LARGEST + 1):
        root = slow.mth(INPUTS[:size])
        assert TREE.root(size) == frontier_root(frontier) == root
        assert Tree(LEAVES[:size]).frontier() == frontier
        if size < LARGEST:
            frontier = grown(frontier, size, LEAVES[size])


def test_every_inclusion_proof_is_the_definitions_and_proves_one_place_only() -> None:
    for size in range(1, LARGEST + 1):
        root = TREE.root(size)
        for index in range(size):
            path = TREE.inclusion(index, size)
            assert verify_inclusion(LEAVES[index], index, size, path, root)
            assert not verify_inclusion(LEAVES[index - 1], index, size, path, root) or size == 1
            assert not verify_inclusion(LEAVES[index], (index + 1) % size, size, path, root) or size == 1
            assert not verify_inclusion(LEAVES[index], index, size, path[:-1], root) or not path
            assert not verify_inclusion(LEAVES[index], index, size, [*path, root], root)
            assert not verify_inclusion(LEAVES[index], index, size, path[::-1], root) or len(path) < 2


def test_inclusion_proofs_equal_the_definition() -> None:
    for size in (1, 2, 3, 7, 8, 31, 33, 100, LARGEST):
        for index in range(size):
            assert TREE.inclusion(index, size) == slow.path(index, INPUTS[:size])


def test_every_consistency_proof_holds_and_proves_one_past_only() -> None:
    for new in range(LARGEST + 1):
        new_root = TREE.root(new)
        for old in range(new + 1):
            path, old_root = TREE.consistency(old, new), TREE.root(old)
            assert verify_consistency(old, old_root, new, new_root, path)
            if not 0 < old < new:
                continue
            wrong = TREE.root(old - 1)
            assert not verify_consistency(old, wrong, new, new_root, path)
            assert not verify_consistency(old, old_root, new, wrong, path)
            assert not verify_consistency(old - 1, old_root, new, new_root, path)
            assert not verify_consistency(old, old_root, new, new_root, path[:-1])
            assert not verify_consistency(old, old_root, new, new_root, [*path, wrong])


def test_consistency_proofs_equal_the_definition() -> None:
    for new in (1, 2, 3, 6, 7, 8, 33, 100, LARGEST):
        for old in range(new + 1):
            assert TREE.consistency(old, new) == slow.proof(old, INPUTS[:new])
