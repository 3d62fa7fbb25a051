"""Tapes on disk: feed a run's tape to a core without a clock, and compare every decision with the recorded one."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scheduler.tape import Difference, TapeError, compare
from sim.errors import SimError
from sim.folder.run_folder import TAPE, read


@dataclass(frozen=True, slots=True)
class TapeComparison:
    """How a replay went: steps fed, and the first step that differs, if any."""

    steps: int
    first_difference: Difference | None

    @property
    def equal(self) -> bool:
        """Whether every decision was made again."""
        return self.first_difference is None


def replay(path: Path) -> TapeComparison:
    """Replay the tape at `path`: a run folder, or a tape file, gzipped or not.

    Raises:
        SimError: there is no tape, or the file is not one; the line is named.
    """
    try:
        return TapeComparison(*compare(lines(path)))
    except TapeError as error:
        raise SimError(
            error.message,
            code="tape.malformed",
            file=str(path),
            path=error.path,
            found=error.found,
            allowed=error.allowed,
        ) from None


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of a tape, of a run folder or a file. Raises SimError when it cannot be read."""
    if path.is_dir():
        yield from read(path).tape()
        return
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt", encoding="utf-8") if packed else path.open(encoding="utf-8") as text:
            for line in text:
                yield line.rstrip("\n")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        what = f"a {TAPE} of a run, whole"
        raise SimError(
            "tape cannot be read", code="tape.unreadable", file=str(path), found=type(error).__name__, allowed=what
        ) from None
