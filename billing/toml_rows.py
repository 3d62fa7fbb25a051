"""Rows of TOML tables into records, with one line of refusal that names file, row and key."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from billing.errors import PriceError
from tenants.errors import first_complaint
from tenants.model import Record

Row = TypeVar("Row", bound=Record)


def read_row(kind: type[Row], row: object, place: str, file: str | None) -> Row:
    """Return one row of a table as `kind`; `place` is where it stands, such as "price[3]".

    Raises:
        PriceError: naming file, row and key, what was found and what is allowed.
    """
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        fault = first_complaint(error, kind)
    path = f"{place}.{fault.path}" if fault.path else place
    allowed = fault.allowed if isinstance(fault.allowed, str | None) else ", ".join(fault.allowed)
    raise PriceError(fault.message, code=fault.code, file=file, path=path, found=fault.found, allowed=allowed)


def rows_of(mapping: Mapping[str, Any], table: str, file: str | None) -> Sequence[Mapping[str, Any]]:
    """Return the rows of an array of tables; none if it is absent. Raises PriceError if it is something else."""
    rows = mapping.get(table, ())
    if not isinstance(rows, list | tuple):
        raise PriceError("not an array of tables", file=file, path=table, found=rows, allowed=f"[[{table}]]")
    return rows
