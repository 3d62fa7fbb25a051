"""What one attack on one database wrote down: a line of JSON, the only thing that can turn a property green.

An attack runs plain, and once under each planted fault (mutant), where it has to fail: only then has it teeth.

A run that went to its end closes the file with a line that counts those above. A file that was cut, or whose run was
killed, lacks it: what is left would read like the evidence of fewer attacks.
"""

import json
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tenants.errors import TenantError

_CLOSED = '{"closed":'


class Backend(StrEnum):
    """Where an attack was tried. `model` needs no database: the scheduler, the fabric, a pure function."""

    MODEL = "model"
    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Result(StrEnum):
    """How one attempt ended. Of a planted fault, PASS says that the attack noticed it."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNTESTED = "UNTESTED"


class Evidence(BaseModel):
    """One attempt. `mutant` is empty for the plain attack, and `killed` is None there; `note` is what it compared;
    `ran_on` names the versions of the program, of Python and of the database."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    property: str
    backend: Backend
    result: Result
    test: str
    seed: Annotated[int, Field(ge=0)]
    examples: Annotated[int, Field(ge=0)]
    duration_ms: Annotated[int, Field(ge=0)]
    mutant: str = ""
    killed: bool | None = None
    reason: str = ""
    note: str = ""
    commit: str = ""
    ran_on: str = ""

    @model_validator(mode="after")
    def _agrees(self) -> "Evidence":
        """A line that says two things says nothing: a fault is caught exactly where the result is PASS."""
        tried = bool(self.mutant) and self.result is not Result.UNTESTED
        if self.killed != (self.result is Result.PASS if tried else None):
            raise ValueError("`killed` and `result` contradict each other")
        return self

    def line(self) -> str:
        """The canonical line of JSON, without its newline: equal evidence, equal bytes."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def read_evidence(lines: Iterable[str], file: str) -> list[Evidence]:
    """Return the evidence in lines of JSON; empty lines are skipped.

    Raises:
        TenantError: a line that is no evidence, with its number.
    """
    return [_evidence(line, number, file) for number, line in enumerate(lines, start=1) if line.strip()]


def closing(count: int) -> str:
    """The line, without its newline, that closes a file with so many lines of evidence above it."""
    return f"{_CLOSED}{count}}}"


def read_closed(lines: Iterable[str], file: str) -> list[Evidence]:
    """Return the evidence in a file that each of its runs closed.

    Raises:
        TenantError: a line that is no evidence; a file that was cut, or whose run did not come to its end.
    """
    found: list[Evidence] = []
    whole = False
    for number, line in enumerate(lines, start=1):
        if line.startswith(_CLOSED):
            whole = line == closing(len(found))
            if not whole:
                break
        elif line.strip():
            found.append(_evidence(line, number, file))
            whole = False
    if not whole:
        allowed = f"{closing(len(found))} below so many lines: a run writes it when it has come to its end"
        raise TenantError("the evidence was cut short", code="evidence_cut", file=file, allowed=allowed)
    return found


def _evidence(line: str, number: int, file: str) -> Evidence:
    try:
        return Evidence.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        path = f"line {number}: {'.'.join(map(str, first['loc'])) or 'JSON'}"
        raise TenantError(f"not evidence: {first['msg'].lower()}", file=file, path=path) from None
