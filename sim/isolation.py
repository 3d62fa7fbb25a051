"""Isolation of the cluster, as a scenario asks for it: how a scrub is made up, how often its steps fail, and how many
partitions there are.

    [isolation]
    clean_s = 600
    clean_failures_bp = { value = 20, unit = "bp", source = "assumption", confidence = "guess" }

    [[isolation.peer]]         # routes between two tenants: both have to ask for them
    tenant = "acme"
    to = "labs"

Without the table nodes change hands in a scrub that never fails, and nobody programs a network.
"""

from typing import Annotated

from pydantic import Field

from scheduler.isolation.fabric import P_KEYS, VNIS
from sim.param import Count, Param, Positive, Quantity, Share
from tenants.model import Id, Record, Seconds

UNKNOWN = "no public figure"
STANDARD = "what the standard has to give"


class Peer(Record):
    """A tenant that wants routes to another one."""

    tenant: Id
    to: Id


class Isolation(Record):
    """Terms of isolation. The four steps add up to the scrub time of every pool; rates are of 10,000 tries."""

    detach_s: Param[Positive] = Param(value=30, unit="s", source=UNKNOWN, confidence="guess")
    clean_s: Param[Positive] = Param(value=180, unit="s", source=UNKNOWN, confidence="guess")
    validate_s: Param[Positive] = Param(value=60, unit="s", source=UNKNOWN, confidence="guess")
    attach_s: Param[Seconds] = Param(value=30, unit="s", source=UNKNOWN, confidence="guess")
    detach_failures_bp: Param[Share] = Param(value=2, unit="bp", source=UNKNOWN, confidence="guess")
    clean_failures_bp: Param[Share] = Param(value=20, unit="bp", source=UNKNOWN, confidence="guess")
    validate_failures_bp: Param[Share] = Param(value=10, unit="bp", source=UNKNOWN, confidence="guess")
    attach_failures_bp: Param[Share] = Param(value=2, unit="bp", source=UNKNOWN, confidence="guess")
    repair_s: Param[Positive] = Param(value=14_400, unit="s", source=UNKNOWN, confidence="guess")
    restart_every_s: Seconds = 0  # the controller of isolation is lost and comes back; 0: never
    p_keys: Param[Count] = Param(value=P_KEYS, source=STANDARD, confidence="derived")
    vnis: Param[Count] = Param(value=VNIS, source=STANDARD, confidence="derived")
    nvlink_partitions: Param[Quantity] = Param(value=32, source=UNKNOWN, confidence="guess")  # of one NVLink domain
    peer: Annotated[tuple[Peer, ...], Field(strict=False)] = ()

    @property
    def steps_s(self) -> tuple[int, int, int, int]:
        """Detach, clean, validate, attach."""
        return self.detach_s.value, self.clean_s.value, self.validate_s.value, self.attach_s.value

    @property
    def failures_bp(self) -> tuple[int, int, int, int]:
        """How often the same steps fail."""
        rates = self.detach_failures_bp, self.clean_failures_bp, self.validate_failures_bp, self.attach_failures_bp
        return rates[0].value, rates[1].value, rates[2].value, rates[3].value
