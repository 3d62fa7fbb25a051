"""E4, what is computed on one set of paths: every market and every arm sees the same draws."""

from typing import NamedTuple

import numpy as np

from sim.economics.costs import Power
from sim.economics.newsvendor import tail_mean
from sim.economics.option import (
    Fleet,
    Market,
    Paths,
    draw,
    own_cash,
    own_value,
    platform_cash,
    sale_cash,
    sale_value,
    walk,
    with_drift,
)
from sim.economics.stopping import act, brought, fit
from sim.economics.units import WEEKS_PER_YEAR, Floats
from sim.experiments.inputs import Inputs
from sim.experiments.replications import Numbers, Replication

USD_BN = 1e9
LEVELS = (5, 50, 95)
WORST = 10  # % of the worlds, by their value without any sale
BINS = tuple(round(-5 + 0.25 * step, 2) for step in range(61))  # USD bn, of the densities
DENSE = 0.0  # the correlation whose densities are kept
LEVERAGE = (0.5, 1.5)  # volatilities that are tried, of the usual ones


class World(NamedTuple):
    """What one replication needs."""

    paths: int
    fleet: Fleet
    market: Market
    correlations: tuple[float, ...]
    fills: tuple[float, ...]
    put_usd: float
    exit_week: int
    exit_usd: float  # for all GPUs
    start_weeks: int
    setup_usd: float


def world(inputs: Inputs, paths: int) -> World:
    """Return the world of the inputs; a market with the correlation that single cases are shown at."""
    power = Power(*(inputs.number(name) for name in ("full_kw", "pue", "usd_per_kwh", "idle_share")))
    fleet = Fleet(
        gpus=inputs.whole("gpus"),
        capital_usd=inputs.number("capital_usd"),
        years=inputs.whole("years"),
        interest=inputs.number("interest"),
        fixed_share=inputs.number("fixed_share"),
        internal_usd=inputs.number("internal_usd"),
        fill=inputs.number("fill"),
        net=inputs.number("net"),
        platform_usd=inputs.number("platform_usd"),
        power=power,
    )
    names = (name for name in Market._fields if name != "correlation")
    return World(
        paths=paths,
        fleet=fleet,
        market=Market(**{name: inputs.number(name) for name in names}, correlation=0.0),
        correlations=inputs.numbers("correlations"),
        fills=inputs.numbers("fills"),
        put_usd=inputs.number("put_usd"),
        exit_week=inputs.whole("exit_year") * WEEKS_PER_YEAR,
        exit_usd=inputs.number("exit_share") * inputs.number("capital_usd") * inputs.whole("gpus"),
        start_weeks=inputs.whole("start_weeks"),
        setup_usd=inputs.number("setup_usd"),
    )


def one(replication: Replication) -> Numbers:
    """Return every number of the experiment for one set of paths, USD bn."""
    given: World = replication.terms
    fleet, market = given.fleet, given.market
    draws = draw(given.paths, fleet.weeks, replication.rng())
    base = own_value(fleet, walk(market, draws).demand)
    found = _law("none", base, base)
    for correlation in given.correlations:
        paths = walk(market._replace(correlation=correlation), draws)
        cash = sale_cash(fleet, paths)
        found |= _law(f"rho {correlation:g}", base + sale_value(fleet, cash), base)
        found |= _arms(given, correlation, paths, cash, base)
        if correlation == given.correlations[2]:
            for fill in given.fills:
                sold = sale_value(fleet._replace(fill=fill), cash * fill / fleet.fill)
                found |= _law(f"fill {fill:g}", base + sold, base)
        if correlation == DENSE:
            found["belief"] = _belief(fleet, paths)
            found |= _density("none", base) | _density("sold", base + sale_value(fleet, cash))
    level = market._replace(rent_drift=0.0)
    found |= _law("no drift", base + sale_value(fleet, sale_cash(fleet, walk(level, draws))), base)
    for times in LEVERAGE:
        moved = market._replace(
            demand_volatility=times * market.demand_volatility, rent_volatility=times * market.rent_volatility
        )
        found[f"volatility {times:g}"] = float(sale_value(fleet, sale_cash(fleet, walk(moved, draws))).mean()) / USD_BN
    full = market._replace(demand=1.0, demand_drift_sd=0.0, demand_volatility=0.0)
    found["always full"] = float(sale_cash(fleet, walk(full, draws)).sum())
    return found


def _law(name: str, value: Floats, base: Floats) -> dict[str, float]:
    """The law of the value of a case, and what it is above no sale, also where that is worst."""
    more = value - base
    worst = base <= np.percentile(base, WORST)
    found = {
        f"{name}/p{level}": float(each) / USD_BN
        for level, each in zip(LEVELS, np.percentile(value, LEVELS), strict=True)
    }
    return found | {
        f"{name}/mean": float(value.mean()) / USD_BN,
        f"{name}/loss": float((value < 0).mean()),
        f"{name}/tail": tail_mean(value) / USD_BN,
        f"{name}/option": float(more.mean()) / USD_BN,
        f"{name}/worst": float(more[worst].mean()) / USD_BN,
    }


def _arms(given: World, correlation: float, paths: Paths, cash: Floats, base: Floats) -> dict[str, float]:
    """A rule of beginning, a backer's put and an exit; rules are fitted on half of the paths, judged on the others."""
    fleet, name = given.fleet, f"rho {correlation:g}"
    found = _begun(given, name, paths, cash, base)
    put = sale_value(fleet, sale_cash(fleet, paths, given.put_usd))
    found |= _law(f"{name}/put", base + put, base)
    # What is left from the exit on without it: own work and sales, platform and fixed cost.
    fixed = fleet.fixed_share * fleet.gpus * fleet.capital_usd / WEEKS_PER_YEAR
    flows = (own_cash(fleet, paths.demand) + cash - platform_cash(fleet) - fixed) * fleet.discount
    gain = given.exit_usd * float(fleet.discount[given.exit_week]) - flows[:, given.exit_week :].sum(axis=1)
    half = given.paths // 2
    rule = fit(_part(paths, slice(half)), (given.exit_week,), gain[:half, None])
    left = act(rule, _part(paths, slice(half, None)))
    gained = brought(left, gain[half:, None])
    found |= _law(f"{name}/exit", (base + sale_value(fleet, cash))[half:] + gained, base[half:])
    return found | {f"{name}/exit/gain": float(gained.mean()) / USD_BN, f"{name}/exit/share": float((left == 0).mean())}


def _begun(given: World, name: str, paths: Paths, cash: Floats, base: Floats) -> dict[str, float]:
    """Becoming a seller costs something once: at the start, or when a rule says so."""
    fleet, half = given.fleet, given.paths // 2
    dates = tuple(range(0, fleet.weeks, given.start_weeks))
    flows = (cash - platform_cash(fleet)) * fleet.discount
    later = np.cumsum(flows[:, ::-1], axis=1)[:, ::-1]
    worth = np.stack([later[:, week] - given.setup_usd * fleet.discount[week] for week in dates], axis=1)
    rule = fit(_part(paths, slice(half)), dates, worth[:half])
    chosen = act(rule, _part(paths, slice(half, None)))
    found = _law(f"{name}/rule", base[half:] + brought(chosen, worth[half:]), base[half:])
    # Below which own demand it begins after a year, at the rent of the start.
    tried = np.linspace(0.3, 1.3, 201)
    begins = rule.gain(dates.index(WEEKS_PER_YEAR), tried, np.full(tried.shape, given.market.rent_usd)) > 0
    return found | {
        f"{name}/rule/now": float(worth[half:, 0].mean()) / USD_BN,
        f"{name}/rule/never": float((chosen == len(dates)).mean()),
        f"{name}/rule/threshold": float(tried[begins].max(initial=tried[0])),
    }


def _part(paths: Paths, which: slice) -> Paths:
    return Paths(paths.demand[which], paths.rent_usd[which])


def _belief(fleet: Fleet, paths: Paths) -> float:
    """The drift of demand above which selling does not pay its platform: the root of a falling function."""
    low, high = -1.0, 4.0
    for _ in range(14):
        middle = (low + high) / 2
        cash = sale_cash(fleet, with_drift(paths, middle))
        low, high = (middle, high) if sale_value(fleet, cash).mean() > 0 else (low, middle)
    return low


def _density(name: str, value: Floats) -> dict[str, float]:
    """The density of a value, per USD bn; what lies outside of the bins is left out."""
    counts, _ = np.histogram(value / USD_BN, bins=np.array(BINS))
    width = BINS[1] - BINS[0]
    return {f"density/{name}/{place}": float(count) / value.size / width for place, count in enumerate(counts)}
