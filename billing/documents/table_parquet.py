"""A table as Parquet, for whoever asks the API for one."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def parquet(names: Sequence[str], kinds: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as a Parquet file.

    Args:
        names: of the columns: our own words, never what somebody sent.
        kinds: their types in DuckDB, such as VARCHAR.

    Cost: a database in memory and a file on its way, some 20 ms. DuckDB is loaded only here: that takes a while.
    """
    import duckdb

    declared = ", ".join(f'"{name}" {kind}' for name, kind in zip(names, kinds, strict=True))
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        target = Path(folder) / "rows.parquet"
        connection.execute(f"CREATE TABLE rows ({declared})")
        if rows:
            connection.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * len(names))})", rows)
        escaped = str(target).replace("'", "''")
        connection.execute(f"COPY rows TO '{escaped}' (FORMAT parquet, COMPRESSION zstd)")
        return target.read_bytes()
