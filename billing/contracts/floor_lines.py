"""The lines of floors and prepayments: what was drawn down, what is due for the rest, what was paid ahead."""

from collections.abc import Iterator

import numpy as np

from billing.contracts.basis import NOTHING, Basis, Priced
from billing.contracts.floor import Due, dues, months_in_force, purchase
from billing.contracts.hours import hour_count
from billing.contracts.line import AHEAD, ContractLine
from billing.metering.meters import GPU_S
from billing.money import BP, SECONDS_PER_HOUR, Exact, floor_decimal, parse_usd
from billing.months import month_of
from billing.usage import Names
from tenants.capacity import terms
from tenants.contract import Contract, TakeOrPay


def floor_lines(basis: Basis, contract: Contract, floor: TakeOrPay, priced: list[Priced]) -> Iterator[ContractLine]:
    """Yield what a floor comes to in each of its periods."""
    in_gpu_s = floor.gpu_hours is not None
    charged, denominator = drawn_by_hour(basis, contract, floor, priced)
    short = "commitment_unused" if floor.per == "hour" else "true_up"
    for due in dues(basis.names, contract, floor, charged, denominator, basis.horizon_s):
        parts: list[tuple[str, Exact, Exact]] = [
            ("commitment_covered", due.covered, NOTHING),
            (short, due.unused, due.owed),
            ("commitment_on_demand", due.on_demand, NOTHING),
        ]
        words = _words(floor, due, basis.currency.code)
        for kind, amount, exact in parts:
            if kind != short or due.closed:
                quantity = amount.numerator // amount.denominator if in_gpu_s else 0
                effective = exact if in_gpu_s or kind == short else amount
                yield _of_floor(basis.names, contract, kind, due, quantity, exact, effective, words)
    if floor.upfront_bp:
        yield from _upfront(basis, contract, floor)


def _words(floor: TakeOrPay, due: Due, currency: str) -> str:
    size = f"{floor.gpu_hours} GPU-hours" if floor.gpu_hours is not None else f"{floor.amount} {currency}"
    return f"floor of {size} {'an' if floor.per == 'hour' else 'a'} {floor.per}" + (
        "" if due.closed else ", which goes on"
    )


def drawn_by_hour(basis: Basis, contract: Contract, floor: TakeOrPay, priced: list[Priced]) -> tuple[list[int], int]:
    """Return what draws a floor down in each hour, and its denominator: what usage and term charges come to, or the
    GPU-seconds that were used."""
    names, lines, hours = basis.names, basis.lines, hour_count(basis.horizon_s)
    scope = [row for row, code in enumerate(names.products) if not floor.products or code in floor.products]
    tenant = names.tenants.index(contract.tenant)
    mine = (lines.tenant == tenant) & np.isin(lines.product, scope)
    drawn = np.zeros(hours, dtype=object)
    if floor.gpu_hours is not None:
        mine &= lines.meter == GPU_S
        np.add.at(drawn, lines.hour_s[mine] // SECONDS_PER_HOUR, lines.quantity[mine].astype(object))
        return drawn.tolist(), 1
    np.add.at(drawn, lines.hour_s[mine] // SECONDS_PER_HOUR, lines.numerator[mine].astype(object))
    for each in priced:
        if each.kept.tenant == tenant and each.kept.product in scope:
            drawn = drawn + each.fee.astype(object) * (lines.denominator // SECONDS_PER_HOUR)
    return drawn.tolist(), lines.denominator


def _upfront(basis: Basis, contract: Contract, floor: TakeOrPay) -> Iterator[ContractLine]:
    """Yield what is paid when a term begins, and what that takes off each month: over a term the two are equal."""
    names, per_hour = basis.names, parse_usd(floor.amount)
    for from_s, until_s in terms(contract, basis.horizon_s):
        if from_s < basis.horizon_s:
            ahead, _ = purchase(per_hour, (until_s - from_s) // SECONDS_PER_HOUR, floor.upfront_bp)
            due = Due(from_s, min(until_s, basis.horizon_s), NOTHING, NOTHING, NOTHING, NOTHING)
            note = f"{floor_decimal(floor.upfront_bp, 100, 2)} % of the term, paid when it begins"
            yield _of_floor(names, contract, "commitment_upfront", due, 0, Exact(ahead, BP), NOTHING, note)
    for _, from_s, until_s in months_in_force(names, contract, basis.horizon_s):
        paid = Exact(-per_hour * floor.upfront_bp * (until_s - from_s), BP * SECONDS_PER_HOUR)
        due = Due(from_s, until_s, NOTHING, NOTHING, NOTHING, NOTHING)
        yield _of_floor(names, contract, "commitment_paid", due, 0, paid, NOTHING, "was paid when the term began")


def _of_floor(
    names: Names, contract: Contract, kind: str, due: Due, quantity: int, exact: Exact, effective: Exact, note: str
) -> ContractLine:
    at_s = due.from_s if kind in AHEAD else due.until_s - 1
    return ContractLine(
        contract.id, kind, contract.tenant, contract.product, "", "", month_of(names.epoch_s, at_s), due.from_s,
        due.until_s, quantity, exact, effective, note,
    )  # fmt: skip


def paid_ahead(names: Names, contract: Contract, amount: int) -> ContractLine:
    at_s = contract.from_s
    return ContractLine(
        contract.id, "prepayment", contract.tenant, contract.product, "", "", month_of(names.epoch_s, at_s), at_s,
        at_s, 0, Exact(amount), NOTHING, "paid ahead, drawn down by bills",
    )  # fmt: skip
