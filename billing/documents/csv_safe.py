"""CSV that a spreadsheet opens without running anything, and that a program reads back exactly (ADR 0050).

A cell of words that begins like a formula gets an apostrophe in front; so does one that begins with an apostrophe, and
reading takes exactly one away again. Numbers, times and codes of our own are never touched. Null is an empty cell.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_SPECIAL = re.compile(r'[,"\r\n]')
_CHUNK_ROWS = 5_000


def guarded(text: str) -> str:
    """Return a cell of words as it is written."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguarded(cell: str) -> str:
    """Return the words of a cell that `guarded` wrote; words of others stay as they are."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def csv_chunks(
    names: Sequence[str], rows: Iterable[Sequence[str | None]], words: frozenset[str] | set[str]
) -> Iterator[bytes]:
    """Yield a table as RFC 4180 text in UTF-8 with plain newlines, some thousand rows at a time.

    `words` are the columns that hold free text; only those are guarded.
    """
    free = [name in words for name in names]
    lines = [",".join(map(_quoted, names))]
    for row in rows:
        cells = zip(row, free, strict=True)
        lines.append(
            ",".join("" if cell is None else _quoted(guarded(cell) if guard else cell) for cell, guard in cells)
        )
        if len(lines) == _CHUNK_ROWS:
            yield "".join(f"{line}\n" for line in lines).encode()
            lines.clear()
    yield "".join(f"{line}\n" for line in lines).encode()


def read_csv(data: str, words: frozenset[str] | set[str]) -> tuple[list[str], list[list[str | None]]]:
    """Return header and rows of such a text; an empty cell is null. A row of another length stays as it is."""
    names, *rows = [*csv.reader(io.StringIO(data, newline=""))] or [[]]
    free = [name in words for name in names]
    free += [False] * max(map(len, rows), default=0)
    read = [
        [(unguarded(cell) if guard else cell) or None for cell, guard in zip(row, free, strict=False)] for row in rows
    ]
    return names, read


def _quoted(cell: str) -> str:
    """Return a cell in quotes if it needs them. Not `csv.writer`, whose rules about \\r differ between Pythons."""
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if _SPECIAL.search(cell) else cell
