"""Small worlds that mix features by chance: topology, quotas, prices, mishaps, damping; some few, some many.

Switches of `small_world` are drawn from its own signature, so a feature that is added there is mixed in by itself.
"""

import inspect
import random
from dataclasses import dataclass, replace

from lend_worlds import lend_world
from scheduler.core import Core
from scheduler.jobs.lending import Terms
from scheduler.policies import POLICIES, policy_by_name
from scheduler.policy.lend import LOOKS, Look, PriceRow, lend_by_name
from scheduler.quotas.rows import NO_TENANCY, Tenancy
from scheduler.tables import JobTable
from small_worlds import SmallWorld, small_world
from tenancy_worlds import random_quota_world

SLOT_S, FEEDBACK_S, Z_BP, TARGET_BP = 60, 240, 12_816, 1_000
BASIC = ("faults", "instant", "whole", "rentals")  # what a test fixes for a reason; all else is mixed by chance
SWITCHES = tuple(name for name in inspect.signature(small_world).parameters if name not in ("seed", *BASIC))


@dataclass(frozen=True)
class SwarmWorld(SmallWorld):
    """A small world with quotas of internal tenants, perhaps, and prices for lend functions that ask for them."""

    tenancy: Tenancy = NO_TENANCY
    prices: tuple[PriceRow, ...] = ()

    def core(self, policy: str = "easy", lend: str = "all_idle", headroom_nodes: int = 0) -> Core:
        """A fresh core for this world; an oracle is told that nobody will need anything."""
        look = LOOKS.get(lend, Look.NOTHING)
        terms = None
        if look != Look.NOTHING and self.prices:
            terms = Terms(look, (self.prices,) * len(self.pools), Z_BP, TARGET_BP, (), SLOT_S, FEEDBACK_S)
        table = JobTable(self.jobs, self.pools, self.products)
        chosen = replace(policy_by_name(policy), lend=lend_by_name(lend, headroom_nodes))
        more = {"damping": self.damping} if getattr(self, "damping", None) else {}
        cluster = (table, self.pools, self.products, chosen, self.domains, self.reservations)
        return Core(*cluster, tenancy=self.tenancy, terms=terms, **more)


def swarm_world(seed: int, **fixed: bool) -> SwarmWorld:
    """A small world with each switch on or off by chance, unless it is fixed; `quotas` and `prices` are some too."""
    rng = random.Random(f"{seed}/switches")
    chosen = {name: rng.random() < 0.5 for name in ("quotas", "prices", *SWITCHES)} | fixed
    quotas, prices = chosen.pop("quotas"), chosen.pop("prices")
    world = random_quota_world(seed, **chosen) if quotas else small_world(seed, **chosen)
    fields = {name: getattr(world, name) for name in SmallWorld.__dataclass_fields__}
    if prices:
        priced = lend_world(seed)
        fields |= {"control_interval_s": SLOT_S, "prices": priced.prices}
    return SwarmWorld(**fields, tenancy=getattr(world, "tenancy", NO_TENANCY))


def world_for(policy: str, seed: int, **fixed: bool) -> SwarmWorld:
    """A world that a core of this policy accepts: planned starts and quotas exclude each other, and are refused."""
    if POLICIES[policy].depth:
        fixed["quotas"] = False
    return swarm_world(seed, **fixed)
