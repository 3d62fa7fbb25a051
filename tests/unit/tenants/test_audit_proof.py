"""Proofs that travel: whatever is changed in one, and whichever checkpoint it is held to, it no longer holds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.audit.check import positions_in, positions_text
from tenants.audit.checkpoint import AuditError, Checkpoint, TreeHead, make_checkpoint, witness_faults
from tenants.audit.entry import entry_hash, entry_of
from tenants.audit.merkle import Tree
from tenants.audit.proof import Growth, Proof, consistency, growth_faults, proof_faults, prove, read_proof

KEY = b"k" * 32
LOG = [entry_of("acme", at, 1_000 + at, "local", "invoice.issue", f"acme-{at}", "", "ab" * 32) for at in range(1, 12)]
TREE = Tree(map(entry_hash, LOG))
HEADS = [TreeHead(tenant, 3, "cd" * 32) for tenant in ("", "globex", "initech")]


def checkpoints(sizes: tuple[int, ...] = (6, 11)) -> list[Checkpoint]:
    from tenants.audit.checkpoint import line_hash, line_of

    made: list[Checkpoint] = []
    for size in sizes:
        before = line_hash(line_of(made[-1])) if made else ""
        heads = [*HEADS, TreeHead("acme", size, TREE.root(size).hex())]
        made.append(make_checkpoint(heads, 2_000 + size, before, KEY))
    return made


def changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all plain values in a document."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from changes(each, (*path, key))
    else:
        yield path


@pytest.mark.parametrize("position", [1, 6, 7, 11])
def test_every_byte_of_a_proof_counts(position: int) -> None:
    seen = checkpoints()
    proof = prove(LOG[position - 1], TREE, seen)
    assert proof.size == (6 if position <= 6 else 11)
    assert proof_faults(proof, KEY, seen) == proof_faults(proof) == []
    whole = json.loads(proof.model_dump_json())
    paths = list(changes(whole))
    assert len(paths) >= 20
    for path in paths:
        document = json.loads(proof.model_dump_json())
        place = document
        for key in path[:-1]:
            place = place[key]
        old = place[path[-1]]
        place[path[-1]] = old + 1 if isinstance(old, int) else f"{old[:-1]}{'0' if old[-1:] != '0' else '1'}"
        try:
            read = read_proof(json.dumps(document), "proof.json")
        except AuditError:
            continue
        assert isinstance(read, Proof) and proof_faults(read, KEY, seen), path
        assert proof_faults(read, KEY), f"{path}: the key alone, without the witness file, does not show it"


def test_a_proof_is_held_to_the_witness_of_whoever_reads_it() -> None:
    seen, other = checkpoints(), checkpoints((5, 11))
    proof = prove(LOG[2], TREE, seen)
    assert proof_faults(proof, KEY, other) == ["the checkpoint is not in the witness file"]
    assert proof_faults(proof, b"x" * 32) == ["the checkpoint is not signed by this house"]
    unseen = prove(LOG[10], TREE, seen[:1])
    assert unseen.checkpoint is None and proof_faults(unseen) == []
    assert proof_faults(unseen, KEY, seen) == ["no checkpoint has seen the entry"]


@given(st.integers(0, 11), st.integers(0, 11))
def test_growth_holds_between_any_two_sizes(one: int, other: int) -> None:
    first, second = sorted((one, other))
    growth = Growth(tenant="acme", **consistency(TREE, first, second))
    assert growth_faults(growth, checkpoints()) == []
    if first != second:
        lie = growth.model_copy(update={"first": growth.first.model_copy(update={"root": "0" * 64})})
        assert growth_faults(lie)
    other = Tree(map(entry_hash, [*LOG[:5], LOG[0], *LOG[6:]]))
    grown = Growth(tenant="acme", **consistency(other, first, second))
    assert growth_faults(grown) == [], "sound in itself"
    assert bool(growth_faults(grown, checkpoints())) == bool({6, 11} & {first, second}), "not held to the witness"


def test_a_witness_file_may_not_shrink_or_go_back_in_time() -> None:
    one, two = checkpoints()
    assert witness_faults([one, two], KEY) == witness_faults([one, two], None) == []
    smaller = checkpoints((6, 5))
    assert [fault.what for fault in witness_faults(smaller, KEY)] == [
        "is older than the line before it",
        "the tree of acme has shrunk",
    ]


@given(st.sets(st.integers(1, 60)))
def test_positions_are_written_as_runs_and_read_back(positions: set[int]) -> None:
    assert positions_in(positions_text(positions), 61) == positions


def test_what_names_no_positions_names_none() -> None:
    assert positions_text([7, 3, 4, 5]) == "3-5 7"
    assert positions_in("all of them - 3x 2-y 9-8 -4", 100) == set()
    assert positions_in("1-99999999999999999999", 4) == {1, 2, 3}
