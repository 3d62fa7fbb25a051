"""Scenario files: by name or path, from text or tables, read once and checked as a whole.

Unknown keys are refused, nothing is converted on the quiet, and sizes that no cluster can have are errors here, not in
the middle of a run.
"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scheduler.policies import own_lend
from sim.errors import ScenarioError, from_validation
from sim.scenario.check import check, refuse_unknown_tables
from sim.scenario.isolation import check_isolation
from sim.scenario.model import PARTIES, Scenario
from sim.scenario.tenancy import tenancy_rows
from sim.scenario.terms import price_tables
from sim.scenario.toml_text import to_toml
from tenants.errors import did_you_mean
from tenants.registry import Registry

_SUFFIX = ".toml"


def bundled() -> list[str]:
    """Return the names of the scenarios that come with the package."""
    folder = resources.files("sim") / "scenarios"
    return sorted(entry.name.removesuffix(_SUFFIX) for entry in folder.iterdir() if entry.name.endswith(_SUFFIX))


def show(name_or_path: str | Path) -> str:
    """Return the text of a scenario file; see `load` for names and errors."""
    return _read(name_or_path)[0]


def load(name_or_path: str | Path) -> Scenario:
    """Return a scenario by the name of a bundled one, or from a file. A file wins over a bundled name.

    Raises:
        ScenarioError, TenantError, BillingError: one line that names the file, the key, what was found and what is
            allowed.
    """
    text, file = _read(name_or_path)
    return parse(text, file)


def parse(text: str, file: str = "scenario") -> Scenario:
    """Return a scenario from TOML text. Raises as `load`."""
    try:
        # Decimals stay exact: a rate of 3.79 is 379/100, not the nearest float.
        mapping = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ScenarioError(f"is not TOML: {error}", code="bad_file", file=file) from None
    return from_mapping(mapping, file, text)


def from_mapping(mapping: Mapping[str, Any], file: str = "scenario", text: str | None = None) -> Scenario:
    """Return a scenario from parsed TOML; without `text`, its text is written anew. Raises as `load`."""
    refuse_unknown_tables(mapping, tuple(Scenario.model_fields), file)
    parties = Registry.from_mapping({key: mapping[key] for key in PARTIES if key in mapping}, file)
    read = {table: getattr(parties, field) for table, field in PARTIES.items()}
    read |= price_tables(mapping, file)
    try:
        scenario = Scenario.model_validate({**mapping, **read})
    except ValidationError as error:
        raise from_validation(error, Scenario, file) from None
    scenario.as_read(mapping, to_toml(mapping) if text is None else text, file)
    try:
        check(scenario)
        check_isolation(scenario)
        tenancy_rows(scenario)
    except ScenarioError as error:
        raise error.in_file(file) from None
    return scenario


def override(
    scenario: Scenario,
    *,
    seed: int | None = None,
    days: int | None = None,
    policy: str | None = None,
    lend: str | None = None,
) -> Scenario:
    """Return a scenario with some values replaced, and its text with them. Raises as `from_mapping`."""
    top = {key: value for key, value in (("seed", seed), ("days", days)) if value is not None}
    if policy is not None and lend is None:
        lend = own_lend(policy)  # a policy that brings its own is run with it, unless somebody says otherwise
    names = {key: value for key, value in (("name", policy), ("lend", lend)) if value is not None}
    if not top and not names:
        return scenario
    changed = scenario.mapping | top
    if names:
        changed["policy"] = scenario.mapping.get("policy", {}) | names
    return from_mapping(changed, scenario.file)


def _read(name_or_path: str | Path) -> tuple[str, str]:
    """Return (text, name of the file for errors). A folder called `gap`, such as a run's, hides no scenario."""
    name, names = str(name_or_path), bundled()
    if name in names and not Path(name).is_file():
        return (resources.files("sim") / "scenarios" / f"{name}{_SUFFIX}").read_text(encoding="utf-8"), name + _SUFFIX
    try:
        return Path(name).read_bytes().decode(), name
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}"
    except (OSError, ValueError) as error:
        reason = f"cannot be read: {getattr(error, 'strerror', None) or error}{did_you_mean(name, names)}"
    allowed = f"a TOML file, or one of {', '.join(names)}"
    raise ScenarioError(reason, code="bad_file", file=name, allowed=allowed)
