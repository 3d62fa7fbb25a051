"""What every reader of traces hands on, and how all of them read lines.

A trace is somebody else's file, so it is expected to be dirty. Two kinds of dirt are kept apart: a *file* that is not
what it claims to be (truncated, binary, wrong columns, text for a number) is a `SimError` that names the line, and
nothing of it is used; a *row* that makes no sense (no GPUs, negative run time) is refused or changed on its own and
counted in a `Finding` (`sim.traces.clean`).
"""

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from sim.errors import SimError
from sim.result import Finding, JobRows

NUMBER_MAX = 10**12  # seconds: 31,700 years, or a year in ticks of 30 us; sums of such numbers stay far inside int64
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, read and cleaned.

    `jobs.tenant` and `jobs.product` are dense indices into this trace's own `tenants` and `products` (ids); whoever
    builds a world maps them to the registry's rows. `jobs.pool` is 0 and `jobs.patience_s` NEVER throughout.
    """

    file: str  # the file's name, without its folder
    jobs: JobRows
    tenants: tuple[str, ...]
    tenant_kind: Literal["internal", "external"]
    products: tuple[str, ...]
    epoch_s: int  # Unix time of second 0; 0 where the trace does not say
    processors: int  # size of the machine that the trace comes from; 0 where the trace does not say
    rows_read: int  # rows in the file, the refused ones included

    @property
    def findings(self) -> list[Finding]:
        """Rows refused or changed on the way in; the same list as `jobs.findings`."""
        return self.jobs.findings


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (line number from 1, line with its line end) of a plain or gzipped file; told apart by content, not name.

    Raises:
        SimError: the file is missing, unreadable or binary, or its gzip stream is damaged or ends early.
    """
    number = 0
    try:
        with path.open("rb") as plain:
            magic = plain.read(len(_GZIP_MAGIC))
            plain.seek(0)
            stream: IO[bytes] = plain
            if magic == _GZIP_MAGIC:
                # A buffer in front makes reading by line several times faster than GzipFile's own.
                stream = io.BufferedReader(gzip.GzipFile(fileobj=plain))
            for number, line in enumerate(stream, 1):
                if b"\0" in line:
                    raise bad_line(path, number, "not a text file", found="a NUL byte", allowed="text or gzipped text")
                yield number, line
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        message = "gzip stream is truncated" if isinstance(error, EOFError) else "gzip stream is damaged"
        raise bad_line(path, number + 1, message, found=str(error), allowed="a whole gzip file") from None
    except OSError as error:
        message = "trace cannot be read"
        raise SimError(message, code="trace.unreadable", file=str(path), found=error.strerror) from None


def bad_line(path: Path, number: int, message: str, *, found: str, allowed: str) -> SimError:
    """Make the error for a line that its format does not allow."""
    place = f"line {number}"
    return SimError(message, code="trace.malformed", file=str(path), path=place, found=found, allowed=allowed)


def file_name(path: Path) -> str:
    """Return a file's name without its folder, as text that any output can hold: names on disk may be any bytes."""
    return path.name.encode("utf-8", "backslashreplace").decode()


def shown(field: bytes | str) -> str:
    """Return a field of a file as one short line of printable ASCII, for an error message."""
    text = field.decode("latin-1") if isinstance(field, bytes) else field
    text = ascii(text)
    return text if len(text) <= 40 else f"{text[:36]}...'"
