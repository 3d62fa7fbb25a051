"""What a purchase would cost: the price row that applies, its steps, tax and total, before anything is bought.

The same functions that bills are made with, for one quantity at one time; also for prices per event, since here the
events are known.
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from billing.currency import Currency, round_minor
from billing.errors import PriceError
from billing.metering.meters import GPU_S, METER_CODES
from billing.money import BP, Exact
from billing.rating.charge import Step
from billing.rating.models import Measure, exact, rate_measure, total_of
from billing.rating.plan import Plan, Rung
from billing.rating.price_row import PriceRow
from billing.tax import tax_at
from billing.terms import Terms


class Want(NamedTuple):
    """What is asked for: `measure` in priced units (GPU-hours), at a Unix time; `tenant` only decides the tax."""

    product: str
    sku: str
    region: str
    at_unix_s: int
    measure: Measure
    meter: str = METER_CODES[GPU_S]
    tenant: str = ""


class Quote(NamedTuple):
    """The answer. Amounts are micro-units in whole minor units but for `exact`, which they were rounded from."""

    want: Want
    rate_id: str
    row: PriceRow
    currency: Currency
    steps: tuple[Step, ...]
    exact: Exact
    net_micro: int
    tax_bp: int
    tax_micro: int
    total_micro: int


def quote(terms: Terms, want: Want) -> Quote:
    """Return what a month with this usage and no other would cost.

    Raises:
        TenantError: a product that the terms do not hold.
        PriceError:  no price applies, or it is per event and no event is given.
    """
    (plan,) = terms.plans([want.product])
    row = terms.book.row_at(plan, want.sku, want.region, want.at_unix_s, want.meter)
    if row.plan.asks_for_events and want.measure.units and not want.measure.events:
        raise PriceError("the price is per event: say how many there were", code="needs_events", path="events")
    steps = rate_measure(plan_at(row, want.at_unix_s), want.measure)
    amount = exact(total_of(steps))
    taxed = tax_at(terms.taxes, want.tenant, want.product, want.at_unix_s)
    tax_bp, unit = 0 if taxed is None else taxed.tax_bp, terms.currency.minor_micro
    net_micro = round_minor(amount, terms.currency) * unit
    tax_micro = round_minor(Exact(net_micro * tax_bp, BP), terms.currency) * unit
    return Quote(
        want=want,
        rate_id=f"price[{terms.book.rows.index(row)}]",
        row=row,
        currency=terms.currency,
        steps=steps,
        exact=amount,
        net_micro=net_micro,
        tax_bp=tax_bp,
        tax_micro=tax_micro,
        total_micro=net_micro + tax_micro,
    )


def measure_of(units: Fraction | None, values: Sequence[Fraction], events: int | None) -> Measure:
    """Return a measure from a total, from the units of single events, or from both."""
    total = sum(values, Fraction(0)) if units is None else units
    return Measure(total, len(values) if events is None else events, tuple(values))


def plan_at(row: PriceRow, at_unix_s: int) -> Plan:
    """Return the plan of a row; of a series, with the price of the time."""
    if not row.series_micro:
        return row.plan
    return row.plan._replace(rungs=(Rung(None, row.micro_at(at_unix_s), Fraction(0)),))
