"""The warden: walks beside the core, and lets nobody begin on a node that isolation has not opened for him.

After each step of the core it takes what the core has decided to `scheduler.isolation.custody`: it programs the network
of every gang that starts, and has the start refused a second later (START_REFUSED) where that fails; it takes a node
through detach, clean and validate inside the pool's scrub time, and takes it out (NODE_DOWN) when a step fails, until a
repair and another full scrub. At every event the invariants are held against the plant for every node that changed. The
core knows none of this: it is told events, so that a tape of the run replays without a warden.

The last part of the scrub time, `attach_s`, is when links are trained again: a port is then ready to take a key, and
the key itself is acknowledged within the second of the start.
"""

from array import array
from collections.abc import Callable, Iterable

import numpy as np
import simpy

from scheduler.core import Core
from scheduler.events import Event, EventKind, Segment, Status
from scheduler.isolation.custody import Custody, recovered
from scheduler.isolation.fabric import Fabric
from scheduler.isolation.invariants import breaches
from scheduler.isolation.plant import Plant
from scheduler.isolation.rules import Refusal, Wants
from scheduler.isolation.scrub_report import FIELDS
from scheduler.isolation.states import SCRUB, IsolationError, NodeState
from scheduler.nodes.nodeset import NodeSet, rows
from sim.engine.plant_answers import PlantAnswers
from sim.engine.world import Happen
from sim.result import IsolationLog, IsolationTerms, World

WHYS = ("", *(refusal.name.lower() for refusal in Refusal if refusal), *FIELDS, "restart")
OURS = (Refusal.TAKEN, Refusal.NOT_CLEAN, Refusal.CLOSED)  # the scheduler itself never offers such a node
AfterStep = Callable[[int, list[Event]], None]


class Warden:
    """Custody of a run's nodes, driven by SimPy's clock."""

    def __init__(self, env: simpy.Environment, happen: Happen, core: Core, world: World, terms: IsolationTerms) -> None:
        self.env, self.happen, self.core, self.world, self.terms = env, happen, core, world, terms
        fabric = Fabric(terms.p_keys, terms.vnis, terms.partitions, terms.peers)
        self.custody = Custody(terms.nodes, fabric, Plant(len(terms.nodes), PlantAnswers(terms)))
        for node, facts in enumerate(terms.nodes):
            if facts.confidential:
                self.custody.boot(node)
        self.checked = 0
        self._changes = array("q")
        self._turn = [0] * len(terms.nodes)  # grows with each scrub and each fault: what was begun before is over
        self._broken: set[int] = set()  # nodes that the world took down, and has not repaired
        self._ours: set[tuple[int, int]] = set()  # (second, node) of what we take down ourselves
        for at_s in range(terms.restart_s, world.horizon_s, terms.restart_s) if terms.restart_s else ():
            self._at(at_s, self._restart)

    def before(self, after_step: AfterStep) -> AfterStep:
        """Return what to call after each step: first the warden, then `after_step`."""

        def both(now_s: int, events: list[Event]) -> None:
            self.after_step(now_s, events)
            after_step(now_s, events)

        return both

    def seen(self) -> IsolationLog:
        """Return what happened to the nodes so far."""
        return IsolationLog(np.array(self._changes, dtype=np.int64).reshape(-1, 5).T, self.checked)

    # -- after a step ------------------------------------------------------------------------------------------------

    def after_step(self, now_s: int, events: list[Event]) -> None:
        """Follow what the core has just done. Raises IsolationError: a breach, which is a fault of this program."""
        touched: set[int] = set()
        out = self.core.out
        for segment in out.segments:
            touched |= self._release(segment)
        for kind, row, _ in events:
            if kind == EventKind.NODE_DOWN:
                touched |= self._down(now_s, row)
            elif kind == EventKind.NODE_UP:
                self._broken.discard(row)
            elif kind == EventKind.DRAIN:
                self.custody.drain(row, draining=True)
        for _, (kind, batch, _) in self.core.timers:
            if kind == EventKind.SCRUB_END:
                touched |= self._scrub(batch)
        jobs = self.core.jobs
        for job in dict.fromkeys(started.job for started in out.started):
            if jobs.status[job] in (Status.RUNNING, Status.EVICTING) and jobs.start_s[job] == now_s:
                touched |= self._start(now_s, job)
        self._check(touched)

    def _release(self, segment: Segment) -> set[int]:
        nodes = self._nodes(segment.job, segment.nodes)
        mine = {node for node in nodes if segment.job in self.custody.records[node].jobs}
        self.custody.release(segment.job, mine)
        for node in mine:
            if self.custody.records[node].state != NodeState.HELD:  # others of its trust domain stay
                self._note(node, job=segment.job)
        return mine

    def _down(self, now_s: int, node: int) -> set[int]:
        if (now_s, node) in self._ours:
            self._ours.discard((now_s, node))
            return set()
        self._broken.add(node)
        self.custody.drain(node, draining=False)
        if self.custody.records[node].state != NodeState.DOWN:
            self._turn[node] += 1
            self.custody.close(node, NodeState.DOWN)
            self._note(node)
        return {node}

    def _start(self, now_s: int, job: int) -> set[int]:
        """Program a gang's network; without it, the start is refused, and the core has the nodes cleaned again."""
        jobs, world = self.core.jobs, self.world
        tenant, pool = jobs.tenant[job], self.core.pool_of(job)
        nodes = self._nodes(job, pool.hold[job].nodes)
        domain = world.tenant_domain[tenant] if tenant < len(world.tenant_domain) else 0
        regions = world.regions[tenant] if tenant < len(world.regions) else frozenset()
        wants = Wants(domain, self.terms.confidential[jobs.product[job]], regions)
        refused = self.custody.claim(job, nodes, wants)
        for node in nodes:
            self._note(node, job=job, why=int(refused))
        if refused in OURS:
            raise IsolationError(f"the scheduler offered {job=} a node that is {refused.name} at {now_s} s")
        if refused:
            self._at(1, self.happen, [Event(EventKind.START_REFUSED, job, jobs.epoch[job])])
        return set(nodes)

    # -- cleaning ----------------------------------------------------------------------------------------------------

    def _scrub(self, batch: int) -> set[int]:
        """Begin to clean what the core has begun to clean; its nodes go on together, step by step."""
        pool = self.core.pools[batch % len(self.core.pools)]
        nodes = [pool.first_node + row for row in rows(pool.batches[batch])]
        turns = []
        for node in nodes:
            self._turn[node] += 1
            turns.append((node, self._turn[node]))
            self.custody.scrub(node)
            self._note(node)
        at_s = 0
        for step_s, state in zip(self.terms.steps_s, SCRUB, strict=False):
            at_s += step_s
            self._at(max(1, at_s), self._advance, turns, state)
        return set(nodes)

    def _advance(self, turns: list[tuple[int, int]], state: NodeState) -> None:
        """Do a step of a scrub on all nodes that are still in it, and take out those on which it failed."""
        failed = []
        for node, turn in turns:
            if self._turn[node] != turn or self.custody.records[node].state != state:
                continue
            if self.custody.advance(node) == NodeState.QUARANTINED:
                failed.append(node)
                self._note(node, why=WHYS.index(self.custody.blame(node)))
            else:
                self._note(node)
        self._check(node for node, _ in turns)
        self._take_out(failed)

    def _restart(self) -> None:
        """Lose the controller and all it had not written down: whatever was under way on a node closes it."""
        before = self.custody.records
        self.custody = Custody(self.terms.nodes, self.custody.fabric, self.custody.plant, recovered(before))
        closed = [node for node, record in enumerate(self.custody.records) if record.state != before[node].state]
        for node in closed:
            self._turn[node] += 1
            self._note(node, why=WHYS.index("restart"))
        self._check(range(len(before)))
        self._take_out(closed)

    def _take_out(self, nodes: list[int]) -> None:
        """Tell the core of nodes that are in quarantine since now, and have them repaired."""
        if not nodes:
            return
        now_s = int(self.env.now)
        for node in nodes:
            self._ours.add((now_s, node))
            self._at(self.terms.repair_s, self._repair, node, self._turn[node])
        self.happen([Event(EventKind.NODE_DOWN, node) for node in nodes])

    def _repair(self, node: int, turn: int) -> None:
        """Bring a quarantined node back, to be cleaned in full; one that the world holds down waits for its repair."""
        quarantined = self.custody.records[node].state == NodeState.QUARANTINED
        if quarantined and self._turn[node] == turn and node not in self._broken:
            self.happen([Event(EventKind.NODE_UP, node)])

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _check(self, nodes: Iterable[int]) -> None:
        changed = list(nodes)
        if not changed:
            return
        self.checked += len(changed)
        for line in breaches(self.custody, changed):
            raise IsolationError(f"isolation is broken at {int(self.env.now)} s: {line}")

    def _note(self, node: int, job: int = -1, why: int = 0) -> None:
        self._changes.extend((int(self.env.now), node, int(self.custody.records[node].state), job, why))

    def _nodes(self, job: int, nodes: NodeSet) -> list[int]:
        first = self.core.pool_of(job).first_node
        return [first + row for row in rows(nodes)]

    def _at(self, in_s: int, do: Callable[..., None], *told: object) -> None:
        """Do something in so many seconds, at least one: the core decides once per instant."""
        timeout = self.env.timeout(in_s)
        timeout.callbacks.append(lambda _: do(*told))
