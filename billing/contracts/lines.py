"""All contract lines of a run or a month: reservations, floors, what was paid ahead, and remedies, in one order.

A pure function of the terms, the line items and the hours of capacity; nothing is rounded here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from billing.contracts.floor import Due, dues, months_in_force, purchase
from billing.contracts.hours import hour_count, hourly_prices
from billing.contracts.line import ContractLine
from billing.contracts.reservation import Reservation, reservations
from billing.metering.meters import GPU_S
from billing.metering.states import StateTable
from billing.money import BP, SECONDS_PER_HOUR, Exact, exact_sum, floor_decimal, parse_usd, product
from billing.months import month_of
from billing.rating.prices import PriceBook
from billing.rating.rate import LineItemTable
from billing.usage import IntArray, Names
from tenants.capacity import terms
from tenants.contract import Contract, TakeOrPay
from tenants.registry import Registry

NOTHING = Exact(0)


class Basis(NamedTuple):
    """What contract lines are made from. `states`: None where nobody counted idle nodes; `node_gpus`: GPUs of a node of
    each (region, sku), for contracts that do not say it."""

    names: Names
    registry: Registry
    book: PriceBook
    lines: LineItemTable
    states: StateTable | None
    horizon_s: int
    node_gpus: Mapping[tuple[int, int], int]


def contract_lines(basis: Basis) -> list[ContractLine]:
    """Return the lines of all contracts over [0, horizon), sorted by tenant, month, contract and kind.

    Lines without quantity and amount are left out.

    Raises:
        PriceError:    an hour of reserved capacity has no price.
        ContractError: nodes of a contract of which nobody says how many GPUs they have.

    Cost: O(line items x floors + contracts x hours).
    """
    registry = basis.registry
    if not registry.contracts:
        return []
    names = _with_places(basis.names, registry)
    basis = basis._replace(names=names)
    kept = reservations(names, registry, basis.node_gpus, basis.lines, basis.states, basis.horizon_s)
    priced = [_Priced(each, _prices(basis, each)) for each in kept]
    found: list[ContractLine] = []
    for each in priced:
        found += _reserved(basis, each)
    for contract in registry.contracts:
        if contract.take_or_pay is not None:
            found += _floor(basis, contract, contract.take_or_pay, priced)
        if contract.prepayment is not None and contract.from_s < basis.horizon_s:
            found.append(_paid_ahead(names, contract, parse_usd(contract.prepayment)))
    order = {contract.id: row for row, contract in enumerate(registry.contracts)}
    some = [line for line in found if line.quantity or line.exact.numerator or line.effective.numerator]
    return sorted(some, key=lambda line: (names.tenants.index(line.tenant), line.month, order[line.contract]))


def _with_places(names: Names, registry: Registry) -> Names:
    """Return the names with the pools of contracts, which nobody need ever have used."""
    regions = dict.fromkeys([*names.regions, *(contract.region for contract in registry.contracts)])
    skus = dict.fromkeys([*names.skus, *(contract.sku for contract in registry.contracts)])
    return replace(names, regions=tuple(regions), skus=tuple(skus))


class _Priced(NamedTuple):
    """A reservation and what a GPU-hour of it costs in each hour; 0 outside of its term."""

    kept: Reservation
    price: IntArray

    @property
    def fee(self) -> NDArray[Any]:
        """What the term charge adds to the usage of each hour: numerators over 3,600, exact."""
        if self.kept.contract.charge != "term":
            return np.zeros_like(self.price)
        return product(self.kept.unused + self.kept.lent, self.price)


def _prices(basis: Basis, kept: Reservation) -> IntArray:
    price = np.zeros(hour_count(basis.horizon_s), dtype=np.int64)
    hours = np.flatnonzero(kept.owed.promised).astype(np.int64)
    plans = tuple(
        basis.registry.products[basis.registry.product_index(code)].price_plan for code in basis.names.products
    )
    price[hours] = hourly_prices(basis.names, basis.book, plans, kept.product, kept.pool, hours)
    return price


class _Month(NamedTuple):
    """A month of a contract, or the part of it in force."""

    month: int
    from_s: int
    until_s: int


def _reserved(basis: Basis, priced: _Priced) -> Iterator[ContractLine]:
    """Yield used, unused, lent, undelivered and the remedies of each month of a reservation."""
    kept, contract = priced.kept, priced.kept.contract
    term = contract.charge == "term"
    term_bp = BP if term else 0
    missing = kept.owed.late + kept.owed.recalled
    for month in months_in_force(basis.names, contract, basis.horizon_s):
        when = _Month(*month)
        yield _of_hours(priced, "reservation_used", kept.used, when, 0, True, "held by the tenant, charged as usage")
        yield _of_hours(priced, "reservation_unused", kept.unused, when, term_bp, term, "held by nobody")
        yield _of_hours(priced, "reservation_lent", kept.lent, when, term_bp, term, "held by others meanwhile")
        note = "promised and not there, not charged"
        yield _of_hours(priced, "reservation_undelivered", missing, when, 0, False, note)
        for gpu_s, remedy_bp, why in (
            (kept.owed.late, contract.delivery_remedy_bp, "delivered late"),
            (kept.owed.recalled, contract.recall_remedy_bp, "recalled before its notice was over"),
        ):
            note = f"{why}: {floor_decimal(remedy_bp, 100, 2)} % of the price"
            yield _of_hours(priced, "remedy", gpu_s if remedy_bp else 0 * gpu_s, when, -remedy_bp, False, note)


def _of_hours(
    priced: _Priced, kind: str, gpu_s: IntArray, when: _Month, rate_bp: int, effective: bool, note: str
) -> ContractLine:
    """Return the line of a month's GPU-seconds, charged at `rate_bp` of their price."""
    contract = priced.kept.contract
    hours = slice(when.from_s // SECONDS_PER_HOUR, hour_count(when.until_s))
    cost = exact_sum(product(gpu_s[hours], priced.price[hours]))
    return ContractLine(
        contract=contract.id,
        kind=kind,
        tenant=contract.tenant,
        product=contract.product,
        sku=contract.sku,
        region=contract.region,
        month=when.month,
        from_s=when.from_s,
        until_s=when.until_s,
        quantity=int(gpu_s[hours].sum()),
        exact=Exact(cost * rate_bp, SECONDS_PER_HOUR * BP),
        effective=Exact(cost, SECONDS_PER_HOUR) if effective else NOTHING,
        note=note,
    )


def _floor(basis: Basis, contract: Contract, floor: TakeOrPay, priced: list[_Priced]) -> Iterator[ContractLine]:
    """Yield what a floor comes to in each of its periods."""
    in_gpu_s = floor.gpu_hours is not None
    charged, denominator = _drawn(basis, contract, floor, priced)
    short = "commitment_unused" if floor.per == "hour" else "true_up"
    for due in dues(basis.names, contract, floor, charged, denominator, basis.horizon_s):
        parts: list[tuple[str, Exact, Exact]] = [
            ("commitment_covered", due.covered, NOTHING),
            (short, due.unused, due.owed),
            ("commitment_on_demand", due.on_demand, NOTHING),
        ]
        for kind, amount, exact in parts:
            if kind != short or due.closed:
                quantity = amount.numerator // amount.denominator if in_gpu_s else 0
                effective = exact if in_gpu_s or kind == short else amount
                yield _of_floor(basis.names, contract, kind, due, quantity, exact, effective, _words(floor, due))
    if floor.upfront_bp:
        yield from _upfront(basis, contract, floor)


def _words(floor: TakeOrPay, due: Due) -> str:
    size = f"{floor.gpu_hours} GPU-hours" if floor.gpu_hours is not None else str(floor.amount)
    return f"floor of {size} {'an' if floor.per == 'hour' else 'a'} {floor.per}" + (
        "" if due.closed else ", which goes on"
    )


def _drawn(basis: Basis, contract: Contract, floor: TakeOrPay, priced: list[_Priced]) -> tuple[list[int], int]:
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
            note = f"{floor.upfront_bp} bp of the term, paid when it begins"
            yield _of_floor(names, contract, "commitment_upfront", due, 0, Exact(ahead, BP), NOTHING, note)
    for _, from_s, until_s in months_in_force(names, contract, basis.horizon_s):
        paid = Exact(-per_hour * floor.upfront_bp * (until_s - from_s), BP * SECONDS_PER_HOUR)
        due = Due(from_s, until_s, NOTHING, NOTHING, NOTHING, NOTHING)
        yield _of_floor(names, contract, "commitment_paid", due, 0, paid, NOTHING, "was paid when the term began")


def _of_floor(
    names: Names, contract: Contract, kind: str, due: Due, quantity: int, exact: Exact, effective: Exact, note: str
) -> ContractLine:
    at_s = due.from_s if kind == "commitment_upfront" else due.until_s - 1
    return ContractLine(
        contract.id, kind, contract.tenant, contract.product, "", "", month_of(names.epoch_s, at_s), due.from_s,
        due.until_s, quantity, exact, effective, note,
    )  # fmt: skip


def _paid_ahead(names: Names, contract: Contract, amount: int) -> ContractLine:
    at_s = contract.from_s
    return ContractLine(
        contract.id, "prepayment", contract.tenant, contract.product, "", "", month_of(names.epoch_s, at_s), at_s,
        at_s, 0, Exact(amount), NOTHING, "paid ahead, drawn down by bills",
    )  # fmt: skip
