"""Terms from whichever file holds them: a terms file, or a scenario."""

import tomllib
from pathlib import Path

from billing.terms import Terms, load_terms, terms_from
from sim.scenario.file import bundled, load, parse
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


def parse_any_terms(text: str, file: str = "terms of the log") -> Terms:
    """Return the terms in the text of a terms file or a scenario.

    Raises:
        TenantError, BillingError, ScenarioError: one line that names file and key.
    """
    mapping = tomllib.loads(text)
    return terms_of(parse(text, file)) if "pool" in mapping else terms_from(mapping, file)
