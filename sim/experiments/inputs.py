"""Parameters of experiments: each with its unit, its source and how far that can be trusted, so that guesses show.

A file is one table per parameter:

    [repair_h]
    value = 12
    unit = "h"
    source = "no public figure"
    confidence = "guess"
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from math import isfinite
from typing import Any, NamedTuple, get_args

from sim.errors import SimError
from tenants.errors import did_you_mean
from tenants.model import Confidence

_KEYS = {"value", "unit", "source", "confidence"}
OWN = "own"  # the confidence of what somebody set on the command line


class Input(NamedTuple):
    """One parameter."""

    name: str
    value: Any
    unit: str
    source: str
    confidence: str


@dataclass(frozen=True, slots=True)
class Inputs:
    """The parameters of an experiment, by name."""

    file: str
    rows: tuple[Input, ...]

    def number(self, name: str) -> float:
        """Return a parameter as a number."""
        return float(self._row(name).value)

    def whole(self, name: str) -> int:
        """Return a parameter that is a whole number. Raises SimError: it is none."""
        value = self._row(name).value
        if value != int(value):
            raise SimError("not a whole number", path=name, file=self.file, found=value, allowed="a whole number")
        return int(value)

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return a parameter that is a list of numbers."""
        return tuple(float(value) for value in self._row(name).value)

    @property
    def guesses(self) -> tuple[Input, ...]:
        """Return the parameters that nobody vouches for."""
        return tuple(row for row in self.rows if row.confidence == "guess")

    def _row(self, name: str) -> Input:
        found = next((row for row in self.rows if row.name == name), None)
        assert found is not None, f"{self.file} has no parameter {name}"
        return found

    def changed(self, changes: Mapping[str, str]) -> "Inputs":
        """Return the parameters with some set by hand, which then are the asker's own and no guess of ours.

        Raises SimError: no such parameter, or a text where a number was.
        """
        names = [row.name for row in self.rows]
        for name in changes:
            if name not in names:
                raise SimError(
                    f"no such input{did_you_mean(name, names)}", code="unknown_key", path=name, allowed=names
                )
        rows = [
            row._replace(value=_like(row, changes[row.name]), source="set by hand", confidence=OWN)
            if row.name in changes
            else row
            for row in self.rows
        ]
        return Inputs(self.file, tuple(rows))


def read_inputs(name: str) -> Inputs:
    """Return the parameters of a bundled file. Raises SimError: one of them lacks a part, or has one too many."""
    text = (resources.files("sim") / "experiments" / "inputs" / name).read_text(encoding="utf-8")
    return parse_inputs(text, name)


def parse_inputs(text: str, file: str) -> Inputs:
    """Return the parameters of a TOML text. Raises as `read_inputs`."""
    rows = []
    for name, row in tomllib.loads(text).items():
        if not isinstance(row, dict) or set(row) != _KEYS:
            found = ", ".join(sorted(row)) if isinstance(row, dict) else repr(row)
            raise SimError("not a parameter", file=file, path=name, found=found, allowed=sorted(_KEYS))
        if row["confidence"] not in get_args(Confidence):
            allowed = get_args(Confidence)
            raise SimError("unknown confidence", file=file, path=name, found=row["confidence"], allowed=allowed)
        value = tuple(row["value"]) if isinstance(row["value"], list) else row["value"]
        rows.append(Input(name, value, row["unit"], row["source"], row["confidence"]))
    return Inputs(file, tuple(rows))


def _like(row: Input, text: str) -> Any:
    """The text as what the parameter is: a list of numbers, a number, a word."""
    if isinstance(row.value, str):
        return text
    parts = text.split(",") if isinstance(row.value, tuple) else [text]
    try:
        values = tuple(float(part) if "." in part or "e" in part else int(part) for part in parts)
        if not all(isfinite(each) for each in values):
            raise ValueError
    except (ValueError, OverflowError):
        raise SimError("not a number", path=row.name, found=text, allowed=f"such as {row.value} {row.unit}") from None
    shipped = row.value if isinstance(row.value, tuple) else (row.value,)
    if min(values) < 0 < min(shipped):
        raise SimError("below 0", path=row.name, found=text, allowed=f"such as {row.value} {row.unit}")
    return values if isinstance(row.value, tuple) else values[0]
