"""The `[policy]` table of a scenario: which policy decides, what may be rented out, and on what that is decided."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from billing.money import MICRO_PER_USD
from scheduler.policies import own_lend
from scheduler.policy.fair_tree import USUAL_HALF_LIFE_S
from sim.param import Count, Exact, Param, Positive, Quantity
from sim.result import LendInputs
from tenants.model import Record


class PolicyChoice(Record):
    """Names of the policy and the lend function, how often lend decides, and on what."""

    name: str = "easy"
    lend: str = "all_idle"
    headroom_nodes: Quantity = 0
    quantile_bp: Annotated[int, Field(ge=5_000, le=9_999)] = 9_000
    spot_block_s: Param[Positive] = Param(
        value=3_600, unit="s", source="assumption: how long a spot sale lasts", confidence="guess"
    )
    internal_delay_usd_per_gpu_hour: Param[Exact] = Param(
        value=Decimal(10), unit="USD/GPU-h", source="no public figure: four times a transfer price", confidence="guess"
    )
    delayed_nodes: Param[Count] = Param(
        value=2, unit="nodes", source="assumption: internal work that waits for one node", confidence="guess"
    )
    control_interval_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    usage_half_life_s: Annotated[int, Field(ge=1, le=10**9)] = USUAL_HALF_LIFE_S  # Slurm's default: 7 days
    fair_reclaim: bool = False  # a borrower may take from one with a larger share

    @model_validator(mode="before")
    @classmethod
    def _lend_of_its_policy(cls, raw: object) -> object:
        """A policy that brings its own lend function is run with it where the table says nothing."""
        own = own_lend(str(raw.get("name"))) if isinstance(raw, Mapping) and "lend" not in raw else None
        return {**raw, "lend": own} if own and isinstance(raw, Mapping) else raw

    def lend_inputs(self) -> LendInputs:
        """The numbers that lend functions are fed from, as ints; a cost is rounded down to the micro-USD."""
        delay = int(self.internal_delay_usd_per_gpu_hour.value * MICRO_PER_USD)
        return LendInputs(self.quantile_bp, self.spot_block_s.value, delay, self.delayed_nodes.value)
