"""Philly as resampled by Chronus: one CSV row a job, with submit time and duration in *minutes*.

A virtual cluster (`user`) is a tenant. Its strict jobs run as internal research and its best-effort jobs as spot
rentals, so one tenant stands on both sides of the fence. Every tenant is of kind external: nodes are then scrubbed
between two renters, which is the safe reading; whose jobs are internal is a matter of the product's band, not of the
tenant's kind. The trace has no estimates of its own: the duration is taken for them.
"""

import csv
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np

from sim.errors import SimError
from sim.result import IntArray
from sim.traces.clean import RawRows, clean
from sim.traces.trace import Trace, bad_line, file_name, lines, shown

MINUTE_S = 60
PRODUCTS = ("int.research", "bare.spot")
_PRODUCT_OF = {("strict", "0"): 0, ("best", "1"): 1}  # (job_type, best_effort) -> row of PRODUCTS
_NUMBERS = ("job_id", "num_gpu", "submit_time", "duration")
_WORDS = ("user", "job_type", "best_effort")
_DIGITS_MAX = 10  # minutes of so many digits become seconds that are below 10^12 still
_whole_number = re.compile(rf"-?[0-9]{{1,{_DIGITS_MAX}}}").fullmatch


@dataclass(frozen=True, slots=True)
class PhillyRows:
    """The columns of the file that matter here, as they stand in it; int64, (n,)."""

    line: IntArray
    job: IntArray
    gpus: IntArray
    submit_min: IntArray
    run_min: IntArray
    tenant: IntArray  # index into `tenants`
    product: IntArray  # index into PRODUCTS
    tenants: tuple[str, ...]  # in alphabetical order


def read(path: Path, *, estimates: Literal["requested", "actual"] = "requested") -> Trace:
    """Read the trace as internal research (strict) and spot rentals (best effort).

    `estimates` changes nothing, since duration is all there is; it is taken so that all readers are called alike.

    Raises:
        SimError: the file is not such a trace, or no job in it can be run.
    """
    rows = parse(path)
    raw = RawRows(
        line=rows.line,
        job=rows.job,
        tenant=rows.tenant,
        product=rows.product,
        gpus=rows.gpus,
        submit_s=rows.submit_min * MINUTE_S,
        run_s=rows.run_min * MINUTE_S,
        estimate_s=None,
    )
    return Trace(
        file=file_name(path),
        jobs=clean(path, raw),
        tenants=rows.tenants,
        tenant_kind="external",
        products=PRODUCTS,
        epoch_s=0,
        processors=0,
        rows_read=len(rows.line),
    )


def parse(path: Path) -> PhillyRows:
    """Read the columns that matter, unchanged and in the file's order.

    Raises:
        SimError: the header lacks a column, a row is ragged or holds a field that makes no sense, or there is no row.
    """
    rows = csv.reader(_text(path), strict=True)
    numbers, codes = array("q"), array("q")
    tenant_of: dict[str, int] = {}
    try:
        header = next(rows, [])
        column_of = _columns(path, header)
        pick_numbers = itemgetter(*(column_of[name] for name in _NUMBERS))
        pick_words = itemgetter(*(column_of[name] for name in _WORDS))
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                found, allowed = str(len(row)), str(len(header))
                raise bad_line(path, rows.line_num, "wrong number of columns", found=found, allowed=allowed)
            texts = pick_numbers(row)
            tenant, *kind = pick_words(row)
            product = _PRODUCT_OF.get(tuple(kind))
            if product is None or not tenant or not all(map(_whole_number, texts)):
                raise _bad_row(path, rows.line_num, dict(zip(header, row, strict=True)))
            numbers.extend(map(int, texts))
            codes.extend((rows.line_num, tenant_of.setdefault(tenant, len(tenant_of)), product))
    except csv.Error as error:
        message, allowed = "not a CSV row", "comma-separated text"
        raise bad_line(path, rows.line_num, message, found=str(error), allowed=allowed) from None
    if not codes:
        raise SimError("no job row", code="trace.empty", file=str(path), allowed="a header and one row a job")
    job, gpus, submit_min, run_min = np.frombuffer(numbers, dtype=np.int64).reshape(-1, len(_NUMBERS)).T.copy()
    line, tenant_code, product_code = np.frombuffer(codes, dtype=np.int64).reshape(-1, 3).T.copy()
    tenants = tuple(sorted(tenant_of))
    rank = np.array([tenants.index(tenant) for tenant in tenant_of], dtype=np.int64)
    return PhillyRows(line, job, gpus, submit_min, run_min, rank[tenant_code], product_code, tenants)


def _text(path: Path) -> Iterator[str]:
    """Yield the lines of the file as text."""
    for number, line in lines(path):
        try:
            # A byte order mark, as spreadsheets write it, is no part of the first column's name.
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise bad_line(path, number, "not a text file", found=shown(line), allowed="UTF-8") from None


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    """Return where each column stands."""
    missing = [name for name in _NUMBERS + _WORDS if name not in header]
    if missing:
        found, allowed = shown(",".join(header)), ", ".join(_NUMBERS + _WORDS)
        raise bad_line(path, 1, f"header without column {missing[0]}", found=found, allowed=allowed)
    return {name: header.index(name) for name in _NUMBERS + _WORDS}


def _bad_row(path: Path, number: int, row: dict[str, str]) -> SimError:
    """Make the error for a row: the first field at fault."""
    for name in _NUMBERS:
        if not _whole_number(row[name]):
            allowed = f"a whole number of at most {_DIGITS_MAX} digits"
            return bad_line(path, number, f"column {name} is out of range", found=shown(row[name]), allowed=allowed)
    if not row["user"]:
        return bad_line(path, number, "column user is empty", found="''", allowed="a tenant")
    found = f"job_type {shown(row['job_type'])}, best_effort {shown(row['best_effort'])}"
    return bad_line(path, number, "unknown kind of job", found=found, allowed="strict with 0, or best with 1")
