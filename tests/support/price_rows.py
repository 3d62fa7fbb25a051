"""Price rows of every model, drawn by Hypothesis, and hourly usage that they can price."""

from typing import Any

from hypothesis import strategies as st

from billing.metering.meter import UsageTable
from billing.metering.meters import METERS
from billing.rating.prices import PriceBook
from billing_facts import HOUR_S, table

FROM = "2025-01-01T00:00:00Z"
PRICES = st.sampled_from(("0", "0.000001", "1", "2.95", "5.12345", "12.3"))
BOUNDS = ("0.5", "1", "2.25", "7", "10", "100", "5000")
FLATS = st.sampled_from(("0", "0", "2", "100.01"))
PERCENTS = st.sampled_from(("0", "1.3", "2.99", "50"))
SIZES = st.sampled_from(("0.5", "1", "3", "10", "100"))
HOURS = st.lists(
    st.tuples(st.sampled_from((1, 1800, 3600, 3601, 86_400, 10**7)), st.sampled_from((10_000, 10_000, 6_000, 0))),
    min_size=1,
    max_size=8,
)


def bounded_tiers(tier: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """One to four tiers with ascending bounds, the last one without."""

    def close(bounds: list[int], tiers: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ends = [{"up_to": BOUNDS[at]} for at in sorted(bounds)[: len(tiers) - 1]]
        return [each | end for each, end in zip(tiers, [*ends, {}], strict=True)]

    bounds = st.lists(st.integers(0, len(BOUNDS) - 1), min_size=3, max_size=3, unique=True)
    return st.builds(close, bounds, st.lists(tier, min_size=1, max_size=4))


def tables(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(keys)


def blocks() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(tables(block_size=SIZES, max_blocks=st.integers(1, 20), price=PRICES), min_size=1, max_size=3)


MODEL_KEYS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "standard": tables(unit_price=PRICES),
    "percentage": tables(rate_percent=PERCENTS),
    "graduated": tables(tiers=bounded_tiers(tables(unit_price=PRICES, flat=FLATS))),
    "graduated_percentage": tables(tiers=bounded_tiers(tables(rate_percent=PERCENTS, flat=FLATS))),
    "volume": tables(tiers=bounded_tiers(tables(unit_price=PRICES, flat=FLATS))),
    "package": tables(package_size=SIZES, package_price=PRICES),
    "block_all_tiers": tables(tiers=blocks()),
    "block_top_tier": tables(tiers=blocks()),
}
BY_TOTAL = ("volume", "block_top_tier")  # one tier prices everything: more may cost less
CONVERT = st.fixed_dictionaries(
    {
        "op": st.sampled_from(("multiply", "divide")),
        "factor": st.sampled_from(("0.5", "1.6", "2", "1000")),
        "rounding": st.sampled_from(("none", "ceiling", "floor", "half_up")),
    }
)
# (minimum, maximum) of a month.
LIMITS = st.sampled_from(({}, {"minimum": "35.5"}, {"maximum": "100"}, {"minimum": "1", "maximum": "20"}))
EXTRAS = st.fixed_dictionaries(
    {},
    optional={
        "convert": CONVERT,
        "free_units": st.sampled_from(("0.5", "3", "1000")),
        "discount_bp": st.sampled_from((1, 5_000, 10_000)),
    },
)


def price_rows(*models: str) -> st.SearchStrategy[dict[str, Any]]:
    """A `[[price]]` table of one of the models (all of them by default), for any product and SKU."""

    def whole(model: str) -> st.SearchStrategy[dict[str, Any]]:
        head = {"product": "*", "sku": "*", "from": FROM, "model": model}
        return st.builds(lambda keys, extras, limits: head | keys | extras | limits, MODEL_KEYS[model], EXTRAS, LIMITS)

    return st.sampled_from(models or tuple(MODEL_KEYS)).flatmap(whole)


def book_of(*rows: dict[str, Any]) -> PriceBook:
    return PriceBook.from_mappings(rows)


def usage_of(hours: list[tuple[int, int]], meter: int = 0, scale: int = 1) -> UsageTable:
    """Usage of tenant 0 in successive hours: (quantity, factor) each."""
    rows = [
        (0, number * HOUR_S, 0, 0, 0, meter, 0 if factor_bp == 10_000 else 1, factor_bp, quantity * scale)
        for number, (quantity, factor_bp) in enumerate(hours)
    ]
    return table(UsageTable, rows)


def per_of(meter: int) -> int:
    return METERS[meter].per
