"""The errors of `sim`: what the user's input did, in one line.

SimError
└── ScenarioError    a scenario file, or a workload that cannot be built from it
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from tenants.errors import first_complaint

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


class SimError(Exception):
    """The input is at fault, not the program. `str()` is one line: `file: path: message (found X; allowed Y)`.

    Args:
        message: what is wrong, as a short clause.
        code:    stable word for scripts: bad_file, bad_value, unknown_key, missing_key, unknown_name, impossible_size.
        file:    the file it was found in, as the user named it.
        path:    where in the file: a key path such as `pool[0].nodes`, or a row.
        found:   what stood there.
        allowed: what may stand there; a sequence is a list of alternatives.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "bad_value",
        file: str | None = None,
        path: str | None = None,
        found: object = None,
        allowed: str | Sequence[str] | None = None,
    ) -> None:
        self.message = message
        self.code = code
        self.file = file
        self.path = path
        self.found = found
        self.allowed = allowed
        super().__init__(message)

    def in_file(self, file: str) -> Self:
        """Return the same error, known to come from `file`."""
        self.file = file
        return self

    def __str__(self) -> str:
        where = "".join(f"{part}: " for part in (self.file, self.path) if part)
        allowed = self.allowed if isinstance(self.allowed, str) or self.allowed is None else ", ".join(self.allowed)
        facts = "; ".join(
            f"{word} {fact}" for word, fact in (("found", self.found), ("allowed", allowed)) if fact is not None
        )
        return " ".join(f"{where}{self.message}{f' ({facts})' if facts else ''}".split())


class ScenarioError(SimError):
    """A scenario that cannot be read, or that asks for a world that cannot be built."""


def from_validation(error: "ValidationError", model: "type[BaseModel]", file: str) -> ScenarioError:
    """Return the one complaint of `error` to fix first, which arose while `file` was read as a `model`."""
    complaint = first_complaint(error, model)
    path = complaint.path
    if path and complaint.code != "missing_key":
        path = path.replace(".value", "")  # the value of a parameter, which may be written bare
    return ScenarioError(
        complaint.message,
        code=complaint.code,
        file=file,
        path=path,
        found=repr(complaint.found) if type(complaint.found) is str else complaint.found,
        allowed=complaint.allowed,
    )
