"""The forms of an answer, and which of them a client wants: JSON, and for lists CSV and Parquet too.

A route says what it offers, best first. `Accept` chooses, with its weights; where nothing fits the answer is 406. CSV
and Parquet hold one row for each of a list's `items`, with a column for each field: `total.amount` is `amount` of
`total`. Decimals and times stay text, as they are in JSON; lists inside of a row are JSON text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Any, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel

from billing.api.problems import Problem
from billing.documents.csv_safe import csv_chunks, guarded
from billing.documents.table_parquet import parquet

JSON, CSV, PARQUET = "application/json", "text/csv", "application/vnd.apache.parquet"
LIST_OFFERS = (JSON, CSV, PARQUET)
_Q_MAX = 1_000
_RANGE = re.compile(r"[!#$&^_.+a-z0-9-]+/[!#$&^_.+a-z0-9-]+|[!#$&^_.+a-z0-9-]+/\*|\*/\*")
_Q = re.compile(r"(?:0(?:\.([0-9]{0,3}))?|1(?:\.0{0,3})?)")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Column(NamedTuple):
    """One column of a table: its name, the steps to it in a row, and its type in Parquet."""

    name: str
    steps: tuple[str, ...]
    kind: str


def negotiate(accept: str, offers: Sequence[str]) -> str:
    """Return which of the `offers`, best first, an `Accept` header wants; the first where it says nothing.

    Raises:
        Problem: it wants none of them (406).

    Source: RFC 9110, 12.5.1. A range that is malformed counts as absent.
    """
    ranges = dict(_ranges(accept))
    if not ranges:
        return offers[0]
    best = max(offers, key=lambda offer: (_weight(offer, ranges), -offers.index(offer)))
    if not _weight(best, ranges):
        raise Problem("not_acceptable")
    return best


def _ranges(accept: str) -> Iterator[tuple[str, int]]:
    """Each range of an `Accept` header with its weight in thousandths."""
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        if not _RANGE.fullmatch(name):
            continue
        weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        if match := _Q.fullmatch(weight):
            yield name, int((match[1] or "").ljust(3, "0")) if weight.startswith("0") else _Q_MAX


def _weight(offer: str, ranges: Mapping[str, int]) -> int:
    """The weight of the most exact range that an offer falls under; 0: not wanted."""
    for name in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        if name in ranges:
            return ranges[name]
    return 0


def item_model(answer: Any) -> type[BaseModel] | None:
    """Return the model of a list's rows; None for an answer that is no list."""
    field = getattr(answer, "model_fields", {}).get("items")
    inner = get_args(field.annotation) if field is not None else ()
    return inner[0] if inner and isinstance(inner[0], type) and issubclass(inner[0], BaseModel) else None


def columns_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[Column]:
    """Yield the columns of a row, fields of objects inside of it one by one."""
    for name, field in model.model_fields.items():
        steps = (*above, name)
        known = [each for each in _either(field.annotation) if each is not type(None)]
        if len(known) == 1 and isinstance(known[0], type) and issubclass(known[0], BaseModel):
            yield from columns_of(known[0], steps)
        else:
            kinds = {bool: "BOOLEAN", int: "BIGINT"}
            yield Column(".".join(steps), steps, kinds.get(known[0], "VARCHAR") if len(known) == 1 else "VARCHAR")


def _either(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)


def written(form: str, model: type[BaseModel], items: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the rows of a list as CSV or Parquet. `items` are rows as JSON has them."""
    columns = tuple(columns_of(model))
    rows = [[_cell(row, column.steps) for column in columns] for row in items]
    names = [column.name for column in columns]
    if form == PARQUET:
        return parquet(names, [column.kind for column in columns], rows)
    return b"".join(csv_chunks(names, ([_text(cell) for cell in row] for row in rows), frozenset()))


def _cell(row: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if row is None:
            return None
        row = row[step]
    return json.dumps(row, separators=(",", ":")) if isinstance(row, dict | list) else row


def _text(cell: Any) -> str | None:
    """A cell of CSV. What begins like a formula is made harmless, unless it is a number."""
    if cell is None or isinstance(cell, bool):
        return None if cell is None else str(cell).lower()
    return str(cell) if isinstance(cell, int) or _NUMBER.fullmatch(cell) else guarded(cell)
