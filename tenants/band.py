"""The one word that the scheduler and billing share: how important a job's claim to capacity is.

Imports nothing of ours and no pydantic, so that the scheduler can be embedded with numpy alone.
"""

from enum import IntEnum


class Band(IntEnum):
    """Importance of a job; the number is the precedence (0 is served first).

    A higher band may evict a lower one only after the victim's guarantee has ended and with the victim's notice. Inside
    a band nobody is evicted, but for what a tenant borrowed and its owner reclaims (ADR 0028, 0029), and for policies
    that make internal jobs take turns (ADR 0033); notice and guarantee hold there, too.
    """

    INTERNAL_CRITICAL = 0
    RESERVED = 1
    INTERNAL = 2
    ON_DEMAND = 3
    SPOT = 4


# Bands whose jobs start only within the lend Offer in force, and hold whole nodes.
LENDABLE = (Band.ON_DEMAND, Band.SPOT)

# Who may evict whom. A tier plans on capacity in which everything held by a *later* tier counts as free, and may
# evict only later tiers. INTERNAL_CRITICAL and RESERVED share tier 0: a contract's capacity is not evictable inside
# its term, and a reservation is honoured by keeping its unused nodes out of INTERNAL_CRITICAL's reach instead.
TIER_OF_BAND = (0, 0, 1, 2, 3)
TIER_COUNT = 4
