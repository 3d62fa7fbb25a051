"""Metering, rating, bills and SLA credits, straight from the documents' formulas: slow, obvious, and nothing shared.

A second at a time, a dict for every table, `Fraction` for every amount. The rule that a broken twin gets wrong is an
argument of its step, so that a canary differs from the honest twin in exactly one line.

Rows: segment (tenant, product, region, sku, gpus, start_s, end_s, cause); price (product, sku, region, from_unix_s,
USD as text); outage (tenant, product, gpus, from_s, until_s). All names are words here, never indices.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from math import floor
from typing import NamedTuple


class Segment(NamedTuple):
    tenant: str
    product: str
    region: str
    sku: str
    gpus: int
    start_s: int
    end_s: int
    cause: str = "finished"


class Rule(NamedTuple):
    """What a product does not charge for."""

    if_preempted_s: int = 0
    failed_starts: bool = True
    stalled: bool = False
    down: bool = False


class Condition(NamedTuple):
    """GPUs of one segment (its place in the list) that were "down", "stalled" or "degraded" to a part of the whole."""

    segment: int
    what: str
    gpus: int
    factor_bp: int
    from_s: int
    until_s: int


class Price(NamedTuple):
    product: str
    sku: str
    region: str
    from_unix_s: int
    usd: str


class Loss(NamedTuple):
    tenant: str
    product: str
    gpus: int
    from_s: int
    until_s: int


UsageKey = tuple[str, int, str, str, str, str, int]  # tenant, hour_s, region, sku, product, class, basis points charged


def too_short(ran_s: int, window_s: int) -> bool:
    return ran_s < window_s


def meter(
    segments: Iterable[Segment],
    seconds: Callable[[int, int], Iterable[int]] = range,
    rules: Mapping[str, Rule] | None = None,
    conditions: Sequence[Condition] = (),
    inside: Callable[[int, int], bool] = too_short,
) -> dict[UsageKey, int]:
    """GPU-seconds per key, one second and one GPU at a time. `seconds` lists the seconds of an interval, `inside` says
    whether a start was evicted inside its free window."""
    usage: dict[UsageKey, int] = defaultdict(int)
    for place, row in enumerate(segments):
        rule = (rules or {}).get(row.product, Rule())
        mine = [condition for condition in conditions if condition.segment == place]
        for second in seconds(row.start_s, row.end_s):
            hour_s = second - second % 3600
            for why, factor_bp, gpus in gpus_in(row, rule, mine, second, inside):
                usage[row.tenant, hour_s, row.region, row.sku, row.product, why, factor_bp] += gpus
    return dict(usage)


def gpus_in(
    row: Segment, rule: Rule, conditions: Iterable[Condition], second: int, inside: Callable[[int, int], bool]
) -> list[tuple[str, int, int]]:
    """How the GPUs of a segment are charged in one second: (class, basis points of the price, GPUs)."""
    if row.cause == "start_refused" and rule.failed_starts:
        return [("free.failed_start", 0, row.gpus)]
    if row.cause == "evicted" and inside(row.end_s - row.start_s, rule.if_preempted_s):
        return [("free.preempted", 0, row.gpus)]
    now = [condition for condition in conditions if condition.from_s <= second < condition.until_s]
    if not now:
        return [("billed", 10_000, row.gpus)]
    gpus: list[tuple[str, int, int]] = []
    for what, name, given in (("down", "free.down", rule.down), ("stalled", "free.stalled", rule.stalled)):
        gpus += [(name, 0, 1) for condition in now if condition.what == what and given for _ in range(condition.gpus)]
    slow = sorted(
        condition.factor_bp for condition in now if condition.what == "degraded" for _ in range(condition.gpus)
    )
    gpus += [("degraded", factor_bp, 1) for factor_bp in slow] + [("billed", 10_000, 1)] * row.gpus
    return gpus[: row.gpus]


def usd_per_gpu_hour(
    prices: Iterable[Price],
    product: str,
    sku: str,
    region: str,
    unix_s: int,
    read: Callable[[str], Fraction] = Fraction,
) -> Fraction:
    """The price in force: most specific, then latest. `read` turns the written price into a number."""
    best: tuple[tuple[bool, bool, bool], int, str] | None = None
    for price in prices:
        fits = all(
            pattern in ("*", word)
            for pattern, word in ((price.product, product), (price.sku, sku), (price.region, region))
        )
        if fits and price.from_unix_s <= unix_s:
            specific = (price.product != "*", price.sku != "*", price.region != "*")
            if best is None or (specific, price.from_unix_s) > best[:2]:
                best = (specific, price.from_unix_s, price.usd)
    if best is None:
        raise LookupError(f"no price for {product} {sku} {region} at {unix_s}")
    return read(best[2])


def exactly(usd: Fraction) -> Fraction:
    return usd


def rate(
    usage: Mapping[UsageKey, int],
    prices: Sequence[Price],
    epoch_s: int,
    read: Callable[[str], Fraction] = Fraction,
    each_hour: Callable[[Fraction], Fraction] = exactly,
) -> dict[UsageKey, Fraction]:
    """USD of each usage row: GPU-seconds / 3600 x price x the part charged. `each_hour` is done to each row: honestly,
    nothing."""
    amounts = {}
    for key, gpu_s in usage.items():
        _, hour_s, region, sku, product, _, factor_bp = key
        price = usd_per_gpu_hour(prices, product, sku, region, epoch_s + hour_s, read)
        amounts[key] = each_hour(Fraction(gpu_s, 3600) * price * Fraction(factor_bp, 10_000))
    return amounts


def month_of(epoch_s: int, second: int) -> str:
    return datetime.fromtimestamp(epoch_s + second, UTC).strftime("%Y-%m")


def to_units(usd: Fraction, units_per_usd: int) -> int:
    """The nearest whole number of units, half away from zero."""
    units = abs(usd) * units_per_usd
    whole = floor(units)
    if units - whole >= Fraction(1, 2):
        whole += 1
    return whole if usd >= 0 else -whole


def deal_out(parts: Sequence[Fraction], units_per_usd: int) -> list[int]:
    """Whole units for each part that add up to the rounded sum: one missing unit at a time to the neediest part."""
    dealt = [floor(part * units_per_usd) for part in parts]
    while sum(dealt) < to_units(sum(parts, Fraction(0)), units_per_usd):
        need = [part * units_per_usd - units for part, units in zip(parts, dealt, strict=True)]
        dealt[need.index(max(need))] += 1
    return dealt


def month_charges(amounts: Mapping[UsageKey, Fraction], epoch_s: int) -> dict[tuple[str, str], Fraction]:
    """Exact USD of each (tenant, month)."""
    charges: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    for (tenant, hour_s, *_), usd in amounts.items():
        charges[tenant, month_of(epoch_s, hour_s)] += usd
    return dict(charges)


def availability(
    usage: Mapping[UsageKey, int], losses: Iterable[Loss], epoch_s: int
) -> dict[tuple[str, str, str], tuple[int, int]]:
    """(healthy, entitled) GPU-seconds of each (tenant, product, month): delivered, and delivered + lost."""
    delivered: dict[tuple[str, str, str], int] = defaultdict(int)
    lost: dict[tuple[str, str, str], int] = defaultdict(int)
    for (tenant, hour_s, _, _, product, *_), gpu_s in usage.items():
        delivered[tenant, product, month_of(epoch_s, hour_s)] += gpu_s
    for loss in losses:
        for second in range(loss.from_s, loss.until_s):
            lost[loss.tenant, loss.product, month_of(epoch_s, second)] += loss.gpus
    return {key: (delivered[key], delivered[key] + lost[key]) for key in delivered.keys() | lost.keys()}


def credit_share(healthy: int, entitled: int, steps: Iterable[tuple[str, str]]) -> Fraction:
    """Part of the charge that is given back: `steps` are (percent below which, percent of the charge), as text."""
    if entitled == 0:
        return Fraction(0)
    uptime = Fraction(100 * healthy, entitled)
    return max((Fraction(share) / 100 for below, share in steps if uptime < Fraction(below)), default=Fraction(0))
