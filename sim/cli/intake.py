"""Files of past use, as commands take them: their forms, what holds for all of their rows, how they are opened."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from billing.intake.record import Defaults, Interval, Passed, Rejected

INTERVAL_FORMATS = ("intervals", "sacct")
ProductFlag = Annotated[str, typer.Option("--product", metavar="CODE", help="Product of rows that name none.")]
RegionFlag = Annotated[str, typer.Option("--region", metavar="NAME", help="Region of rows that name none.")]
SkuFlag = Annotated[str, typer.Option("--sku", metavar="NAME", help="SKU of rows that name none.")]
ClockFlag = Annotated[str, typer.Option("--clock", metavar="ZONE", help="Time zone of sacct's times.")]


def reader_of(
    file: str, format_: str, defaults: "Defaults", zone: "ZoneInfo"
) -> "Callable[[], Iterator[Interval | Rejected | Passed]]":
    """A function that begins to read the file: a reader may have to begin twice."""
    from billing.intake.intervals import read_intervals
    from billing.intake.sacct import read_sacct

    def read() -> "Iterator[Interval | Rejected | Passed]":
        with _lines(file) as lines:
            if format_ == "sacct":
                yield from read_sacct(lines, defaults, file, zone)
            else:
                yield from read_intervals(lines, defaults, file)

    return read


@contextlib.contextmanager
def _lines(file: str) -> Iterator[Iterable[str]]:
    """The lines of a text file, gzipped or not. Bytes that are no text become a mark that no name holds."""
    import gzip
    import zlib
    from pathlib import Path

    from billing.errors import UsageError

    if file.endswith(".gz"):
        try:
            with gzip.open(file, "rt", encoding="utf-8", errors="replace", newline="\n") as lines:
                yield lines
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise UsageError("cut short or damaged", file=file, found=str(error), allowed="a whole gzip file") from None
    else:
        with Path(file).open(encoding="utf-8", errors="replace", newline="\n") as lines:
            yield lines
