"""Lend, the fifth policy function: how many nodes may be sold, at which guarantee, until the next control tick.

Every function here has one signature: what there is (`Supply`), what internal work may ask for next (`Forecast`), and
what a sold node earns and risks (`Prices`). Those that look at nothing but the first are baselines. The core measures
and remembers (`scheduler.jobs.lending`); here is only arithmetic on integers.
"""

from collections.abc import Callable, Iterable
from enum import IntEnum
from itertools import accumulate
from typing import NamedTuple

from scheduler.errors import UnknownPolicyError
from scheduler.policy.forecast import Forecast, slots_of

UNIT_BP = 10_000
ETA_BP_MIN, ETA_BP_MAX = 2_500, 12_500


class Supply(NamedTuple):
    """What a lend function is told about a pool, in nodes.

    `idle_nodes`: whole nodes that internal work and contracts leave free, whether rented out now or not.
    `reserved_unused_nodes`: how many of them contracts may call on at any time.
    `eta_bp`: the factor that the feedback of `quantile_quota` has reached.
    """

    pool: int
    healthy_nodes: int
    idle_nodes: int
    reserved_unused_nodes: int
    eta_bp: int = UNIT_BP


class PriceRow(NamedTuple):
    """What one node of a product earns and risks when it is sold for one block: plain ints, made by who knows prices.

    `horizon_s` is the length of the block: the guarantee, or for spot how long a sale is taken to last.
    `loss_micro_usd` is what it costs when internal work asks for the node within the block.
    """

    product: int
    guarantee_s: int
    horizon_s: int
    revenue_micro_usd: int
    loss_micro_usd: int


class Offer(NamedTuple):
    """For guarantees of up to `guarantee_s[i]` seconds, at most `nodes_max[i]` nodes may be rented out in total.

    Both are aligned, guarantees ascending; a longer guarantee never allows more nodes. A sale of guarantee g needs
    room at every entry of g or less.
    """

    guarantee_s: tuple[int, ...]
    nodes_max: tuple[int, ...]


Prices = tuple[PriceRow, ...]
Lend = Callable[[Supply, Forecast, Prices], Offer]

NO_OFFER = Offer((0,), (0,))


def none(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Sell nothing: the run without rentals, against which every delay is measured."""
    return NO_OFFER


def all_idle(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Sell whatever is idle now at every guarantee: the naive upper end."""
    return Offer((0,), (supply.idle_nodes,))


def fixed_headroom(headroom_nodes: int) -> Lend:
    """Sell what is idle but for `headroom_nodes`, a fixed reserve. A baseline, not a recommendation.

    Returns the lend function of that reserve.
    """

    def fixed(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
        return Offer((0,), (max(0, supply.idle_nodes - headroom_nodes),))

    return fixed


def quantile_quota(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Sell what the tenants' forecast leaves at a fixed quantile, times the feedback factor.

    Source: the published GFS rule (ASPLOS 2026), design section 5.9, with the corrected feedback of `next_eta_bp`; case
    V19. The level of safety is the same whatever a block earns, which is what `priced_quota` mends.
    """
    capacity = supply.healthy_nodes

    def sold(row: PriceRow) -> int:
        ahead = slots_of(row.horizon_s, forecast.slot_s)
        return tenant_quota(capacity, forecast.need_nodes[:ahead], supply.eta_bp)

    return _by_guarantee((row.guarantee_s, sold(row)) for row in prices)


def priced_quota(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Sell the k-th node for a block iff the chance that internal work asks for it is worth the price.

    Source: the newsvendor's rule, design section 5.10: sell iff P(peak > C - k) <= r / (r + L); case V18b.
    """
    capacity = supply.healthy_nodes

    def sold(row: PriceRow) -> int:
        peaks = forecast.peak_nodes[:, forecast.horizon_s.index(row.horizon_s)].tolist()
        return sellable_nodes(capacity, peaks, row.revenue_micro_usd, row.loss_micro_usd)

    return _by_guarantee((row.guarantee_s, sold(row)) for row in prices)


def oracle(supply: Supply, forecast: Forecast, prices: Prices) -> Offer:
    """Sell by price, knowing the future: `forecast` holds the one true sample, the demand of the run without rentals.

    An upper bound to measure forecasts against; no policy.
    """
    return priced_quota(supply, forecast, prices)


def sellable_nodes(capacity_nodes: int, peak_nodes: list[int], revenue_micro_usd: int, loss_micro_usd: int) -> int:
    """Return the largest k with count(peak > C - k) x (r + L) <= r x samples; 0 <= k <= C.

    `peak_nodes` ascends. A loss of 0 sells everything, whatever is to come: it is almost always a missing input.
    """
    samples = len(peak_nodes)
    stakes = revenue_micro_usd + loss_micro_usd
    allowed = revenue_micro_usd * samples // stakes if stakes else samples
    if allowed >= samples:
        return capacity_nodes
    return min(max(capacity_nodes - peak_nodes[samples - 1 - allowed], 0), capacity_nodes)


def service_level_bp(revenue_micro_usd: int, loss_micro_usd: int) -> int:
    """Return L / (r + L) in basis points, rounded down: the safety that prices ask for (V18). 0 where all is 0."""
    stakes = revenue_micro_usd + loss_micro_usd
    return UNIT_BP * loss_micro_usd // stakes if stakes else 0


def tenant_quota(capacity: int, need: tuple[int, ...], eta_bp: int) -> int:
    """Return floor(clip(eta x min_k(C - R_k), 0, C)): Q of design section 5.9, in the unit of `capacity` and `need`."""
    least = min((capacity - needed for needed in need), default=0)
    return min(max(eta_bp * least, 0), capacity * UNIT_BP) // UNIT_BP


def next_eta_bp(eta_bp: int, evicted: int, ended: int, queued_long: bool, target_bp: int) -> int:
    """Return the factor after one look at the evictions: e = evicted / ended against the target e*.

    e >= 1.5 e*: eta x e* / e. e <= 0.5 e* and the oldest queued spot job has waited for over an hour:
    eta x (1.5 - e/e*). Kept within [0.25, 1.25], rounded down. Nothing ended counts as e = 0: a quota that lets nobody
    in must be able to open again. Source: GFS with SchedNav's low-rate factor; the published 1.5 - e*/e is negative,
    and divides by 0 (V19).
    """
    if ended and 2 * UNIT_BP * evicted >= 3 * target_bp * ended:
        eta_bp = eta_bp * target_bp * ended // (UNIT_BP * evicted)
    elif queued_long and 2 * UNIT_BP * evicted <= target_bp * ended:
        weight = max(ended, 1)
        eta_bp = eta_bp * (3 * target_bp * weight - 2 * UNIT_BP * evicted) // (2 * target_bp * weight)
    return min(max(eta_bp, ETA_BP_MIN), ETA_BP_MAX)


def _by_guarantee(sold: Iterable[tuple[int, int]]) -> Offer:
    """Make an Offer of (guarantee_s, nodes): the least of each length, and of every shorter one."""
    nodes_of: dict[int, int] = {}
    for guarantee_s, nodes in sold:
        nodes_of[guarantee_s] = min(nodes, nodes_of.get(guarantee_s, nodes))
    if not nodes_of:
        return NO_OFFER
    lengths = sorted(nodes_of)
    nodes_max = list(accumulate((nodes_of[length] for length in lengths), min))
    if lengths[0]:  # every question has an answer: what has no guarantee finds the room of the shortest
        lengths, nodes_max = [0, *lengths], [nodes_max[0], *nodes_max]
    return Offer(tuple(lengths), tuple(nodes_max))


class Look(IntEnum):
    """What the core has to prepare for a lend function at each control tick, beside the supply."""

    NOTHING = 0
    TENANTS = 1  # what tenants will need, at a quantile
    SAMPLES = 2  # samples of the peak of internal demand
    TRUTH = 3  # the peak itself


# Name -> maker; each takes the number of nodes to hold back and ignores it where it has no use for it.
LENDS: dict[str, Callable[[int], Lend]] = {
    "none": lambda headroom_nodes: none,
    "all_idle": lambda headroom_nodes: all_idle,
    "fixed_headroom": fixed_headroom,
    "quantile_quota": lambda headroom_nodes: quantile_quota,
    "priced_quota": lambda headroom_nodes: priced_quota,
    "oracle": lambda headroom_nodes: oracle,
}
LOOKS: dict[str, Look] = {
    "quantile_quota": Look.TENANTS,
    "priced_quota": Look.SAMPLES,
    "oracle": Look.TRUTH,
}


def lend_by_name(name: str, headroom_nodes: int = 0) -> Lend:
    """Return the lend function of that name. Raises UnknownPolicyError with the list of names."""
    if name not in LENDS:
        raise UnknownPolicyError("unknown lend function", path="lend", found=name, allowed=", ".join(LENDS))
    return LENDS[name](headroom_nodes)
