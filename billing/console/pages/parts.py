"""What pages share: cells made of the API's answers, and lists as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from billing.console.asking import Answer
from billing.console.blocks import Cell, Column, Field, Table
from billing.console.visit import Visit

PER_UNIT = "The unit price is for what the price list names: a GPU-hour for GPU-seconds."


def amount(money: Mapping[str, Any] | None) -> str | None:
    """Return money as a cell: its decimal text. The currency stands in the heading of the column or beside it."""
    return None if money is None else str(money["amount"])


def priced(money: Mapping[str, Any] | None) -> str:
    """Return money with its currency: 23.60 USD."""
    return "-" if money is None else f"{money['amount']} {money['currency']}"


def currency_in(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """Return the currency of a column, in brackets, where all rows have the same."""
    found = {row[name]["currency"] for row in rows if row.get(name)}
    return f", {next(iter(found))}" if len(found) == 1 else ""


def listed(
    name: str,
    caption: str,
    answer: Answer,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    note: str = "",
    empty: str = "Nothing yet.",
) -> Table:
    """Return a list of the API as a table; where it was refused, why."""
    return Table(name, caption, columns, rows, answer.link, note, empty if answer.ok else why(answer), answer.more)


def why(answer: Answer) -> str:
    """Return in words why there is no answer."""
    if answer.status == 403:
        return "The key that you signed in with may not see this."
    if answer.status == 404:
        return "There is nothing of this kind yet."
    told = answer.data if isinstance(answer.data, dict) else {}
    faults = "; ".join(f"{each['at'].removeprefix('query.')} {each['reason']}" for each in told.get("errors", ()))
    return f"{told.get('title', 'It could not be read')}{': ' if faults else ''}{faults}."


def kept(visit: Visit, name: str, usual: str = "") -> str:
    """Return what stands in the address under a name, or what was last put into a form's field."""
    return visit.text(name) or visit.query.get(name, usual)


def month_field(visit: Visit, value: str, label: str = "Month") -> Field:
    """Return the field in which a month is chosen."""
    return Field("period", label, "month", kept(visit, "period", value), hint="Such as 2026-11.")


def month_of(visit: Visit) -> str | None:
    """Return the month in the address, None where there is none."""
    return visit.query.get("period") or None
