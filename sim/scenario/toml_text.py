"""Writes a mapping as TOML: the standard library reads it and does not write it.

Enough for scenarios: tables at the top level become `[table]` and `[[row]]`, everything deeper stands on one line.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal


def to_toml(mapping: Mapping[str, object]) -> str:
    """Return `mapping` as a TOML document that reads back equal (with `parse_float=Decimal`).

    Raises:
        TypeError: a value that no scenario holds.
    """
    plain = {key: value for key, value in mapping.items() if not _is_table(value) and not _is_rows(value)}
    blocks = ["".join(f"{_key(key)} = {_inline(value)}\n" for key, value in plain.items())]
    for key, value in mapping.items():
        if isinstance(value, Mapping):
            blocks.append(_block(f"[{_key(key)}]", value))
        elif isinstance(value, list | tuple) and _is_rows(value):
            blocks += [_block(f"[[{_key(key)}]]", row) for row in value]
    return "\n".join(block for block in blocks if block)


def _block(head: str, table: Mapping[str, object]) -> str:
    return f"{head}\n" + "".join(f"{_key(key)} = {_inline(value)}\n" for key, value in table.items())


def _is_table(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_rows(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) > 0 and all(_is_table(row) for row in value)


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else _text(key)


def _text(text: str) -> str:
    """JSON escapes are TOML escapes; only DEL is fine raw in one and not in the other."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _inline(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return str(value) if "." in str(value) or "E" in str(value) else f"{value}.0"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {_inline(part)}" for key, part in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_inline(part) for part in value) + "]"
    raise TypeError(f"no TOML for {type(value).__name__}")
