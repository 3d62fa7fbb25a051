"""Names that refer to rows of a registry: found, or refused with the row's place."""

from collections.abc import Mapping, Sequence

from tenants.errors import TenantError, unknown_name


def row_of(what: str, name: str, rows: Mapping[str, int], path: str | None = None) -> int:
    """Return the row of `name`; raise `TenantError` for a name that is not there."""
    row = rows.get(name)
    if row is None:
        raise unknown_name(what, name, rows, path)
    return row


def refuse_duplicates(table: str, key: str, names: Sequence[str]) -> None:
    """Raise `TenantError` for the first name that stands twice."""
    first: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in first:
            message = f"used already by {table}[{first[name]}]"
            raise TenantError(message, code="duplicate", path=f"{table}[{row}].{key}", found=name)
        first[name] = row
