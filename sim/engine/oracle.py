"""What internal work will ask for: its demand in the run without rentals, for lend functions that know the future.

Well defined where rentals do not change what internal work does (ADR 0006): then it is what will be asked for with
rentals on, too, but for delays.
"""

import simpy

from scheduler.events import NEVER, Event
from scheduler.jobs.lending import demand_nodes
from scheduler.policies import policy_by_name
from sim.engine.cores import make_core, people
from sim.engine.driver import Driver
from sim.result import Truth, World


def true_demand(world: World, policy: str) -> Truth:
    """Return (from_s, nodes) of each pool's internal demand, ascending: a run of its own, rentals off, nothing metered.

    Raises UnknownPolicyError or TableError, as a run does. Cost: that of a run without rentals.
    """
    core = make_core(world, policy_by_name(policy).name, "none")
    seen: list[list[tuple[int, int]]] = [[(0, 0)] for _ in core.pools]

    def look(now_s: int, _: list[Event]) -> None:
        for pool in core.touched:
            nodes = demand_nodes(core.pools[pool])
            if seen[pool][-1][1] != nodes:
                seen[pool].append((now_s, nodes))
        core.out.clear()

    env = simpy.Environment()
    people(env, Driver(env, core, look), core, world)
    env.run(until=world.horizon_s if world.horizon_s < NEVER else None)
    return tuple(tuple(steps) for steps in seen)
