"""Terms from whichever file holds them: a terms file, or a scenario."""

import tomllib
from pathlib import Path

from billing.terms import Terms, load_terms
from sim.scenario.file import bundled, load
from sim.scenario.terms import terms_of


def load_any_terms(path: Path | str) -> Terms:
    """Return the terms in a terms file, or in a scenario: a file with a table `[[pool]]`, or the name of a bundled one.

    Raises:
        TenantError, BillingError, ScenarioError: one line that names file and key.
    """
    try:
        is_scenario = "pool" in tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        is_scenario = str(path) in bundled()  # else whoever reads it next says what is wrong
    return terms_of(load(path)) if is_scenario else load_terms(path)
