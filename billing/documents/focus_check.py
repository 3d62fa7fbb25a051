"""A strict check of FOCUS rows: is a file what the specification and we ourselves promise?

Findings, not errors: all faults of a level show at once (columns, then rows, then sums), each with the row and the rule
that it broke. The file alone is enough: it carries the integers that its decimals were made of, and what each line and
invoice must add up to.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from billing.documents import focus_sums, focus_totals
from billing.documents.focus_columns import (
    BY_NAME,
    COLUMNS,
    FOCUS_VERSION,
    NAMES_1_4,
    VERSION_WORDS,
    FocusColumn,
    header,
)
from billing.documents.focus_rules import ANY, CURRENCIES, MUSTS, ONE_PER, Must, Values
from billing.documents.focus_sums import FocusFinding, Row
from billing.errors import PeriodError
from billing.months import parse_utc

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)\.([0-9]+)")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")

# By the rule that a finding names.
SUMS: dict[str, Callable[[Sequence[Row]], Iterator[FocusFinding]]] = {
    "cost": focus_sums.costs,
    "time": focus_sums.times,
    "row": focus_totals.rows,
    "line": focus_totals.lines,
    "tax": focus_totals.taxes,
    "taxed_line": focus_totals.taxed_lines,
    "total": focus_totals.totals,
}


class Checked(NamedTuple):
    """What was checked: the version whose names the file has, its rows, and what is wrong."""

    version: str
    rows: int
    findings: list[FocusFinding]


def check(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Checked:
    """Return the findings about a table with the columns `names`; cells are text as in the file, None for null.

    Costs some 60 comparisons a row and memory for the parsed numbers of all rows.
    """
    version = "1.4" if set(NAMES_1_4.values()) & set(names) else FOCUS_VERSION
    wrong = list(_header_findings(names, version)) or list(_ragged(names, rows))
    if wrong:
        return Checked(version, len(rows), wrong)
    own = {new: old for old, new in NAMES_1_4.items()} if version != FOCUS_VERSION else {}
    columns = [own.get(name, name) for name in names]
    table: list[Row] = [dict(zip(columns, row, strict=True)) for row in rows]
    findings = [finding for number, row in enumerate(table, start=1) for finding in _row_findings(number, row, version)]
    sound = not findings  # sums need rows that can be read, and would only repeat what is said about others
    findings += _agreement(table)
    if sound:
        for rule, sums in SUMS.items():
            findings += [finding._replace(rule=rule) for finding in sums(table)]
    return Checked(version, len(rows), sorted(findings))


def _header_findings(names: Sequence[str], version: str) -> Iterator[FocusFinding]:
    expected = header(version)
    for name in expected:
        if name not in names:
            yield FocusFinding(0, "header.missing", name, "", f"a column of FOCUS {version}")
    for name in names:
        if name not in expected:
            yield FocusFinding(0, "header.unknown", name, name, "a column of FOCUS, or one of our x_ columns")
    for name in sorted({name for name in names if list(names).count(name) > 1}):
        yield FocusFinding(0, "header.twice", name, name, "each column once")


def _ragged(names: Sequence[str], rows: Sequence[Sequence[str | None]]) -> Iterator[FocusFinding]:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            yield FocusFinding(number, "row.cells", "", str(len(row)), f"{len(names)} cells")


def _row_findings(number: int, row: Row, version: str) -> Iterator[FocusFinding]:
    for column in COLUMNS:
        fault = _cell_fault(column, row[column.name])
        if fault:
            rule, allowed = fault
            yield FocusFinding(number, rule, column.name, row[column.name] or "", allowed)
    if row["x_FocusVersion"] != VERSION_WORDS[version]:
        found = row["x_FocusVersion"] or ""
        yield FocusFinding(number, "version", "x_FocusVersion", found, VERSION_WORDS[version])
    for must in MUSTS:
        if all(_holds(row[name], values) for name, values in must.when.items()):
            yield from _must_findings(number, row, must)


def _must_findings(number: int, row: Row, must: Must) -> Iterator[FocusFinding]:
    for name in must.columns:
        if not _holds(row[name], must.be):
            allowed = "a value" if must.be == ANY else ", ".join("null" if word is None else word for word in must.be)
            yield FocusFinding(number, must.rule, name, row[name] or "null", allowed)


def _holds(value: str | None, values: Values) -> bool:
    return value is not None if values == ANY else value in values


def _cell_fault(column: FocusColumn, value: str | None) -> tuple[str, str] | None:
    """Return the rule that a cell breaks and what would be allowed; None for a good one."""
    if value is None:
        return None if column.nullable else ("cell.null", "a value")
    if column.allowed and value not in column.allowed:
        return "cell.value", ", ".join(column.allowed)
    if not value.strip():
        return "cell.empty", "a value, or null"
    return _READERS[column.kind](column, value)


def _decimal_fault(column: FocusColumn, value: str) -> tuple[str, str] | None:
    match = _DECIMAL.fullmatch(value)
    if match is None or len(match[2]) != column.decimals or (value.startswith("-") and not value.strip("-0.")):
        return "cell.decimal", f"a decimal with {column.decimals} places"
    if column.name in ("ListUnitPrice", "ContractedUnitPrice") and value.startswith("-"):
        return "cell.negative", "0 or more"
    return None


def _integer_fault(column: FocusColumn, value: str) -> tuple[str, str] | None:
    return None if _INTEGER.fullmatch(value) else ("cell.integer", "a whole number")


def _time_fault(column: FocusColumn, value: str) -> tuple[str, str] | None:
    allowed = "a UTC time as 2026-01-01T00:00:00Z"
    if _TIME.fullmatch(value) is None:
        return "cell.time", allowed
    try:
        parse_utc(value)
    except PeriodError:
        return "cell.time", allowed
    return None


def _currency_fault(column: FocusColumn, value: str) -> tuple[str, str] | None:
    return None if value in CURRENCIES else ("cell.currency", "a code of ISO 4217")


def _text_fault(column: FocusColumn, value: str) -> tuple[str, str] | None:
    return None if value == value.strip() else ("cell.padded", "no space at either end")


_READERS: Mapping[str, Callable[[FocusColumn, str], tuple[str, str] | None]] = {
    "decimal": _decimal_fault,
    "integer": _integer_fault,
    "time": _time_fault,
    "currency": _currency_fault,
    "text": _text_fault,
}
assert {column.kind for column in BY_NAME.values()} == set(_READERS)


def _agreement(table: Sequence[Row]) -> Iterator[FocusFinding]:
    """Yield rows that differ from an earlier row of the same key in what such rows have in common."""
    for key, columns in ONE_PER:
        first: dict[str, Row] = {}
        for number, row in enumerate(table, start=1):
            word = row[key]
            if word is None:
                continue
            model = first.setdefault(word, row)
            if model is row:
                continue
            for name in columns:
                if row[name] != model[name] and not (name == "ConsumedUnit" and None in (row[name], model[name])):
                    rule, allowed = f"one_per.{key}", f"{model[name] or 'null'}, as in an earlier row of {word}"
                    yield FocusFinding(number, rule, name, row[name] or "null", allowed)
