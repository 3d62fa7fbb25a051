"""The arms of a sweep: written out, times the grid, times the sampled points; each a scenario that has been checked."""

import json
import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from billing.errors import BillingError
from scheduler.policies import own_lend
from sim.errors import SimError
from sim.scenario.file import from_mapping, load
from sim.sweep.keys import replaced
from sim.sweep.spec import Span, Sweep
from sim.workload.draw import stream
from tenants.errors import TenantError

ARMS_MAX = 10_000
ARM = "arm"
DIGITS = 6  # of a sampled value that is no whole number


class Arm(NamedTuple):
    """One way to run the scenario.

    `labels` are what was changed, as text by key, for tables; `against` is the place of the arm that it is compared
    with, None for one that others are compared with. `digest` is the hash of the scenario but for its seed.
    """

    labels: dict[str, str]
    mapping: dict[str, Any]
    against: int | None
    digest: str


class Plan(NamedTuple):
    """A sweep with its arms; `file` is the scenario, as errors name it and as what it refers to is found."""

    spec: Sweep
    arms: tuple[Arm, ...]
    file: str


def plan_of(spec: Sweep, file: Path) -> Plan:
    """Build and check every arm. Cost: some milliseconds for each.

    Raises:
        SimError, TenantError, BillingError: the scenario is not there, a key of it does not exist, or an arm asks for
            a world that cannot be.
    """
    beside = file.parent / spec.scenario
    base = load(beside if beside.is_file() else spec.scenario)
    grids = [dict(zip(spec.grid, values, strict=True)) for values in product(*spec.grid.values())]
    rows: list[tuple[dict[str, str], dict[str, Any]]] = [({ARM: row.name}, row.set) for row in spec.arm] or [({}, {})]
    points = list(_points(spec)) or [{}]
    if len(rows) * len(grids) * len(points) > ARMS_MAX:
        count = len(rows) * len(grids) * len(points)
        raise SimError("too many arms", file=str(file), found=count, allowed=f"at most {ARMS_MAX}")
    arms: list[Arm] = []
    for named, values in rows:
        for cell in grids:
            for place, point in enumerate(points):
                changes = _joined(values, cell, point, str(file))
                labels = named | {key: _text(value) for key, value in (cell | point).items()}
                mapping = _changed(base.mapping, changes, labels, str(file), base.file)
                against = place if len(arms) >= len(points) else None
                arms.append(Arm(labels, mapping, against, _digest(mapping)))
    return Plan(spec, tuple(arms), base.file)


def _changed(
    mapping: Mapping[str, Any], changes: Mapping[str, Any], labels: Mapping[str, str], file: str, scenario: str
) -> dict[str, Any]:
    """The tables of one arm, which make a scenario. Raises SimError that names the sweep file."""
    words = ", ".join(f"{key} = {text}" for key, text in labels.items())
    try:
        changed = dict(mapping)
        for key, value in changes.items():
            changed = replaced(changed, key, value)
        own = own_lend(str(changes["policy.name"])) if "policy.name" in changes else None
        if own and "policy.lend" not in changes:  # as `--policy` of `spillway run`
            changed = replaced(changed, "policy.lend", own)
        from_mapping(changed, scenario)
    except (SimError, TenantError, BillingError) as error:
        where = f"{error.message}, in the arm {words}" if words else error.message
        raise SimError(
            where, code=error.code, file=file, path=error.path, found=error.found, allowed=error.allowed
        ) from None
    return changed


def _digest(mapping: Mapping[str, Any]) -> str:
    """The same for the same tables, whatever the order of their keys; 1 and 1.0 are two values."""
    fixed = {key: value for key, value in mapping.items() if key != "seed"}
    text = json.dumps(fixed, sort_keys=True, default=lambda value: f"{type(value).__name__} {value}")
    return sha256(text.encode()).hexdigest()


def _joined(values: Mapping[str, Any], cell: Mapping[str, Any], point: Mapping[str, Any], file: str) -> dict[str, Any]:
    """All that one arm changes. Raises SimError for a key that two parts of the sweep set."""
    for key in (values.keys() & cell.keys()) | (values.keys() & point.keys()) | (cell.keys() & point.keys()):
        raise SimError("set in two places", code="duplicate", file=file, path=key, allowed="arm, grid or sample")
    return {**values, **cell, **point}


def _points(spec: Sweep) -> Iterator[dict[str, Any]]:
    """Latin hypercube: each key's span is cut into as many slices as there are points, and each slice is used once.

    A key draws from a stream of its own: one more leaves the others as they were. Source: McKay, Beckman and Conover
    1979.
    """
    columns = {key: list(_slices(spec, key, span)) for key, span in spec.sample.items()}
    yield from (
        {key: column[place] for key, column in columns.items()} for place in range(spec.points if columns else 0)
    )


def _slices(spec: Sweep, key: str, span: Span) -> Iterator[int | Decimal]:
    rng = stream(spec.points_seed, f"sweep/{key}")
    order, within = rng.permutation(spec.points), rng.random(spec.points)
    for share in ((order + within) / spec.points).tolist():
        yield _between(span, share)


def _between(span: Span, share: float) -> int | Decimal:
    """The value at this share of a span, 0 to 1; rounded to six digits where it is no whole number."""
    low, high = float(span.low), float(span.high)
    whole = isinstance(span.low, int) and isinstance(span.high, int)
    if span.scale == "log":
        found = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
        return max(int(span.low), min(round(found), int(span.high))) if whole else Decimal(f"{found:.{DIGITS}g}")
    if whole:
        return min(int(span.low) + int(share * (int(span.high) - int(span.low) + 1)), int(span.high))
    return Decimal(f"{low + share * (high - low):.{DIGITS}g}")


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
