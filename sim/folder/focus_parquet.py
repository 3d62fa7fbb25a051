"""FOCUS rows as Parquet, made from their CSV file so that both say the same, and both read back as text."""

from pathlib import Path

import duckdb

from billing.documents.csv_safe import read_csv
from billing.documents.export import is_words
from billing.documents.focus_columns import BY_NAME, NAMES_1_4
from sim.errors import SimError
from sim.folder.parquet import literal

_OWN = {new: old for old, new in NAMES_1_4.items()}
# Numerators may not fit any integer column: they stay text.
_EXACT = ("x_CostNumerator", "x_CostDenominator")


def write_focus_parquet(source: Path, target: Path, names: list[str]) -> None:
    """Write the CSV file `source` with columns `names` as Parquet: decimals of 38 digits, UTC timestamps, integers."""
    columns = ", ".join(f"{_typed(name)} AS {_quoted(name)}" for name in names)
    # One thread and no parallel reading: a cell may hold a newline, and rows must stay in order.
    form = "header = true, all_varchar = true, parallel = false, delim = ',', quote = '\"', escape = '\"'"
    read = f"read_csv({literal(source)}, {form})"
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(
            f"COPY (SELECT {columns} FROM {read}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )


def read_focus(path: Path) -> tuple[list[str], list[list[str | None]]]:
    """Return column names and rows of a FOCUS file, CSV or Parquet by its ending, every cell as text or None.

    Raises:
        SimError: another ending, or a file that is not what its ending says.
    """
    if path.suffix == ".csv":
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SimError("not UTF-8", code="focus.unreadable", file=str(path), found=str(error)) from None
        words = {name for name in (*BY_NAME, *_OWN) if is_words(_OWN.get(name, name))}
        return read_csv(text, words)
    if path.suffix != ".parquet":
        raise SimError("unknown kind of file", file=str(path), found=path.suffix, allowed=[".csv", ".parquet"])
    try:
        with duckdb.connect() as connection:
            found = connection.execute("SELECT * FROM read_parquet(?)", [str(path)])
            names = [column[0] for column in found.description or ()]
            shown = ", ".join(_text(name) for name in names)
            rows = connection.execute(f"SELECT {shown} FROM read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise SimError("cannot be read as Parquet", code="focus.unreadable", file=str(path), found=reason) from None
    return names, [list(row) for row in rows]


def _typed(name: str) -> str:
    about, column = BY_NAME[_OWN.get(name, name)], _quoted(name)
    if name in _EXACT or about.kind == "currency":
        return column
    if about.kind == "decimal":
        return f"{column}::DECIMAL(38, {about.decimals})"
    if about.kind == "integer":
        return f"{column}::BIGINT"
    if about.kind == "time":
        return f"replace({column}, 'Z', '')::TIMESTAMP"
    if not is_words(about.name):
        return column
    return rf"CASE WHEN regexp_matches({column}, '^''[=+\-@\t\r'']') THEN {column}[2:] ELSE {column} END"


def _text(name: str) -> str:
    about, column = BY_NAME.get(_OWN.get(name, name)), _quoted(name)
    if about is not None and about.kind == "time":
        shown = f"strftime({column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ')"
        return f"CASE WHEN typeof({column}) = 'TIMESTAMP' THEN {shown} ELSE {column}::VARCHAR END"
    return f"{column}::VARCHAR"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
