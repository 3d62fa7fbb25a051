"""Columns to Parquet: types, order, missing values, and the same bytes each time."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from sim.folder.parquet import Cells, Column, Labels, Maybe, literal, write_tables

ROWS = 130_000  # more than one row group


def write_table(path: Path, columns: dict[str, Column]) -> None:
    write_tables([(path, columns)])


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """Return everything in a file, row by row."""
    return duckdb.execute(f"SELECT * FROM read_parquet({literal(path)})").fetchall()


def types_of(path: Path) -> dict[str, str]:
    """Return name -> SQL type of each column of a file."""
    return {
        row[0]: row[1] for row in duckdb.execute(f"DESCRIBE SELECT * FROM read_parquet({literal(path)})").fetchall()
    }


def lists(*values: list[int]) -> "np.ndarray[Any, np.dtype[np.object_]]":
    """Return an object array of lists; numpy would make a table of lists of equal length."""
    cells = np.empty(len(values), dtype=object)
    for row, value in enumerate(values):
        cells[row] = value
    return cells


def test_every_kind_of_column_comes_back_as_it_went_in(tmp_path: Path) -> None:
    path = tmp_path / "a table's.parquet"
    columns: dict[str, Column] = {
        "job_id": Cells(["j1", "j'2", "é"]),
        "gpus": np.array([1, 2**62, -1]),
        "tenant": Labels(np.array([1, 0, 1]), ("a", "b's")),
        "end_s": Maybe(np.array([5, -1, 0])),
        "nodes": Cells(lists([0, 7], [], [2047]), "INTEGER[]"),
        "met": Cells([True, None, False], "BOOLEAN"),
        "terms": Cells([None, None, "gold"]),
    }
    write_table(path, columns)
    assert rows_of(path) == [
        ("j1", 1, "b's", 5, [0, 7], True, None),
        ("j'2", 2**62, "a", None, [], None, None),
        ("é", -1, "b's", 0, [2047], False, "gold"),
    ]
    assert types_of(path) == {
        "job_id": "VARCHAR",
        "gpus": "BIGINT",
        "tenant": "VARCHAR",
        "end_s": "BIGINT",
        "nodes": "INTEGER[]",
        "met": "BOOLEAN",
        "terms": "VARCHAR",
    }


def test_types_stay_when_there_is_no_row_or_no_value(tmp_path: Path) -> None:
    none = np.zeros(0, dtype=np.int64)
    write_table(tmp_path / "rows", {"a": none, "b": Labels(none, ()), "c": Cells([]), "d": Cells(lists(), "INTEGER[]")})
    assert list(types_of(tmp_path / "rows").values()) == ["BIGINT", "VARCHAR", "VARCHAR", "INTEGER[]"]
    write_table(tmp_path / "values", {"a": Cells([None]), "b": Cells([None], "BIGINT"), "c": Cells([None], "BOOLEAN")})
    assert types_of(tmp_path / "values") == {"a": "VARCHAR", "b": "BIGINT", "c": "BOOLEAN"}


def test_a_value_late_in_a_sparse_column_is_not_lost(tmp_path: Path) -> None:
    write_table(
        tmp_path / "sparse", {"a": Cells([None] * 50_000 + ["x"]), "b": Cells([None] * 50_000 + [10**15], "BIGINT")}
    )
    assert rows_of(tmp_path / "sparse")[-1] == ("x", 10**15)


def test_the_same_columns_give_the_same_bytes_with_any_number_of_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = np.arange(ROWS)
    columns: dict[str, Column] = {
        "row": row,
        "tenant": Labels(row % 7, tuple("abcdefg")),
        "job_id": Cells([f"job-{number}" for number in range(ROWS)]),
        "start_s": Maybe(row % 11 - 1),
    }
    write_table(tmp_path / "first", columns)
    write_tables((tmp_path / name, columns) for name in ("before", "second"))
    connect = duckdb.connect
    monkeypatch.setattr(duckdb, "connect", lambda **_: connect(config={"threads": 4}))
    write_table(tmp_path / "third", columns)
    first = (tmp_path / "first").read_bytes()
    assert (tmp_path / "second").read_bytes() == first
    assert (tmp_path / "third").read_bytes() == first
    assert [found[0] for found in rows_of(tmp_path / "first")] == row.tolist()


def test_a_code_without_a_word_and_columns_of_unequal_length_are_our_own_mistake(tmp_path: Path) -> None:
    two = np.array([0, 1])
    with pytest.raises(AssertionError, match="a: code without a word"):
        write_table(tmp_path / "x", {"a": Labels(two, ("only",))})
    with pytest.raises(AssertionError, match="x: columns of unequal length"):
        write_table(tmp_path / "x", {"a": two, "b": Cells(["one"])})
