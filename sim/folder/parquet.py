"""Columns of numpy arrays to Parquet files and back, through DuckDB.

The same columns give the same bytes, but not with another release of DuckDB, which writes its own name into every file.
Text that repeats is handed over as codes and words (`Labels`), so that a million rows do not become a million Python
strings.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
from numpy.typing import NDArray

from sim.result import IntArray


class Labels(NamedTuple):
    """A text column as `words[code]`, row by row."""

    code: IntArray  # (n,)
    words: Sequence[str]


class Maybe(NamedTuple):
    """An integer column in which -1 means that there is no value; NULL in the file."""

    value: IntArray  # (n,)


class Cells(NamedTuple):
    """A column given value by value, None for no value, and its SQL type.

    Lists of integers (INTEGER[]) come in an object array, since numpy would make a table of lists of equal length.
    """

    values: Sequence[object] | NDArray[np.object_]
    sql_type: str = "VARCHAR"


# What a column may be: an integer array (BIGINT in the file) or one of the above.
Column = IntArray | Labels | Maybe | Cells


def write_tables(files: Iterable[tuple[Path, Mapping[str, Column]]]) -> None:
    """Write columns of equal length to each path, one after another; rows and columns stay in the order given.

    Raises:
        duckdb.IOException: a file cannot be written; those before it stay.
    """
    # One database for all: opening one takes ten times as long as writing a small file.
    # One thread: a million rows of 20 columns take as long as with four, and a quarter of the memory.
    with duckdb.connect(config={"threads": 1}) as connection:
        for path, columns in files:
            _write(connection, path, columns)


def _write(connection: duckdb.DuckDBPyConnection, path: Path, columns: Mapping[str, Column]) -> None:
    source: dict[str, NDArray[Any]] = {}  # the query below finds it by this name
    words: dict[str, Sequence[str]] = {}
    select = []
    for name, column in columns.items():
        match column:
            case Labels(code, labels):
                # An index out of range would become NULL without a word.
                assert not len(code) or 0 <= code.min() <= code.max() < len(labels), f"{name}: code without a word"
                source[name], words[name] = code, labels
                expression = f"(${name})[{name} + 1]::VARCHAR"
            case Maybe(value):
                source[name], expression = value, f"nullif({name}, -1)"
            case Cells(values, sql_type):
                source[name], expression = np.array(values, dtype=object), f"{name}::{sql_type}"
            case _:
                source[name], expression = column, name
        select.append(f"{expression} AS {name}")
    assert len({len(array) for array in source.values()}) == 1, f"{path.name}: columns of unequal length"
    copy = f"COPY (SELECT {', '.join(select)} FROM source) TO {literal(path)} (FORMAT parquet, COMPRESSION zstd)"
    connection.execute(copy, {name: list(labels) for name, labels in words.items()})


def literal(path: Path) -> str:
    """Return a path as an SQL string, for the statements that take no parameter in its place."""
    return "'" + str(path).replace("'", "''") + "'"
