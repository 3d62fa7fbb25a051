"""Small worlds in which lend looks ahead: short slots, prices, announcements; and a watch on what it was told."""

import random
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from reference import slow_lend
from scheduler.core import Core
from scheduler.events import NEVER, Cause
from scheduler.jobs.lending import Terms
from scheduler.nodes.nodeset import rows
from scheduler.policies import policy_by_name
from scheduler.policy.lend import LENDS, LOOKS, Look, PriceRow, lend_by_name
from scheduler.tables import JobTable
from small_worlds import CRITICAL, HORIZON_S, ON_DEMAND, SPOT, Log, SmallWorld, flat_drive, small_world
from tenants.band import TIER_OF_BAND

SLOT_S, FEEDBACK_S = 20, 240
Z_BP, TARGET_BP = 12_816, 1_000


@dataclass(frozen=True)
class LendWorld:
    """A small world with prices; some critical jobs are announced before they are submitted."""

    small: SmallWorld
    prices: tuple[PriceRow, ...]

    @property
    def jobs(self) -> dict[str, np.ndarray]:
        return self.small.jobs

    def terms(self, look: Look) -> Terms:
        """Terms for a core: the same prices in every pool, and a truth that knows nothing."""
        pools = len(self.small.pools)
        return Terms(look, (self.prices,) * pools, Z_BP, TARGET_BP, (), SLOT_S, FEEDBACK_S)

    def core(self, policy: str, look: Look, lend=None) -> Core:
        """A fresh core whose lend function is the one that looks so (or `lend` in its place)."""
        small = self.small
        table = JobTable(small.jobs, small.pools, small.products)
        name = next((name for name in LENDS if LOOKS.get(name, Look.NOTHING) == look and name != "none"), "all_idle")
        chosen = replace(policy_by_name(policy), lend=lend or lend_by_name(name))
        terms = self.terms(look) if look else None
        return Core(table, small.pools, small.products, chosen, small.domains, small.reservations, terms=terms)


def lend_world(seed: int, **kind: bool) -> LendWorld:
    """Draw one, with the words of `small_world`. A run has more control ticks than a forecast has samples."""
    rng = random.Random(f"{seed}/lend")
    small = replace(small_world(seed, **kind), control_interval_s=SLOT_S)
    jobs = dict(small.jobs)
    lead_s = np.array([rng.choice((0, 30, 300, 900)) for _ in jobs["submit_s"]])
    announced = (jobs["product"] == CRITICAL) & (lead_s > 0)
    jobs["announced_s"] = np.where(announced, np.maximum(jobs["submit_s"] - lead_s, -1), NEVER)
    stakes = (0, 1, 1, 4, 9)
    prices = tuple(
        PriceRow(product, guarantee_s, max(guarantee_s, rng.choice((60, 400))), 1, rng.choice(stakes))
        for product, guarantee_s in ((ON_DEMAND, small.products[ON_DEMAND].guarantee_s), (SPOT, 0))
    )
    return LendWorld(replace(small, jobs=jobs), prices)


class Watch:
    """What lend was told at each tick, by pool, and what a recount from the core's public state says it should be."""

    def __init__(self, seed: int, look: Look) -> None:
        self.world = lend_world(seed)
        pools = self.world.small.pools
        self.told = [[] for _ in pools]
        self.ticks = [[] for _ in pools]  # (now_s, demand)
        self.tenants = [{} for _ in pools]  # slot -> GPUs by tenant
        self.now_gpus = [[] for _ in pools]
        self.oldest_s = [[] for _ in pools]
        self.gone: list[tuple[int, int, bool]] = []  # (at_s, pool, evicted) of spot jobs
        # The real function decides; the watch stands in its place.
        name = next(name for name, mine in LOOKS.items() if mine == look)
        self.core = self.world.core("easy", look, self._asked(lend_by_name(name)))
        self.log: Log = flat_drive(self.core, self.world.small, HORIZON_S)
        for segment in self.log.segments:
            if self.core.jobs.band[segment.job] == SPOT and segment.cause != Cause.HORIZON:
                self.gone.append((segment.end_s, self.core.jobs.pool[segment.job], segment.cause == Cause.EVICTED))

    def _asked(self, real):
        def lend(supply, forecast, prices):
            pool = supply.pool
            self._look(pool)
            self.told[pool].append((supply, forecast, prices))
            return real(supply, forecast, prices)

        return lend

    def _look(self, pool: int) -> None:
        core, state = self.core, self.core.pools[pool]
        internal = [job for job in state.hold if TIER_OF_BAND[core.jobs.band[job]] < 2]
        nodes = {node for job in internal for node in rows(state.hold[job].nodes)}
        room = sum(max(0, state.contract_room(tenant)) for tenant in state.reserved_nodes)
        healthy = state.node_count - len(list(rows(state.down)))
        self.ticks[pool].append((core.now_s, min(healthy, len(nodes) + room)))
        gpus = [0] * (int(core.jobs.array("tenant").max()) + 1)
        taken: dict[int, int] = {}
        for job in internal:
            hold = state.hold[job]
            gpus[core.jobs.tenant[job]] += hold.gpu_count(state.per_node)
            for node in rows(hold.whole):
                taken[node] = state.per_node
            for node in rows(hold.part):
                taken[node] = min(state.per_node, taken.get(node, 0) + hold.gpus)
        self.tenants[pool].setdefault(core.now_s // SLOT_S, gpus)
        self.now_gpus[pool].append(sum(taken.values()) + room * state.per_node)
        waiting = [core.jobs.pending_s[job] for job in state.queue[3].jobs()]
        self.oldest_s[pool].append(core.now_s - min(waiting, default=core.now_s))

    def slots(self, pool: int):
        return slow_lend.slots(self.ticks[pool], SLOT_S)

    def announced(self, pool: int, place: int) -> list[tuple[int, int]]:
        """(submit_s, nodes) of what was announced by a tick and is not submitted yet."""
        now_s, jobs = self.ticks[pool][place][0], self.core.jobs
        return [
            (jobs.submit_s[job], jobs.full[job] + (jobs.part[job] > 0))
            for job in range(jobs.count)
            if jobs.pool[job] == pool and jobs.announced_s[job] <= now_s < jobs.submit_s[job]
        ]

    def peaks(self, pool: int, place: int) -> list[list[int]]:
        """Samples of each horizon at a tick."""
        ticks, size = self.ticks[pool][: place + 1], self.world.small.pools[pool].nodes
        soon = self.announced(pool, place)
        horizons = sorted({row.horizon_s for row in self.world.prices})
        return [slow_lend.peaks(ticks, horizon_s, soon, size, SLOT_S) for horizon_s in horizons]

    def need(self, pool: int, place: int) -> list[int]:
        """R of each slot ahead at a tick, in nodes."""
        row = self.world.small.pools[pool]
        now_s = self.ticks[pool][place][0]
        found = []
        longest_s = max(row.horizon_s for row in self.world.prices)
        for ahead in range(1, slow_lend.spans(longest_s, SLOT_S) + 1):
            soon = sum(nodes for submit_s, nodes in self.announced(pool, place) if submit_s <= now_s + ahead * SLOT_S)
            gpus = slow_lend.need(
                self.ticks[pool][: place + 1], self.tenants[pool], self.now_gpus[pool][place],
                soon * row.gpus_per_node, ahead, Z_BP, row.nodes * row.gpus_per_node, SLOT_S,
            )  # fmt: skip
            found.append(row.nodes if gpus is None else -(-gpus // row.gpus_per_node))
        return found

    def eta_bp(self, pool: int, place: int) -> int:
        """The factor at a tick, from the spot jobs that had left by then."""
        eta, since_s = Fraction(1), -1
        for tick in range(place + 1):
            now_s = self.ticks[pool][tick][0]
            if now_s < (since_s if since_s >= 0 else 0) + FEEDBACK_S:
                continue
            gone = [evicted for at_s, where, evicted in self.gone if where == pool and since_s < at_s <= now_s]
            queued_long = self.oldest_s[pool][tick] > FEEDBACK_S
            eta = slow_lend.feedback(eta, sum(gone), len(gone), queued_long, Fraction(TARGET_BP, 10_000))
            since_s = now_s
        return int(eta * 10_000)


def watched(seed: int, look: Look) -> Watch:
    """A watched run."""
    return Watch(seed, look)
