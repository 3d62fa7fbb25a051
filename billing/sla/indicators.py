"""What was promised and what was kept, per tenant, rented product and month.

Ratios are pairs of ints. Availability is healthy / entitled GPU-seconds, where entitled = held + taken away by node
faults (once, where it was held all the same), both without excluded time. A notice is kept iff the renter had its full
notice and was not evicted inside its guarantee.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from billing.currency import DEFAULT, Currency
from billing.money import SECONDS_PER_HOUR
from billing.sla.claims import claims_of
from billing.sla.credit import Key, ServiceCredit, post, reaches
from billing.sla.exclusions import Excluded
from billing.sla.facts import KeyFacts, Promise, SlaFacts, gather
from billing.usage import IntArray, Names
from tenants.band import Band
from tenants.registry import Registry

RENTED = (Band.RESERVED, Band.ON_DEMAND, Band.SPOT)


class SlaRow(NamedTuple):
    """Indicators of one tenant, product and month. Times to start are nearest-rank percentiles; None without a start.

    `credit_bp` is the deepest step that an availability fell to, capped, and `credit_micro_usd` all that was posted;
    `refund_micro_usd` is the part of it for evictions that broke a promise. `excluded_gpu_s` are in neither healthy
    nor entitled. Of the segments that ended in the month, `kept_gpu_s` of `ended_gpu_s` were work that was kept. Of
    what contracts promised, `reserved_gpu_s`, `delivered_gpu_s` were there and healthy.
    """

    tenant: int
    product: int
    month: int
    terms: str | None
    target_bp: int | None
    healthy_gpu_s: int
    entitled_gpu_s: int
    credit_bp: int
    credit_micro_usd: int
    notices_kept: int
    notices_total: int
    starts: int
    wait_s_p50: int | None
    wait_s_p95: int | None
    wait_s_p99: int | None
    evictions: int
    faults: int
    degraded_gpu_s: int = 0
    excluded_gpu_s: int = 0
    notice_s_min: int | None = None
    inside_guarantee: int = 0
    refund_micro_usd: int = 0
    ended_gpu_s: int = 0
    kept_gpu_s: int = 0
    reserved_gpu_s: int = 0
    delivered_gpu_s: int = 0

    @property
    def met(self) -> bool | None:
        """Whether the availability reached its target; None where none is promised, or nothing was entitled."""
        if self.target_bp is None or self.entitled_gpu_s == 0:
            return None
        return reaches(self.healthy_gpu_s, self.entitled_gpu_s, self.target_bp)

    @property
    def interruptions(self) -> int:
        return self.evictions + self.faults

    @property
    def interruptions_per_1000_gpu_h(self) -> tuple[int, int]:
        """(numerator, denominator); the denominator is 0 where nothing was delivered."""
        return self.interruptions * 1000 * SECONDS_PER_HOUR, self.healthy_gpu_s

    @property
    def gpu_s_between_interruptions(self) -> tuple[int, int]:
        """Mean healthy GPU-seconds from one interruption to the next; the denominator is 0 where there was none."""
        return self.healthy_gpu_s, self.interruptions


class Levels(NamedTuple):
    """The service levels of a run: one row per key, the credits posted, and the time that did not count."""

    rows: list[SlaRow]
    credits: list[ServiceCredit]
    excluded: list[Excluded]


def promises(names: Names, registry: Registry) -> dict[int, Promise]:
    """Return, by product index, the promises of the rented products that make any: an SLA or a notice."""
    made = {}
    for index, code in enumerate(names.products):
        row = registry.product_index(code)
        product, terms = registry.products[row], registry.sla_of(row)
        if product.band in RENTED and (terms is not None or product.notice_s > 0):
            made[index] = Promise(product.notice_s, terms, product.refund_s)
    return made


def assess(names: Names, promised: Mapping[int, Promise], facts: SlaFacts, currency: Currency = DEFAULT) -> Levels:
    """Return the service levels of every tenant, promised product and month in which something happened.

    All are sorted by (tenant, product, month). The charge that a credit is a part of is the month's exact usage charge
    of that product, less what evictions that broke a promise gave back already. Seconds taken away by a fault are not
    charged, so they are not in it: nothing is compensated twice.
    """
    found = gather(names, promised, facts)
    claims = claims_of(names, promised, facts, found)
    posted = post(claims, currency)
    by_key: dict[Key, list[ServiceCredit]] = {}
    for credit in [*(claim for claim in claims if not claim.exact.numerator), *posted]:
        by_key.setdefault(credit.key, []).append(credit)
    rows = [_row(key, mine, promised[key.product], by_key.get(key, ())) for key, mine in found.items()]
    return Levels(rows, posted, [Excluded(key, time) for key, mine in found.items() for time in mine.excluded])


def nearest_rank(ascending: IntArray, percent: int) -> int | None:
    """Return the smallest value that at least `percent` % of the values do not exceed; None of no values."""
    if len(ascending) == 0:
        return None
    return int(ascending[(percent * len(ascending) + 99) // 100 - 1])


def _row(key: Key, mine: KeyFacts, promise: Promise, credits: Sequence[ServiceCredit]) -> SlaRow:
    refunds = [credit for credit in credits if credit.basis == "eviction"]
    stepped = [credit.credit_bp for credit in credits if credit.basis in ("pool", "node")]
    return SlaRow(
        *key,
        terms=promise.terms.name if promise.terms else None,
        target_bp=promise.terms.target_bp if promise.terms else None,
        healthy_gpu_s=mine.healthy_gpu_s,
        entitled_gpu_s=mine.entitled_gpu_s,
        credit_bp=max(stepped, default=0),
        credit_micro_usd=sum(credit.amount_micro_usd for credit in credits),
        notices_kept=mine.evictions - len(mine.unkept),
        notices_total=mine.evictions,
        starts=len(mine.wait_s),
        wait_s_p50=nearest_rank(mine.wait_s, 50),
        wait_s_p95=nearest_rank(mine.wait_s, 95),
        wait_s_p99=nearest_rank(mine.wait_s, 99),
        evictions=mine.evictions,
        faults=mine.faults,
        degraded_gpu_s=mine.degraded_gpu_s,
        excluded_gpu_s=sum(each.held_gpu_s + each.lost_gpu_s for each in mine.excluded),
        notice_s_min=mine.notice_s_min,
        inside_guarantee=mine.inside_guarantee,
        refund_micro_usd=sum(credit.amount_micro_usd for credit in refunds),
        ended_gpu_s=mine.ended_gpu_s,
        kept_gpu_s=mine.kept_gpu_s,
        reserved_gpu_s=mine.reserved.promised,
        delivered_gpu_s=max(0, mine.reserved.there - sum(outage.gpu_s for outage in mine.outages)),
    )
