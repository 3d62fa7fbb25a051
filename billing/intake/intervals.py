"""Plain CSV of intervals, one a line, under a header that names the columns in any order:

    id,tenant,product,region,sku,gpus,start,end[,cause]

Times are Unix seconds or RFC 3339 with an offset; an empty end is still running. product, region and sku may be left
out where one value holds for the whole file. Other columns are not read. No field may hold a line break.
"""

import csv
from collections.abc import Iterable, Iterator

from billing.errors import UsageError
from billing.intake.record import GPUS_MAX, Defaults, Interval, Passed, Rejected, gpus_of, name_fault, unix_s
from billing.usage import CAUSES

_WANTED = ("id", "tenant", "gpus", "start", "end")
_DEFAULTED = Defaults._fields
_TIME = "Unix seconds, or RFC 3339 with an offset"


def read_intervals(lines: Iterable[str], defaults: Defaults, file: str) -> Iterator[Interval | Rejected | Passed]:
    """Yield what each line tells; a line that makes no sense is rejected, and the rest goes on. Memory: one line.

    Raises:
        UsageError: the header lacks a column that nothing stands in for.
    """
    numbered = iter(enumerate(lines, 1))
    header = next(numbered, (1, ""))[1].lstrip("\ufeff").strip().split(",")
    at = columns_of(header, defaults, file)
    width = len(header)
    fixed = [getattr(defaults, name) for name in _DEFAULTED]
    for number, text in numbered:
        cells = text.rstrip("\r\n").split(",")
        if not text.strip():
            continue
        if '"' in text:
            try:
                cells = next(csv.reader([text.rstrip("\r\n")]), [])
            except csv.Error as error:
                yield Rejected(number, cells[0][:80], f"not a line of CSV: {error}")
                continue
        if len(cells) != width:
            yield Rejected(number, cells[0][:80] if cells else "", f"{len(cells)} columns, the header has {width}")
            continue
        yield _interval(number, cells, at, fixed)


def columns_of(header: list[str], defaults: Defaults, file: str) -> dict[str, int]:
    """Return where each column stands.

    Raises:
        UsageError: a column is missing, or stands twice.
    """
    at = {name.strip(): place for place, name in enumerate(header)}
    for name in (*_WANTED, *_DEFAULTED, "cause"):
        if sum(each.strip() == name for each in header) > 1:
            raise UsageError("column stands twice", code="duplicate", file=file, path=name, allowed="each column once")
    given = [name for name in _DEFAULTED if getattr(defaults, name)]
    for name in (*_WANTED, *_DEFAULTED):
        if name not in at and name not in given:
            allowed = f"a header line with {', '.join((*_WANTED, *_DEFAULTED))}; one for all may be given as --{name}"
            allowed = allowed if name in _DEFAULTED else f"a header line with {', '.join((*_WANTED, *_DEFAULTED))}"
            raise UsageError("column is missing", code="missing_key", file=file, path=name, allowed=allowed)
    return at


def _interval(number: int, cells: list[str], at: dict[str, int], fixed: list[str]) -> Interval | Rejected:
    id_, tenant, gpus_text, start, end = (cells[at[name]].strip() for name in _WANTED)
    gpus, start_s, end_s = gpus_of(gpus_text), unix_s(start), unix_s(end) if end else None
    product, region, sku = (
        (cells[at[name]].strip() if name in at else "") or one for name, one in zip(_DEFAULTED, fixed, strict=True)
    )
    cause = (cells[at["cause"]].strip() if "cause" in at else "") or "finished"
    fault = ""
    if gpus is None:
        fault = f"gpus is {gpus_text[:40]!r}, allowed 1 to {GPUS_MAX}"
    elif start_s is None:
        fault = f"start is {start[:40]!r}, allowed {_TIME}"
    elif end and end_s is None:
        fault = f"end is {end[:40]!r}, allowed {_TIME}, or nothing"
    elif cause not in CAUSES:
        fault = f"cause is {cause[:40]!r}, allowed {', '.join(CAUSES)}"
    fault = fault or name_fault(id_, tenant, product, region, sku)
    if fault or gpus is None or start_s is None:
        return Rejected(number, id_[:80], fault)
    return Interval(number, id_, tenant, product, region, sku, gpus, start_s, end_s, cause, 0)
