"""The slow, obvious scheduler: the rules of `scheduler.decide.serve` written with lists and loops, recomputed from
nothing at every instant. It shares no code with the fast one (only the tuples it is told and the numbers of the enums),
keeps no index and no capacity, and asks every node every time.

What a node's GPUs are used for is the list of holds on it. "Free for a tier" is what the holds of that tier and of more
important ones leave. Everything else follows from that sentence.
"""

import heapq
from dataclasses import dataclass, field

from reference.slow_job import split, time_for

NEVER = (1 << 62) - 1
TIER = (0, 0, 1, 2, 3)
FINISH, NOTICE_END, SCRUB_END, NODE_UP, NODE_DOWN, EXPIRE, _, CONTRACT_BEGIN, CONTRACT_END, SUBMIT, CONTROL = range(11)
GUARANTEE_END = -1  # the twin's own: before everything else of a second, on what the last decision left
FINISHED, EVICTED, NODE_FAULT = 0, 1, 2


@dataclass
class Job:
    row: int
    tenant: int
    band: int
    pool: int
    full: int
    part: int
    run_s: int
    estimate_s: int
    patience_s: int
    product: object
    renter: bool
    within: int = 0  # level of the one domain that it has to lie in; 0: anywhere
    status: str = "new"
    epoch: int = 0
    done_s: int = 0
    pending_s: int = -1
    granted_s: int = -1
    start_s: int = -1
    starts: int = 0
    evict_at_s: int = -1
    guaranteed_until_s: int = -1
    whole: list = field(default_factory=list)  # nodes held or claimed as a whole
    partly: int = -1  # the node held in part
    order: int = 0  # when it was granted, then when it started
    victims: list = field(default_factory=list)  # (job, epoch) that have to leave before it starts

    @property
    def tier(self):
        return TIER[self.band]

    @property
    def nodes(self):
        return self.whole + ([self.partly] if self.partly >= 0 else [])

    def startup_s(self):
        return self.product.restart_s if self.starts > 1 else 0

    def end_by_estimate(self):
        return self.start_s + self.startup_s() + self.time_for(max(1, self.estimate_s - self.done_s))

    def time_for(self, work_s):
        return time_for(work_s, self.product.checkpoint_s, self.product.checkpoint_write_s)


@dataclass
class Node:
    down: bool = False
    clean_at_s: int = -1  # being cleaned until then
    dirty: bool = False


class SlowScheduler:
    """Drive it with `step(now_s, events)`, as the fast one; read `started`, `segments`, `evicted`."""

    def __init__(
        self,
        world,
        backfill="easy",
        lend="all_idle",
        packed=True,
        blind=False,
        headroom_nodes=0,
        compact=False,
        fgd=False,
    ):
        self.world, self.backfill, self.lend, self.packed, self.blind = world, backfill, lend, packed, blind
        self.headroom_nodes = headroom_nodes
        self.fgd, self.seen = fgd, []  # put parts where they fragment the least; GPUs that jobs asked of one node
        self.compact = compact  # keep every gang in the smallest domain that holds it
        self.pools = [[Node() for _ in range(row.nodes)] for row in world.pools]
        self.jobs = [self._job(row) for row in range(len(world.jobs["tenant"]))]
        self.reserved = [{} for _ in self.pools]
        self.offer = [0 for _ in self.pools]
        self.started, self.segments, self.evicted, self.timers = [], [], [], []
        self.counter = 0
        self.now_s = 0

    def _job(self, row):
        column = {name: int(values[row]) for name, values in self.world.jobs.items()}
        product = self.world.products[column["product"]]
        per_node = self.world.pools[column["pool"]].gpus_per_node
        full, part = divmod(column["gpus"], per_node)
        if product.whole_nodes and part:
            full, part = full + 1, 0
        domain = self.world.domains[column["tenant"]]
        return Job(
            row, column["tenant"], product.band, column["pool"], full, part, column["run_s"], column["estimate_s"],
            column["patience_s"], product, domain != 0 and product.band in (1, 3, 4),
            column.get("within", 0),
        )  # fmt: skip

    # -- what is free --------------------------------------------------------------------------------------------

    def holders(self, pool, *statuses):
        found = [job for job in self.jobs if job.pool == pool and job.status in statuses]
        return sorted(found, key=lambda job: job.order)

    def free(self, pool, node, tier, without=()):
        """GPUs of a node that holds and claims of `tier` and of more important ones leave."""
        per_node = self.world.pools[pool].gpus_per_node
        used = 0
        for job in self.holders(pool, "granted", "running", "evicting"):
            if job.tier <= tier and job not in without:
                used += per_node if node in job.whole else job.part if node == job.partly else 0
        return max(0, per_node - used)

    def healthy(self, pool):
        return [node for node, state in enumerate(self.pools[pool]) if not state.down]

    def whole_free(self, pool, tier, without=()):
        per_node = self.world.pools[pool].gpus_per_node
        return [node for node in self.healthy(pool) if self.free(pool, node, tier, without) == per_node]

    def part_free(self, pool, tier, part, without=()):
        return [node for node in self.healthy(pool) if part and self.free(pool, node, tier, without) >= part]

    def kept(self, pool, tier):
        return sum(max(0, self.contract_room(pool, tenant)) for tenant in self.reserved[pool]) if tier == 0 else 0

    def contract_room(self, pool, tenant):
        used = [job for job in self.holders(pool, "granted", "running", "evicting") if job.band == 1]
        return self.reserved[pool].get(tenant, 0) - sum(job.full for job in used if job.tenant == tenant)

    def domains(self, pool, level):
        """Sets of nodes; level 0 is the pool itself."""
        if not level:
            return [set(range(len(self.pools[pool])))]
        found, first = [], 0
        for size in self.world.pools[pool].topology[level - 1]:
            found.append(set(range(first, first + size)))
            first += size
        return found

    def fits(self, job, whole, partly, all_whole, kept):
        homes = []
        for domain in self.domains(job.pool, job.within):
            ours = [node for node in whole if node in domain]
            shared = [node for node in partly if node in domain]
            apart = [node for node in shared if node not in ours]
            if len(ours) >= job.full and (not job.part or apart or (shared and len(ours) > job.full)):
                homes.append(domain)
        if not homes:
            return False
        return not kept or len(all_whole) - job.full - (job.part > 0) >= kept

    def offer_room(self, job):
        lent = sum(
            other.full
            for other in self.holders(job.pool, "granted", "running", "evicting")
            if 2 <= other.tier <= job.tier
        )
        return self.offer[job.pool] - lent

    # -- events --------------------------------------------------------------------------------------------------

    def step(self, now_s, events):
        self.now_s, self.timers, self.asked = now_s, [], set()
        touched = set()
        for kind, row, epoch in sorted(events):
            job = self.jobs[row] if kind in (FINISH, NOTICE_END, GUARANTEE_END, EXPIRE, SUBMIT) else None
            if kind == SUBMIT:
                touched.add(job.pool)
                if job.full + (job.part > 0) > max(map(len, self.domains(job.pool, job.within))):
                    job.status = "cancelled"
                else:
                    if job.tier < 2:
                        per_node = self.world.pools[job.pool].gpus_per_node
                        self.seen.append((job.pool, per_node if job.full else job.part))
                    self.wait(job)
            elif kind == FINISH and job.epoch == epoch:
                touched.add(job.pool)
                self.release(job, FINISHED)
            elif kind == NOTICE_END and job.epoch == epoch:
                touched.add(job.pool)
                self.release(job, EVICTED)
            elif kind == GUARANTEE_END and job.epoch == epoch and job.status == "running":
                if self.offer_room(job) >= 0:
                    job.guaranteed_until_s = now_s + job.product.guarantee_s
                self.timers.append((now_s + job.product.guarantee_s, (GUARANTEE_END, row, epoch)))
            elif kind == SCRUB_END:
                touched |= set(range(len(self.pools)))
                for nodes in self.pools:
                    for node in nodes:
                        if node.clean_at_s == now_s:
                            node.clean_at_s = -1
            elif kind in (NODE_DOWN, NODE_UP):
                pool, node = self.locate(row)
                touched.add(pool)
                self.node_changes(pool, node, kind)
            elif kind == EXPIRE and job.epoch == epoch and job.status == "pending":
                touched.add(job.pool)
                if self.queue(job.pool, job.tier, contracts=job.band == 1)[0] is job:
                    self.stir(job.pool, job.tier, job.tier + 1)
                job.status = "cancelled"
                job.epoch += 1
            elif kind in (CONTRACT_BEGIN, CONTRACT_END):
                kept = self.world.reservations[row]
                touched.add(kept.pool)
                more = kept.nodes if kind == CONTRACT_BEGIN else -kept.nodes
                self.reserved[kept.pool][kept.tenant] = self.reserved[kept.pool].get(kept.tenant, 0) + more
                self.stir(kept.pool, 0, 1)
            elif kind == CONTROL:
                for pool in range(len(self.pools)):
                    idle = len(self.whole_free(pool, 1))
                    held_back = {"none": idle, "all_idle": 0, "fixed_headroom": self.headroom_nodes}[self.lend]
                    offer = max(0, idle - held_back)
                    if offer != self.offer[pool]:
                        if offer > self.offer[pool]:
                            self.stir(pool, 2)
                        self.offer[pool] = offer
                        touched.add(pool)
        for pool in sorted(touched):
            self.serve(pool)
        return self.timers

    def stir(self, pool, tier, below=4):
        self.asked |= {(pool, lower) for lower in range(tier, below)}

    def locate(self, row):
        for pool, nodes in enumerate(self.pools):
            if row < len(nodes):
                return pool, row
            row -= len(nodes)
        raise AssertionError("no such node")

    def node_changes(self, pool, node, kind):
        state = self.pools[pool][node]
        if state.down == (kind == NODE_DOWN):
            return
        if kind == NODE_DOWN:
            state.down, state.clean_at_s, state.dirty = True, -1, False
            for job in self.holders(pool, "granted"):
                if node in job.nodes:
                    self.revoke(job)
            for job in sorted(self.holders(pool, "running", "evicting"), key=lambda job: (job.tier, job.order)):
                if node in job.nodes:
                    self.release(job, NODE_FAULT)
            state.dirty = False
        else:
            state.down = False
            self.clean(pool, [node])
        self.stir(pool, 0)

    def clean(self, pool, nodes):
        scrub_s = self.world.pools[pool].scrub_s
        for node in nodes:
            state = self.pools[pool][node]
            if not state.down:
                state.dirty = False
                if scrub_s:
                    state.clean_at_s = self.now_s + scrub_s
                    self.timers.append((state.clean_at_s, (SCRUB_END, 0, 0)))

    def wait(self, job):
        job.status, job.pending_s = "pending", self.now_s
        if job.band == 1:
            self.stir(job.pool, 0, 1)
        self.asked.add((job.pool, job.tier))
        if job.patience_s != NEVER:
            self.timers.append((self.now_s + max(1, job.patience_s), (EXPIRE, job.row, job.epoch)))

    def revoke(self, job):
        job.status, job.whole, job.partly = "pending", [], -1
        self.stir(job.pool, job.tier)
        if job.pending_s + max(1, job.patience_s) <= self.now_s:
            self.timers.append((self.now_s + 1, (EXPIRE, job.row, job.epoch)))

    def release(self, job, cause):
        nodes, length = job.nodes, self.now_s - job.start_s
        per_node = self.world.pools[job.pool].gpus_per_node
        gpus = len(job.whole) * per_node + (job.part if job.partly >= 0 else 0)
        product = job.product
        warned = cause == EVICTED and product.notice_s >= max(1, product.checkpoint_write_s)
        ending = "finished" if cause == FINISHED else "warned" if warned else "fault"
        seconds = split(length, job.startup_s(), ending, product.checkpoint_s, product.checkpoint_write_s)
        job.done_s += seconds["kept"]
        self.segments.append((job.row, job.start_s, self.now_s, gpus, tuple(sorted(nodes)), cause))
        if cause == EVICTED:
            self.evicted.append((job.row, job.evict_at_s - job.product.notice_s, self.now_s))
        whole_before = self.whole_free(job.pool, 1)
        job.whole, job.partly, job.status = [], -1, "done"
        job.epoch += 1
        # Renters want whole nodes: they are asked only if one came free.
        grew = job.tier >= 2 or self.whole_free(job.pool, 1) != whole_before
        self.stir(job.pool, job.tier, 4 if grew else 2)
        if job.renter:
            self.clean(job.pool, nodes)
        if cause != FINISHED:
            if job.product.requeue:
                self.wait(job)
            else:
                job.status = "cancelled"
                job.epoch += 1

    # -- deciding ------------------------------------------------------------------------------------------------

    def serve(self, pool):
        for job in self.holders(pool, "granted"):
            if job.status == "granted":
                self.advance(job)
        if (pool, 0) in self.asked:
            for job in self.queue(pool, 0, contracts=True):
                room = self.whole_free(pool, 0)
                if job.full <= self.contract_room(pool, job.tenant) and self.fits(job, room, [], [], 0):
                    self.grant(job, room, [])
        for tier in range(4):
            if (pool, tier) in self.asked:
                self.serve_tier(pool, tier)

    def queue(self, pool, tier, contracts=False):
        waiting = [job for job in self.jobs if job.pool == pool and job.status == "pending" and job.tier == tier]
        return sorted((job for job in waiting if (job.band == 1) == contracts), key=lambda job: (job.band, job.row))

    def room(self, pool, tier, job, without=()):
        return self.whole_free(pool, tier, without), self.part_free(pool, tier if tier < 2 else 1, job.part, without)

    def serve_tier(self, pool, tier):
        while queue := self.queue(pool, tier):
            head = queue[0]
            whole, partly = self.room(pool, tier, head)
            kept = self.kept(pool, tier)
            if (tier >= 2 and head.full > self.offer_room(head)) or not self.fits(head, whole, partly, whole, kept):
                break
            self.grant(head, whole, partly)
        if not queue or self.backfill == "none":
            return
        head, promise_s, spare = queue[0], None, None
        for job in queue[1:]:
            whole, partly = self.room(pool, tier, job)
            all_whole = whole
            if not self.fits(job, whole, partly, all_whole, self.kept(pool, tier)):
                continue
            if promise_s is None:
                promise_s, spare = self.promise(pool, tier, head)
            restart_s = job.product.restart_s if job.starts else 0
            scrub_s = self.world.pools[pool].scrub_s if tier >= 2 else 0
            end_s = self.now_s + job.time_for(max(1, job.estimate_s - job.done_s)) + restart_s + scrub_s
            if end_s > promise_s:
                per_node = self.world.pools[pool].gpus_per_node
                whole = [node for node in whole if spare.get(node, 0) == per_node]
                partly = [node for node in partly if spare.get(node, 0) >= job.part]
            if not self.fits(job, whole, partly, all_whole, self.kept(pool, tier)):
                continue
            if tier >= 2 and job.full > self.offer_room(job):
                continue
            self.grant(job, whole, partly)
            if end_s > promise_s and job.status in ("granted", "running", "done"):
                for node in self.last_choice[0]:
                    spare[node] = 0
                if self.last_choice[1] >= 0:
                    spare[self.last_choice[1]] -= job.part

    def promise(self, pool, tier, head):
        """(promised start, GPUs free beside the head at that time by node); every release up to it counts."""
        view = 1 if tier >= 2 else tier
        scrub_s = self.world.pools[pool].scrub_s if tier >= 2 else 0
        holders = [job for job in self.holders(pool, "running", "evicting") if job.tier <= tier]
        back_s = {job.row: max(job.end_by_estimate() + scrub_s, self.now_s + 1) for job in holders}
        kept = self.kept(pool, tier)
        now_whole, now_partly = self.room(pool, tier, head)
        for at_s in sorted(set(back_s.values())):
            gone = [job for job in holders if back_s[job.row] <= at_s]
            whole, partly = self.room(pool, tier, head, without=gone)
            if self.fits(head, whole, partly, whole, kept):
                later = [[node for node in whole if node not in now_whole], whole]
                later_part = [[node for node in partly if node not in now_partly], partly]
                left = {node: self.free(pool, node, view, without=gone) for node in self.healthy(pool)}
                if tier >= 2:
                    left = {node: left[node] if node in whole else 0 for node in left}
                chosen, part = self.place(head, list(zip(later, later_part, strict=True)), left, top=False)
                for node in chosen:
                    left[node] = 0
                if part >= 0:
                    left[part] -= head.part
                per_node = self.world.pools[pool].gpus_per_node
                for node in sorted((n for n in left if left[n] == per_node), reverse=True)[:kept]:
                    left[node] = 0
                return at_s, left
        return NEVER, {}

    def place(self, job, steps, free, top):
        """Choose a domain where one is needed or liked (see `place_in` for the nodes): with as few steps as will do,
        on the lowest level; of its domains, the one with the fewest free nodes if packed, the lowest or highest else.
        """
        levels = [job.within] if job.within else []
        if self.compact and not top:
            levels = list(range(1, (job.within or len(self.world.pools[job.pool].topology)) + 1))
        for count in range(1, len(steps) + 1):
            near = steps[:count]
            for level in levels:
                domains = self.domains(job.pool, level)

                def merit(row, domains=domains, near=near):
                    free = {node for whole, _ in near for node in whole if node in domains[row]}
                    return (-row,) if top else (len(free), row) if self.packed else (row,)

                for row in sorted(range(len(domains)), key=merit):
                    inside = [[[n for n in nodes if n in domains[row]] for nodes in step] for step in near]
                    choice = self.place_in(job, inside, free, top)
                    if choice:
                        return choice
            choice = None if job.within else self.place_in(job, near, free, top)
            if choice:
                return choice
        return None

    def place_in(self, job, steps, free, top):
        """Choose nodes from the steps in order; lowest rows, or highest for rentals; the part best fit if packed."""
        chosen = []
        for whole, _ in steps:
            for node in sorted(whole, reverse=top):
                if len(chosen) < job.full and node not in chosen:
                    chosen.append(node)
        if len(chosen) < job.full:
            return None
        if not job.part:
            return chosen, -1
        for _, partly in steps:
            usable = [node for node in partly if node not in chosen]
            if usable:
                return chosen, min(usable, key=lambda node: self.merit_of_part(job, node, free[node]))
        return None

    def merit_of_part(self, job, node, free):
        def fragments(gpus):
            return sum(gpus for pool, asked in self.seen if pool == job.pool and asked > gpus)

        if self.fgd:
            return fragments(free - job.part) - fragments(free), free, node
        return (free, node) if self.packed else (0, node)

    def grant(self, job, whole, partly):
        pool, tier = job.pool, job.tier
        chosen, part = self.choose(job, whole, partly)
        self.last_choice = chosen, part
        per_node = self.world.pools[pool].gpus_per_node
        in_the_way = []
        for other in self.holders(pool, "granted", "running", "evicting"):
            if other.tier <= tier:
                continue
            mine = [*chosen, part] if part >= 0 else chosen
            if other.tier == 1:
                short = [n for n in chosen if self.free(pool, n, 1) < per_node]
                short += [part] if part >= 0 and self.free(pool, part, 1) < job.part else []
                mine = short
            if any(node in other.nodes for node in mine):
                in_the_way.append(other)
        self.counter += 1
        job.status, job.granted_s, job.order = "granted", self.now_s, self.counter
        job.whole, job.partly = list(chosen), part
        for other in in_the_way:
            if other.status == "granted":
                self.revoke(other)
        in_the_way.sort(key=lambda other: (other.tier, other.order))
        job.victims = [(other, other.epoch) for other in in_the_way if other.status in ("running", "evicting")]
        for other in in_the_way:
            if other.status == "running":
                other.evict_at_s = max(self.now_s + other.product.notice_s, other.guaranteed_until_s)
                other.status = "evicting"
                if other.evict_at_s <= self.now_s:
                    self.release(other, EVICTED)
                else:
                    self.timers.append((other.evict_at_s, (NOTICE_END, other.row, other.epoch)))
        self.advance(job)

    def choose(self, job, whole, partly):
        pool, tier, nodes = job.pool, job.tier, self.pools[job.pool]
        blind = self.blind and tier < 2
        everyone = self.holders(pool, "granted", "running", "evicting")
        rented = {} if blind else {node for other in everyone if other.tier >= 2 for node in other.nodes}
        leaving = {n for other in everyone if other.tier >= 2 and other.status == "evicting" for n in other.nodes}
        per_node = self.world.pools[pool].gpus_per_node
        free = {node: self.free(pool, node, 1 if tier else 0) for node in self.healthy(pool)}
        inner = {node: self.free(pool, node, 1) for node in self.healthy(pool)}
        avoid = {n for n, state in enumerate(nodes) if state.clean_at_s >= 0 or (job.renter and state.dirty)}
        avoid = set() if blind else avoid
        open_whole = [n for n in whole if inner[n] == per_node]
        open_part = [n for n in partly if inner[n] >= job.part]
        steps = [([n for n in open_whole if n not in rented and n not in avoid],
                  [n for n in open_part if n not in rented and n not in avoid])]  # fmt: skip
        choice = self.place(job, steps, inner, top=tier >= 2)
        if choice:
            return choice
        steps.append(([n for n in open_whole if n not in rented or n in leaving],
                      [n for n in open_part if n not in rented or n in leaving]))  # fmt: skip
        choice = self.place(job, steps, free, top=tier >= 2)
        if choice:
            return choice
        useful = set(whole) | set(partly)
        candidates = []
        for lower in range(1 if blind else 3, tier, -1):
            for status in (("granted",), ("running", "evicting") if lower == 1 else ("running",)):
                mine = [other for other in self.holders(pool, *status) if other.tier == lower]
                candidates += [other for other in reversed(mine) if useful & set(other.nodes)]

        def vacant(chosen):
            staying = {n for other in candidates if other.tier == 1 and other not in chosen for n in other.nodes}
            return {node for other in chosen for node in other.nodes} - staying

        def step_of(chosen):
            empty = vacant(chosen)
            return ([n for n in whole if n in steps[1][0] or n in empty],
                    [n for n in partly if n in steps[1][1] or n in empty])  # fmt: skip

        def enough(chosen):
            return self.fits(job, *step_of(chosen), [], 0)

        # Renters are taken before those who share nodes; both youngest first. The smallest prefix that is enough.
        ordered = [c for c in candidates if c.tier > 1] + [c for c in candidates if c.tier == 1]
        count = next(n for n in range(1, len(ordered) + 1) if enough(ordered[:n]))
        victims = ordered[:count]
        for other in reversed(ordered[: count - 1]):
            if enough([victim for victim in victims if victim is not other]):
                victims = [victim for victim in victims if victim is not other]
        return self.place(job, [*steps, step_of(victims)], free, top=tier >= 2)

    def advance(self, job):
        """Clean what is vacated, and start if every node is ready."""
        nodes = self.pools[job.pool]
        held = {node for other, epoch in job.victims if other.epoch == epoch for node in other.nodes}
        if job.renter:
            self.clean(job.pool, [n for n in job.nodes if nodes[n].dirty and n not in held and nodes[n].clean_at_s < 0])
        if any(node in held or nodes[node].clean_at_s >= 0 for node in job.nodes):
            return
        self.counter += 1
        self.started.append((job.row, job.granted_s, self.now_s))
        job.starts += 1
        job.start_s = self.now_s
        left_s = job.startup_s() + job.time_for(job.run_s - job.done_s)
        if not left_s:
            job.status, job.whole, job.partly = "done", [], -1
            job.epoch += 1
            self.stir(job.pool, job.tier)
            return
        job.status, job.order = "running", self.counter
        job.guaranteed_until_s = self.now_s + job.product.guarantee_s
        if not job.renter:
            for node in job.nodes:
                nodes[node].dirty = True
        self.timers.append((self.now_s + left_s, (FINISH, job.row, job.epoch)))
        if job.product.rolling:
            self.timers.append((job.guaranteed_until_s, (GUARANTEE_END, job.row, job.epoch)))


def drive_slow(twin, world, horizon_s):
    """Another flat loop, for another kind of core."""
    heap = [(at_s, tuple(event)) for at_s, event in world.told]
    heap += [(at_s, (CONTROL, 0, 0)) for at_s in range(0, horizon_s, world.control_interval_s)]
    heapq.heapify(heap)
    while heap and heap[0][0] < horizon_s:
        now_s, events = heap[0][0], []
        while heap and heap[0][0] == now_s:
            events.append(heapq.heappop(heap)[1])
        for timer in twin.step(now_s, events):
            heapq.heappush(heap, timer)
