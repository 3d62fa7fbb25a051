"""Names that an invoice does not hold."""

from collections.abc import Mapping
from typing import NamedTuple

from tenants.band import Band
from tenants.registry import Registry


class Parties(NamedTuple):
    """Names that an invoice does not hold: who issues it, what tenants are called, how products are rented out."""

    issuer: str
    tenants: Mapping[str, str]
    bands: Mapping[str, Band]


def parties_of(registry: Registry, issuer: str) -> Parties:
    """Return the names that documents need, from the registry."""
    bands = {product.code: product.band for product in registry.products}
    return Parties(issuer, {tenant.id: tenant.name for tenant in registry.tenants}, bands)
