"""Who holds a GPU, in the few words that a picture of the whole cluster has room for."""

from collections.abc import Mapping
from functools import cache

from tenants.product import CATALOGUE

# Bottom to top of a picture: what is most important lies at the bottom.
HOLDERS = ("critical", "internal", "reserved", "on_demand", "spot", "down", "idle")
RENTED = ("reserved", "on_demand", "spot")
_HELD = "held."
_NOT_IDLE = ("down", "scrubbing")
_OF_BAND: Mapping[str, str] = {
    "internal_critical": "critical",
    "internal": "internal",
    "reserved": "reserved",
    "on_demand": "on_demand",
    "spot": "spot",
}


@cache
def usual_bands() -> Mapping[str, str]:
    """Return the band of each built-in product."""
    return {product.code: product.band.name.lower() for product in CATALOGUE}


def holder_of(product: str, bands: Mapping[str, str]) -> str:
    """Return who holds what is held under a product; one without a band counts as on-demand."""
    return _OF_BAND[bands.get(product, "on_demand")]


def holder_in(state: str, bands: Mapping[str, str]) -> str:
    """Return who holds GPUs in a state of `capacity`: "held." and a product, or one of those that nobody holds."""
    if state.startswith(_HELD):
        return holder_of(state.removeprefix(_HELD), bands)
    return "down" if state in _NOT_IDLE else "idle"
