"""Column types that hold the same values on both engines.

SQLite's STRICT tables know INTEGER and TEXT. Money past 64 bits is digits: TEXT in SQLite, NUMERIC(38, 0) in
PostgreSQL. No column is a float and no arithmetic on money is done in SQL.
"""

from typing import Any

from sqlalchemy import BigInteger, Dialect, Numeric, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeDecorator, TypeEngine

Integer = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")  # int64


class Digits(TypeDecorator[int]):
    """A Python int of any size up to 38 digits."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Return what the engine stores."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Numeric(38, 0, asdecimal=True))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Return the value as the driver takes it: both engines read digits."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """Return the int again."""
        return None if value is None else int(value)
