"""How fast the audit log is: leaves into a tree, entries with it, entries into a database, proofs.

    python benchmarks/bench_audit.py [--entries 300000] [--stored 2000] [--rounds 3] [--json]

tree      leaf hashes into `tenants.audit.merkle.Tree`, which keeps every node for proofs
leaf      the same, hashing the leaf
entry     the same, with an entry made and written as canonical JSON first: what a log in memory does
frontier  the right edge alone, as a database keeps it
chain     a bare hash chain over the same entries, which proves less
store     `billing.store.audit.record` into SQLite (WAL, synchronous=FULL), many to a transaction
verify    those read back, and everything hashed again
proofs    of inclusion and consistency in the tree of `--entries`, made and verified

Processor time, the best of the rounds.

Goal: 300,000 appends per second in process.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from billing.store.audit import record
from billing.store.check_audit import check_audit
from billing.store.engine import open_store, reading, writing
from billing.store.migrate import init
from tenants.audit.entry import AuditEntry, entry_hash, leaf_bytes
from tenants.audit.merkle import Tree, grown, leaf_hash, verify_consistency, verify_inclusion

GOAL_APPENDS_PER_S = 300_000
TIME_S = 1_767_225_600
DIGEST = "ab" * 32


def entry(number: int) -> AuditEntry:
    """An entry as the books write it."""
    who, what = f"acct-{number % 97}", f"acme-{number:06d}"
    return AuditEntry("acme", number + 1, TIME_S + number, who, "invoice.issue", what, "", DIGEST)


def best_s(work: Callable[[], object], rounds: int) -> float:
    """Seconds of the processor that `work` takes at best."""
    took = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def in_memory(count: int, rounds: int) -> dict[str, float]:
    """Appends per second without a database."""
    entries = [entry(number) for number in range(count)]
    data = [leaf_bytes(each) for each in entries]
    leaves = [leaf_hash(each) for each in data]

    def with_leaf() -> None:
        tree = Tree()
        for each in data:
            tree.append(leaf_hash(each))

    def with_entry() -> None:
        tree = Tree()
        for number in range(count):
            tree.append(entry_hash(entry(number)))

    def edge() -> None:
        frontier: list[bytes] = []
        for size, leaf in enumerate(leaves):
            frontier = grown(frontier, size, leaf)

    def chain() -> None:
        before = b""
        for each in data:
            before = sha256(before + each).digest()

    works = {"tree": lambda: Tree(leaves), "leaf": with_leaf, "entry": with_entry, "frontier": edge, "chain": chain}
    return {name: count / best_s(work, rounds) for name, work in works.items()}


def proofs(count: int, rounds: int) -> dict[str, float]:
    """Microseconds to make and verify a proof."""
    tree, tried = Tree(leaf_hash(str(number).encode()) for number in range(count)), 1_000
    root, step = tree.root(), count // tried

    def inclusion() -> None:
        for index in range(0, tried * step, step):
            leaf = leaf_hash(str(index).encode())
            assert verify_inclusion(leaf, index, count, tree.inclusion(index), root)

    def consistency() -> None:
        for old in range(1, tried * step, step):
            assert verify_consistency(old, tree.root(old), count, root, tree.consistency(old))

    works = {"inclusion_us": inclusion, "consistency_us": consistency}
    return {name: best_s(work, rounds) / tried * 1e6 for name, work in works.items()}


def stored(count: int) -> dict[str, float]:
    """Entries per second into a database, and read back and hashed again."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "bench.db"), create=True)
        init(store)

        def write() -> None:
            with writing(store) as connection:
                for number in range(count):
                    record(connection, "acme", "local", "invoice.issue", f"acme-{number}", "", {"n": number}, TIME_S)

        def verify() -> None:
            with reading(store) as connection:
                assert check_audit(connection, tenant="acme")[1] == []

        return {"store": count / best_s(write, 1), "verify": count / best_s(verify, 1)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=300_000)
    parser.add_argument("--stored", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    speed = {**in_memory(asked.entries, asked.rounds), **stored(asked.stored)}
    took = proofs(asked.entries, asked.rounds)
    if asked.json:
        print(json.dumps({"appends_per_s": speed, **took, "goal_appends_per_s": GOAL_APPENDS_PER_S}))
        return
    for name, each in speed.items():
        print(f"{name:>10}: {each:>11,.0f} a second" + (" read and hashed again" if name == "verify" else ""))
    for name, each in took.items():
        print(f"{name.removesuffix('_us'):>11}: {each:,.0f} us made and verified, among {asked.entries:,}")
    print(f"goal: {GOAL_APPENDS_PER_S:,} a second for tree, leaf and entry")


if __name__ == "__main__":
    main()
