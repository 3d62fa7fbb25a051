"""Tables of exports as Parquet, made from their CSV so that both say the same."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from billing.documents.export import is_words
from billing.documents.focus_columns import BY_NAME, NAMES_1_4

_OWN = {new: old for old, new in NAMES_1_4.items()}
# Numerators may not fit any integer column: they stay text.
_EXACT = ("x_CostNumerator", "x_CostDenominator")
_GUARDED = r"regexp_matches({column}, '^''[=+\-@\t\r'']')"  # as `billing.documents.csv_safe` writes it


def write_focus_parquet(source: Path, target: Path, names: Sequence[str]) -> None:
    """Write the CSV file `source` with columns `names` as Parquet: decimals of 38 digits, UTC timestamps, integers."""
    _copied(source, target, [f"{_typed(name)} AS {_quoted(name)}" for name in names])


def focus_parquet(data: bytes, names: Sequence[str]) -> bytes:
    """Return FOCUS rows, which came as CSV, as the bytes of a Parquet file: those of `write_focus_parquet`."""
    return _packed(data, [f"{_typed(name)} AS {_quoted(name)}" for name in names])


def text_parquet(data: bytes, names: Sequence[str], words: frozenset[str]) -> bytes:
    """Return a table of text, which came as CSV, as the bytes of a Parquet file. `words` are guarded in the CSV."""
    return _packed(data, [f"{_plain(name) if name in words else _quoted(name)} AS {_quoted(name)}" for name in names])


def _packed(data: bytes, columns: Sequence[str]) -> bytes:
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "rows.csv", Path(folder) / "rows.parquet"
        source.write_bytes(data)
        _copied(source, target, columns)
        return target.read_bytes()


def _copied(source: Path, target: Path, columns: Sequence[str]) -> None:
    import duckdb

    # One thread and no parallel reading: a cell may hold a newline, and rows must stay in order.
    form = "header = true, all_varchar = true, parallel = false, delim = ',', quote = '\"', escape = '\"'"
    read = f"read_csv({_literal(source)}, {form})"
    with duckdb.connect(config={"threads": 1}) as connection:
        made = f"SELECT {', '.join(columns)} FROM {read}"
        connection.execute(f"COPY ({made}) TO {_literal(target)} (FORMAT parquet, COMPRESSION zstd)")


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
    return _plain(name) if is_words(about.name) else column


def _plain(name: str) -> str:
    """Words as they were before they were guarded."""
    column = _quoted(name)
    return f"CASE WHEN {_GUARDED.format(column=column)} THEN {column}[2:] ELSE {column} END"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
