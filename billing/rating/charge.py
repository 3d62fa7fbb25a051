"""A charge: what one tenant pays for one product, SKU, region and meter under one price row in one period.

Charges lie between the hours and the invoice: hours (`LineItemTable`) hold their shares of a charge, and an invoice
line is made of charges. Each says how it came about, step by step, so that an explanation needs no second calculation.
"""

from typing import NamedTuple

from billing.money import Exact
from billing.usage import IntArray


class Units(NamedTuple):
    """A quantity in the unit that is priced (GPU-hours, millions of tokens): numerator / denominator."""

    numerator: int
    denominator: int = 1


class Step(NamedTuple):
    """One step of a calculation; the amounts of all steps of a charge add up to it.

    `what` says which: "unit price", "tier 2", "tier 2 flat fee", "package", "discount", "maximum", "minimum", ...
    `units` are those that this step priced, `price_micro` is what each cost in micro-units of the currency; None where
    the step is no product of the two. Amounts are micro-units before any rounding; discounts are negative.
    """

    what: str
    units: Units
    price_micro: int | None
    amount: Exact


class Charge(NamedTuple):
    """What is owed, exact. Ids are words, times Unix seconds [from_s, until_s).

    `quantity` is in the meter's base unit (`unit`: GPU-seconds, tokens, bytes). `rate_id` names the price row, such as
    "price[3]", `model` its price model. `exact` is in micro-units of `currency`, before rounding. `rows` are the rows
    of the line item table that share the charge: their exact amounts add up to it. `charge_class` and `factor_bp` say
    why hours at a single price are charged in part or not at all; where hours share tiers, the steps do.
    """

    tenant: str
    product: str
    sku: str
    region: str
    meter: str
    from_s: int
    until_s: int
    quantity: int
    unit: str
    rate_id: str
    model: str
    currency: str
    exact: Exact
    steps: tuple[Step, ...]
    rows: IntArray
    charge_class: str = "billed"
    factor_bp: int = 10_000
