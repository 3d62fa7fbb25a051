"""Capacity and spending that were promised by contract: how much, for how long, at what floor, and what a breach costs.

A contract is a row of facts and terms. What follows from it at a time (how many nodes are promised, how many are there)
is worked out in `tenants.capacity`; what it costs, in `billing.contracts`.

    [[contract]]
    id = "fjord-2026"
    tenant = "fjord"
    product = "bare.reserved"
    region = "us-1"
    sku = "h100"
    nodes = 8
    from_s = 0
    until_s = 7776000
    charge = "term"
    steps = [{ from_s = 2592000, nodes = 16, delivered_s = 2678400 }]
    delivery_remedy_bp = 5000
    prepayment = "20000"
    take_or_pay = { per = "month", amount = "150000" }
"""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from tenants.model import NODES_MAX, SECONDS_MAX, Id, Record, Seconds

Nodes = Annotated[int, Field(ge=0, le=NODES_MAX)]
# Exact text or whole units; `billing.money` reads it. Whole cents, since it is paid as it stands.
Amount = Annotated[
    str,
    Field(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,2})?$", description="decimal text in whole cents, such as '1500' or '1500.50'"
    ),
]
Price = Annotated[
    str,
    Field(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", description="decimal text with at most 6 decimals, such as '2.35'"),
]
RemedyBp = Annotated[int, Field(ge=0, le=100_000)]


class CapacityStep(Record):
    """From `from_s` on the contract is for `nodes` nodes: a step of a ramp, or down. It holds until the next one.

    `delivered_s` is when they really were there; on time unless it is given.
    """

    from_s: Seconds
    nodes: Nodes
    delivered_s: Seconds | None = None


class Recall(Record):
    """The operator takes `nodes` nodes back at `from_s`, for good, and said so at `noticed_s`."""

    noticed_s: Seconds
    from_s: Seconds
    nodes: Annotated[int, Field(ge=1, le=NODES_MAX)]

    @field_validator("from_s")
    @classmethod
    def _said_before(cls, from_s: int, info: ValidationInfo) -> int:
        noticed_s = info.data.get("noticed_s")
        if noticed_s is not None and from_s < noticed_s:
            raise ValueError(f"nothing is taken back before it was said: noticed_s is {noticed_s}")
        return from_s


class Renewal(Record):
    """At its end the term is renewed for `length_s`, again and again, unless it is cancelled `notice_s` before."""

    length_s: Annotated[int, Field(ge=86_400, le=SECONDS_MAX)]
    notice_s: Seconds = 0


class TakeOrPay(Record):
    """A floor on what a tenant pays: `amount` or `gpu_hours` in each hour, calendar month or term, used or not.

    What is charged for `products` (all of the tenant's, if none is named) draws it down; what is not drawn at the end
    of a period is due as a true-up. A floor in GPU-hours has a price for those that were not used. Floors are prorated
    to the seconds of the period in which the contract is in force. `upfront_bp` of an hourly floor is paid when the
    term begins, and taken off every hour of it.
    """

    per: Literal["hour", "month", "term"]
    amount: Amount | None = None
    gpu_hours: Annotated[int, Field(ge=1, le=10**12)] | None = None
    price_per_gpu_hour: Price | None = None
    upfront_bp: Annotated[int, Field(ge=0, le=10_000)] = 0
    products: Annotated[tuple[Id, ...], Field(strict=False)] = ()


class Contract(Record):
    """`nodes` whole nodes of the pool (region, sku), kept for `tenant` over [from_s, until_s), and what goes with it.

    Times are int seconds since the scenario's epoch. `product` is the code of a product in band RESERVED; that the
    tenant and the product exist, and that the terms fit each other, is checked by the registry; that the pool does, by
    whoever knows the cluster. Without nodes it is a mere floor on spending.

    Attributes:
        gpus_per_node:      needed where no cluster says it, as in a file of terms alone.
        charge:             "term": all that was delivered is charged, used or not; "usage": what was used is.
        delivered_s:        when the first nodes were there; on time unless it is given.
        steps:              ramps and step-downs, in order of time.
        recalls:            what the operator took back; allowed `recall_notice_s` after it said so.
        delivery_remedy_bp: given back for each second of a node that came late, in parts of its price; it is not
                            charged either.
        recall_remedy_bp:   the same for a node that was recalled before its notice was over.
        prepayment:     paid when the term begins, and drawn down by the tenant's bills.
        cancelled_s:        when somebody gave notice that it shall not be renewed.
    """

    id: Id
    tenant: Id
    product: Id
    region: Id
    sku: Id
    nodes: Nodes
    from_s: Seconds
    until_s: Seconds
    gpus_per_node: Annotated[int, Field(ge=1, le=10_000)] | None = None
    charge: Literal["term", "usage"] = "term"
    delivered_s: Seconds | None = None
    steps: Annotated[tuple[CapacityStep, ...], Field(strict=False)] = ()
    recalls: Annotated[tuple[Recall, ...], Field(strict=False)] = ()
    recall_notice_s: Seconds = 0
    delivery_remedy_bp: RemedyBp = 0
    recall_remedy_bp: RemedyBp = 0
    renewal: Renewal | None = None
    cancelled_s: Seconds | None = None
    take_or_pay: TakeOrPay | None = None
    prepayment: Amount | None = None

    @property
    def end_s(self) -> int:
        """When the contract ends, renewals included: the first end of a term for which a cancellation was in time."""
        if self.renewal is None:
            return self.until_s
        if self.cancelled_s is None:
            return SECONDS_MAX
        late_s = self.cancelled_s + self.renewal.notice_s - self.until_s
        renewals = max(0, -(-late_s // self.renewal.length_s))
        return min(SECONDS_MAX, self.until_s + renewals * self.renewal.length_s)

    def in_force(self, at_s: int) -> bool:
        """Whether the promise holds at `at_s`; its last second is the one before its end."""
        return self.from_s <= at_s < self.end_s

    @field_validator("until_s")
    @classmethod
    def _after_it_begins(cls, until_s: int, info: ValidationInfo) -> int:
        from_s = info.data.get("from_s")  # absent when it was refused itself
        if from_s is not None and until_s <= from_s:
            raise ValueError(f"must be later than from_s, which is {from_s}")
        return until_s
