"""Every route of the API, in the order in which they are tried: what is asked most comes first."""

from billing.api.routes import (
    about,
    acts,
    audit,
    bills,
    budgets,
    cluster,
    events,
    explained,
    exports,
    house,
    keys,
    notices,
    offers,
    papers,
    previews,
    prices,
    rentals,
    runs,
    settings,
    sources,
    tokens,
    usage,
    webhooks,
)
from billing.api.table import Entry

_PARTS = (
    usage,
    events,
    about,
    exports,
    budgets,
    explained,
    bills,
    prices,
    previews,
    papers,
    keys,
    tokens,
    settings,
    webhooks,
    audit,
    house,
    acts,
    sources,
    cluster,
    runs,
    notices,
    offers,
    rentals,
)


def every_route() -> list[Entry]:
    """Return the table of all routes."""
    return [entry for part in _PARTS for entry in part.routes]
