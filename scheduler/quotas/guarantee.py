"""Guarantees in cells: a tenant's job inside its guaranteed cells is granted at once, whatever others do.

A guaranteed cell is bound to a physical one when the first job needs it, and let go when the last one has left. A cell
is bound only if all cells that are guaranteed and not bound yet still find their place: so every request that is legal
in the tenant's own cells succeeds, whoever holds the nodes. Whoever is on them without a guarantee leaves, with notice;
contracts and nodes that are down are gone around. What a tenant does beyond its guarantee is ordinary work.

Source: HiveD (Zhao et al., OSDI 2020), restated in the design's sections 5.5 and 8.2; case V6.
"""

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from scheduler.errors import TableError
from scheduler.events import Status
from scheduler.nodes.capacity import Hold
from scheduler.nodes.nodeset import NOTHING, NodeSet
from scheduler.quotas.cells import Cell, Cells, CellTree
from scheduler.quotas.rows import Tenancy
from scheduler.state.pool import Pool
from scheduler.tables import PoolRow
from tenants.band import Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


class Bound(NamedTuple):
    """What a job inside its guarantee holds."""

    tenant: int
    cells: tuple[Cell, ...]


class Owner:
    """One tenant's guaranteed cells: how many of each level are not bound, and what is free of those that are."""

    __slots__ = ("bound", "free", "left")

    def __init__(self, tree: CellTree) -> None:
        self.left = [0] * (tree.top + 1)
        self.bound: set[Cell] = set()
        self.free = Cells(tree, whole=False)


class Guarantees:
    """All guarantees of one pool. Writers: `promise`, `bind`, `unbind`."""

    def __init__(self, tree: CellTree) -> None:
        self.tree = tree
        self.physical = Cells(tree)
        self.owners: dict[int, Owner] = {}
        self.jobs: dict[int, Bound] = {}

    def promise(self, tenant: int, level: int, cells: int) -> bool:
        """Add to a tenant's guarantee; False when not all guarantees fit the pool any more."""
        self.owners.setdefault(tenant, Owner(self.tree)).left[level] += cells
        return self._fits()

    def bind(self, job: int, tenant: int, shape: tuple[int, int, int], blocked: NodeSet, busy: NodeSet) -> Hold | None:
        """Put a job of this shape into its tenant's cells; None where they cannot hold it.

        `blocked` nodes are not touched; `busy` ones only where the others are not enough. Cost: O(GPUs of the job).
        """
        full, part, within = shape
        owner, tree = self.owners[tenant], self.tree
        levels = [tree.node_level] * full + ([tree.level_for(part)] if part else [])
        before = self.physical.copy(), owner.free.copy(), owner.left.copy(), owner.bound.copy()
        found: list[Cell] = []
        for level in levels:
            cell = owner.free.alloc(level, blocked | busy) or self._extend(owner, level, blocked, busy)
            cell = cell or owner.free.alloc(level, blocked)
            if cell is None:
                break
            found.append(cell)
        if len(found) < len(levels) or (within and len({self._domain(cell, within) for cell in found}) > 1):
            self.physical, owner.free, owner.left, owner.bound = before
            return None
        self.jobs[job] = Bound(tenant, tuple(found))
        whole = NOTHING
        for cell in found[:full]:
            whole |= tree.nodes(cell)
        return Hold(whole, tree.nodes(found[-1]) if part else NOTHING, part)

    def unbind(self, job: int) -> bool:
        """Give back what a job held of its guarantee; False when it held nothing of one."""
        held = self.jobs.pop(job, None)
        if held is None:
            return False
        owner = self.owners[held.tenant]
        for cell in held.cells:
            owner.free.free(cell)
        for cell in [cell for cell in owner.bound if owner.free.holds(cell)]:
            owner.free.take(cell)
            self.physical.free(cell)
            owner.bound.discard(cell)
            owner.left[cell.level] += 1
        return True

    def _extend(self, owner: Owner, level: int, blocked: NodeSet, busy: NodeSet) -> Cell | None:
        """Bind one more of the owner's cells and take a cell of `level` out of it; None where no more can be bound."""
        for above in range(level, self.tree.top + 1):
            if not owner.left[above]:
                continue
            for cell in self._candidates(above, level, blocked, busy):
                self.physical.take(cell)
                owner.left[above] -= 1
                if self._fits():
                    owner.free.free(cell)
                    part = owner.free.alloc(level, blocked)
                    if part is not None:
                        owner.bound.add(cell)
                        return part
                    owner.free.take(cell)
                self.physical.free(cell)
                owner.left[above] += 1
        return None

    def _candidates(self, above: int, level: int, blocked: NodeSet, busy: NodeSet) -> Iterator[Cell]:
        choices = [self.physical.choices(above, blocked | busy), self.physical.choices(above, blocked)]
        if above > level:  # a rack of which a node is down still has the others
            choices.append(self.physical.choices(above))
        return chain.from_iterable(choices)

    def _fits(self) -> bool:
        """Whether every cell that is guaranteed and not bound still finds its place: the largest first."""
        free = self.physical.copy()
        for level in range(self.tree.top, -1, -1):
            for _ in range(sum(owner.left[level] for owner in self.owners.values())):
                if free.alloc(level) is None:
                    return False
        return True

    def _domain(self, cell: Cell, within: int) -> int:
        level, row = cell
        while level < self.tree.node_level + within:
            level, row = level + 1, self.tree.parent[level][row]
        return row


def guarantees_of(tenancy: Tenancy, pools: tuple[PoolRow, ...]) -> list[Guarantees | None]:
    """Return the guarantees of each pool, None where there are none.

    Raises TableError, naming the row, for a level that the pool does not have, or more cells than it has.
    """
    found: list[Guarantees | None] = [None] * len(pools)
    for number, row in enumerate(tenancy.guarantees):
        pool = pools[row.pool]
        here = found[row.pool]
        if here is None:
            here = found[row.pool] = Guarantees(CellTree(pool.nodes, pool.gpus_per_node, pool.topology))
        if not 0 <= row.level <= here.tree.top or row.cells < 1:
            allowed = f"level 0 to {here.tree.top}, 1 cell or more"
            raise TableError("impossible guarantee", path=f"guarantee[{number}]", found=row, allowed=allowed)
        if not here.promise(row.tenant, row.level, row.cells):
            message = f"guarantees promise more cells than pool[{row.pool}] has"
            raise TableError(message, path=f"guarantee[{number}]", found=row.cells)
    return found


def grant_guaranteed(core: "Lives", pool: Pool, tier: int) -> None:
    """Grant every waiting job of a tier that fits its tenant's guaranteed cells, in the order of each tenant's line."""
    gate = pool.gate
    assert gate is not None and gate.guarantees is not None
    for tenant in sorted(gate.guarantees.owners):
        queue = gate.lines[tier].get(tenant)
        refused: set[tuple[int, int, int]] = set()
        while queue is not None and not gate.ledger.over_hard(tenant, core.now_s):
            heads = [(line[0], shape) for shape, line in queue.lines.items() if shape not in refused]
            if not heads:
                break
            (key, job, _), shape = min(heads)
            hold = gate.guarantees.bind(job, tenant, shape, _blocked(core, pool), _busy(pool, shape))
            if hold is None:
                refused.add(shape)
                continue
            gate.drop(job, key, shape)
            core.grant(pool, tier, job, hold, also=in_its_cells(core, pool, hold))
            pool.use_spares(hold)


def _blocked(core: "Lives", pool: Pool) -> NodeSet:
    """Nodes that nobody can be told to leave: those that are down or will be, and those of contracts."""
    blocked = pool.down | pool.draining
    if any(pool.reserved_used_nodes.values()):
        for job, hold in pool.hold.items():
            if core.jobs.band[job] == Band.RESERVED:
                blocked |= hold.nodes
    return blocked


def _busy(pool: Pool, shape: tuple[int, int, int]) -> NodeSet:
    """Nodes of which internal work would have to leave something for a job of this shape, and hot spares."""
    return pool.spares | pool.nodes & ~(pool.internal.exact[-1] if shape[0] else pool.internal.at_least(shape[1]))


def in_its_cells(core: "Lives", pool: Pool, hold: Hold) -> list[int]:
    """Return the internal jobs without a guarantee that have to go from the nodes of a guaranteed one.

    Whole nodes are left by everybody. Of the node of which it takes a part, those leave that have been told to go, then
    the least important band, the most recently granted, the highest row, until there is room. And where contracts might
    now lack nodes, critical work that holds whole ones without a guarantee leaves too, the most recent first.
    """
    jobs, gate = core.jobs, pool.gate
    assert gate is not None and gate.guarantees is not None
    others = [
        job
        for job in pool.hold
        if jobs.band[job] in (Band.INTERNAL_CRITICAL, Band.INTERNAL) and job not in gate.guarantees.jobs
    ]
    others.sort(key=lambda job: (jobs.status[job] != Status.EVICTING, -jobs.band[job], -jobs.granted_s[job], -job))
    going = [job for job in others if pool.hold[job].nodes & hold.whole]
    view = pool.internal.copy()
    for job in going:
        view.give(pool.hold[job])
    for job in others:
        if hold.part and not view.at_least(hold.gpus) & hold.part and pool.hold[job].nodes & hold.part:
            going.append(job)
            view.give(pool.hold[job])
    firm = pool.firm.copy()
    for job in going:
        if jobs.band[job] == Band.INTERNAL_CRITICAL:
            firm.give(pool.hold[job])
    firm.take(hold)
    for job in others:
        if firm.exact[-1].bit_count() >= pool.kept_nodes(0):
            break
        if jobs.band[job] == Band.INTERNAL_CRITICAL and job not in going and pool.hold[job].whole:
            going.append(job)
            firm.give(pool.hold[job])
    return going
