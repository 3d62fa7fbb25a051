"""All pages, in one list. Whoever adds a module of pages adds it here, and a row for each page in `policy.PAGES`."""

from billing.console.pages import (
    agreed,
    audit,
    auditor,
    bills,
    budgets,
    draft,
    exports,
    home,
    hours,
    house,
    house_cluster,
    house_nodes,
    house_offers,
    house_revenue,
    house_runs,
    keys,
    lines,
    notices,
    rentals,
    sessions,
    sla,
    usage,
    webhooks,
)
from billing.console.visit import Pages

_MODULES = (
    home,
    rentals,
    usage,
    draft,
    bills,
    lines,
    hours,
    exports,
    budgets,
    sla,
    agreed,
    notices,
    keys,
    webhooks,
    audit,
    auditor,
    sessions,
    house,
    house_cluster,
    house_revenue,
    house_nodes,
    house_offers,
    house_runs,
)


def every_page() -> Pages:
    """Return every page of the console."""
    every = Pages()
    for module in _MODULES:
        every.extend(module.pages)
    return every
