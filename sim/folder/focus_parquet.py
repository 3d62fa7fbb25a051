"""FOCUS rows read back as text, from CSV and from Parquet."""

from pathlib import Path

import duckdb

from billing.documents.csv_safe import read_csv
from billing.documents.export import is_words
from billing.documents.focus_columns import BY_NAME, NAMES_1_4
from sim.errors import SimError

_OWN = {new: old for old, new in NAMES_1_4.items()}


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


def _text(name: str) -> str:
    about, column = BY_NAME.get(_OWN.get(name, name)), _quoted(name)
    if about is not None and about.kind == "time":
        shown = f"strftime({column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ')"
        return f"CASE WHEN typeof({column}) = 'TIMESTAMP' THEN {shown} ELSE {column}::VARCHAR END"
    return f"{column}::VARCHAR"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
