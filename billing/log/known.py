"""Whether the terms know what an event is about: the tenant, the product, and a price for it."""

from collections.abc import Mapping
from typing import Any

from billing.errors import BillingError
from billing.log.event import Event
from billing.log.shapes import CAPACITY, EXCLUDED, INSTALLED
from billing.metering.meters import GPU_S, METER_CODES
from billing.money import SECONDS_PER_HOUR
from billing.terms import Terms

EVERYBODY = "*"
OF_OPERATOR = (CAPACITY, INSTALLED)  # their subject is nobody's bill


def regions_of(terms: Terms) -> dict[str, tuple[str, ...]]:
    """Return where the work of each tenant may be that may not be everywhere."""
    return {tenant.id: tenant.regions for tenant in terms.registry.tenants if tenant.regions}


def abroad(regions: Mapping[str, tuple[str, ...]], tenant: str, region: str) -> str:
    """Return in words why a tenant's work may not be in a region, "" if it may.

    Such work is not billed: it is set aside, for the operator to answer for (property R1).
    """
    if region in regions.get(tenant, (region,)):
        return ""
    return f"the work of {tenant!r} may not be in region {region[:60]!r}, only in {', '.join(regions[tenant])}"


class KnownTerms:
    """The terms, asked many times the same."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        self.tenants = {tenant.id for tenant in terms.registry.tenants}
        self.regions = regions_of(terms)
        self.products = {product.code for product in terms.registry.products}
        self._faults: dict[tuple[str, str, str, int, str], str] = {}

    def fault(self, event: Event, data: Mapping[str, Any]) -> str:
        """Return in words what the terms do not know of an event, "" if nothing."""
        everybody = event.type == EXCLUDED and event.subject == EVERYBODY
        if event.type not in OF_OPERATOR and not everybody and event.subject not in self.tenants:
            return f"unknown tenant {event.subject!r}"
        product = data.get("product", EVERYBODY)
        if product != EVERYBODY and product not in self.products:
            return f"unknown product {product!r}"
        if event.type != EXCLUDED and event.subject in self.regions and "region" in data:
            return abroad(self.regions, event.subject, data["region"])
        return ""

    def price_fault(self, data: Mapping[str, Any], from_s: int, until_s: int) -> str:
        """Return in words why something has no price at both ends of [from_s, until_s), Unix seconds; "" if it has."""
        for at_s in (from_s, max(from_s, until_s - 1)):
            hour_s = at_s - (at_s - self.terms.epoch_s) % SECONDS_PER_HOUR
            key = data["product"], data["sku"], data["region"], hour_s, data.get("meter", METER_CODES[GPU_S])
            if key not in self._faults:
                self._faults[key] = self._looked_up(*key)
            if self._faults[key]:
                return self._faults[key]
        return ""

    def _looked_up(self, product: str, sku: str, region: str, at_s: int, meter: str) -> str:
        (plan,) = self.terms.plans([product])
        try:
            row = self.terms.book.row_at(plan, sku, region, at_s, meter)
        except BillingError as error:
            return error.message
        return f"{row.model} price per event, which hours do not have" if row.plan.asks_for_events else ""
