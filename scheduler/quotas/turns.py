"""Whose turn it is at a gate: within nominal first, then borrowers by dominant share, then those past a soft stop."""

from typing import TYPE_CHECKING, NamedTuple

from scheduler.events import NEVER
from scheduler.quotas.quota import less, rivals
from scheduler.state.waiting import Queue, Shape

if TYPE_CHECKING:
    from scheduler.quotas.gate import Gate

NOMINAL, BORROWING, LAST = range(3)


class Turn(NamedTuple):
    """A job that may be let through: in which class, of which tenant, and whether its quota is free already."""

    kind: int
    key: int
    job: int
    tenant: int
    shape: Shape
    need_s: int
    free: bool


def next_turn(
    gate: "Gate", now_s: int, tier: int, refused: dict[Shape, int], lacking: set[tuple[int, Shape]]
) -> Turn | None:
    """Return whose turn it is, or None. Cost: O(tenants x (shapes + depth)).

    `refused`: of each shape the shortest job that found no nodes in this pass; `lacking`: tenant and shape that lack
    quota and could not reclaim it.
    """
    best: Turn | None = None
    borrowers: dict[int, Turn] = {}  # by tree
    for tenant, queue in gate.lines[tier].items():
        if gate.ledger.over_hard(tenant, now_s):
            continue
        may, own = gate.allowance(tenant)
        turn = _first(gate, queue, tenant, may, own, refused, lacking)
        if turn is None:
            continue
        if gate.ledger.over_soft(tenant, now_s):
            turn = turn._replace(kind=LAST)
            if not turn.free:
                continue
        if turn.kind == BORROWING:
            root = gate.quotas.root(gate.quotas.leaf[tenant])
            borrowers[root] = _smaller_share(gate, borrowers[root], turn) if root in borrowers else turn
        elif best is None or turn[:2] < best[:2]:
            best = turn
    if best is not None and best.kind == NOMINAL:
        return best
    return min(borrowers.values(), key=lambda turn: turn.key) if borrowers else best


def _first(
    gate: "Gate",
    queue: Queue,
    tenant: int,
    may: int,
    own: int,
    refused: dict[Shape, int],
    lacking: set[tuple[int, Shape]],
) -> Turn | None:
    """Return the first job of a tenant's line that has quota, or may reclaim it, and may find nodes."""
    best: Turn | None = None
    for shape, line in queue.lines.items():
        gpus = shape[0] * gate.per_node + shape[1]
        free = gpus <= may
        if not free and ((gpus > own and not gate.tenancy.fair_reclaim) or (tenant, shape) in lacking):
            continue
        limit_s = refused.get(shape, NEVER)
        for key, job, need_s in line:
            if best is not None and key > best.key:
                break
            if need_s < limit_s or not free:
                kind = NOMINAL if gpus <= own else BORROWING
                best = Turn(kind, key, job, tenant, shape, need_s, free)
                break
    return best


def _smaller_share(gate: "Gate", one: Turn, other: Turn) -> Turn:
    """Return the one whose side would have the smaller dominant share with its job, where their paths part."""
    nodes = rivals(gate.quotas, gate.quotas.leaf[one.tenant], gate.quotas.leaf[other.tenant])
    if nodes is not None:
        shares = [
            gate.quotas.share(node, gate.index, turn.shape[0] * gate.per_node + turn.shape[1])
            for node, turn in zip(nodes, (one, other), strict=True)
        ]
        if less(shares[0], shares[1]):
            return one
        if less(shares[1], shares[0]):
            return other
    return one if one.key < other.key else other
