"""Sweep files: which scenario, what is changed in it, over which seeds, and what is measured.

    name = "lend"
    scenario = "small"
    seeds = 12
    metrics = ["money.external_net.usd", "internal_delay.p99_s"]

    [grid]
    policy.lend = ["none", "all_idle"]
    faults.rate_per_1000_node_days = [4, 40]

The first value of each key is what the others are compared with. All arms run with the same seeds.
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from sim.errors import SimError, from_validation
from sim.param import Exact
from sim.sweep.keys import flattened
from sim.sweep.metrics import METRICS
from tenants.errors import did_you_mean
from tenants.model import Id, Record

SEEDS_MAX = 10_000
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Number = Annotated[int, Field(ge=-(2**63), lt=2**63)] | Exact


class Span(Record):
    """Where sampled values of a key lie. Both ends whole numbers: so are the values, and the ends belong to them."""

    low: Number
    high: Number
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _in_order(self) -> "Span":
        if not self.low < self.high or (self.scale == "log" and self.low <= 0):
            raise ValueError("low must lie below high, and above 0 where the scale is log")
        return self


class ArmRow(Record):
    """An arm that is written out: a name, and the keys that it sets."""

    name: Id
    set: dict[str, Any] = Field(default_factory=dict)
    seeds: int | Annotated[tuple[int, ...], Field(strict=False)] | None = None


class Until(Record):
    """Go on with new seeds until the half-width of this metric's interval is so small in every arm."""

    metric: str
    half_width: Annotated[Exact, Field(gt=0)]
    seeds_max: Annotated[int, Field(ge=4, le=SEEDS_MAX)] = 200


class Sweep(Record):
    """A sweep file, checked as far as it can be without its scenario. Make one with `load_sweep`."""

    name: Id
    scenario: Annotated[str, Field(min_length=1)]
    seeds: Annotated[int, Field(ge=1, le=SEEDS_MAX)] | Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)]
    metrics: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    quantiles_bp: Annotated[tuple[Annotated[int, Field(ge=1, le=9_999)], ...], Field(strict=False)] = ()
    timeout_s: Annotated[int, Field(ge=1, le=10**6)] | None = None
    grid: dict[str, Annotated[tuple[Any, ...], Field(strict=False, min_length=1)]] = Field(default_factory=dict)
    sample: dict[str, Span] = Field(default_factory=dict)
    points: Annotated[int, Field(ge=1, le=10_000)] = 1
    points_seed: Seed = 1
    arm: Annotated[tuple[ArmRow, ...], Field(strict=False)] = ()
    until: Until | None = None

    @field_validator("grid", "sample", mode="before")
    @classmethod
    def _by_path(cls, table: object) -> object:
        return dict(flattened(table)) if isinstance(table, dict) else table

    @field_validator("arm", mode="before")
    @classmethod
    def _set_by_path(cls, rows: object) -> object:
        if not isinstance(rows, list):
            return rows
        return [
            {**row, "set": dict(flattened(row["set"]))}
            if isinstance(row, dict) and isinstance(row.get("set"), dict)
            else row
            for row in rows
        ]

    @property
    def first_seeds(self) -> tuple[int, ...]:
        """The seeds that are run in any case."""
        return tuple(range(1, self.seeds + 1)) if isinstance(self.seeds, int) else self.seeds

    def more_seeds(self, count: int) -> tuple[int, ...]:
        """The first `count` seeds: those of the file, and then the numbers after the largest of them."""
        first = self.first_seeds
        return (*first, *range(max(first) + 1, max(first) + 1 + count - len(first)))[:count]


def load_sweep(path: Path) -> Sweep:
    """Read a sweep file.

    Raises:
        SimError: it cannot be read, holds unknown keys or metrics, or arms that have no seeds in common.
    """
    file = str(path)
    try:
        mapping = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise SimError(f"cannot be read: {error.strerror}", code="bad_file", file=file, allowed="a TOML file") from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise SimError(f"is not TOML: {error}", code="bad_file", file=file) from None
    try:
        spec = Sweep.model_validate(mapping)
    except ValidationError as error:
        raise from_validation(error, Sweep, file) from None
    _check(spec, file)
    return spec


def _check(spec: Sweep, file: str) -> None:
    wanted = [(f"metrics[{place}]", name) for place, name in enumerate(spec.metrics)]
    wanted += [("until.metric", spec.until.metric)] if spec.until else []
    for path, name in wanted:
        if name not in METRICS:
            message = f"unknown metric{did_you_mean(name, METRICS)}"
            allowed = "a number of summary.json by its path, as listed in docs/sweeps.md"
            raise SimError(message, code="unknown_name", file=file, path=path, found=repr(name), allowed=allowed)
    if len(set(spec.first_seeds)) < len(spec.first_seeds):
        raise SimError("a seed stands there twice", file=file, path="seeds", allowed="each seed once")
    if spec.until and len(spec.first_seeds) < 4:
        allowed = "at least 4, to judge by how wide an interval is"
        raise SimError("too few seeds", file=file, path="seeds", found=len(spec.first_seeds), allowed=allowed)
    if (spec.points > 1) != bool(spec.sample):
        raise SimError("points and [sample] need each other", file=file, path="points", found=spec.points)
    _common_seeds(spec, file)
    names = [row.name for row in spec.arm]
    if len(set(names)) < len(names):
        raise SimError("two arms have one name", code="duplicate", file=file, path="arm", found=", ".join(names))


def _common_seeds(spec: Sweep, file: str) -> None:
    """Refuse arms that would run in worlds of their own: nothing could be said of their difference."""
    places = [(f"{table}.seed", "seed" in getattr(spec, table)) for table in ("grid", "sample")]
    for number, row in enumerate(spec.arm):
        places.append((f"arm[{number}].set.seed", "seed" in row.set))
        places.append((f"arm[{number}].seeds", row.seeds not in (None, spec.seeds)))
    for path, found in places:
        if found:
            allowed = "`seeds` of the sweep, which all arms share"
            raise SimError("arms without a common seed", code="no_common_seed", file=file, path=path, allowed=allowed)
