"""Why a line is what it is: the line to its hours, the hours to who held what, with price, steps, factors, rounding.

    line       exact amount = sum of its hours; its net = the floor of that in minor units, or one unit more
    hour       quantity x price x factor, or its share of the tiers; quantity = sum of its holdings
    holding    one allocation in one hour: GPUs x seconds, less what of it is charged under another class

Everything is made again from the books; `faults_of` says where it does not add up, and is empty for every line.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import numpy as np

from billing.closing.contract_parts import contract_parts
from billing.closing.holdings import Held, Holding, holdings_of
from billing.closing.month import Basis, Part, credit_cause
from billing.errors import InvoiceError
from billing.finding import Finding
from billing.invoices.invoice import Invoice, InvoiceLine, by_tax_rate
from billing.metering.classes import CLASSES
from billing.metering.meters import GPU_S, METERS
from billing.money import BP, Exact, reduced
from billing.rating.charge import Step
from billing.rating.price_row import PriceRow

_OF_CONTRACTS = ("reservation", "commitment", "adjustment")


class HourPart(NamedTuple):
    """An hour of a line, by class and factor. `hour_s` is Unix seconds; `unit_price_micro` is None under tiers."""

    hour_s: int
    quantity: int
    unit_price_micro: int | None
    charge_class: str
    factor_bp: int
    exact: Exact
    holdings: tuple[Holding, ...]


class Rounding(NamedTuple):
    """How a net amount came about, in minor units: `floor` whole ones, a remainder below one, and an extra one or not.

    `rank` is the place of the remainder among the `lines` that were rounded together, from 1; the first `missing` of
    them got an extra unit. An amount that was posted elsewhere was not rounded here: it has rank 0.
    """

    floor: int
    remainder: Exact
    extra: bool
    rank: int
    missing: int
    lines: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything behind one line of an invoice. `evidence` is what a credit was given for, as plain data; `traced`
    says whether the hours are followed to their holdings, which only meters of time are."""

    invoice: Invoice
    line: InvoiceLine
    price: PriceRow | None
    steps: tuple[Step, ...]
    hours: tuple[HourPart, ...]
    rounding: Rounding
    tax_exact: Exact
    evidence: tuple[dict[str, Any], ...]
    traced: bool


def explain(
    basis: Basis, invoice: Invoice, parts: Sequence[Part], number: int, held: Held | None = None
) -> Explanation:
    """Return what is behind line `number` of an invoice that was drafted from `parts`.

    Args:
        held: who held what; None leaves the hours without holdings.

    Cost: O(rows of the line + allocations of the tenant in its hours).

    Raises:
        InvoiceError: the invoice has no such line.
    """
    if not 1 <= number <= len(invoice.lines):
        path = f"{invoice.number or invoice.tenant}, line"
        raise InvoiceError("no such line", code="unknown_line", path=path, found=number, allowed=f"1 to {len(parts)}")
    line, part = invoice.lines[number - 1], parts[number - 1]
    return Explanation(
        invoice=invoice,
        line=line,
        price=_price(basis, line),
        steps=part.charge.steps if part.charge is not None else (),
        hours=_hours(basis, part, held) or _of_contract(basis, line),
        rounding=_rounding(invoice, parts, number),
        tax_exact=Exact(line.net_micro * line.tax_bp, BP),
        evidence=_evidence(basis, line),
        traced=held is not None and line.meter == METERS[GPU_S].code and line.kind == "usage",
    )


def faults_of(told: Explanation) -> list[Finding]:
    """Return where an explanation does not add up to its line; an empty list when every second and unit is there."""
    line, found = told.line, []
    where = f"{told.invoice.number or told.invoice.tenant}, line {line.number}"
    whole = Fraction(*line.exact)
    if line.kind == "usage" and (off := sum((Fraction(*step.amount) for step in told.steps), -whole)):
        found.append(Finding(where, f"1/{off.denominator} micro-units more in the steps", off.numerator))
    if line.kind == "usage" or told.hours:
        if off := sum((Fraction(*hour.exact) for hour in told.hours), -whole):
            found.append(Finding(where, f"1/{off.denominator} micro-units more in the hours", off.numerator))
        if more := sum(hour.quantity for hour in told.hours) - line.quantity:
            found.append(Finding(where, f"{line.unit} more in the hours than in the line", more))
    for hour in told.hours if told.traced else ():
        if more := sum(each.quantity for each in hour.holdings) - hour.quantity:
            found += [Finding(f"{where}, hour {hour.hour_s}", "GPU-s more held than charged", more)]
    minor_micro = told.invoice.money.minor_micro
    rounded = (told.rounding.floor + told.rounding.extra) * minor_micro
    if more := rounded - line.net_micro:
        found.append(Finding(where, "micro-units more by rounding than in the line", more))
    if told.rounding.rank and told.rounding.extra != (told.rounding.rank <= told.rounding.missing):
        found.append(Finding(where, "unit dealt out to a line that is not among the first", 1))
    return found


def _price(basis: Basis, line: InvoiceLine) -> PriceRow | None:
    rows = {f"price[{number}]": row for number, row in enumerate(basis.terms.book.rows)}
    if line.kind == "usage" and basis.terms.showback is not None and line.cause not in rows:
        return basis.terms.showback.rows[0]
    return rows.get(line.cause) if line.kind == "usage" else None


def _hours(basis: Basis, part: Part, held: Held | None) -> tuple[HourPart, ...]:
    if not len(part.rows):
        return ()
    lines = basis.lines
    rows = part.rows[np.argsort(lines.hour_s[part.rows], kind="stable")]
    time = bool((lines.meter[rows] == GPU_S).all())
    holdings = holdings_of(basis.books.names, lines, rows, held) if held is not None and time else [()] * len(rows)
    columns = (lines.hour_s, lines.quantity, lines.unit_price_micro_usd, lines.charge_class, lines.factor_bp)
    values = zip(*(column[rows].tolist() for column in (*columns, lines.numerator)), holdings, strict=True)
    epoch_s = basis.books.names.epoch_s
    return tuple(
        HourPart(
            hour_s=epoch_s + hour_s,
            quantity=quantity,
            unit_price_micro=price if price >= 0 else None,
            charge_class=CLASSES[charge_class],
            factor_bp=factor_bp,
            exact=reduced(Exact(numerator, lines.denominator)),
            holdings=tuple(mine),
        )
        for hour_s, quantity, price, charge_class, factor_bp, numerator, mine in values
    )


def _of_contract(basis: Basis, line: InvoiceLine) -> tuple[HourPart, ...]:
    """Return the hours behind a line of a contract; nobody held them, so they have no holdings."""
    if line.kind not in _OF_CONTRACTS:
        return ()
    return tuple(
        HourPart(part.hour_s, part.quantity, part.unit_price_micro, line.kind, part.factor_bp, part.exact, ())
        for part in contract_parts(basis, line)
    )


def _rounding(invoice: Invoice, parts: Sequence[Part], number: int) -> Rounding:
    """Repeat the largest remainder for one line: its floor, its remainder and its place among the others."""
    minor_micro = invoice.money.minor_micro
    item = parts[number - 1].item
    together = [place + 1 for place in by_tax_rate([part.item for part in parts])]
    if item.fixed_micro is not None:
        return Rounding(item.fixed_micro // minor_micro, Exact(0), False, 0, 0, 0)
    whole = lcm(*(parts[row - 1].item.exact.denominator for row in together)) * minor_micro
    numerators = {
        row: exact.numerator * (whole // (exact.denominator * minor_micro))
        for row in together
        for exact in (parts[row - 1].item.exact,)
    }
    floors = {row: numerator // whole for row, numerator in numerators.items()}
    net = sum(invoice.lines[row - 1].net_micro for row in together) // minor_micro
    order = sorted(together, key=lambda row: -(numerators[row] % whole))
    extra = invoice.lines[number - 1].net_micro // minor_micro - floors[number]
    remainder = reduced(Exact(numerators[number] % whole, whole))
    missing = net - sum(floors.values())
    return Rounding(floors[number], remainder, bool(extra), order.index(number) + 1, missing, len(together))


def _evidence(basis: Basis, line: InvoiceLine) -> tuple[dict[str, Any], ...]:
    """Return the outages and evictions behind a service credit, times as Unix seconds."""
    if line.kind != "service_credit":
        return ()
    names = basis.books.names
    for credit in basis.books.credits:
        same = (names.tenants[credit.key.tenant], names.products[credit.key.product]) == (line.tenant, line.product)
        if same and credit_cause(basis, credit) == line.cause:
            return tuple(
                {key: value + names.epoch_s if key.endswith("_s") else value for key, value in each._asdict().items()}
                for each in credit.evidence
            )
    return ()
