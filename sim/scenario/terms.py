"""The terms of a scenario: what its bills are made from, in the form that billing shares with terms files."""

from collections.abc import Mapping
from typing import Any

from billing.contracts.wallet import require_currency
from billing.currency import DEFAULT
from billing.rating.prices import PriceBook
from billing.terms import Terms, showback_from, taxes_from
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
    if "showback" in mapping:
        showback_from(mapping["showback"], file)  # which says what is wrong with it
    return read


def terms_of(scenario: Scenario) -> Terms:
    """Return the terms of a scenario; its currency is USD. Raises PriceError, as when it was read."""
    book = PriceBook.from_rows(scenario.price, file=scenario.file)
    require_currency(scenario.registry, DEFAULT, scenario.file)
    shown = None if scenario.showback is None else showback_from(scenario.showback, scenario.file)
    return Terms(scenario.registry, book, scenario.tax, epoch_s=scenario.epoch_s, showback=shown)
