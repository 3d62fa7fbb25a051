"""Exports on disk: all files of a format or none of them, none overwritten by accident."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from billing.documents.bundle_parts import Bundle
from billing.documents.export import EXPORTS, Table, focus_name, focus_table, tables
from billing.documents.focus_parquet import write_focus_parquet
from sim.errors import SimError
from sim.folder.parquet import Cells, Column, write_tables

PARQUET = "parquet"


def write_files(bundle: Bundle, format_: str, out: Path, force: bool = False) -> list[dict[str, Any]]:
    """Write the files of a format (a key of EXPORTS, or parquet) into `out`; return name, bytes and SHA-256 of each.

    They are made in a hidden folder inside of `out` and moved when all of them are there.

    Raises:
        SimError: a file of that name is there and `force` is not set. Nothing was written.
        BillingError: a document that cannot be made. Nothing was written.
    """
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".export-", dir=out))
    try:
        _make(bundle, format_, draft)
        made = sorted(draft.iterdir())
        there = [path.name for path in made if (out / path.name).exists()]
        if there and not force:
            hint = "--force to overwrite them, or another folder with --out"
            raise SimError("files are there already", code="export.exists", file=str(out), found=there, allowed=hint)
        files = [_entry(path) for path in made]
        for path in made:
            path.replace(out / path.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return files


def _make(bundle: Bundle, format_: str, folder: Path) -> None:
    if format_ == PARQUET:
        write_tables((folder / f"{name}.parquet", _cells(table)) for name, table in tables(bundle).items())
        return
    for name, parts in EXPORTS[format_](bundle):
        _write(folder / name, parts)
    if format_ == "focus":
        source = folder / f"{focus_name(bundle)}.csv"
        write_focus_parquet(source, folder / f"{focus_name(bundle)}.parquet", focus_table(bundle).names)


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


def _cells(table: Table) -> dict[str, Column]:
    columns = list(zip(*table.rows, strict=True)) or [()] * len(table.names)
    return {name: Cells(list(column)) for name, column in zip(table.names, columns, strict=True)}


def _entry(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": digest}
