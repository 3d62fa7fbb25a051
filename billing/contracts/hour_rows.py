"""A contract hour by hour: what was promised and used, at which price, and what drew its floor down."""

from typing import NamedTuple

import numpy as np

from billing.contracts.basis import Basis
from billing.contracts.floor_lines import drawn_by_hour
from billing.contracts.hours import hour_count
from billing.contracts.lines import priced_reservations
from billing.errors import ContractError
from billing.money import SECONDS_PER_HOUR, Exact


class ContractHour(NamedTuple):
    """One hour of a contract: GPU-seconds, the price of a GPU-hour in micro-units, and exact micro-units.

    used + unused + lent + late + recalled == promised. `fee` is what the term charge adds to the usage; `drawn` is what
    drew the floor down; None without a floor. `in_gpu_s`: that is in GPU-seconds, since the floor is in GPU-hours.
    """

    hour_s: int
    promised: int
    used: int
    unused: int
    lent: int
    late: int
    recalled: int
    price_micro: int
    fee: Exact
    drawn: Exact | None
    in_gpu_s: bool


def contract_hours(basis: Basis, contract_id: str) -> list[ContractHour]:
    """Return the hours of a contract in which it promised anything or its floor was drawn down, in order of time.

    Raises:
        ContractError: no contract of that id.
        PriceError: an hour of reserved capacity has no price.

    Cost: that of all contracts.
    """
    known = {contract.id: contract for contract in basis.registry.contracts}
    if contract_id not in known:
        raise ContractError("unknown contract", code="unknown_name", found=contract_id, allowed=", ".join(known))
    contract = known[contract_id]
    priced = priced_reservations(basis)
    none = np.zeros(hour_count(basis.horizon_s), dtype=np.int64)
    columns, fee = [none] * 7, none
    for each in priced:
        if each.kept.contract.id == contract_id:
            due, kept = each.kept.owed, each.kept
            columns = [due.promised, kept.used, kept.unused, kept.lent, due.late, due.recalled, each.price]
            fee = each.fee
    drawn: list[Exact | None] = [None] * len(none)
    if contract.take_or_pay is not None:
        numerators, denominator = drawn_by_hour(basis, contract, contract.take_or_pay, priced)
        first, last = contract.from_s // SECONDS_PER_HOUR, hour_count(min(contract.end_s, basis.horizon_s))
        drawn[first:last] = [Exact(numerator, denominator) for numerator in numerators[first:last]]
    in_gpu_s = contract.take_or_pay is not None and contract.take_or_pay.gpu_hours is not None
    rows = zip(*(column.tolist() for column in (*columns, fee)), drawn, strict=True)
    return [
        ContractHour(
            hour * SECONDS_PER_HOUR, promised, used, unused, lent, late, recalled, price,
            Exact(int(micro), SECONDS_PER_HOUR), part, in_gpu_s,
        )
        for hour, (promised, used, unused, lent, late, recalled, price, micro, part) in enumerate(rows)
        if promised or part is not None
    ]  # fmt: skip
