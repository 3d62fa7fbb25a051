"""What operators decide about failures: when nodes are maintained, and how restarts are held back."""

from typing import Annotated

from pydantic import Field

from scheduler.jobs.damping import Damping
from sim.errors import ScenarioError
from sim.failures.faults import Window
from sim.param import Count, Days, Param, Positive, Quantity
from sim.workload.draw import DAY_S, HOUR_S
from tenants.model import Record

UNVERIFIED = "no public figure, defaults unverified"


class Requeue(Record):
    """Terms of requeue damping; without this table of a scenario nobody is held back. See `scheduler.jobs.damping`."""

    base_s: Param[Positive] = Param(value=30, unit="s", source=UNVERIFIED, confidence="guess")
    longest_s: Param[Positive] = Param(value=3_600, unit="s", source=UNVERIFIED, confidence="guess")
    window_s: Param[Positive] = Param(value=86_400, unit="s", source=UNVERIFIED, confidence="guess")
    quick_failures: Param[Count] = Param(value=3, unit="failures", source=UNVERIFIED, confidence="guess")
    health_s: Param[Positive] = Param(value=1_800, unit="s", source=UNVERIFIED, confidence="guess")

    def damping(self) -> Damping:
        """Return the terms as the core takes them."""
        terms = (self.base_s, self.longest_s, self.window_s, self.quick_failures, self.health_s)
        return Damping(*(each.value for each in terms))


class Maintenance(Record):
    """Nodes [first_node, first_node + nodes) of a pool are out for `length_s` from a day and hour on, once or again and
    again; `drain_s` before it nothing starts on them any more.

    `excluded`: by contract no service level in that pool counts the time of these windows.
    """

    region: str = ""
    sku: str = ""
    first_node: Quantity = 0
    nodes: Count
    from_day: Days
    hour: Annotated[int, Field(ge=0, le=23)] = 0
    every_days: Days = 0  # 0: once
    excluded: bool = False
    length_s: Param[Positive] = Param(value=14_400, unit="s", source="assumption", confidence="guess")
    drain_s: Param[Positive] = Param(
        value=4_200, unit="s", source="an hour of guarantee and ten minutes of notice", confidence="derived"
    )

    def refuse_beyond(self, pool_nodes: int, path: str) -> None:
        """Raise ScenarioError where the nodes lie beyond the last one of their pool."""
        if (last := self.first_node + self.nodes) > pool_nodes:
            message, allowed = "beyond the last node of its pool", f"at most {pool_nodes} in all"
            raise ScenarioError(message, code="impossible_size", path=f"{path}.nodes", found=last, allowed=allowed)

    def windows(self, first_of_pool: int, horizon_s: int) -> list[Window]:
        """Return every window that begins before `horizon_s`; rows of nodes count over all pools."""
        found: list[Window] = []
        down_s = self.from_day * DAY_S + self.hour * HOUR_S
        while down_s < horizon_s:
            drain_s = max(0, down_s - self.drain_s.value)
            first, up_s = first_of_pool + self.first_node, down_s + self.length_s.value
            found.append(Window(first, self.nodes, drain_s, down_s, up_s))
            if not self.every_days:
                break
            down_s += self.every_days * DAY_S
        return found
