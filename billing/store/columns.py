"""Column types that hold the same values on both engines.

SQLite's STRICT tables know INTEGER and TEXT. No column is a float, and no arithmetic on money is done in SQL: what may
outgrow 64 bits stands as digits in the text of its document.
"""

from sqlalchemy import BigInteger
from sqlalchemy.dialects import sqlite

Integer = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")  # int64
