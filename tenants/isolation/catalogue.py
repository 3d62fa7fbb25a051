"""All 81 properties of isolation, by category. Source: ISOLATION.md, section 6.

A property is data: the attack, what is expected, what stands in the way, what it is evidence for. Its test is found by
its id (`attack("P1")` in tests/isolation), and its verdict is never part of it.
"""

from collections.abc import Iterable

from tenants.errors import TenantError, unknown_name
from tenants.isolation.controls import CONTROLS
from tenants.isolation.property import Property
from tenants.isolation.rows.api import API
from tenants.isolation.rows.audit import AUDIT
from tenants.isolation.rows.bills import BILLS
from tenants.isolation.rows.channels import CHANNELS
from tenants.isolation.rows.database import DATABASE
from tenants.isolation.rows.deletion import DELETION
from tenants.isolation.rows.network import NETWORK
from tenants.isolation.rows.placement import PLACEMENT
from tenants.isolation.rows.residency import RESIDENCY
from tenants.isolation.rows.sanitisation import SANITISATION
from tenants.isolation.rows.secrets import SECRETS
from tenants.isolation.rows.sharing import SHARING

CATEGORIES = {
    "placement": PLACEMENT,
    "network": NETWORK,
    "sanitisation": SANITISATION,
    "sharing": SHARING,
    "api": API,
    "database": DATABASE,
    "bills": BILLS,
    "audit": AUDIT,
    "secrets": SECRETS,
    "side-channels": CHANNELS,
    "residency": RESIDENCY,
    "deletion": DELETION,
}
CATALOGUE = {each.id: each for rows in CATEGORIES.values() for each in rows}
CATEGORY_OF = {each.id: name for name, rows in CATEGORIES.items() for each in rows}


def chosen(
    ids: Iterable[str] = (), category: str | None = None, control: str | None = None, flag: str = "--property"
) -> list[Property]:
    """Return the properties that pass all filters, in the order of the catalogue. Ids are taken in any case.

    Args:
        flag: where the ids come from.

    Raises:
        TenantError: an id, category or control that is not there.
    """
    wanted = {each.upper() for each in ids}
    for id_ in sorted(wanted - CATALOGUE.keys()):
        raise unknown_name("property", id_, CATALOGUE, flag)
    if category is not None and category not in CATEGORIES:
        raise unknown_name("category", category, CATEGORIES, "--category")
    return [
        each
        for each in CATALOGUE.values()
        if (not wanted or each.id in wanted)
        and (category is None or CATEGORY_OF[each.id] == category)
        and (control is None or named_control(control) in each.controls)
    ]


def named_control(text: str) -> str:
    """Return the control that a person means: its name in any case, blanks or not. Raises TenantError."""

    def plain(name: str) -> str:
        return "".join(name.split()).casefold()

    for name in CONTROLS:
        if plain(name) == plain(text):
            return name
    raise TenantError(
        "unknown control", code="unknown_name", path="--control", found=text, allowed="a name such as 'SOC2 CC6.1'"
    )
