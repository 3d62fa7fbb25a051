"""The witness file: checkpoints of the audit trees, outside the database, a line each, only ever added to.

The file is worth as much as the hands that it lies in: copy its lines to where who writes the database cannot write.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine

from billing.store.audit import heads_in, tree_in
from billing.store.engine import is_url, place_of, reading
from tenants.audit.checkpoint import (
    AuditError,
    Checkpoint,
    TreeHead,
    line_hash,
    line_of,
    make_checkpoint,
    read_witness,
)


def witness_file(place: str) -> str:
    """Return where a store's witness file lies unless it is said otherwise: beside a SQLite file, else here."""
    return "spillway.witness" if is_url(place) else f"{place}.witness"


def checkpoints_in(file: str) -> list[Checkpoint]:
    """Return the checkpoints of a witness file, none where there is no file. Raises AuditError for a damaged one.

    A last line without its end was being written when the machine went down: nobody was told of it.
    """
    path = Path(file)
    whole, _, _ = path.read_bytes().rpartition(b"\n") if path.exists() else (b"", b"", b"")
    return read_witness(whole.decode("utf-8", errors="surrogateescape"), file)


def add_checkpoint(engine: Engine, file: str, key: bytes, now_s: int) -> tuple[Checkpoint, bool]:
    """Write a checkpoint as the owner of a store. As `add_checkpoint_of`."""
    return add_checkpoint_of(lambda: reading(engine), place_of(engine), file, key, now_s)


def add_checkpoint_of(
    opened: Callable[[], AbstractContextManager[Connection]], place: str, file: str, key: bytes, now_s: int
) -> tuple[Checkpoint, bool]:
    """Write a checkpoint of what the trees hold, and return it; the last one again, and False, if nothing is new.

    Args:
        opened: one state of the store at `place`, with the trees of all.
        key:   that checkpoints are signed with.
        now_s: Unix seconds.

    Raises:
        AuditError: the trees do not go on from the last checkpoint: no rewritten past is signed. Or a damaged file.
        StoreError: the database cannot be used.
    """
    import fcntl

    with Path(file).open("a+", encoding="utf-8") as out:
        fcntl.flock(out, fcntl.LOCK_EX)
        before = checkpoints_in(file)
        with opened() as connection:
            heads = heads_in(connection)
            if before:
                _require_goes_on(connection, before[-1], heads, place)
        if before and tuple(heads) == before[-1].heads:
            return before[-1], False
        last = line_hash(line_of(before[-1])) if before else ""
        made = make_checkpoint(heads, max(now_s, before[-1].time_s if before else now_s), last, key)
        out.truncate(sum(len(line_of(each)) + 1 for each in before))  # a line that was never finished goes
        out.write(f"{line_of(made)}\n")
        out.flush()
        os.fsync(out.fileno())
    return made, True


def _require_goes_on(connection: Connection, last: Checkpoint, heads: list[TreeHead], place: str) -> None:
    now = {head.tenant: head for head in heads}
    for old in last.heads:
        new = now.get(old.tenant)
        if new == old:
            continue
        if new is not None and new.size > old.size:
            tree = tree_in(connection, old.tenant)
            if len(tree) == new.size and tree.root().hex() == new.root and tree.root(old.size).hex() == old.root:
                continue
        message = f"the log of {old.tenant or 'the house'} does not go on from the last checkpoint"
        raise AuditError(message, code="rewritten", file=place, allowed="see `spillway audit verify`")
