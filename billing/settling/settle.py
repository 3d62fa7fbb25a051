"""From a log and its terms to the read model: what the API and the console show, made from the whole log each time.

    usage hours    of every tenant, priced, exact, with whether the hour is closed
    papers         of every tenant's month, the words that the documents print (`billing.settling.papers`)
    capacity       where every GPU-second was, by hour and state
    house hours    what all tenants used of a product in an hour, and what that comes to

A month's usage hours and what contracts and credits add are its draft, to the last fraction: both come from one basis.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import numpy as np

from billing.closing.month import Basis
from billing.closing.of_log import basis_of
from billing.columns import group_rows
from billing.errors import BillingError
from billing.log.event import Event
from billing.metering.classes import CLASSES
from billing.metering.meters import GPU_S, METER_CODES
from billing.money import SECONDS_PER_HOUR, Exact, reduced
from billing.rating.rate import NO_UNIT_PRICE
from billing.settling.papers import MonthPaper, month_papers
from billing.terms import Terms

HOUSE = ""  # whose rows are no tenant's


class UsageHour(NamedTuple):
    """What a tenant used from Unix second `hour_s` on, for an hour. The exact amount is numerator / denominator
    micro-units, in lowest terms as texts: they may outgrow 64 bits. `settled`: 1 = the hour is closed."""

    tenant: str
    hour_s: int
    region: str
    sku: str
    product: str
    meter: str
    charge_class: str
    factor_bp: int
    quantity: int
    unit_price_micro: int | None
    numerator: str
    denominator: str
    currency: str
    settled: int


class CapacityHour(NamedTuple):
    """GPU-seconds of a pool that were in a state for the hour from Unix second `hour_s` on."""

    tenant: str
    hour_s: int
    region: str
    sku: str
    state: str
    gpu_s: int


class HouseHour(NamedTuple):
    """What all tenants used of a product in an hour, and the exact sum of what it comes to."""

    tenant: str
    hour_s: int
    product: str
    gpu_s: int
    numerator: str
    denominator: str
    currency: str


class Settled(NamedTuple):
    """The read model. Hours before `until_s` (Unix seconds) are closed. `faults`: in words, what months have no draft,
    and why."""

    until_s: int
    usage: list[UsageHour]
    papers: list[MonthPaper]
    capacity: list[CapacityHour]
    house: list[HouseHour]
    faults: list[str]


def settle(events: Iterable[Event], terms: Terms, issuer: str, gone: Collection[str] = ()) -> Settled:
    """Return what a log comes to; order, batches and repetition do not matter.

    Args:
        issuer: who sends the invoices, in the words of the papers.
        gone:   tenants that were deleted: nothing is made of them but their part of the house's sums.

    Raises:
        BillingError: the books cannot be made, such as for usage without a price.

    Cost: that of `basis_of`, and O(usage hours + papers).
    """
    found, arrived, _ = basis_of(events, terms)
    if isinstance(found, BillingError):
        raise found
    until_s = _closed_until_s(arrived.until_s, terms, finished=arrived.finished)
    usage = [row for row in _usage_hours(found, until_s) if row.tenant not in gone]
    made, faults = month_papers(found, issuer)
    papers = [paper for paper in made if paper.tenant not in gone]
    return Settled(until_s, usage, papers, list(_capacity_hours(found)), list(_house_hours(found)), faults)


def _closed_until_s(known_s: int, terms: Terms, *, finished: bool) -> int:
    """Return the end of the last closed hour: of what has ended nothing is waited for, the hour that has begun closes,
    too (as `billing.log.late`)."""
    since_s = known_s - terms.epoch_s
    if finished:
        since_s += terms.metering.grace_s
        since_s += -since_s % SECONDS_PER_HOUR
    return max(terms.epoch_s, terms.epoch_s + since_s // SECONDS_PER_HOUR * SECONDS_PER_HOUR)


def _usage_hours(basis: Basis, until_s: int) -> Iterator[UsageHour]:
    lines, names, code = basis.lines, basis.books.names, basis.terms.currency.code
    columns = [getattr(lines, each.name).tolist() for each in fields(lines) if each.name != "denominator"]
    for tenant, hour_s, product, sku, region, quantity, price, numerator, _, meter, class_, factor_bp in zip(
        *columns, strict=True
    ):
        # In lowest terms: the denominator that all rows share would tell a tenant which meters the others use.
        exact = reduced(Exact(numerator, lines.denominator))
        yield UsageHour(
            tenant=names.tenants[tenant],
            hour_s=names.epoch_s + hour_s,
            region=names.regions[region],
            sku=names.skus[sku],
            product=names.products[product],
            meter=METER_CODES[meter],
            charge_class=CLASSES[class_],
            factor_bp=factor_bp,
            quantity=quantity,
            unit_price_micro=None if price == NO_UNIT_PRICE else price,
            numerator=str(exact.numerator),
            denominator=str(exact.denominator),
            currency=code,
            settled=int(names.epoch_s + hour_s < until_s),
        )


def _capacity_hours(basis: Basis) -> Iterator[CapacityHour]:
    states, names = basis.books.capacity, basis.books.names
    columns = (states.hour_s, states.region, states.sku, states.state, states.gpu_s)
    for hour_s, region, sku, state, gpu_s in zip(*(column.tolist() for column in columns), strict=True):
        place = names.regions[region], names.skus[sku]
        yield CapacityHour(HOUSE, names.epoch_s + hour_s, *place, states.state_names[state], gpu_s)


def _house_hours(basis: Basis) -> Iterator[HouseHour]:
    lines, names, code = basis.lines, basis.books.names, basis.terms.currency.code
    order, first = group_rows(lines.hour_s, lines.product)
    held = np.where(lines.meter == GPU_S, lines.quantity, 0)
    for rows in np.split(order, first[1:]) if len(first) else []:
        some: Any = rows[0]
        exact = reduced(Exact(sum(lines.numerator[rows].tolist()), lines.denominator))
        hour_s, product = names.epoch_s + int(lines.hour_s[some]), names.products[int(lines.product[some])]
        amount = str(exact.numerator), str(exact.denominator)
        yield HouseHour(HOUSE, hour_s, product, int(held[rows].sum()), *amount, code)
