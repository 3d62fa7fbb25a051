"""The right to sell what a fleet does not need: what it is worth over years of demand and rent that hang together.

Demand is a share of the fleet, the rent is USD per GPU-hour. Both are geometric walks by weeks whose yearly drift is
itself drawn for each path: nobody knows it at the start. Drifts and shocks of the two have one correlation. Drift is of
the logarithm. Cash comes at the ends of weeks. Arrays are paths x weeks, from the beginning of week 0 on.
"""

from typing import NamedTuple

import numpy as np

from sim.economics.costs import Power
from sim.economics.units import HOURS_PER_YEAR, WEEKS_PER_YEAR, Floats


class Fleet(NamedTuple):
    """What was bought, and what it earns."""

    gpus: int
    capital_usd: float  # per GPU
    years: int
    interest: float  # a year
    fixed_share: float  # of the capital, a year
    internal_usd: float  # per GPU-hour that the owner's own work needs
    fill: float  # of the hours on offer, that are sold
    net: float  # of the rent, that is left after sales
    platform_usd: float  # a year, to be able to sell at all
    power: Power

    @property
    def weeks(self) -> int:
        """How many weeks are counted."""
        return self.years * WEEKS_PER_YEAR

    @property
    def week_gpu_h(self) -> float:
        """GPU-hours of a week."""
        return self.gpus * HOURS_PER_YEAR / WEEKS_PER_YEAR

    @property
    def discount(self) -> Floats:
        """What a dollar at the end of each week is worth at the start."""
        return np.asarray((1 + self.interest) ** (-np.arange(1, self.weeks + 1) / WEEKS_PER_YEAR))


class Market(NamedTuple):
    """How demand and rent move; all rates a year."""

    demand: float  # of the fleet, at the start
    demand_drift: float
    demand_drift_sd: float
    demand_volatility: float
    rent_usd: float
    rent_drift: float
    rent_drift_sd: float
    rent_volatility: float
    correlation: float


class Draws(NamedTuple):
    """Standard normal numbers of a set of paths, the same for every market that is compared on them."""

    drifts: Floats  # paths x 2
    shocks: Floats  # 2 x paths x weeks


class Paths(NamedTuple):
    """Demand and rent at the beginning of each week."""

    demand: Floats
    rent_usd: Floats


def draw(paths: int, weeks: int, rng: np.random.Generator) -> Draws:
    """Return the chance of so many paths."""
    return Draws(rng.standard_normal((paths, 2)), rng.standard_normal((2, paths, weeks)))


def walk(market: Market, draws: Draws) -> Paths:
    """Return demand and rent of a market on these draws. Cost: O(paths x weeks)."""
    other = np.sqrt(1 - market.correlation**2)
    first, second = draws.drifts[:, 0], market.correlation * draws.drifts[:, 0] + other * draws.drifts[:, 1]
    shocks = draws.shocks[0], market.correlation * draws.shocks[0] + other * draws.shocks[1]
    demand = _walk(
        market.demand, market.demand_drift + market.demand_drift_sd * first, market.demand_volatility, shocks[0]
    )
    rent = _walk(market.rent_usd, market.rent_drift + market.rent_drift_sd * second, market.rent_volatility, shocks[1])
    return Paths(demand, rent)


def _walk(start: float, drift: Floats, volatility: float, shocks: Floats) -> Floats:
    step = 1 / WEEKS_PER_YEAR
    moves = drift[:, None] * step + volatility * np.sqrt(step) * shocks[:, :-1]
    out = np.empty(shocks.shape)
    out[:, 0] = start
    out[:, 1:] = start * np.exp(np.cumsum(moves, axis=1))
    return out


def own_cash(fleet: Fleet, demand: Floats) -> Floats:
    """Return what the owner's own work brings each week, less electricity of busy and idle GPUs, USD."""
    needed = np.minimum(demand, 1)
    idle_usd, more_usd = fleet.power.usd_per_h(0), fleet.power.marginal_usd_per_h
    return np.asarray(fleet.week_gpu_h * (needed * (fleet.internal_usd - more_usd) - idle_usd))


def own_value(fleet: Fleet, demand: Floats) -> Floats:
    """Return the net present value of each path without any sale, USD."""
    capital = fleet.gpus * fleet.capital_usd
    # Fixed cost runs all the time: a continuous annuity.
    fixed = fleet.fixed_share * capital * (1 - (1 + fleet.interest) ** -fleet.years) / np.log(1 + fleet.interest)
    return np.asarray(own_cash(fleet, demand) @ fleet.discount - capital - fixed)


def sale_cash(fleet: Fleet, paths: Paths, put_usd: float | None = None) -> Floats:
    """Return what selling the idle hours brings each week before the platform is paid, USD.

    Nothing is sold below the cost of its electricity. With a put, a backer takes at `put_usd` what is not sold, and
    everything when that is more than the market leaves.
    """
    idle = fleet.week_gpu_h * np.maximum(1 - paths.demand, 0)
    more_usd = fleet.power.marginal_usd_per_h
    net = paths.rent_usd * fleet.net
    if put_usd is None:
        return np.asarray(idle * fleet.fill * np.maximum(net - more_usd, 0))
    backed = fleet.fill * np.maximum(net, put_usd) + (1 - fleet.fill) * put_usd
    return np.asarray(idle * np.maximum(backed - more_usd, 0))


def platform_cash(fleet: Fleet) -> float:
    """Return what the platform costs each week, USD."""
    return fleet.platform_usd / WEEKS_PER_YEAR


def sale_value(fleet: Fleet, cash: Floats) -> Floats:
    """Return the present value of selling from the first week on, platform paid, USD."""
    return np.asarray((cash - platform_cash(fleet)) @ fleet.discount)


def with_drift(paths: Paths, demand_drift: float) -> Paths:
    """Return the same paths with this much more drift of demand a year: what somebody with that belief expects."""
    years = np.arange(paths.demand.shape[1]) / WEEKS_PER_YEAR
    return paths._replace(demand=paths.demand * np.exp(demand_drift * years))
