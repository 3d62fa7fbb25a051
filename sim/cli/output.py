"""Answers on stdout: tables for people, CSV and Markdown for pipes, one JSON document for programs.

Everything that reaches stdout goes through `answer`, once per command. Warnings and notes go to stderr by `note`.
"""

import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from sim.cli.failure import DONE
from sim.cli.frame import Session

CsvFlag = Annotated[bool, typer.Option("--csv", help="Tables as CSV.")]
MdFlag = Annotated[bool, typer.Option("--md", help="Tables as Markdown.")]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of finished text: numbers bare, as `1234567.89`. A column whose name ends in `>` is set flush right, and
    its numbers get thousands separators where people read them."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    @property
    def heads(self) -> list[str]:
        """Column names without the alignment mark."""
        return [name.removesuffix(">") for name in self.columns]


def form(*, csv: bool, md: bool, fmt: str = "table") -> str:
    """The one form asked for, among `table`, `csv`, `md`, `json`, ...: two different wishes are a usage error."""
    wishes = [name for name, asked in (("csv", csv), ("md", md)) if asked]
    if fmt != "table" and fmt not in wishes:
        wishes.append(fmt)
    if len(wishes) > 1:
        raise typer.BadParameter(f"only one form of output at a time (found {' and '.join(wishes)})")
    return wishes[0] if wishes else "table"


def answer(
    session: Session,
    document: Callable[[], object],
    tables: Callable[[], Sequence[Table]],
    *,
    fmt: str = "table",
    after: str = "",
    full_csv: Callable[[], str] | None = None,
) -> None:
    """Write a command's answer: the JSON document, or the tables in the form `fmt`, then the line `after`.

    Tables are made to fit a terminal; `full_csv` makes the CSV where more columns than that are worth having.
    """
    if session.json or fmt == "json":
        write(json.dumps(document(), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    elif fmt == "csv":
        write(full_csv() if full_csv else "\n".join(to_csv(table) for table in tables()))
    elif fmt == "md":
        write("\n".join(to_markdown(table) for table in tables()))
    else:
        parts = [to_text(table, session.color) for table in tables()]
        write("\n".join([*parts, f"{after}\n"] if after else parts))


def write(text: str) -> None:
    """Write to stdout. A reader that has gone away (`| head`) has read enough: no error, no traceback."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout once more at exit, which would complain: give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(DONE) from None


def note(session: Session, text: str) -> None:
    """A remark for the person, on stderr; silent with --quiet."""
    if not session.quiet:
        print(f"spillway: {text}", file=sys.stderr)


def to_csv(table: Table) -> str:
    """RFC 4180 text with a header line, numbers bare."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.heads)
    writer.writerows(table.rows)
    return out.getvalue()


def _for_eyes(cell: str) -> str:
    """A bare number with thousands separators: 1234567.89 -> 1,234,567.89. Anything else as it is."""
    whole, dot, part = cell.partition(".")
    if not whole.removeprefix("-").isdecimal() or (dot and not part.isdecimal()):
        return cell
    return f"{int(whole):,}{dot}{part}" if int(whole) else cell  # keeps the sign of -0.50


def _readable(table: Table) -> list[list[str]]:
    """The rows with the numbers of the right-aligned columns made readable."""
    right = [name.endswith(">") for name in table.columns]
    return [[_for_eyes(cell) if flush else cell for cell, flush in zip(row, right, strict=True)] for row in table.rows]


def to_markdown(table: Table) -> str:
    """A pipe table under a bold title."""
    rule = ["---:" if name.endswith(">") else "---" for name in table.columns]
    lines = [table.heads, rule, *([cell.replace("|", "\\|") for cell in row] for row in _readable(table))]
    title = f"**{table.title}**\n\n" if table.title else ""
    return title + "".join(f"| {' | '.join(line)} |\n" for line in lines)


def to_text(table: Table, color: bool) -> str:
    """The table for a terminal: as wide as the terminal at most, and unwrapped when stdout is a file or a pipe."""
    import io

    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    terminal = sys.stdout.isatty()
    out = io.StringIO()
    grid = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name, head in zip(table.columns, table.heads, strict=True):
        grid.add_column(head, justify="right" if name.endswith(">") else "left", overflow="fold")
    for row in _readable(table):
        grid.add_row(*(Text(cell) for cell in row))
    console = Console(
        file=out,
        width=None if terminal else 10_000,
        force_terminal=terminal,
        no_color=not color,
        highlight=False,
    )
    if table.title:
        console.print(Text(table.title, style="bold cyan"))
    console.print(grid)
    return "".join(line.rstrip() + "\n" for line in out.getvalue().splitlines())


def counted(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 entry, 2 entries."""
    return f"{count} {one if count == 1 else many or one + 's'}"
