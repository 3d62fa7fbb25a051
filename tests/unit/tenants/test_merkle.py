"""The published roots, and what a verifier must refuse."""

from hashlib import sha256
from unittest.mock import patch

import pytest

from tenants.audit.merkle import (
    EMPTY_ROOT,
    Tree,
    frontier_root,
    grown,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASHES = [leaf_hash(bytes.fromhex(text)) for text in LEAVES]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_the_published_ones(size: int) -> None:
    tree = Tree(HASHES)
    assert tree.root(size).hex() == Tree(HASHES[:size]).root().hex() == ROOTS[size]
    frontier: list[bytes] = []
    for index in range(size):
        frontier = grown(frontier, index, HASHES[index])
    assert frontier_root(frontier).hex() == ROOTS[size]
    assert len(frontier) == size.bit_count()


def test_what_lies_beyond_the_tree_is_refused() -> None:
    tree = Tree(HASHES)
    for ask in (
        lambda: tree.root(9),
        lambda: tree.inclusion(8),
        lambda: tree.inclusion(3, 3),
        lambda: tree.inclusion(-1),
        lambda: tree.consistency(5, 4),
        lambda: tree.consistency(-1),
        lambda: tree.consistency(1, 9),
    ):
        with pytest.raises(IndexError):
            ask()


def test_hashes_of_another_length_prove_nothing() -> None:
    """Without this, 31 + 33 bytes of siblings hash like 32 + 32."""
    tree = Tree(HASHES[:2])
    both = HASHES[0] + HASHES[1]
    assert verify_inclusion(HASHES[0], 0, 2, [HASHES[1]], tree.root())
    assert not verify_inclusion(both[:31], 0, 2, [both[31:]], tree.root())
    assert not verify_consistency(1, both[:31], 2, tree.root(), [both[31:]])


def test_everything_begins_with_nothing() -> None:
    root = Tree(HASHES).root()
    assert verify_consistency(0, EMPTY_ROOT, 8, root, [])
    assert not verify_consistency(0, root, 8, root, [])
    assert not verify_consistency(0, EMPTY_ROOT, 8, root, [HASHES[0]])
    assert not verify_consistency(3, root, 8, root, [])


def test_an_append_costs_one_node_on_average_and_a_proof_a_node_a_level() -> None:
    count, hashed = 1_000, 0

    def counting(data: bytes) -> object:
        nonlocal hashed
        hashed += 1
        return sha256(data)

    with patch("tenants.audit.merkle.sha256", counting):
        tree = Tree(HASHES[number % 8] for number in range(count))
        assert hashed == count - count.bit_count()
        hashed = 0
        for ask in (tree.root, lambda: tree.inclusion(567), lambda: tree.consistency(567)):
            ask()
        assert hashed <= 3 * 2 * count.bit_length()
    assert max(len(tree.inclusion(index)) for index in range(count)) == count.bit_length()
