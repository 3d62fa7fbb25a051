"""What the desk knows: what is on offer, what is rented, and of whom.

    requested -> running -> (noticed ->) ended
        |-> refused

A second of a rental is in one of these states, and its GPUs are held while it is running or noticed.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

Place = tuple[str, str, str]  # (region, sku, product)


class State(StrEnum):
    """Where a rental stands."""

    REQUESTED = "requested"
    RUNNING = "running"
    NOTICED = "noticed"  # it runs, and its end has been told
    ENDED = "ended"
    REFUSED = "refused"


HELD = (State.RUNNING, State.NOTICED)
LIVE = (State.REQUESTED, *HELD)


class Offer(NamedTuple):
    """GPUs that the desk may rent out as a product, until Unix second `until_s` (None: without an end).

    Attributes:
        guarantee_s:   a rental is not evicted for so long after its start.
        free_at_least: what tenants may know of how many are free: see `billing.rentals.clock.free_step`.
        counted_gpus:  on offer when the desk last accounted for them, at Unix second `counted_s`.
    """

    region: str
    sku: str
    product: str
    gpus: int
    guarantee_s: int
    until_s: int | None
    version: int
    updated_s: int
    free_at_least: int
    counted_gpus: int
    counted_s: int

    @property
    def place(self) -> Place:
        """What makes it one offer."""
        return self.region, self.sku, self.product

    def gpus_at(self, at_s: int) -> int:
        """Return how many GPUs are on offer at Unix second `at_s`."""
        return 0 if self.until_s is not None and at_s >= self.until_s else self.gpus


class Rental(NamedTuple):
    """GPUs that a tenant asked for. Unix seconds; None: not yet, or never.

    Attributes:
        until_s:   when the tenant wants to be rid of them.
        evict_s:   when the house takes them back, `noticed_s` being when it said so.
        cause:     "" while it lives: a key of `CAUSES` once it has ended, of `REFUSALS` once it was refused.
        version:   counts its changes from 1.
    """

    tenant: str
    id: str
    product: str
    region: str
    sku: str
    gpus: int
    state: str
    requested_s: int
    starts_s: int | None
    until_s: int
    guaranteed_until_s: int | None
    noticed_s: int | None
    evict_s: int | None
    ended_s: int | None
    cause: str
    version: int

    @property
    def place(self) -> Place:
        """Which offer it is of."""
        return self.region, self.sku, self.product

    @property
    def end_s(self) -> int:
        """When it ends, as far as is known: what comes first. Whatever was granted is held for a second at least."""
        first_s = self.until_s if self.evict_s is None else min(self.until_s, self.evict_s)
        return first_s if self.starts_s is None else max(first_s, self.starts_s + 1)


# Why a rental has ended.
FINISHED, EVICTED, SUSPENDED, DELETED = "finished", "evicted", "suspended", "deleted"
CAUSES: Mapping[str, str] = {
    FINISHED: "Its time was over, or its tenant released it.",
    EVICTED: "The house needed the GPUs back, and had said so a notice before.",
    SUSPENDED: "Its tenant was suspended, and a notice was over.",
    DELETED: "Its tenant was deleted.",
}
# Why a rental was refused, in the order in which it is asked.
REFUSALS: Mapping[str, str] = {
    "past": "Its end has passed before it could begin.",
    "inactive": "The tenant may not rent now.",
    "region": "The tenant's work may not be in this region.",
    "not_billable": "There are no terms by which the tenant could be billed for it.",
    "not_on_offer": "Nothing of the kind is on offer.",
    "too_long": "It would last longer than the offer.",
    "quota": "The tenant would hold more GPUs than its quota.",
    "not_free": "Fewer GPUs are free than were asked for.",
}


class Standing(NamedTuple):
    """What the desk must know of a tenant. `regions`: where its work may be; none: everywhere."""

    active: bool
    deleted: bool
    regions: tuple[str, ...]
    gpus_max: int


NOBODY = Standing(active=False, deleted=True, regions=(), gpus_max=0)


class Desk(NamedTuple):
    """Everything that the desk decides by.

    Attributes:
        rentals:  those that live.
        standing: by tenant; one that is missing was deleted.
        notice_s: seconds of notice of each product that the terms know.
        billable: whether a rental that begins at a Unix second could be billed.
        epoch_s:  of the terms, from which their hours count; None: there are no terms.
        told_s:   Unix second of the last event that the desk told the log; None: it never told any.
        source_ended: that event said that nothing follows: the desk had nothing on offer and nothing rented.
    """

    offers: Sequence[Offer]
    rentals: Sequence[Rental]
    standing: Mapping[str, Standing]
    notice_s: Mapping[str, int]
    billable: Callable[[Rental, int], bool]
    epoch_s: int | None
    told_s: int | None
    source_ended: bool
