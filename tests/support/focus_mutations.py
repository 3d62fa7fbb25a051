"""Faults that a FOCUS file may have, planted one at a time from a seed: in cells, rows and columns, money and words."""

import random
from collections.abc import Callable
from typing import NamedTuple

from billing.documents.focus_columns import BY_NAME, FocusColumn

Cells = list[list[str | None]]


class Mutant(NamedTuple):
    """A table that differs from a correct one in one thing, which `what` names."""

    what: str
    names: list[str]
    rows: Cells


def mutants(names: list[str], rows: Cells, count: int, seed: int) -> list[Mutant]:
    """Draw `count` mutants; every kind equally often, columns and rows evenly. What changes nothing is drawn again."""
    rng = random.Random(seed)
    found: list[Mutant] = []
    while len(found) < count:
        kind = list(KINDS)[len(found) % len(KINDS)]
        copy, heads = [list(row) for row in rows], list(names)
        where = KINDS[kind](rng, heads, copy)
        if (heads, copy) != (names, rows):
            found.append(Mutant(f"{kind} {where}", heads, copy))
    return found


def _cell(rng: random.Random, names: list[str], rows: Cells, kinds: tuple[str, ...] = ()) -> tuple[int, int]:
    """A cell that holds something, of a column of one of the kinds; the column is drawn first."""
    while True:
        column = rng.choice([i for i, name in enumerate(names) if not kinds or BY_NAME[name].kind in kinds])
        filled = [number for number, row in enumerate(rows) if row[column] is not None]
        if filled:
            return rng.choice(filled), column


def emptied(rng: random.Random, names: list[str], rows: Cells) -> str:
    row, column = _cell(rng, names, rows)
    rows[row][column] = None
    return names[column]


def from_another_row(rng: random.Random, names: list[str], rows: Cells) -> str:
    column = rng.randrange(len(names))
    rows[rng.randrange(len(rows))][column] = rng.choice(rows)[column]
    return names[column]


def nonsense(rng: random.Random, names: list[str], rows: Cells) -> str:
    row, column = _cell(rng, names, rows)
    words = {
        "decimal": ("12,5", "1e3", "abc", "1.5", "-0.000000"),
        "integer": ("1.0", "x", "007"),
        "time": ("2026-02-30T00:00:00Z", "2026-02-01 00:00:00", "2026-02-01T00:00:00+01:00"),
        "currency": ("usd", "US$", "XYZ"),
        "text": ("Rental", "n/a", " "),
    }
    rows[row][column] = rng.choice(words[BY_NAME[names[column]].kind])
    return names[column]


def number_off(rng: random.Random, names: list[str], rows: Cells) -> str:
    row, column = _cell(rng, names, rows, ("decimal", "integer"))
    rows[row][column] = _moved(rng, BY_NAME[names[column]], rows[row][column] or "0")
    return names[column]


def _moved(rng: random.Random, column: FocusColumn, text: str) -> str:
    digits = text.removeprefix("-").replace(".", "")
    value = int(digits) * (-1 if text.startswith("-") else 1)
    value = rng.choice((value + 1, value - 1, -value, value * 10, value + 10**column.decimals))
    shown = str(abs(value)).rjust(column.decimals + 1, "0")
    shown = f"{shown[: -column.decimals]}.{shown[-column.decimals :]}" if column.decimals else shown
    return f"-{shown}" if value < 0 else shown


def time_off(rng: random.Random, names: list[str], rows: Cells) -> str:
    row, column = _cell(rng, names, rows, ("time",))
    text = rows[row][column] or ""
    rows[row][column] = rng.choice((f"2025{text[4:]}", f"{text[:11]}23:59:59Z", f"{text[:8]}28{text[10:]}"))
    return names[column]


def amounts_swapped(rng: random.Random, names: list[str], rows: Cells) -> str:
    name = rng.choice(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost", "PricingQuantity", "ListUnitPrice"))
    column, (one, other) = names.index(name), rng.sample(range(len(rows)), 2)
    rows[one][column], rows[other][column] = rows[other][column], rows[one][column]
    return name


def other_word(rng: random.Random, names: list[str], rows: Cells) -> str:
    row, column = _cell(rng, names, rows, ("text",))
    allowed = [word for word in BY_NAME[names[column]].allowed if word != rows[row][column]]
    rows[row][column] = rng.choice(allowed) if allowed else f"{rows[row][column]}x"
    return names[column]


def word_filled_in(rng: random.Random, names: list[str], rows: Cells) -> str:
    empty = [(r, c) for r, row in enumerate(rows) for c, value in enumerate(row) if value is None]
    column = rng.choice(sorted({c for _, c in empty}))
    row = rng.choice([r for r, c in empty if c == column])
    about = BY_NAME[names[column]]
    plain = {"decimal": f"1.{'0' * about.decimals}", "integer": "1"}
    rows[row][column] = rng.choice(about.allowed) if about.allowed else plain.get(about.kind, "something")
    return names[column]


def row_lost(rng: random.Random, names: list[str], rows: Cells) -> str:
    del rows[(row := rng.randrange(len(rows)))]
    return f"row {row}"


def row_doubled(rng: random.Random, names: list[str], rows: Cells) -> str:
    rows.insert(row := rng.randrange(len(rows)), list(rng.choice(rows)))
    return f"row {row}"


def rows_in_another_order(rng: random.Random, names: list[str], rows: Cells) -> str:
    one, other = rng.sample(range(len(rows)), 2)
    rows[one], rows[other] = rows[other], rows[one]
    return f"rows {one}, {other}"


def column_lost(rng: random.Random, names: list[str], rows: Cells) -> str:
    column = rng.randrange(len(names))
    for row in rows:
        del row[column]
    return names.pop(column)


def column_renamed(rng: random.Random, names: list[str], rows: Cells) -> str:
    column = rng.randrange(len(names))
    old, names[column] = names[column], names[column].lower()
    return old


def whole_column_wrong(rng: random.Random, names: list[str], rows: Cells) -> str:
    column = names.index(rng.choice([name for name in names if BY_NAME[name].kind in ("decimal", "integer")]))
    for row in rows:
        if row[column] is not None:
            row[column] = _moved(random.Random(0), BY_NAME[names[column]], row[column])
    return names[column]


KINDS: dict[str, Callable[[random.Random, list[str], Cells], str]] = {
    kind.__name__: kind
    for kind in (
        *(emptied, from_another_row, nonsense, number_off, time_off, amounts_swapped, other_word, word_filled_in),
        *(row_lost, row_doubled, rows_in_another_order, column_lost, column_renamed, whole_column_wrong),
    )
}
