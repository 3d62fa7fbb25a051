"""What one tenant can still learn of another: each channel with the bound on what it tells.

A channel that nobody bounded is a fault, not a footnote: there is no way to write one down without its bound.
"""

from typing import NamedTuple

from tenants.isolation.told import CROWD_MIN, INTERVAL_S, WAIT_STEPS_S, step_bits


class Channel(NamedTuple):
    """A residual channel. `property` is the row of the catalogue that measures it."""

    id: str
    tells: str
    bound: str
    property: str


CHANNELS: tuple[Channel, ...] = (
    Channel(
        "queue_wait",
        "how long an own job is expected to wait, which depends on everybody who waits",
        f"one of {len(WAIT_STEPS_S) + 1} steps, {step_bits()} bits a job every {INTERVAL_S} s",
        "C5",
    ),
    Channel(
        "own_starts",
        "when own jobs start, are told to leave, and are evicted: who rents what is left over feels who takes it",
        "the seconds of own events; none inside a contract, a guarantee in cells, or a product's guarantee",
        "Q3",
    ),
    Channel(
        "spot_price",
        "nothing: prices come from the price book by date, never from demand",
        "0 bits",
        "C5",
    ),
    Channel(
        "lent_quota",
        "how much of an own quota others borrowed",
        f"one total over a run, and only where {CROWD_MIN} other tenants or more share it",
        "R3",
    ),
)
