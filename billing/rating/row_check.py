"""What a price row must hold, by its model, and how rows of one key must follow each other in time.

Each refusal is one line with file, row, key and what is allowed; nothing is converted and nothing is guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from billing.errors import BillingError, PriceError
from billing.metering.meters import GPU_S, METER_CODES
from billing.money import parse_percent, parse_units, parse_usd
from billing.rating.price_row import PriceRow, Tier, key_of


class Keys(NamedTuple):
    """Keys of the row that a model needs, those that it also takes, and the same of its tiers."""

    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    tier_needs: tuple[str, ...] = ()
    tier_takes: tuple[str, ...] = ()


_BLOCKS = Keys(("tiers",), (), ("block_size", "price"), ("max_blocks",))
KEYS = {
    "standard": Keys(takes=("usd_per_gpu_hour", "unit_price")),
    "graduated": Keys(("tiers",), (), ("unit_price",), ("up_to", "flat")),
    "volume": Keys(("tiers",), (), ("unit_price",), ("up_to", "flat")),
    "package": Keys(("package_size", "package_price")),
    "percentage": Keys(("rate_percent",), ("fixed_per_event", "free_events", "min_per_event", "max_per_event")),
    "graduated_percentage": Keys(("tiers",), (), ("rate_percent",), ("up_to", "flat")),
    "block_all_tiers": _BLOCKS,
    "block_top_tier": _BLOCKS,
    "dynamic": Keys(("series",)),
}
_OF_MODELS = {key for keys in KEYS.values() for key in (*keys.needs, *keys.takes)}
_NUMBERS: dict[str, Callable[[object], Any]] = {
    **dict.fromkeys(("unit_price", "package_price", "fixed_per_event", "min_per_event", "max_per_event"), parse_usd),
    **dict.fromkeys(("minimum", "maximum", "price", "flat"), parse_usd),
    **dict.fromkeys(("package_size", "free_units", "up_to", "block_size"), parse_units),
    "rate_percent": parse_percent,
}
_ABOVE_0 = ("package_size", "block_size", "up_to")


def require_row(row: PriceRow, place: str, file: str | None) -> None:
    """Refuse a row that its model cannot price. `place` is such as "price[3]".

    Raises:
        PriceError: naming file, row and key.
    """
    for fault in _faults(row):
        raise PriceError(
            fault.message,
            code=fault.code,
            file=file,
            path=f"{place}.{fault.path}" if fault.path else place,
            found=fault.found,
            allowed=fault.allowed,
        )


def require_sequence(rows: Sequence[PriceRow], file: str | None) -> None:
    """Refuse rows of one key of which two apply at once, or that leave time between them without a price.

    A row without `until` ends where the next of its key begins. The last one may end: hours after it are refused when
    they are priced.

    Raises:
        PriceError: naming both rows.
    """
    numbers: dict[tuple[str, ...], list[int]] = {}
    for number, row in enumerate(rows):
        numbers.setdefault(key_of(row), []).append(number)
    for mine in numbers.values():
        for one, other in pairwise(sorted(mine, key=lambda number: rows[number].from_unix_s)):
            _require_next(rows, one, other, file)


def _require_next(rows: Sequence[PriceRow], one: int, other: int, file: str | None) -> None:
    path = f"price[{other}]"
    if rows[one].from_unix_s == rows[other].from_unix_s:
        first, second = sorted((one, other))
        raise PriceError(
            f"same product, sku, region and time as price[{first}]",
            code="duplicate",
            file=file,
            path=f"price[{second}]",
            found=", ".join((*key_of(rows[second])[:3], rows[second].from_)),
        )
    if rows[one].until is None or rows[one].until_unix_s == rows[other].from_unix_s:
        return
    if rows[one].until_unix_s > rows[other].from_unix_s:
        message = f"overlaps with price[{one}], which applies until {rows[one].until}"
    else:
        message = f"leaves a gap after price[{one}], which ends at {rows[one].until}"
    raise PriceError(message, file=file, path=f"{path}.from", found=rows[other].from_, allowed=rows[one].until)


def _faults(row: PriceRow) -> Iterator[BillingError]:
    """Yield what is wrong with a row, the plainest things first: later checks may take earlier ones for granted."""
    keys = KEYS[row.model]
    for key in keys.needs:
        if getattr(row, key) in (None, ()):
            yield PriceError(f"missing: model {row.model} needs it", code="missing_key", path=key)
    foreign = sorted(_OF_MODELS.intersection(row.model_fields_set).difference(keys.needs, keys.takes))
    for key in foreign:
        allowed = ", ".join((*keys.needs, *keys.takes))
        yield PriceError(f"not a key of model {row.model}", code="unknown_key", path=key, allowed=allowed)
    if row.model == "standard":
        yield from _price_faults(row)
    yield from _number_faults(row, "")
    for number, tier in enumerate(row.tiers):
        yield from _tier_faults(row.model, tier, f"tiers[{number}].", number == len(row.tiers) - 1)
    yield from _bound_faults(row)
    yield from _series_faults(row)
    yield from _range_faults(row)


def _price_faults(row: PriceRow) -> Iterator[BillingError]:
    if row.usd_per_gpu_hour is None and row.unit_price is None:
        key = "usd_per_gpu_hour" if row.meter == METER_CODES[GPU_S] else "unit_price"
        yield PriceError("missing", code="missing_key", path=key)
    elif row.usd_per_gpu_hour is not None and (row.unit_price is not None or row.meter != METER_CODES[GPU_S]):
        message = "a price is either per GPU-hour in USD, or a unit_price per unit of the meter"
        yield PriceError(message, path="usd_per_gpu_hour", found=row.usd_per_gpu_hour)


def _number_faults(table: PriceRow | Tier, prefix: str) -> Iterator[BillingError]:
    for key, parse in _NUMBERS.items():
        value = getattr(table, key, None)
        if value is None:
            continue
        try:
            if parse(value) == 0 and key in _ABOVE_0:
                yield PriceError("must be above 0", path=f"{prefix}{key}", found=value)
        except BillingError as error:
            error.path = f"{prefix}{key}"
            yield error


def _tier_faults(model: str, tier: Tier, prefix: str, last: bool) -> Iterator[BillingError]:
    keys = KEYS[model]
    for key in keys.tier_needs:
        if getattr(tier, key) is None:
            yield PriceError(f"missing: model {model} needs it", code="missing_key", path=f"{prefix}{key}")
    for key in sorted(tier.model_fields_set.difference(keys.tier_needs, keys.tier_takes)):
        if getattr(tier, key) is not None:
            allowed = ", ".join((*keys.tier_needs, *keys.tier_takes))
            message = f"not a key of model {model}"
            yield PriceError(message, code="unknown_key", path=f"{prefix}{key}", allowed=allowed)
    yield from _number_faults(tier, prefix)
    bound = "max_blocks" if "max_blocks" in keys.tier_takes else "up_to"
    if not last and getattr(tier, bound) is None:
        yield PriceError("missing: only the last tier has no end", code="missing_key", path=f"{prefix}{bound}")
    if last and bound == "up_to" and tier.up_to is not None:
        message = "the last tier must have no bound, or units beyond it would have no price"
        yield PriceError(message, path=f"{prefix}up_to", found=tier.up_to)


def _bound_faults(row: PriceRow) -> Iterator[BillingError]:
    bounds = [parse_units(tier.up_to) for tier in row.tiers if tier.up_to is not None]
    for number, (low, high) in enumerate(pairwise(bounds), start=1):
        if high <= low:
            found, before = row.tiers[number].up_to, row.tiers[number - 1].up_to
            allowed = f"above {before}, the bound of the tier before it"
            yield PriceError("tiers must ascend", path=f"tiers[{number}].up_to", found=found, allowed=allowed)


def _series_faults(row: PriceRow) -> Iterator[BillingError]:
    for number, step in enumerate(row.series):
        try:
            parse_usd(step.unit_price)
        except BillingError as error:
            error.path = f"series[{number}].unit_price"
            yield error
    times = [at_s for at_s, _ in row.series_micro]
    if times and times[0] > row.from_unix_s:
        allowed = f"{row.from_} or earlier, where the row begins"
        yield PriceError("no price before", path="series[0].from", found=row.series[0].from_, allowed=allowed)
    for number, (one, other) in enumerate(pairwise(times), start=1):
        if other <= one:
            path, found = f"series[{number}].from", row.series[number].from_
            yield PriceError(
                "steps must ascend", path=path, found=found, allowed=f"after {row.series[number - 1].from_}"
            )


def _range_faults(row: PriceRow) -> Iterator[BillingError]:
    if row.until is not None and row.until_unix_s <= row.from_unix_s:
        yield PriceError("ends before it begins", path="until", found=row.until, allowed=f"after {row.from_}")
    if row.convert is not None:
        try:
            zero = parse_units(row.convert.factor) == 0
        except BillingError as error:
            error.path = "convert.factor"
            yield error
        else:
            if zero:
                yield PriceError("must be above 0", path="convert.factor", found=row.convert.factor)
    for low, high in (("minimum", "maximum"), ("min_per_event", "max_per_event")):
        least, most = getattr(row, low), getattr(row, high)
        if least is not None and most is not None and parse_usd(least) > parse_usd(most):
            yield PriceError(f"above {high}, which is {most}", path=low, found=least)
    if row.plan.asks_for_events and row.meter == METER_CODES[GPU_S]:
        yield PriceError("GPU time comes in seconds, not in events", path="meter", found=row.meter)
    if row.plan.bounded_events and row.plan.free_units:
        message = "cannot be told apart from bounded events: use free_events"
        yield PriceError(message, path="free_units", found=row.free_units)
