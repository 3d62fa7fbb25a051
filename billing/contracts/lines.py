"""All contract lines of a run or a month: reservations, floors, what was paid ahead, and remedies, in one order.

A pure function of the terms, the line items and the hours of capacity; nothing is rounded here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from billing.contracts.basis import NOTHING, Basis, Priced
from billing.contracts.floor import months_in_force
from billing.contracts.floor_lines import floor_lines, paid_ahead
from billing.contracts.hours import hour_count, hourly_prices
from billing.contracts.line import ContractLine
from billing.contracts.reservation import Reservation, reservations
from billing.money import BP, SECONDS_PER_HOUR, Exact, exact_sum, floor_decimal, parse_usd, product
from billing.usage import IntArray, Names
from tenants.registry import Registry


def contract_lines(basis: Basis) -> list[ContractLine]:
    """Return the lines of all contracts over [0, horizon), sorted by tenant, month, contract and kind.

    Lines without quantity and amount are left out.

    Raises:
        PriceError:    an hour of reserved capacity has no price.
        ContractError: nodes of a contract of which nobody says how many GPUs they have.

    Cost: O(line items x floors + contracts x hours).
    """
    names, registry = basis.names, basis.registry
    if not registry.contracts:
        return []
    priced = priced_reservations(basis)
    found: list[ContractLine] = []
    for each in priced:
        found += _reserved(basis, each)
    for contract in registry.contracts:
        if contract.take_or_pay is not None:
            found += floor_lines(basis, contract, contract.take_or_pay, priced)
        if contract.prepayment is not None and contract.from_s < basis.horizon_s:
            found.append(paid_ahead(names, contract, parse_usd(contract.prepayment)))
    order = {contract.id: row for row, contract in enumerate(registry.contracts)}
    some = [line for line in found if line.quantity or line.exact.numerator or line.effective.numerator]
    return sorted(_merged(some), key=lambda line: (names.tenants.index(line.tenant), line.month, order[line.contract]))


def priced_reservations(basis: Basis) -> list[Priced]:
    """Return the hours of every contract with nodes, with the price of each. Errors and cost as `contract_lines`."""
    basis = basis._replace(names=_with_places(basis.names, basis.registry))
    kept = reservations(basis.names, basis.registry, basis.node_gpus, basis.lines, basis.states, basis.horizon_s)
    return [Priced(each, _prices(basis, each)) for each in kept]


def _merged(lines: Sequence[ContractLine]) -> list[ContractLine]:
    """Return one line per contract, kind and month: several terms may end in one month."""
    found: dict[tuple[str, str, int], ContractLine] = {}
    for line in lines:
        key = line.contract, line.kind, line.month
        if (other := found.get(key)) is not None:
            line = other._replace(
                from_s=min(other.from_s, line.from_s),
                until_s=max(other.until_s, line.until_s),
                quantity=other.quantity + line.quantity,
                exact=_plus(other.exact, line.exact),
                effective=_plus(other.effective, line.effective),
            )
        found[key] = line
    return list(found.values())


def _plus(one: Exact, other: Exact) -> Exact:
    amount = Fraction(*one) + Fraction(*other)
    return Exact(amount.numerator, amount.denominator)


def _with_places(names: Names, registry: Registry) -> Names:
    """Return the names with the pools of contracts, which nobody need ever have used."""
    regions = dict.fromkeys([*names.regions, *(contract.region for contract in registry.contracts)])
    skus = dict.fromkeys([*names.skus, *(contract.sku for contract in registry.contracts)])
    return replace(names, regions=tuple(regions), skus=tuple(skus))


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


def _reserved(basis: Basis, priced: Priced) -> Iterator[ContractLine]:
    """Yield used, unused, lent, undelivered and the remedies of each month of a reservation."""
    kept, contract = priced.kept, priced.kept.contract
    term = contract.charge == "term"
    term_bp = BP if term else 0
    missing = kept.owed.late + kept.owed.recalled
    for month in months_in_force(basis.names, contract, basis.horizon_s):
        when = _Month(*month)
        yield _of_hours(priced, "reservation_used", kept.used, when, 0, True, "held by the tenant, charged as usage")
        # What others held of it is part of what its tenant did not use: which part, its bill must not tell.
        unused = kept.unused + kept.lent
        yield _of_hours(priced, "reservation_unused", unused, when, term_bp, term, "not held by the tenant")
        yield _of_hours(priced, "reservation_lent", kept.lent, when, 0, False, "of these, held by others")
        note = "promised and not there, not charged"
        yield _of_hours(priced, "reservation_undelivered", missing, when, 0, False, note)
        for kind, gpu_s, remedy_bp, why in (
            ("remedy_late", kept.owed.late, contract.delivery_remedy_bp, "delivered late"),
            ("remedy_recalled", kept.owed.recalled, contract.recall_remedy_bp, "recalled before its notice was over"),
        ):
            note = f"{why}: {floor_decimal(remedy_bp, 100, 2)} % of the price"
            yield _of_hours(priced, kind, gpu_s if remedy_bp else 0 * gpu_s, when, -remedy_bp, False, note)


def _of_hours(
    priced: Priced, kind: str, gpu_s: IntArray, when: _Month, rate_bp: int, effective: bool, note: str
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
