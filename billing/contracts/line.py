"""What a contract adds to a bill, and what it says about the rest of it: one row per contract, kind and month.

Usage under a contract is rated like any other. A line adds what usage does not hold: capacity that was paid for and not
used, a floor that was not reached, money paid ahead, remedies. Lines of the other kinds have an amount of 0 and say how
much of the contract was used.

| kind | quantity | amount |
|---|---|---|
| reservation_used | GPU-seconds of the contract that the tenant held | 0: charged as usage |
| reservation_unused | those that it did not, whoever did | their price under `charge = "term"`, else 0 |
| reservation_lent | those of the unused that somebody else held meanwhile: on nobody's bill | 0: part of unused |
| reservation_undelivered | those that were promised and not there | 0 |
| remedy_late, remedy_recalled | the same, by reason | minus their price x the remedy's basis points |
| commitment_covered | GPU-seconds that drew down the floor | 0: charged as usage |
| commitment_on_demand | those past it | 0: charged as usage |
| commitment_unused | 0, or GPU-seconds of a floor in GPU-hours | what an hourly floor was missed by |
| true_up | the same | what a monthly floor, or one of the term, was missed by |
| commitment_upfront | 0 | what is paid ahead of an hourly floor, when a term begins |
| commitment_paid | 0 | minus the part of the month's floor that was paid ahead |
| prepayment | 0 | what is paid ahead into the wallet of the contract |
"""

from typing import NamedTuple

from billing.money import Exact

# Kind of a contract line -> kind of the invoice line that it becomes.
INVOICE_KIND = {
    "reservation_used": "reservation",
    "reservation_unused": "reservation",
    "reservation_lent": "reservation",
    "reservation_undelivered": "reservation",
    "remedy_late": "adjustment",
    "remedy_recalled": "adjustment",
    "commitment_covered": "commitment",
    "commitment_on_demand": "commitment",
    "commitment_unused": "commitment",
    "true_up": "true_up",
    "commitment_upfront": "commitment",
    "commitment_paid": "commitment",
    "prepayment": "prepayment",
}


# Paid when what they are about begins; every other line is due when it ends.
AHEAD = frozenset({"commitment_upfront", "prepayment"})


class ContractLine(NamedTuple):
    """One line; there is one per contract, kind and month. Times are seconds since the epoch of the names.

    [from_s, until_s) is what it is about: the month or the part of it in force, or a term that ends or begins in it.
    `exact` is what a bill adds to the usage, micro-units before rounding; `effective` is the cost of what the line is
    about, whoever charges it (FOCUS: EffectiveCost). `quantity` is in GPU-seconds. Floors name no SKU and no region.
    """

    contract: str
    kind: str
    tenant: str
    product: str
    sku: str
    region: str
    month: int
    from_s: int
    until_s: int
    quantity: int
    exact: Exact
    effective: Exact
    note: str

    @property
    def due_s(self) -> int:
        """The last second before it is due, or the one at whose beginning it is: in its month."""
        return self.from_s if self.kind in AHEAD else self.until_s - 1
