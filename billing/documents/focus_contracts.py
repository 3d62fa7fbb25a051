"""Lines of contracts in the words of FOCUS: reserved capacity, floors on spending, and what was paid ahead of them.

What was used under a contract is charged as usage; these lines are the rest, so they are Unused, or money ahead.
"""

from collections.abc import Sequence

from billing.contracts.line import INVOICE_KIND
from billing.documents.focus_columns import COST_DECIMALS, GPU_HOURS
from billing.documents.focus_words import Kind
from billing.invoices.invoice import InvoiceLine
from billing.metering.meters import GPU_S, METERS
from billing.money import format_scaled, round_half_up

Pool = tuple[str, str, str]  # product, region, SKU

_UNUSED_CAPACITY = ("reservation_unused", "reservation_undelivered")
_FLOOR_MISSED = ("commitment_unused", "true_up")
_AHEAD, _AHEAD_RETURNED = "commitment_upfront", "commitment_paid"
_KINDS = {_AHEAD: Kind("Purchase", "One-Time"), _AHEAD_RETURNED: Kind("Credit", "One-Time")}
MICRO_PLACES = 10 ** (COST_DECIMALS - 6)


def contract_kind(line: InvoiceLine) -> tuple[str, str] | None:
    """Return (contract, kind of its line) that a line of an invoice was made from; None if it was none."""
    contract, _, kind = line.cause.rpartition("/")
    return (contract, kind) if contract and INVOICE_KIND.get(kind) == line.kind else None


def kind_by_contract(line: InvoiceLine) -> Kind | None:
    """Return what a contract's line is to FOCUS, where that differs from its kind of line."""
    named = contract_kind(line)
    return _KINDS.get(named[1]) if named else None


def reserved_pools(lines: Sequence[InvoiceLine]) -> dict[Pool, str]:
    """Return the contract of each pool for whose unused capacity there is a line; pools with several are left out."""
    found: dict[Pool, set[str]] = {}
    for line in lines:
        named = contract_kind(line)
        if named and named[1] in _UNUSED_CAPACITY:
            found.setdefault((line.product, line.region, line.sku), set()).add(named[0])
    return {pool: next(iter(contracts)) for pool, contracts in found.items() if len(contracts) == 1}


def contract_columns(line: InvoiceLine, reserved: dict[Pool, str]) -> dict[str, str | None]:
    """Return the columns that say how a line belongs to a contract; none for a line that does not.

    Usage in a pool of `reserved` is what was used of that reservation.
    """
    named = contract_kind(line)
    if named is None:
        contract = reserved.get((line.product, line.region, line.sku)) if line.kind == "usage" else None
        return {"CapacityReservationId": contract, "CapacityReservationStatus": "Used"} if contract else {}
    contract, kind = named
    if kind in _UNUSED_CAPACITY:
        return {"CapacityReservationId": contract, "CapacityReservationStatus": "Unused"}
    if kind not in (*_FLOOR_MISSED, *_KINDS):
        return {}
    said: dict[str, str | None] = {
        "CommitmentDiscountId": contract,
        "CommitmentDiscountName": contract,
        "CommitmentDiscountType": "Take-or-pay",
        "CommitmentDiscountCategory": "Usage" if line.quantity else "Spend",
    }
    if kind in _FLOOR_MISSED:
        said |= {"CommitmentDiscountStatus": "Unused", "PricingCategory": "Committed"}
    return said if kind == _AHEAD_RETURNED else said | _quantity(line)


def counts_when_used(line: InvoiceLine) -> bool:
    """Whether a line moves money ahead or back: its cost counts in the usage that it pays for, not here."""
    named = contract_kind(line)
    return named is not None and named[1] in _KINDS


def _quantity(line: InvoiceLine) -> dict[str, str | None]:
    """Return how much of the floor a line is about: GPU-hours, or money in the currency of the invoice."""
    if line.quantity:
        quantity = round_half_up(line.quantity * 10**COST_DECIMALS, METERS[GPU_S].per)
        unit = GPU_HOURS
    else:
        quantity = round_half_up(line.exact.numerator * MICRO_PLACES, line.exact.denominator)
        unit = "Currency"
    return {"CommitmentDiscountQuantity": format_scaled(quantity, COST_DECIMALS), "CommitmentDiscountUnit": unit}
