"""The terms that a finished run is billed by, as text that every reader of terms reads."""

import tomllib
from decimal import Decimal

from billing.terms import KEYS, Terms
from sim.folder.run_folder import RunFolder
from sim.scenario.any_terms import parse_any_terms
from sim.scenario.exclusions import agreed_maintenance
from sim.scenario.file import parse
from sim.scenario.toml_text import to_toml
from tenants.exclusion import Exclusion

REPLAY = "replay"  # the table of a run that replayed a trace
# A trace does not say what its tenants are: each form of traces has its own answer (`sim.traces`).
_TENANT_KINDS = {"swf": "internal", "philly-chronus": "external"}


def run_terms_text(run: RunFolder) -> str:
    """Return the scenario of a run; for a replayed trace, the tenants that the trace has, with the products and prices
    that it was replayed with.

    Raises:
        SimError: a file of the folder is damaged.
    """
    text = run.scenario_toml()
    mapping = tomllib.loads(text, parse_float=Decimal)
    if REPLAY not in mapping:
        return text
    kind = _TENANT_KINDS[mapping[REPLAY]["trace_format"]]
    tenants = [{"id": name, "name": name, "kind": kind} for name in run.names.tenants]
    rest = {key: value for key, value in mapping.items() if key in KEYS}
    return to_toml({"epoch": run.manifest["epoch"], **rest, "tenant": tenants})


def run_terms(run: RunFolder) -> Terms:
    """Return the terms of a run. Raises as `run_terms_text`."""
    return parse_any_terms(run_terms_text(run), str(run.path / "scenario.toml"))


def run_maintenance(run: RunFolder) -> tuple[Exclusion, ...]:
    """Return the maintenance of a run that was agreed to be left out of service levels. A trace has none."""
    text = run.scenario_toml()
    if REPLAY in tomllib.loads(text):
        return ()
    return agreed_maintenance(parse(text, str(run.path / "scenario.toml")), run.manifest["horizon_s"])
