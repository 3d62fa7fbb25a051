"""Keys and agents' tokens as the rows that are kept of them: sets of words stand as one text."""

from collections.abc import Mapping
from typing import Any

from tenants.access.identity import Role
from tenants.access.keys import KeyRecord
from tenants.access.tokens import AgentToken

SECRETS: Mapping[str, Any] = {"digest": "", "pepper": 0}  # columns that most may not read, and what stands for them


def key_row(record: KeyRecord) -> dict[str, Any]:
    """Return the row of a key, without when it was made."""
    return record._asdict() | {"role": record.role.value, "scopes": _text(record.scopes)}


def key_of(row: Mapping[Any, Any]) -> KeyRecord:
    """Return the key of a row, which may hold more columns, and may lack its secrets."""
    fields = _fields(KeyRecord._fields, row)
    words = {"role": Role(row["role"]), "scopes": _words(row["scopes"]), "successor": row["successor"] or ""}
    return KeyRecord(**fields | words)


def token_row(token: AgentToken) -> dict[str, Any]:
    """Return the row of a token."""
    words = {"scopes": _text(token.scopes), "tools": _text(token.tools)}
    return token._asdict() | words | {"role": token.role.value}


def token_of(row: Mapping[Any, Any]) -> AgentToken:
    """Return the token of a row, as `key_of`."""
    words = {"role": Role(row["role"]), "scopes": _words(row["scopes"]), "tools": _words(row["tools"])}
    return AgentToken(**_fields(AgentToken._fields, row) | words)


def _fields(names: tuple[str, ...], row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: SECRETS[name] if name in SECRETS and name not in row else row[name] for name in names}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _text(words: frozenset[str]) -> str:
    return " ".join(sorted(words))
