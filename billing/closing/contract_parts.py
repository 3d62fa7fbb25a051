"""The hours behind a line that a contract put on an invoice, as far as they add up to it hour by hour."""

from typing import NamedTuple

from billing.closing.agreed_items import contract_basis
from billing.closing.month import Basis
from billing.contracts.floor import draw_down
from billing.contracts.hour_rows import ContractHour, contract_hours
from billing.invoices.invoice import InvoiceLine
from billing.money import BP, SECONDS_PER_HOUR, Exact, parse_usd
from tenants.contract import Contract


class ContractPart(NamedTuple):
    """What one hour is of a line: GPU-seconds, the price of a GPU-hour or None, the part of it in basis points."""

    hour_s: int
    quantity: int
    unit_price_micro: int | None
    factor_bp: int
    exact: Exact


def contract_parts(basis: Basis, line: InvoiceLine) -> list[ContractPart]:
    """Return the hours of a line, times in Unix seconds: of reserved capacity, of remedies, and of hourly floors.

    Empty for every other line: a floor of a month or a term is missed as a whole. And empty where only the log knows
    how many GPUs the nodes of a contract have.

    Cost: that of all contracts.
    """
    contract_id, _, kind = line.cause.rpartition("/")
    contract = next((each for each in basis.terms.registry.contracts if each.id == contract_id), None)
    known = all(each.gpus_per_node for each in basis.terms.registry.contracts if each.nodes or each.steps)
    if contract is None or not known:
        return []
    epoch_s, books = basis.books.names.epoch_s, basis.books
    hour_s = line.from_s - (line.from_s - epoch_s) % SECONDS_PER_HOUR
    rows = contract_hours(contract_basis(books, basis.terms), contract_id)
    inside = [row for row in rows if hour_s <= epoch_s + row.hour_s < line.until_s]
    parts = [_part(contract, kind, row, books.horizon_s) for row in inside]
    return [part._replace(hour_s=epoch_s + part.hour_s) for part in parts if part is not None]


def _part(contract: Contract, kind: str, row: ContractHour, horizon_s: int) -> ContractPart | None:
    of_capacity = {
        "reservation_unused": (row.unused + row.lent, BP),
        "remedy_late": (row.late, -contract.delivery_remedy_bp),
        "remedy_recalled": (row.recalled, -contract.recall_remedy_bp),
    }
    if kind in of_capacity:
        gpu_s, part_bp = of_capacity[kind]
        exact = Exact(gpu_s * row.price_micro * part_bp, SECONDS_PER_HOUR * BP)
        return ContractPart(row.hour_s, gpu_s, row.price_micro, part_bp, exact) if gpu_s else None
    floor = contract.take_or_pay
    if kind != "commitment_unused" or floor is None or floor.amount is None or row.drawn is None:
        return None
    in_force_s = min(row.hour_s + SECONDS_PER_HOUR, contract.end_s, horizon_s) - max(row.hour_s, contract.from_s)
    size = parse_usd(floor.amount) * in_force_s * row.drawn.denominator
    unused = draw_down(size, row.drawn.numerator * SECONDS_PER_HOUR).unused
    exact = Exact(unused, SECONDS_PER_HOUR * row.drawn.denominator)
    return ContractPart(row.hour_s, 0, None, BP, exact) if unused else None
