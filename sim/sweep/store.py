"""Finished runs of a sweep on disk: one file for each, by the hash of what was run.

A file is written beside its place, flushed to the disk, and moved there in one step: whoever reads at any moment sees
whole records alone. One process writes at a time; others may read.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sim.errors import SimError
from sim.sweep.one_run import FORMAT

RUNS, LOCK = "runs", ".lock"


class Store:
    """The folder of one sweep."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep other writers out of it. Raises SimError: one is there, or there is no place."""
        import fcntl  # not on every system; reading needs none

        try:
            (self.folder / RUNS).mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._no_place(error) from None
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                allowed = "--partial to look at what is there, or --out DIR"
                raise SimError(
                    "another process is at this sweep", code="busy", file=str(self.folder), allowed=allowed
                ) from None
            yield
        finally:
            os.close(lock)

    def records(self) -> dict[str, dict[str, Any]]:
        """Return every record that is there, by its key; a file that is none of ours, or damaged, is not there.

        Raises SimError: the folder cannot be read.
        """
        found = {}
        try:
            for path in sorted((self.folder / RUNS).glob("*.json")):
                record = _read(path)
                if record is not None:
                    found[path.stem] = record
        except OSError as error:
            raise self._no_place(error, "cannot be read") from None
        return found

    def put(self, record: Mapping[str, Any]) -> None:
        """Write a record, whole or not at all. Raises SimError: the disk refuses; what was finished stays."""
        place = self.folder / RUNS / f"{record['key']}.json"
        draft = place.with_name(f".{place.name}.{os.getpid()}.draft")
        text = json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
        try:
            with draft.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(place)
        except OSError as error:
            raise self._no_place(error) from None
        finally:
            draft.unlink(missing_ok=True)

    def _no_place(self, error: OSError, what: str = "cannot be written") -> SimError:
        reason = error.strerror or type(error).__name__
        allowed = "a folder on a disk with room; what was finished is kept, and --resume goes on from it"
        return SimError(f"{what}: {reason}", code="bad_file", file=str(self.folder), allowed=allowed)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    whole = isinstance(record, dict) and record.get("format") == FORMAT and record.get("key") == path.stem
    return record if whole else None
