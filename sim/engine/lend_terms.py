"""What lend has to be told of money, as plain ints: what a block of a node earns, and what it costs to be asked back.

For each product that may be lent, one block of one node:

    revenue   its GPU-hours at the price of the run's first hour (or the first price that there is)
    loss      the internal work that waits until the node is back, and the renter's work that is lost, less what the
              broken block earns all the same; never below 0

A guarantee is never broken: internal work waits for its end instead, and the block earns in full. A spot block that is
broken has earned half of itself. The wait is that of the reclaim rules, with cleaning; how much internal work waits for
one node, and what an hour of that costs, are guesses of the scenario. Evictions inside the rules break no promise, so
no service credit is part of a loss under today's terms.
"""

from statistics import NormalDist

from billing.errors import PriceError
from scheduler.jobs.lending import Terms
from scheduler.policy.lend import LOOKS, Look, PriceRow, lend_by_name, service_level_bp
from scheduler.tables import PoolRow, ProductRow
from sim.result import Finding, LendInputs, World
from tenants.band import LENDABLE

HOUR_S = 3_600
UNIT_BP = 10_000


def lend_terms(world: World, lend: str, truth: tuple[tuple[tuple[int, int], ...], ...] = ()) -> Terms | None:
    """Return what the lend function of that name has to be told in this world; None where it asks for nothing.

    `truth` is the demand of the run without rentals (`sim.engine.oracle`), by pool. Raises UnknownPolicyError.
    """
    lend_by_name(lend)
    look = LOOKS.get(lend, Look.NOTHING)
    if look == Look.NOTHING:
        return None
    inputs = world.lending
    prices = tuple(_prices(world, pool) for pool in range(len(world.pools)))
    z_bp = round(NormalDist().inv_cdf(inputs.quantile_bp / UNIT_BP) * UNIT_BP)
    return Terms(int(look), prices, z_bp, UNIT_BP - inputs.quantile_bp, truth)


def lend_findings(world: World, terms: Terms | None) -> list[Finding]:
    """Return what a reader should know of the terms: blocks that cost nothing to break are sold whatever is to come."""
    if terms is None or terms.look == Look.TENANTS:
        return []
    found = []
    for row in dict.fromkeys(row for pool in terms.prices for row in pool):
        name = f"{world.names.products[row.product]}, {row.horizon_s} s"
        if not row.loss_micro_usd:
            found.append(Finding("lend", f"{name}: a block costs nothing to break, so every idle node is sold", 1))
        else:
            level_bp = service_level_bp(row.revenue_micro_usd, row.loss_micro_usd)
            found.append(Finding("lend", f"{name}: a node is sold at a safety of {level_bp} bp, from prices", 1))
    return found


def _prices(world: World, pool: int) -> tuple[PriceRow, ...]:
    rows = []
    for number, product in enumerate(world.products):
        if product.band in LENDABLE and (micro_usd := _price_micro_usd(world, number, pool)) is not None:
            rows.append(price_row(number, product, world.pools[pool], micro_usd, world.lending))
    return tuple(rows)


def price_row(number: int, product: ProductRow, pool: PoolRow, price_micro_usd: int, inputs: LendInputs) -> PriceRow:
    """Return the row of one product in one pool, at a price per GPU-hour. Losses are rounded up, revenue down."""
    gpus = pool.gpus_per_node
    block_s = product.guarantee_s or inputs.spot_block_s
    revenue = gpus * block_s * price_micro_usd // HOUR_S
    delay = inputs.delayed_nodes * gpus * (reclaim_s(product) + pool.scrub_s) * inputs.delay_micro_usd_per_gpu_hour
    lost_s = product.restart_s
    if not product.notice_s:  # no time for a checkpoint: half an interval is lost, or half of everything
        lost_s += (product.checkpoint_s or block_s) // 2
    earned = revenue if product.guarantee_s else revenue // 2
    loss = -(-(delay + gpus * lost_s * price_micro_usd) // HOUR_S)
    return PriceRow(number, product.guarantee_s, block_s, revenue, max(0, loss - earned))


def reclaim_s(product: ProductRow) -> int:
    """Return how long a node is expected to take until its renter has left, rounded up.

    The notice n, or what is left of the guarantee g if that is longer; the rest is uniform on [0, g], so that the mean
    of max(n, rest) is (g^2 + n^2) / 2 g while n <= g.
    """
    guarantee_s, notice_s = product.guarantee_s, product.notice_s
    if guarantee_s <= notice_s:
        return notice_s
    return -(-(guarantee_s * guarantee_s + notice_s * notice_s) // (2 * guarantee_s))


def _price_micro_usd(world: World, product: int, pool: int) -> int | None:
    """Return the price of the run's first hour, else the first one that comes, else None: nobody can buy it here."""
    names, book = world.names, world.book
    key = (
        world.registry.products[product].price_plan,
        names.skus[world.pool_sku[pool]],
        names.regions[world.pool_region[pool]],
    )
    for at_unix_s in (names.epoch_s, *(at_s for at_s in book.change_times() if at_s > names.epoch_s)):
        try:
            return book.price_at(*key, at_unix_s)
        except PriceError:
            continue
    return None
