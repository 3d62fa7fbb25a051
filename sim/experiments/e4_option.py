"""E4: is the right to sell the surplus an insurance? Its value, and how much of it is left where it is needed."""

from itertools import pairwise
from math import sqrt

from sim.experiments.e4_worlds import BINS, DENSE, LEVERAGE, World, one, world
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.reference import Cell, agreement, find
from sim.experiments.replications import Replicated, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Line, Picture, Series
from sim.stats.estimates import t_quantile
from sim.stats.paired import LOWER, shared_level_bp

COLUMNS = ("mean", "p5", "p50", "p95", "loss", "option", "worst")
# Case: the columns, USD bn and shares; None where the table is empty.
REFERENCE: dict[str, tuple[float | None, ...]] = {
    "none": (1.25, -2.31, 1.78, 3.46, 0.308, None, None),
    "rho -0.5": (3.13, 0.64, 3.11, 6.21, 0.017, 1.88, 7.19),
    "rho 0": (2.59, -0.24, 2.98, 4.55, 0.067, 1.35, 3.89),
    "rho 0.5": (2.12, -0.86, 2.74, 3.30, 0.121, 0.87, 1.92),
    "rho 0.8": (1.88, -1.20, 2.53, 3.28, 0.155, 0.64, 1.21),
    "no drift": (3.23, 0.25, 3.18, 6.93, 0.036, 1.98, 5.64),
    "fill 0.5": (1.66, None, None, None, 0.194, 0.41, 1.03),
    "fill 0.7": (1.92, None, None, None, 0.149, 0.67, 1.54),
    "fill 0.95": (2.25, None, None, None, 0.105, 1.00, 2.17),
}
REFERENCE_PATHS = 20_000
_SOURCE = "reference table of the option"
_BEHIND = (
    "internal_usd", "fill", "net", "platform_usd", "interest", "fixed_share", "usd_per_kwh", "idle_share", "demand",
    "demand_drift", "demand_drift_sd", "demand_volatility", "rent_drift", "rent_drift_sd", "rent_volatility",
)  # fmt: skip
_UNIT = "USD bn"


def value_cells(given: World, done: Replicated) -> list[Cell]:
    """Return every cell of the table of values.

    Both sides are samples: ours may be off by its interval, the reference one by what a sample of its size may be off,
    as the spread between our replications tells; for all cells together.
    """
    rows = [
        (f"{case}/{column}", number, 3 if column == "loss" else 2)
        for case, row in REFERENCE.items()
        for column, number in zip(COLUMNS, row, strict=True)
        if number is not None
    ]
    level = shared_level_bp(len(rows))
    cells = []
    for name, number, places in rows:
        estimate = done.estimate(name)
        values = done.values(name)
        spread = sqrt(sum((value - estimate.mean) ** 2 for value in values) / (len(values) - 1))
        theirs, own = sqrt(given.paths / REFERENCE_PATHS), sqrt(1 / len(values))
        cells.append(
            Cell(
                name,
                estimate.mean,
                number,
                places,
                t_quantile(len(values) - 1, level) * spread * sqrt(theirs**2 + own**2),
            )
        )
    return cells


def _findings(given: World, done: Replicated) -> list[Finding]:
    cells = value_cells(given, done)
    of = {cell.name: cell for cell in cells}
    found = [agreement("table of option values", cells, f"{_SOURCE}, within the chance of both samples")]
    names = [f"rho {correlation:g}" for correlation in given.correlations]
    for case in ("none", *names):
        name = f"{case}/loss"
        band = of[name].expected._replace(source=_SOURCE) if name in of else None
        found.append(measured(f"chance of a loss, {_told(case)}", "", done.estimate(name), band))
    for what, told in (("option", "value of the option"), ("worst", "the same in the worst tenth of worlds")):
        for case in names:
            cell = of.get(f"{case}/{what}")
            band = cell.expected._replace(source=_SOURCE) if cell else None
            found.append(measured(f"{told}, {_told(case)}", _UNIT, done.estimate(f"{case}/{what}"), band))
    first, last = names[0], names[-1]
    usual = f"rho {DENSE:g}/option"
    pairs = [
        (f"value of the option, {_told(last)} less {_told(first)}", f"{last}/option", f"{first}/option"),
        (f"in the worst tenth, {_told(last)} less {_told(first)}", f"{last}/worst", f"{first}/worst"),
        ("value at half the volatility less the usual one", f"volatility {LEVERAGE[0]:g}", usual),
        ("value at half as much more volatility less the usual one", f"volatility {LEVERAGE[1]:g}", usual),
        ("value without a fall of rents less the usual one", "no drift/option", usual),
    ]
    for case in names:
        told = f"begin when a rule says so less at once, {_told(case)}"
        pairs += [(told, f"{case}/rule/option", f"{case}/rule/now")]
        pairs += [(f"a backer's put, {_told(case)}", f"{case}/put/option", f"{case}/option")]
    for name, left, right in pairs:
        pair = done.difference(left, right, len(pairs))
        found.append(Finding(name, _UNIT, pair.difference, None, None, pair.verdict))
    found += [
        measured(f"a guaranteed exit, {_told(case)}: gain", _UNIT, done.estimate(f"{case}/exit/gain")) for case in names
    ]
    begins = "own demand below which the rule begins after a year"
    thresholds = [
        measured(f"{begins}, {_told(case)}", "of the fleet", done.estimate(f"{case}/rule/threshold")) for case in names
    ]
    nothing = Expected(0, 0, "no surplus, no option")
    return [
        *found,
        *thresholds,
        exact("sales where demand always fills the fleet", "USD", max(done.values("always full")), nothing),
        measured("belief at which selling just pays: drift of demand", "a year", done.estimate("belief")),
    ]


def _told(case: str) -> str:
    return "no sale" if case == "none" else case.replace("rho", "correlation")


def _tables(given: World, done: Replicated) -> tuple[Table, Table]:
    rows = []
    for case, row in REFERENCE.items():
        for column, number in zip(COLUMNS, row, strict=True):
            if number is not None:
                estimate = done.estimate(f"{case}/{column}")
                rows.append((_told(case), column, estimate.mean, estimate.half_width, number))
    arms = []
    for correlation in given.correlations:
        case = f"rho {correlation:g}"
        named = {
            "no sale": "none",
            "at once": case,
            "put": f"{case}/put",
            "exit": f"{case}/exit",
            "rule": f"{case}/rule",
        }
        for arm, name in named.items():
            numbers = (done.estimate(f"{name}/{what}").mean for what in ("mean", "loss", "tail", "option"))
            arms.append((correlation, arm, *numbers))
    heads = ("correlation", "arm", "mean value", "chance of a loss", "mean of the worst 5 %", "above no sale")
    never = ", ".join(f"{done.estimate(f'rho {each:g}/rule/never').mean:.1%}" for each in given.correlations)
    note = f"{_UNIT}. The rule, which pays the set-up, never begins in {never} of the worlds, by correlation."
    columns = ("case", "what", "ours", "half-width", "reference")
    return (
        Table("Values beside the reference table", columns, tuple(rows), _UNIT),
        Table("Arms", heads, tuple(arms), note),
    )


def _run(setting: Setting) -> Outcome:
    given = world(setting.inputs, setting.preset["paths"])
    done = replicate(setting, one, given, f"rho {given.correlations[0]:g}/option")
    findings = _findings(given, done)
    first, last = (f"rho {given.correlations[place]:g}" for place in (0, -1))
    worst = [find(findings, f"the same in the worst tenth of worlds, {_told(case)}") for case in (first, last)]
    losses = [find(findings, f"chance of a loss, {_told(case)}") for case in ("none", first, last)]
    weaker = find(findings, "in the worst tenth, ").verdict == LOWER
    answer = (
        f"The right to sell takes the chance of a loss from {ours(losses[0])} to {ours(losses[1])} where rents rise "
        f"when own demand falls, and to {ours(losses[2])} where both fall together. In the worst tenth of worlds it "
        f"pays ${ours(worst[0])}bn in the first case and ${ours(worst[1])}bn in the second"
        f"{': the insurance is weakest when everybody lost the same bet' if weaker else ''}."
    )
    return Outcome(tuple(findings), _tables(given, done), (_densities(done), _value(given, done)), NOTES, answer)


NOTES = (
    "Sizes move with the guesses; signs do not.",
    "Rules are fitted on half of the paths and judged on the others: least squares Monte Carlo.",
    "The put is a contract like Nebius-Meta's, the exit one like Hyperion's guarantee; what they cost is not counted.",
)


def _densities(done: Replicated) -> Picture:
    middles = tuple((low + high) / 2 for low, high in pairwise(BINS))
    series = (
        done.series("no sale", middles, [f"density/none/{place}" for place in range(len(middles))]),
        done.series("idle hours are sold", middles, [f"density/sold/{place}" for place in range(len(middles))]),
    )
    return Picture(
        name="e4-densities",
        kind="lines",
        title="The right to sell cuts off the losses",
        x_label="net present value of the fleet, USD bn",
        y_label="density, per USD bn",
        series=series,
        lines=(Line("x", 0.0, "loss | gain"),),
        guesses=_BEHIND,
        caption=f"Correlation {DENSE:g}; 95 % bands.",
    )


def _value(given: World, done: Replicated) -> Picture:
    def points(name: str, what: str) -> Series:
        return done.series(name, given.correlations, [f"rho {each:g}/{what}" for each in given.correlations])

    series = (
        points("on average", "option"),
        points("in the worst tenth of worlds", "worst"),
        points("on average, with a backer's put", "put/option"),
        Series("reference", given.correlations * 2, _reference("option") + _reference("worst"), role="published"),
    )
    title = "The insurance pays least when everybody lost the same bet"
    guesses = ("correlations", *_BEHIND, "put_usd")
    labels = "correlation of own demand and rent", "value of the option, USD bn"
    return Picture("e4-value", "lines", title, *labels, series, (Line("y", 0.0, ""),), guesses)


def _reference(column: str) -> tuple[float, ...]:
    place = COLUMNS.index(column)
    return tuple(row[place] or 0.0 for case, row in REFERENCE.items() if case.startswith("rho"))


EXPERIMENT = Experiment(
    code="E4",
    title="Real option",
    question="Is the right to sell the surplus an insurance, and does it pay when it is needed?",
    presets={"small": {"replications": 20, "paths": 1_000}, "full": {"replications": 20, "paths": 20_000}},
    inputs="e4.toml",
    run=_run,
)
