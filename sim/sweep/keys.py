"""Keys of a scenario as a sweep names them: `days`, `policy.lend`, `pool[0].nodes`, `demand[*].jobs_per_day`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sim.errors import SimError

_PART = re.compile(r"([A-Za-z0-9_-]+)(?:\[(\d+|\*)\])?")


def flattened(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (key path, what stands there): TOML reads `policy.lend = ...` as a table in a table. A table that says
    `low` is an end."""
    for key, value in table.items():
        here = f"{path}.{key}" if path else key
        if isinstance(value, Mapping) and "low" not in value:
            yield from flattened(value, here)
        else:
            yield here, value


def replaced(mapping: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of a scenario's tables in which `value` stands at `path`; `[*]` is every row. The rest is shared.

    Raises:
        SimError: no path, a row that is not there, or a table that is a value. Whether the last key exists is for the
            scenario to say.
    """
    parts = [_PART.fullmatch(part) for part in path.split(".")]
    if not all(parts):
        allowed = "keys with dots between them, rows as [0] or [*]"
        raise SimError("not a key of a scenario", code="unknown_key", path=path, allowed=allowed)
    found = _replaced(mapping, [(part[1], part[2]) for part in parts if part], value, path)
    assert isinstance(found, dict)
    return found


def _replaced(node: object, parts: list[tuple[str, str | None]], value: object, path: str) -> object:
    if not parts:
        return value
    if not isinstance(node, Mapping):
        raise SimError("goes through a value as if it were a table", code="unknown_key", path=path, found=repr(node))
    (key, row), rest = parts[0], parts[1:]
    if row is None:
        return {**node, key: _replaced(node.get(key, {}), rest, value, path)}
    rows = node.get(key, [])
    if not isinstance(rows, list):
        raise SimError(f"{key} is no list of rows", code="unknown_key", path=path, found=type(rows).__name__)
    chosen = range(len(rows)) if row == "*" else range(int(row), int(row) + 1)
    if not chosen or chosen[-1] >= len(rows):
        allowed = f"{key}[0] to {key}[{len(rows) - 1}]" if rows else f"a scenario with rows of {key}"
        raise SimError("no such row", code="unknown_key", path=path, found=f"{len(rows)} rows", allowed=allowed)
    return {
        **node,
        key: [_replaced(each, rest, value, path) if place in chosen else each for place, each in enumerate(rows)],
    }
