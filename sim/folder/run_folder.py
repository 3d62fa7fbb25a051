"""A run folder: the one home of what a run produced. Same world, policy and program: same bytes in every file.

Rows and columns stand in a fixed order, and nothing tells when, where or by whom the folder was made. It is written
beside its place under a hidden name and moved there in one step, so that it appears whole or not at all; when it is
read, each file is first held against its hash in the manifest.

    manifest.json   what was run, findings, hashes       jobs.parquet          one row per job
    scenario.toml   the scenario in full                 allocations.parquet   one row per allocation segment
    summary.json    headline numbers                     hourly_usage.parquet  GPU-seconds per tenant and hour
    tape.jsonl.gz   events and decisions, if recorded    line_items.parquet    the same, priced
    report.html     the page, if drawn                   capacity.parquet      where every installed GPU-second was
    waits.parquet   what each job waited for             sla.parquet           service levels and credits
    evictions.parquet   who had to leave for whom        internal_delay.parquet    whom rentals delayed, job by job
    contracts.parquet   what contracts came to           wallets.parquet, spend_alerts.parquet    paid and told
"""

import gzip
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from billing.books import Books
from billing.usage import Names
from sim.errors import SimError
from sim.folder.manifest import read_manifest, require_unchanged, write_json, write_manifest
from sim.folder.parquet import literal, write_tables
from sim.folder.tables import TABLES, tables
from sim.result import RunResult

SCENARIO, SUMMARY, TAPE, REPORT = "scenario.toml", "summary.json", "tape.jsonl.gz", "report.html"
_TAPE_LEVEL = 4  # of gzip: a third of the time of the default level, for a tenth more bytes
_TAPE_LINES = 4096


def require_free(out: Path) -> None:
    """Refuse a place where no run folder can go: anything that exists, but for an empty folder.

    Worth asking before a long run; `write` asks again.

    Raises:
        SimError: `out` is a file, or a folder that is not empty, or cannot be looked into.
    """
    try:
        if not out.is_dir() and os.path.lexists(out):
            raise _no_place(out, "output folder exists as a file")
        if out.is_dir() and any(out.iterdir()):
            raise _no_place(out, "output folder is not empty")
    except OSError as error:
        raise _no_place(out, "output folder cannot be read", error) from None


def write(
    out: Path,
    result: RunResult,
    books: Books | None,
    scenario_name: str,
    scenario_toml: str,
    summary: Mapping[str, Any],
    report_html: str | None = None,
    baseline: RunResult | None = None,
) -> Path:
    """Write a run folder at `out`, whole or not at all, and return its path.

    Args:
        out:           a path that does not exist yet, or an empty folder; missing parents are made.
        result:        the run. Without a tape there is no tape.jsonl.gz.
        books:         its books; None for a run that was not metered: the tables of the books are then empty.
        scenario_name: the scenario's name, without a path.
        scenario_toml: the scenario in full, with the overrides that the run had.
        summary:       headline numbers; anything that JSON can hold.
        report_html:   the page; None for no report.html.
        baseline:      the same world with rentals off, for internal_delay.parquet; None leaves that without rows.

    Raises:
        SimError: `out` is taken, or the disk refuses.
    """
    require_free(out)
    place = out.resolve()
    draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
    try:
        draft.mkdir(parents=True)
        _write_text(draft / SCENARIO, scenario_toml)
        write_json(draft / SUMMARY, summary)
        write_tables((draft / f"{table}.parquet", columns) for table, columns in tables(result, books, baseline))
        if result.tape is not None:
            _write_tape(draft / TAPE, result.tape)
        if report_html is not None:
            _write_text(draft / REPORT, report_html)
        write_manifest(draft, result, books, scenario_name, scenario_toml)
        draft.replace(place)  # takes the place of an empty folder, and fails if it has been filled meanwhile
    except (OSError, duckdb.IOException) as error:
        raise _no_place(out, "run folder cannot be written", error) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out


def read(path: Path) -> "RunFolder":
    """Open a run folder; tables and texts are read when they are asked for.

    Raises:
        SimError: no run folder there, one of another format, or one in which a file is missing or cut short.
    """
    return RunFolder(path, read_manifest(path))


class RunFolder:
    """A finished run on disk, read when asked. Columns are those of `sim.folder.tables`; damage is a SimError."""

    def __init__(self, path: Path, manifest: Mapping[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self.names = Names(
            tenants=tuple(manifest["tenants"]),
            products=tuple(manifest["products"]),
            regions=tuple(manifest["regions"]),
            skus=tuple(manifest["skus"]),
            epoch_s=manifest["epoch_s"],
        )
        self._unchanged: set[str] = set()

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        """Where all reads are made, each with a cursor of its own: opening one takes longer than most reads."""
        return duckdb.connect()

    def file(self, name: str) -> Path:
        """Return the path of a file of the run that is as the run has written it.

        Raises:
            SimError: the run has no such file, or the file is damaged.
        """
        path = self.path / name
        if name not in self.manifest["files"]:
            allowed = ", ".join(self.manifest["files"])
            raise SimError("run has no such file", code="run.no_file", file=str(path), allowed=allowed)
        if name not in self._unchanged:
            require_unchanged(path, self.manifest)
            self._unchanged.add(name)
        return path

    def scenario_toml(self) -> str:
        """Return the scenario in full."""
        return self.file(SCENARIO).read_text(encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        """Return the headline numbers."""
        summary: dict[str, Any] = json.loads(self.file(SUMMARY).read_text(encoding="utf-8"))
        return summary

    def tape(self) -> Iterator[str]:
        """Yield the lines of the tape, without line ends."""
        with gzip.open(self.file(TAPE), "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")

    def columns(self, table: str, *names: str) -> dict[str, NDArray[Any]]:
        """Return columns of a table, all of them if none is named: int64 with -1 for no value, or text (object)."""
        chosen = ", ".join(names) or "*"
        with self._database.cursor() as connection:
            found = connection.execute(f"SELECT {chosen} FROM {self._source(table)}").fetchnumpy()
        return {name: _filled(column) for name, column in found.items()}

    def query(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Return the rows of a query in which the tables go by their names and `$name` stands for a parameter.

            run.query("SELECT sum(gpu_s) AS gpu_s FROM hourly_usage WHERE tenant = $tenant", tenant="aurora")

        Sums of integers are exact. The order of the rows is the query's own business: say ORDER BY.
        """
        with self._database.cursor() as connection:
            for table in TABLES:
                if table in sql:
                    connection.execute(f"CREATE TEMP VIEW {table} AS SELECT * FROM {self._source(table)}")
            done = connection.execute(sql, parameters)
            names = [column[0] for column in done.description or ()]
            return [dict(zip(names, row, strict=True)) for row in done.fetchall()]

    def _source(self, table: str) -> str:
        return f"read_parquet({literal(self.file(f'{table}.parquet'))})"


def _filled(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column of DuckDB's as a plain array: no value is -1 in integers, None in text."""
    if not isinstance(column, np.ma.MaskedArray):
        return column
    return np.asarray(column.filled(None if column.dtype == object else -1))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_tape(path: Path, tape: Sequence[str]) -> None:
    """Write lines as gzip that tells neither a name nor a time."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", _TAPE_LEVEL, raw, mtime=0) as packed:
        for at in range(0, len(tape), _TAPE_LINES):
            packed.write("".join(f"{line}\n" for line in tape[at : at + _TAPE_LINES]).encode())


def _no_place(out: Path, message: str, error: Exception | None = None) -> SimError:
    """Make the error for an output folder that cannot be."""
    found = getattr(error, "strerror", None) or error
    allowed = "a path that is new or an empty folder, on a disk that can be written"
    return SimError(message, code="run.out", file=str(out), found=found, allowed=allowed)
