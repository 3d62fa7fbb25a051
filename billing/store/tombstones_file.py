"""The file of tombstones: one JSON object a line, outside the database, so that no restored backup forgets them."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from billing.errors import StoreError
from billing.store.engine import is_url
from billing.store.purge import Tombstone


def tombstones_path(place: str, named: str | None = None) -> Path:
    """Return where the tombstones of a store are: as named, `<db>.tombstones` of a file, or spillway.tombstones."""
    if named is not None:
        return Path(named)
    return Path("spillway.tombstones") if is_url(place) else Path(f"{place}.tombstones")


def read_tombstones(path: Path) -> list[Tombstone]:
    """Return the tombstones of a file, none where there is no file. Raises StoreError for a line that is none."""
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            fields = json.loads(line)
            each = Tombstone(fields["tenant"], fields["deleted_s"])
        except (ValueError, KeyError, TypeError):
            raise _no_tombstone(path, number, line) from None
        if not isinstance(each.tenant, str) or type(each.deleted_s) is not int:
            raise _no_tombstone(path, number, line)
        found.append(each)
    return found


def add_tombstones(path: Path, tombstones: Iterable[Tombstone]) -> None:
    """Add those that the file does not hold yet, and see them onto the disk."""
    known = {each.tenant for each in read_tombstones(path)}
    lines = [json.dumps(each._asdict()) for each in tombstones if each.tenant not in known]
    if not lines:
        return
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())


def _no_tombstone(path: Path, number: int, line: str) -> StoreError:
    allowed = '{"tenant": "acme", "deleted_s": 1800000000}'
    return StoreError(
        "not a tombstone", code="bad_file", file=str(path), path=f"line {number}", found=line, allowed=allowed
    )
