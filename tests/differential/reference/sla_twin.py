"""Service levels and credits, a second and a GPU at a time, straight from what was promised: slow and obvious.

What an hour cost is taken from its line items, which have a twin of their own. The rules that broken twins get wrong
are arguments, so that a canary differs from the honest twin in one place.

Rows: held (job, tenant, product, place, gpus, start_s, end_s); evicted (job, tenant, product, noticed_s, evicted_s,
guaranteed_until_s); lost (job, tenant, product, place, gpus, from_s, until_s); excluded (tenant, product, region, sku,
from_s, until_s), None for any. All names are words.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import NamedTuple

Key = tuple[str, str, str]  # tenant, product, month


class Held(NamedTuple):
    job: int
    tenant: str
    product: str
    place: tuple[str, str]
    gpus: int
    start_s: int
    end_s: int


class Evicted(NamedTuple):
    job: int
    tenant: str
    product: str
    noticed_s: int
    evicted_s: int
    guaranteed_until_s: int


class Excluded(NamedTuple):
    tenant: str | None
    product: str | None
    region: str | None
    sku: str | None
    from_s: int
    until_s: int

    def holds(self, row: Held, second: int) -> bool:
        wanted = (self.tenant, self.product, self.region, self.sku)
        found = (row.tenant, row.product, *row.place)
        fits = all(want in (None, word) for want, word in zip(wanted, found, strict=True))
        return fits and self.from_s <= second < self.until_s


class Terms(NamedTuple):
    """Percentages as Fractions; no steps and not linear: no credit for availability."""

    steps: tuple[tuple[Fraction, Fraction], ...]
    linear: bool
    by_node: bool


class Rules(NamedTuple):
    """What a broken twin gets wrong."""

    below: Callable[[Fraction, Fraction], bool] = lambda uptime, bound: uptime < bound
    excluded_is_healthy: bool = False
    base_with_refunds: bool = False
    kept: Callable[[Evicted, int], bool] = lambda row, notice_s: (
        row.evicted_s - row.noticed_s >= notice_s and row.evicted_s >= row.guaranteed_until_s
    )


class Levels(NamedTuple):
    """(healthy, entitled) of each key; USD given back for availability, and for evictions."""

    availability: dict[Key, tuple[int, int]]
    credits: dict[Key, Fraction]
    refunds: dict[Key, Fraction]


def levels(
    held: list[Held],
    lost: list[Held],
    evicted: Iterable[Evicted],
    excluded: list[Excluded],
    per_gpu_second: Callable[[Held, int], Fraction],
    month: Callable[[int], str],
    terms: Mapping[str, Terms],
    notice_s: Mapping[str, int],
    refund_s: Mapping[str, int],
    charged: Mapping[Key, int],
    rules: Rules = Rules(),  # noqa: B008
) -> Levels:
    """Everything, counted second by second. `per_gpu_second` is what one GPU cost in that second, `charged` how many
    GPU-seconds of a key were charged at their full price."""
    healthy: dict[tuple[Key, int], int] = defaultdict(int)
    entitled: dict[tuple[Key, int], int] = defaultdict(int)
    charge: dict[tuple[Key, int], Fraction] = defaultdict(Fraction)
    uncounted: dict[Key, int] = defaultdict(int)
    for row in held:
        for second in range(row.start_s, row.end_s):
            at = (row.tenant, row.product, month(second)), row.job
            charge[at] += row.gpus * per_gpu_second(row, second)
            if not any(each.holds(row, second) for each in excluded) or rules.excluded_is_healthy:
                taken = sum(each.gpus for each in lost if each.job == row.job and each.start_s <= second < each.end_s)
                healthy[at] += row.gpus - min(taken, row.gpus)
                entitled[at] += row.gpus
            else:
                uncounted[at[0]] += row.gpus
    down = set()
    for row in lost:
        for second in range(row.start_s, row.end_s):
            if not any(each.holds(row, second) for each in excluded) or rules.excluded_is_healthy:
                at = (row.tenant, row.product, month(second)), row.job
                there = sum(each.gpus for each in held if each.job == row.job and each.start_s <= second < each.end_s)
                entitled[at] += row.gpus - min(there, row.gpus)
                down.add(at)
    back = given_back(held, evicted, excluded, per_gpu_second, month, notice_s, refund_s, rules)
    counted = {key: charged.get(key, 0) - uncounted[key] for key in {at[0] for at in entitled}}
    credits = _credits(healthy, entitled, charge, {} if rules.base_with_refunds else back, down, terms, rules)
    for key, seconds in counted.items():
        if key[1] in terms and terms[key[1]].linear:
            lost = max(0, min(_of(entitled, key), seconds) - _of(healthy, key))
            if lost:
                credits[key] = (_sum(charge, key) - _sum(back, key)) * lost / charged[key]
    return Levels(
        availability={
            key: (_of(healthy, key), _of(entitled, key)) for key in {at[0] for at in entitled if entitled[at]}
        },
        credits={key: usd for key, usd in credits.items() if usd},
        refunds={key: _sum(back, key) for key in {at[0] for at in back}},
    )


def given_back(
    held: list[Held],
    evicted: Iterable[Evicted],
    excluded: list[Excluded],
    per_gpu_second: Callable[[Held, int], Fraction],
    month: Callable[[int], str],
    notice_s: Mapping[str, int],
    refund_s: Mapping[str, int],
    rules: Rules,
) -> dict[tuple[Key, int], Fraction]:
    """USD of the last seconds before each eviction that broke a promise, by key and job."""
    back: dict[tuple[Key, int], Fraction] = defaultdict(Fraction)
    for eviction in evicted:
        if rules.kept(eviction, notice_s[eviction.product]):
            continue
        for row in held:
            if (row.job, row.end_s) != (eviction.job, eviction.evicted_s):
                continue
            if any(each.holds(row, eviction.evicted_s) for each in excluded):
                continue
            for second in range(max(row.start_s, row.end_s - refund_s[row.product]), row.end_s):
                if month(second) == month(eviction.evicted_s):
                    at = (row.tenant, row.product, month(second)), row.job
                    back[at] += row.gpus * per_gpu_second(row, second)
    return back


def _credits(
    healthy: Mapping[tuple[Key, int], int],
    entitled: Mapping[tuple[Key, int], int],
    charge: Mapping[tuple[Key, int], Fraction],
    back: Mapping[tuple[Key, int], Fraction],
    down: set[tuple[Key, int]],
    terms: Mapping[str, Terms],
    rules: Rules,
) -> dict[Key, Fraction]:
    found = {}
    for key in {at[0] for at in entitled}:
        mine = terms.get(key[1])
        if mine is None or mine.linear:
            continue
        if mine.by_node:
            found[key] = sum(
                (
                    (charge.get(at, Fraction(0)) - back.get(at, Fraction(0)))
                    * _share(healthy.get(at, 0), entitled[at], mine, rules)
                    for at in down
                    if at[0] == key
                ),
                Fraction(0),
            )
        else:
            base = _sum(charge, key) - _sum(back, key)
            found[key] = base * _share(_of(healthy, key), _of(entitled, key), mine, rules)
    return found


def _share(healthy: int, entitled: int, terms: Terms, rules: Rules) -> Fraction:
    if entitled == 0:
        return Fraction(0)
    uptime = Fraction(100 * healthy, entitled)
    return max((share for bound, share in terms.steps if rules.below(uptime, bound)), default=Fraction(0)) / 100


def _of(counts: Mapping[tuple[Key, int], int], key: Key) -> int:
    return sum(count for at, count in counts.items() if at[0] == key)


def _sum(amounts: Mapping[tuple[Key, int], Fraction], key: Key) -> Fraction:
    return sum((amount for at, amount in amounts.items() if at[0] == key), Fraction(0))
