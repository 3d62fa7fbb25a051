"""The terms of a scenario: what its bills are made from, in the form that billing shares with terms files."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from billing.rating.prices import PriceBook
from billing.terms import Terms, load_terms, taxes_from

if TYPE_CHECKING:
    from sim.scenario.model import Scenario


def price_tables(mapping: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return the rows of `[[price]]` and `[[tax]]` of a scenario, those that it has. Raises PriceError.

    What is no array of tables is left to the model of the scenario, which says so.
    """
    read: dict[str, Any] = {}
    if isinstance(prices := mapping.get("price"), list | tuple):
        read["price"] = PriceBook.from_mappings(prices, file=file).rows
    if isinstance(taxes := mapping.get("tax"), list | tuple):
        read["tax"] = taxes_from(taxes, file)
    return read


def terms_of(scenario: "Scenario") -> Terms:
    """Return the terms of a scenario; its currency is USD. Raises PriceError, as when it was read."""
    book = PriceBook.from_rows(scenario.price, file=scenario.file)
    return Terms(scenario.registry, book, scenario.tax, epoch_s=scenario.epoch_s)


def load_any_terms(path: Path | str) -> Terms:
    """Return the terms in a terms file or in a scenario, which a table `[[pool]]` tells apart.

    Raises:
        TenantError, BillingError, ScenarioError: one line that names file and key.
    """
    from sim.scenario.model import load

    try:
        is_scenario = "pool" in tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        is_scenario = False  # whoever reads it next says what is wrong
    return terms_of(load(path)) if is_scenario else load_terms(path)
