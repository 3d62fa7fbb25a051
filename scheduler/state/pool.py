"""The state of one pool: the only thing that decisions change. Its writers keep every view of it in step.

Four tiers share a pool (`tenants.band`): 0 contracts and critical training, 1 other internal work, 2 on-demand, 3 spot.
Tiers 0 and 1 may hold parts of nodes and have a `Capacity` each, `firm` (tier 0) and `internal` (tiers 0 and 1).
Rentals hold whole nodes, so for tiers 2 and 3 a set of nodes says it all. A claim of a granted job counts as held in
the views of its own tier and of those below, which is what keeps a grant from being taken away.

The module is a little longer than most because every view and every writer that must keep it in step stand together.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.nodes.capacity import Capacity, Hold, Room
from scheduler.nodes.nodeset import NOTHING, NodeSet, everything, highest, row_array
from scheduler.nodes.topology import levels_of
from scheduler.policy.backfill import Promise
from scheduler.policy.lend import NO_OFFER, Offer, Supply
from scheduler.state.waiting import Queue
from scheduler.tables import PoolRow
from tenants.band import TIER_COUNT

if TYPE_CHECKING:
    from scheduler.jobs.lending import Lending
    from scheduler.quotas.gate import Gate

# (end by estimate, job, tier, hold, GPUs held): what a promised start is worked out from, without looking anything up.
End = tuple[int, int, int, Hold, int]
TIERS_FROM = tuple(tuple(range(tier, TIER_COUNT)) for tier in range(TIER_COUNT))


class Gather:
    """What a granted job still waits for: jobs that have to leave its nodes, and then cleaning."""

    __slots__ = ("tier", "victims")

    def __init__(self, tier: int, victims: set[int]) -> None:
        self.tier = tier
        self.victims = victims


class Pool:
    """One pool's nodes, holders, claims, queues and contracts. See the module docstring for the views."""

    def __init__(self, index: int, row: PoolRow, first_node: int, learns: bool = False, indexed: bool = False) -> None:
        self.index = index
        self.nodes = everything(row.nodes)
        self.node_count = row.nodes
        self.first_node = first_node
        self.per_node = row.gpus_per_node
        self.scrub_s = row.scrub_s
        self._seen = array("q", [0] * (row.gpus_per_node + 1)) if learns else None  # by GPUs asked of one node
        self.mix: Sequence[int] = memoryview(self._seen).toreadonly() if self._seen else ()
        self.levels = levels_of(row.topology, row.nodes)
        self.firm = Capacity(row.nodes, row.gpus_per_node)
        self.internal = Capacity(row.nodes, row.gpus_per_node)
        self.rented: list[NodeSet] = [NOTHING] * TIER_COUNT  # held or claimed by tier; used for tiers 2 and 3
        # Who rents each node (the latest taker; -1: nobody), where the rule for victims looks at thousands at once.
        self.owner = np.full(row.nodes, -1, dtype=np.int64) if indexed else None
        self.leaving: NodeSet = NOTHING  # held by rentals under notice
        self.scrubbing: NodeSet = NOTHING
        self.dirty: NodeSet = NOTHING  # last held by internal work: cleaned before a renter gets them
        self.down: NodeSet = NOTHING
        self.draining: NodeSet = NOTHING  # held by jobs that were told to leave them for maintenance
        self.spare_nodes, self._lend_spares = row.spare_nodes, row.lend_spares
        self.spares: NodeSet = highest(self.nodes, row.spare_nodes) if row.spare_nodes else NOTHING
        self.shut: list[NodeSet] = [NOTHING] * TIER_COUNT  # out of reach for each tier: draining, and spares
        self.recovering: list[set[int]] = [set() for _ in range(TIER_COUNT)]  # asked first: see scheduler.jobs.failures
        self.meek: set[int] = set()  # those of them that wait and may evict nobody: they stand in no queue
        self.batches: dict[int, NodeSet] = {}  # nodes of each cleaning under way, by timer
        self.hold: dict[int, Hold] = {}  # of every granted, running and leaving job
        self.running: list[dict[int, None]] = [{} for _ in range(TIER_COUNT)]  # in order of start, notice included
        self.granted: dict[int, Gather] = {}  # in order of grant
        self.ends: list[list[End]] = [[] for _ in range(TIER_COUNT)]  # of running jobs by tier, ascending
        self._end_of: dict[int, int] = {}
        self.queue: list[Queue] = [Queue() for _ in range(TIER_COUNT)]
        self.contract_queue = Queue()  # RESERVED jobs; they are served from their own contract, first
        self.evicted = self.kept = 0  # rentals that were evicted, and that ran to their end
        self.held_gpus = 0  # by running jobs, without claims
        self.lent_nodes = [0] * TIER_COUNT  # held or claimed by tier
        self.reserved_nodes: dict[int, int] = {}  # tenant -> nodes of the contracts in force
        self.reserved_used_nodes: dict[int, int] = {}
        self.reserved_unused_nodes = 0
        self.offer: Offer = NO_OFFER
        self.lending: Lending | None = None  # what lend is told, where it looks at more than the supply
        self._rooms: list[Room | None] = [self._open(self.firm), self._open(self.internal), None, None]
        self.gather_changed = False  # a node of some granted job may have become ready
        self.lent_changed = False  # or the Offer, since guarantees were last looked at
        self._renewable: dict[int, list[tuple[int, bool]]] = {}  # product -> (since, whether), where it changed
        self.blocked = [-1] * TIER_COUNT  # the head of each tier if it is known not to fit
        self.last_blocked = [-1] * TIER_COUNT  # the head that did not fit when it was last asked
        self.promise: list[Promise | None] = [None] * TIER_COUNT
        self.fresh: list[list[int]] = [[] for _ in range(TIER_COUNT)]  # submitted since the last decision
        self.asked = [False] * TIER_COUNT  # tiers for which something changed since the last decision
        self.gate: Gate | None = None  # where internal work waits for quota, if there are quotas
        if self.spares:
            self.reach_changed()

    # -- views ---------------------------------------------------------------------------------------------------

    def room(self, tier: int) -> Room:
        """Return what `tier` may plan on: free nodes, and nodes that only later tiers hold."""
        room = self._rooms[tier]
        if room is None:
            closed = (self.rented[2] if tier == 2 else self.rented[2] | self.rented[3]) | self.shut[tier]
            room = self._rooms[tier] = Room(self.internal, closed, -1, -1, self.levels, 0, self.mix)
        return room

    def room_within(self, tier: int, within: int) -> Room:
        """Return `room` for a gang that has to lie in one domain of level `within` (0: anywhere)."""
        return self.room(tier)._replace(within=within) if within else self.room(tier)

    def largest_domain(self, within: int) -> int:
        """Return the size of the largest domain of level `within`; of the pool for 0. Nodes, healthy or not."""
        return self.levels[within - 1].largest if within else self.node_count

    def _open(self, capacity: Capacity) -> Room:
        return Room(capacity, NOTHING, -1, -1, self.levels, 0, self.mix)

    @property
    def busy(self) -> NodeSet:
        """Nodes that rentals hold or claim."""
        return self.rented[2] | self.rented[3]

    def supply(self) -> Supply:
        """Return what a lend function is told."""
        return Supply(
            self.index,
            (self.nodes & ~(self.down | self.shut[3])).bit_count(),
            (self.internal.exact[-1] & ~self.shut[3]).bit_count(),
            self.reserved_unused_nodes,
        )

    def idle_gpus(self, waiting: bool) -> tuple[int, ...]:
        """Count the GPUs that no job holds, in the order of `billing.usage.STATES`.

        Precedence as stated there: down, scrubbing, gathering for a grant, reserved-unused, held back by lend,
        fragmented, spare (somebody waits, but not for this), no demand. Cost: O(GPUs per node).
        """
        per_node = self.per_node
        down = self.down.bit_count() * per_node if self.down else 0
        scrubbing = self.scrubbing.bit_count() * per_node if self.scrubbing else 0
        idle = self.node_count * per_node - down - scrubbing - self.held_gpus
        closed = self.rented[2] | self.rented[3] | self.scrubbing
        exact = self.internal.exact
        unheld = exact[per_node].bit_count()
        whole_nodes = (exact[per_node] & ~closed).bit_count() if closed else unheld
        if self.granted:  # a claim on part of a rented node: neither whole nor open
            broken = 0
            for free in range(1, per_node):
                if exact[free]:
                    broken += free * (exact[free] & ~closed).bit_count()
        else:
            broken = self.internal.free_gpus - unheld * per_node
        unclaimed = whole_nodes * per_node + broken
        reserved = 0
        if self.reserved_unused_nodes:
            reserved = min(self.reserved_unused_nodes, whole_nodes)
            whole_nodes -= reserved
        held_back = fragmented = spare = no_demand = 0
        if not waiting:
            no_demand = whole_nodes * per_node + broken
        else:
            fragmented = broken
            if self.queue[2].count or self.queue[3].count:
                on_offer = max(0, max(self.offer.nodes_max) - self.lent_nodes[2] - self.lent_nodes[3])
                held_back = max(0, whole_nodes - on_offer)
            spare = (whole_nodes - held_back) * per_node
        return (
            down,
            scrubbing,
            idle - unclaimed,
            reserved * per_node,
            held_back * per_node,
            fragmented,
            spare,
            no_demand,
        )

    def waits(self) -> bool:
        """Whether any job of this pool waits for capacity."""
        queue = self.queue
        queued = queue[1].count or queue[0].count or queue[2].count or queue[3].count or self.contract_queue.count
        return bool(queued or self.meek) or (self.gate is not None and self.gate.count > 0)

    def holders(self) -> Iterator[int]:
        """Yield every job that holds nodes, tier by tier, in order of start."""
        for tier in self.running:
            yield from tier

    def kept_nodes(self, tier: int) -> int:
        """Whole nodes that contracts may call on at any time: out of reach for the rest of tier 0."""
        return self.reserved_unused_nodes if tier == 0 else 0

    def offer_room(self, tier: int, guarantee_s: int) -> int:
        """Return how many nodes more the Offer allows at a guarantee of this length; negative when it has shrunk.

        A tier is measured against what it and more important ones have rented: on-demand may take spot's place.
        """
        lent = self.lent_nodes[2] + self.lent_nodes[3] if tier == 3 else self.lent_nodes[2]
        offer = self.offer
        if len(offer.nodes_max) == 1:
            return offer.nodes_max[0] - lent
        limits = zip(offer.guarantee_s, offer.nodes_max, strict=True)
        return min(nodes_max for reach_s, nodes_max in limits if reach_s <= guarantee_s) - lent

    def stir(self, tier: int, below: int = TIER_COUNT) -> None:
        """Something changed for `tier` up to, not including, `below`: they are asked again at the end of this instant.

        What was promised to all tiers from `tier` on is worked out anew when it is needed.
        """
        asked, blocked, promise = self.asked, self.blocked, self.promise
        for lower in range(tier, below):
            asked[lower] = True
        if self.meek:  # who may push nobody aside waits for lower tiers, too, to leave
            for above in range(tier):
                if not self.meek.isdisjoint(self.recovering[above]):
                    asked[above] = True
        for lower in TIERS_FROM[tier]:
            blocked[lower] = -1
            promise[lower] = None

    def forget(self, tier: int) -> None:
        """What was found out about the heads of `tier` and below no longer holds."""
        blocked, promise = self.blocked, self.promise
        for lower in TIERS_FROM[tier]:
            blocked[lower] = -1
            promise[lower] = None

    def see(self, tier: int, full: int, part: int) -> None:
        """Count an internal job that was submitted in the mix, where the placement looks at it."""
        if tier < 2 and self._seen is not None:
            self._seen[self.per_node if full else part] += 1

    # -- writers -------------------------------------------------------------------------------------------------

    def take(self, tier: int, job: int, hold: Hold) -> None:
        """Book a hold in the views of `tier` and below."""
        self.forget(tier)
        self.hold[job] = hold
        if tier >= 2:
            self.rented[tier] |= hold.whole
            self.lent_nodes[tier] += hold.whole.bit_count()
            self._rents_changed()
            if self.owner is not None:
                self.owner[row_array(hold.whole)] = job
            return
        if tier == 0 or (self.gate is not None and self.gate.guaranteed(job)):
            self.forget(0)
            self.firm.take(hold)
        self.internal.take(hold)
        if self.gate is not None:
            self.gate.hold(job)

    def give(self, tier: int, job: int) -> Hold:
        """Undo `take`."""
        hold = self.hold.pop(job)
        if tier >= 2:
            self.rented[tier] &= ~hold.whole
            self.lent_nodes[tier] -= hold.whole.bit_count()
            self._rents_changed()
            if self.owner is not None:
                rows = row_array(hold.whole)
                self.owner[rows[self.owner[rows] == job]] = -1
            return hold
        if tier == 0 or (self.gate is not None and self.gate.guaranteed(job)):
            self.firm.give(hold)
        self.internal.give(hold)
        if self.gate is not None:
            self.gate.let_go(self, job)
        return hold

    def reach_changed(self) -> None:
        """Spares or draining nodes have changed: what each tier may plan on is worked out anew."""
        for tier in range(TIER_COUNT):
            self.shut[tier] = self.draining if tier == 3 and self._lend_spares else self.draining | self.spares
        self._rooms = [
            self._open(self.firm)._replace(closed=self.shut[0]),
            self._open(self.internal)._replace(closed=self.shut[1]),
            None,
            None,
        ]
        self.lent_changed = True
        self.forget(0)

    def use_spares(self, hold: Hold) -> None:
        """A spare that internal work has been granted is an ordinary node from now on: all of it may be planned on."""
        if hold.nodes & self.spares:
            self.spares &= ~hold.nodes
            self.reach_changed()
            self.stir(0, 2)

    def _rents_changed(self) -> None:
        self.lent_changed = True
        self._rooms[2] = self._rooms[3] = None

    def set_end(self, tier: int, job: int, end_s: int, hold: Hold, gpus: int) -> None:
        """Note when a job gives its nodes back, by its estimate."""
        self.forget(tier)  # a promise counts on what is known of ends
        self._end_of[job] = end_s
        insort(self.ends[tier], (end_s, job, tier, hold, gpus))

    def drop_end(self, tier: int, job: int) -> None:
        """Forget it."""
        ends = self.ends[tier]
        del ends[bisect_left(ends, (self._end_of.pop(job), job))]

    def node_down(self, bit: NodeSet) -> None:
        """Take a node out of every view; whoever held or claimed it must have left."""
        row = bit.bit_length() - 1
        self.firm.remove(row)
        self.internal.remove(row)
        self.dirty &= ~bit
        self.stop_scrub(bit)
        if (self.spares | self.draining) & bit:
            self.spares &= ~bit
            self.draining &= ~bit
            self.reach_changed()

    def node_up(self, bit: NodeSet) -> None:
        """Put a repaired node back; it still has to be cleaned."""
        row = bit.bit_length() - 1
        self.down &= ~bit
        self.firm.restore(row)
        self.internal.restore(row)
        if self.spares.bit_count() < self.spare_nodes:  # what is repaired takes the place of the spare that was used
            self.spares |= bit
            self.reach_changed()

    def stop_scrub(self, bit: NodeSet) -> None:
        """A node that goes down while it is cleaned starts over after its repair."""
        if self.scrubbing & bit:
            self.scrubbing &= ~bit
            for batch, nodes in self.batches.items():
                self.batches[batch] = nodes & ~bit

    def use_contract(self, tenant: int, nodes: int) -> None:
        """Book nodes (negative: give back) on a tenant's contracts."""
        self.reserved_used_nodes[tenant] = self.reserved_used_nodes.get(tenant, 0) + nodes
        self._count_reserved()

    def change_contract(self, tenant: int, nodes: int) -> None:
        """A contract for so many nodes begins (negative: ends)."""
        self.reserved_nodes[tenant] = self.reserved_nodes.get(tenant, 0) + nodes
        self._count_reserved()

    def contract_room(self, tenant: int) -> int:
        """Nodes that the tenant may still ask for under its contracts."""
        return self.reserved_nodes.get(tenant, 0) - self.reserved_used_nodes.get(tenant, 0)

    def note_renewable(self, product: int, now_s: int, renewable: bool) -> None:
        """Note after a decision whether guarantees of a rolling product are renewed from now on."""
        log = self._renewable.setdefault(product, [(-1, False)])
        if log[-1][1] != renewable:
            log.append((now_s, renewable))

    def was_renewable(self, product: int, at_s: int) -> bool:
        """Whether they were at `at_s`, as the last decision before that second left it."""
        log = self._renewable.get(product, [(-1, False)])
        return log[bisect_left(log, (at_s,)) - 1][1]

    def were_renewable(self, product: int, at_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return the same for many seconds, (n,)."""
        log = self._renewable.get(product, [(-1, False)])
        place = np.searchsorted([since_s for since_s, _ in log], at_s) - 1
        found: NDArray[np.bool_] = np.array([renewable for _, renewable in log])[place]
        return found

    def _count_reserved(self) -> None:
        self.reserved_unused_nodes = sum(max(0, self.contract_room(tenant)) for tenant in self.reserved_nodes)
