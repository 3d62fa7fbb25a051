"""What FOCUS rows must add up to: rows of an invoice, shares of a line, taxes, totals. Not the writer's code."""

from collections.abc import Iterable, Iterator, Sequence
from math import lcm

from billing.documents.focus_rules import ONE_PER_LINE, SAME_IN_TAX
from billing.documents.focus_sums import MICRO, FocusFinding, Row, fault, line_of, number_in, read
from billing.money import BP


def rows(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Rows of an invoice are numbered through, and so are its lines: none is missing, none is there twice."""
    seen: dict[str | None, int] = {}
    line_of_last: dict[str | None, int] = {}
    for number, row in enumerate(table, start=1):
        invoice, line = row["InvoiceId"], number_in(row["x_InvoiceLine"])
        seen[invoice] = seen.get(invoice, 0) + 1
        if number_in(row["x_InvoiceRow"]) != seen[invoice]:
            yield fault(number, row, "x_InvoiceRow", str(seen[invoice]))
        if line - (last := line_of_last.get(invoice, 0)) not in ((0, 1) if last else (1,)):
            yield fault(number, row, "x_InvoiceLine", f"{last} or {last + 1}" if last else "1")
        line_of_last[invoice] = line
    for number, row in enumerate(table, start=1):
        if number_in(row["x_InvoiceRows"]) != seen[row["InvoiceId"]]:
            yield fault(number, row, "x_InvoiceRows", str(seen[row["InvoiceId"]]))


def lines(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Rows of a line agree, share its amount by largest remainder, and the amount is its exact sum, rounded once."""
    groups: dict[tuple[str | None, ...], list[tuple[int, Row]]] = {}
    for number, row in enumerate(table, start=1):
        groups.setdefault(line_of(row), []).append((number, row))
    for group in groups.values():
        first, model = group[0]
        for number, row in group[1:]:
            for name in ONE_PER_LINE:
                if row[name] != model[name]:
                    yield fault(number, row, name, f"{model[name] or 'null'}, as in row {first}")
        amount, minor = read(model["x_LineAmount"]), number_in(model["x_MinorUnitMicro"]) * MICRO
        if minor < 1 or amount % minor:
            yield fault(first, model, "x_LineAmount", f"whole minor units of {model['x_MinorUnitMicro']} micro-units")
            continue
        wholes = [max(1, number_in(row["x_CostDenominator"])) for _, row in group]
        whole = lcm(*wholes)
        exact = [
            number_in(row["x_CostNumerator"]) * (whole // part) for (_, row), part in zip(group, wholes, strict=True)
        ]
        # The difference of two amounts that were posted, each rounded by itself, is a line of one row.
        allowed = minor * whole * (1 if len(group) > 1 else 2)
        if abs(amount * whole - sum(exact) * MICRO) >= allowed:
            yield fault(first, model, "x_LineAmount", f"{sum(exact)}/{whole} micro-units, rounded")
        for (number, row), part in zip(group, _dealt(amount // MICRO, exact), strict=True):
            if part is not None and read(row["BilledCost"]) != part * MICRO:
                yield fault(number, row, "BilledCost", f"{part} micro-units of the line's amount")
        if sum(read(row["BilledCost"]) for _, row in group) != amount:
            yield fault(first, model, "BilledCost", f"rows that add up to {model['x_LineAmount']}")


def _dealt(amount: int, exact: Sequence[int]) -> Iterable[int | None]:
    """Yield what each row must be billed, by largest remainder; None where exact amounts of both signs were split."""
    if not any(exact):
        exact = [1] * len(exact)
    total = sum(map(abs, exact))
    if total != abs(sum(exact)):
        return [None] * len(exact)
    parts = [divmod(abs(amount) * abs(part), total) for part in exact]
    missing = abs(amount) - sum(part for part, _ in parts)
    luckiest = sorted(range(len(parts)), key=lambda row: -parts[row][1])[:missing]  # stable: ties to earlier rows
    more = set(luckiest)
    sign = -1 if amount < 0 else 1
    return [sign * (part + (row in more)) for row, (part, _) in enumerate(parts)]


def taxes(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Per invoice and rate, the tax is the rate of the net, rounded once."""
    net: dict[tuple[str | None, str | None], dict[str | None, int]] = {}
    tax: dict[tuple[str | None, str | None], int] = {}
    first: dict[tuple[str | None, str | None], tuple[int, Row]] = {}
    for number, row in enumerate(table, start=1):
        key = row["InvoiceId"], row["x_TaxBp"]
        first.setdefault(key, (number, row))
        if row["ChargeCategory"] == "Tax":
            tax[key] = tax.get(key, 0) + read(row["BilledCost"])
        else:
            net.setdefault(key, {})[row["x_InvoiceLine"]] = read(row["x_LineAmount"])
    for key, (number, row) in first.items():
        due = sum(net.get(key, {}).values()) * number_in(row["x_TaxBp"])
        minor = number_in(row["x_MinorUnitMicro"]) * MICRO
        # Credit notes telescope: their tax is the difference of two rounded ones, less than a minor unit off.
        off, noted = abs(tax.get(key, 0) * BP - due), read(row["x_InvoiceTotal"]) < 0
        wrong = off >= minor * BP if noted else off * 2 > minor * BP
        if not 0 <= number_in(row["x_TaxBp"]) <= BP or wrong:
            yield fault(number, row, "x_TaxBp", f"a rate by which the net is taxed with {tax.get(key, 0) // MICRO}")


def taxed_lines(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """A tax belongs to a line: they agree, and it is the line's share, within a minor unit."""
    lines_of = {line_of(row)[:2]: row for row in table if row["ChargeCategory"] != "Tax"}
    for number, row in enumerate(table, start=1):
        if row["ChargeCategory"] != "Tax":
            continue
        line = lines_of.get(line_of(row)[:2])
        if line is None:
            yield fault(number, row, "x_InvoiceLine", "a line of the invoice")
            continue
        for name in SAME_IN_TAX:
            if row[name] != line[name]:
                yield fault(number, row, name, f"{line[name] or 'null'}, as in its line")
        due = read(line["x_LineAmount"]) * number_in(row["x_TaxBp"])
        if abs(read(row["BilledCost"]) * BP - due) >= number_in(row["x_MinorUnitMicro"]) * MICRO * BP:
            yield fault(number, row, "BilledCost", "the tax of its line")


def totals(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """BilledCost adds up to the total of its invoice, in whole minor units."""
    billed: dict[str | None, int] = {}
    for row in table:
        billed[row["InvoiceId"]] = billed.get(row["InvoiceId"], 0) + read(row["BilledCost"])
    for number, row in enumerate(table, start=1):
        if read(row["x_InvoiceTotal"]) != billed[row["InvoiceId"]]:
            yield fault(number, row, "x_InvoiceTotal", f"{billed[row['InvoiceId']] // MICRO} micro-units")
