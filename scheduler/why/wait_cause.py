"""What a job can wait for: ten causes, coarser than reasons, that seconds are counted by."""

from enum import IntEnum
from typing import TYPE_CHECKING

from scheduler.events import Reason
from scheduler.state.pool import Gather
from tenants.band import TIER_OF_BAND, Band

if TYPE_CHECKING:
    from scheduler.jobs.lives import Lives


class WaitCause(IntEnum):
    """What a job waited for. Sources: SCHEDULING 8.9; the first three are those of the Philly study (ATC 2019)."""

    CAPACITY = 0  # held by its own or more important bands
    FRAGMENTATION = 1  # enough GPUs free, but not as whole nodes, on one node, or in one domain
    FAIR_SHARE = 2  # its tenant's quota, budget or contract is used up
    PROMISED = 3  # fits, but the nodes are promised: to a contract, or to a job before it
    FAILURE = 4  # would fit if no node were down
    RENTALS = 5  # granted: rentals are leaving its nodes
    PREEMPTION = 6  # granted: less important internal work is leaving its nodes
    SCRUBBING = 7  # granted: its nodes are being cleaned
    OFFER = 8  # lend does not offer so much for so long
    DAMPING = 9  # held back after failures in quick succession


CAUSE_OF_REASON = {
    Reason.CAPACITY: WaitCause.CAPACITY,
    Reason.FRAGMENTED: WaitCause.FRAGMENTATION,
    Reason.DOMAIN: WaitCause.FRAGMENTATION,
    Reason.TURN: WaitCause.PROMISED,
    Reason.RESERVED: WaitCause.PROMISED,
    Reason.REPAIR: WaitCause.FAILURE,
    Reason.OFFER: WaitCause.OFFER,
    Reason.QUOTA: WaitCause.FAIR_SHARE,
    Reason.BUDGET: WaitCause.FAIR_SHARE,
}


def cause_of_refusal(core: "Lives", job: int, reason: Reason) -> int:
    """What a job that waits in a queue waits for, given what `scheduler.why.reasons.refusal` says of it."""
    jobs = core.jobs
    if reason == Reason.RESERVED and jobs.band[job] == Band.RESERVED:
        room = core.pools[jobs.pool[job]].contract_room(jobs.tenant[job])
        return WaitCause.FAIR_SHARE if jobs.full[job] > room else WaitCause.PROMISED
    return CAUSE_OF_REASON[reason]


def cause_of_grant(core: "Lives", gather: Gather) -> int:
    """What a granted job waits for: jobs that have to leave, renters above all; then cleaning."""
    if not gather.victims:
        return WaitCause.SCRUBBING
    rented = any(TIER_OF_BAND[core.jobs.band[victim]] >= 2 for victim in gather.victims)
    return WaitCause.RENTALS if rented else WaitCause.PREEMPTION
