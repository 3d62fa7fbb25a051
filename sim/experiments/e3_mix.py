"""E3: how much of an uncertain surplus to sell firm? The quantile of the newsvendor, found by trying every share."""

from typing import NamedTuple

import numpy as np

from sim.economics.newsvendor import Surplus, Terms, earned, next_hour_cost, tail_mean
from sim.economics.units import Floats
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell, agreement
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Line, Picture

GRID = 101  # firm shares that are tried, from nothing to all
STEP = 1 / (GRID - 1)
# (flexible price, internal value): P(S < Q*).
REFERENCE_FRACTILE = {
    (1.2, 2.6): 0.657, (1.2, 5.2): 0.264, (1.2, 7.8): 0.165, (1.8, 2.6): 0.478, (1.8, 5.2): 0.147, (1.8, 7.8): 0.087,
}  # fmt: skip
# (revenue of a block, its loss): the chance up to which it is sold.
REFERENCE_QUOTA = {(1.0, 9.0): (0.10, 2), (1.0, 1.0): (0.50, 2), (2.95, 29.5): (0.0909, 4)}
POLICIES = ("all flexible", "the median firm", "priced quota", "newsvendor", "newsvendor, forecast")
_UNIT = "USD per GPU-h of the fleet"


class World(NamedTuple):
    """What one replication needs."""

    draws: int
    surplus: Surplus
    foreseen: float
    cases: tuple[Terms, ...]


def world(inputs: Inputs, draws: int) -> World:
    """Return the world of the inputs; a case for each pair of a flexible price and an internal value."""
    cases = tuple(
        Terms(inputs.number("firm_usd"), flexible, value, inputs.number("remedy_usd"))
        for flexible in inputs.numbers("flexible_usd")
        for value in inputs.numbers("values_usd")
    )
    law = Surplus(inputs.number("surplus_median"), inputs.number("surplus_spread"))
    return World(draws, law, inputs.number("foreseen"), cases)


def quota_chance(revenue: float, loss: float) -> float:
    """Return the chance of a shortfall up to which the scheduler's priced quota sells: r / (r + L)."""
    return revenue / (revenue + loss)


def one(replication: Replication) -> Numbers:
    """Return, for each case, the best share of a grid; for the first case, what every share and policy earns."""
    given: World = replication.terms
    rng = replication.rng()
    told, untold = rng.standard_normal((2, given.draws))
    surplus = given.surplus.of(np.sqrt(given.foreseen) * told + np.sqrt(1 - given.foreseen) * untold)
    shares = np.linspace(0, 1, GRID)
    found: dict[str, float] = {}
    for case in given.cases:
        # The mean is concave in the share: sums over a sorted sample give it for every share at once.
        means = _mean_earned(case, shares, surplus)
        best = float(shares[int(np.argmax(means))])
        found |= {_key(case, "best"): best, _key(case, "short"): float((surplus < best).mean())}
        found[_key(case, "next")] = next_hour_cost(case, given.surplus.quantile(case.fractile), surplus)
    case = given.cases[1]
    for share in shares[::2]:
        hours = earned(case, np.array(share), surplus)
        found |= {f"mean/{share:.2f}": float(hours.mean()), f"tail/{share:.2f}": tail_mean(hours)}
    for name, firm in _policies(given, case, told).items():
        hours = earned(case, firm, surplus)
        found[f"{name}/mean"], found[f"{name}/tail"] = float(hours.mean()), tail_mean(hours)
        found[f"{name}/short"] = float(np.maximum(firm - surplus, 0).mean())
        found[f"{name}/firm"] = float(firm.mean())
    return found


def _key(case: Terms, what: str) -> str:
    return f"{what}/{case.flexible}/{case.value}"


def _mean_earned(case: Terms, shares: Floats, surplus: Floats) -> Floats:
    """Mean of `earned` over the sample, for every share. Cost: O(n log n)."""
    ordered = np.sort(surplus)
    below = np.searchsorted(ordered, shares)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    short = (below * shares - sums[below]) / surplus.size
    over = (sums[-1] - sums[below] - (surplus.size - below) * shares) / surplus.size
    return np.asarray(case.firm * shares + case.flexible * over - (case.value + case.remedy) * short)


def _policies(given: World, case: Terms, told: Floats) -> dict[str, Floats]:
    """Firm share of each policy: one number, or one for each draw where a forecast is used."""
    # What is left unknown after the forecast is normal in the log-odds, so that its quantile is a shift of them.
    left = Surplus(0.5, given.surplus.spread * float(np.sqrt(1 - given.foreseen))).quantile(case.fractile)
    shift = np.log(left / (1 - left)) / given.surplus.spread
    mean = float(given.surplus.quantile(0.5))
    quota = given.surplus.quantile(quota_chance(case.firm, case.value + case.remedy))
    fixed = (0.0, mean, quota, given.surplus.quantile(case.fractile))
    firm = [np.array(each) for each in fixed]
    return dict(zip(POLICIES, [*firm, given.surplus.of(np.sqrt(given.foreseen) * told + shift)], strict=True))


def fractile_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the reference fractiles and priced quotas."""
    firm, remedy = inputs.number("firm_usd"), inputs.number("remedy_usd")
    cells = [
        Cell(f"fractile at {flexible}, {value}", Terms(firm, flexible, value, remedy).fractile, reference, 3)
        for (flexible, value), reference in REFERENCE_FRACTILE.items()
    ]
    return cells + [
        Cell(f"priced quota, r {revenue}, L {loss}", quota_chance(revenue, loss), reference, places)
        for (revenue, loss), (reference, places) in REFERENCE_QUOTA.items()
    ]


def _findings(inputs: Inputs, given: World, done: Replicated) -> list[Finding]:
    found = [agreement("fractiles and priced quotas", fractile_cells(inputs), "reference table of closed forms")]
    for case in given.cases:
        named = f"spot {case.flexible}, value {case.value}"
        best = given.surplus.quantile(case.fractile)
        step = Expected(best - STEP, best + STEP, "quantile of the newsvendor, one grid step")
        found.append(measured(f"best firm share, {named}", "of the fleet", done.estimate(_key(case, "best")), step))
        source = f"{case.fractile:.3f} = (pf - ps) / (v + k - ps), one grid step"
        band = Expected(given.surplus.chance(best - STEP), given.surplus.chance(best + STEP), source)
        found.append(measured(f"chance of too little, {named}", "", done.estimate(_key(case, "short")), band))
    case = given.cases[1]
    price = Expected(case.firm, case.firm, "duality: a bid is taken when it is above the shadow price")
    found.append(measured("cost of one more firm hour at the optimum", "USD", done.estimate(_key(case, "next")), price))
    for name in POLICIES[:3]:
        pair = done.difference("newsvendor/mean", f"{name}/mean", 3)
        found.append(Finding(f"newsvendor less {name}", _UNIT, pair.difference, None, None, pair.verdict))
    pair = done.difference("newsvendor, forecast/mean", "newsvendor/mean")
    return [*found, Finding("what a forecast adds", _UNIT, pair.difference, None, None, pair.verdict)]


def _run(setting: Setting) -> Outcome:
    given = world(setting.inputs, setting.preset["draws"])
    done = replicate(setting, one, given, "newsvendor/mean")
    findings = _findings(setting.inputs, given, done)
    case = given.cases[1]
    rows = tuple(
        (name, *(done.estimate(f"{name}/{what}").mean for what in ("firm", "mean", "tail", "short")))
        for name in POLICIES
    )
    columns = ("policy", "firm share", "mean", "mean of the worst 5 %", "shortfall, of the fleet")
    note = f"USD per GPU-hour of the fleet, at a spot price of {case.flexible} and an internal value of {case.value}."
    bests = [given.surplus.quantile(each.fractile) for each in given.cases[:3]]
    answer = (
        f"The best firm share is a quantile of the surplus: {', '.join(f'{best:.0%}' for best in bests)} of the fleet "
        f"for internal work worth {', '.join(f'${each.value}' for each in given.cases[:3])} an hour. "
        f"Selling all of the median firm earns ${ours(findings[-3])} less per hour, and a forecast of the next term "
        f"adds ${ours(findings[-1])}."
    )
    return Outcome(tuple(findings), (Table("Policies", columns, rows, note),), (_picture(given, done),), NOTES, answer)


NOTES = (
    "The priced quota of the scheduler compares a sale with idling; here spot competes with it, so it sells too much.",
    "A firm hour that is not there still earns its price, and costs the internal value and the remedy.",
)


def _picture(given: World, done: Replicated) -> Picture:
    case = given.cases[1]
    shares = np.linspace(0, 1, GRID)[::2]
    x = tuple(shares.tolist())
    series = (
        done.series("mean", x, [f"mean/{share:.2f}" for share in shares]),
        done.series("mean of the worst 5 % (CVaR)", x, [f"tail/{share:.2f}" for share in shares]),
    )
    best = given.surplus.quantile(case.fractile)
    return Picture(
        name="e3-mix",
        kind="lines",
        title="The more is sold firm, the more there is to lose",
        x_label="share of the fleet sold firm",
        y_label=_UNIT,
        series=series,
        lines=(Line("x", best, f"newsvendor {best:.0%}"),),
        guesses=("surplus_spread", "values_usd", "remedy_usd"),
        caption=f"Spot {case.flexible}, internal value {case.value}, firm {case.firm} USD per GPU-hour; 95 % bands.",
    )


EXPERIMENT = Experiment(
    code="E3",
    title="Mix",
    question="How much of an uncertain surplus should be sold firm, and how much flexibly?",
    presets={"small": {"replications": 20, "draws": 20_000}, "full": {"replications": 20, "draws": 500_000}},
    inputs="e3.toml",
    run=_run,
)
