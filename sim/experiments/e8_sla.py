"""E8: what is 99.99 worth? What every tier gives back, for every time to repair, by the exact law and by draws."""

from typing import NamedTuple

from sim.economics.credits import TIERS, credit_deviation, credited, downtime_h, mean_credit
from sim.economics.units import DAYS_PER_MONTH
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell, agreement, find
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Picture
from sim.stats.estimates import normal_quantile
from sim.stats.paired import shared_level_bp

# Mean time to repair in hours: % of the revenue given back by the tiers 99, 99.5, 99.9 and 99.99.
REFERENCE_CREDIT = {
    0.25: (0.00, 0.00, 0.07, 0.93),
    1.0: (0.00, 0.04, 0.55, 1.83),
    4.0: (0.20, 0.86, 1.21, 2.43),
    24.0: (1.21, 4.40, 4.24, 4.62),
    72.0: (2.00, 7.73, 7.61, 7.75),
}
_SOURCE = "reference table of credits"


class World(NamedTuple):
    """What one replication needs."""

    draws: int
    failures_per_month: float
    repairs_h: tuple[float, ...]


def world(inputs: Inputs, draws: int) -> World:
    """Return the world of the inputs."""
    per_month = inputs.number("failures_per_1000_node_days") * DAYS_PER_MONTH / 1000
    return World(draws, per_month, inputs.numbers("repairs_h"))


def one(replication: Replication) -> Numbers:
    """Return the share given back, %, by tier and time to repair; the tiers of a row see the same months."""
    given: World = replication.terms
    found: dict[str, float] = {}
    for place, repair in enumerate(given.repairs_h):
        down = downtime_h(given.failures_per_month, repair, given.draws, replication.rng(place))
        found |= {f"{tier}/{repair:g}": 100 * float(credited(steps, down).mean()) for tier, steps in TIERS.items()}
    return found


def credit_cells(inputs: Inputs) -> list[Cell]:
    """Return every cell of the table of credits, by the exact law, %.

    The reference numbers are means of a sample. They may lie off by the chance of that sample, for all cells together.
    """
    per_month = world(inputs, 0).failures_per_month
    z = normal_quantile(shared_level_bp(len(REFERENCE_CREDIT) * len(TIERS)))
    root = inputs.number("reference_draws") ** 0.5
    return [
        Cell(
            name=f"{tier} at {repair:g} h",
            ours=100 * mean_credit(TIERS[tier], per_month, repair),
            reference=reference,
            places=2,
            room=100 * z * credit_deviation(TIERS[tier], per_month, repair) / root,
        )
        for repair, row in REFERENCE_CREDIT.items()
        for tier, reference in zip(TIERS, row, strict=True)
    ]


def _findings(inputs: Inputs, given: World, done: Replicated) -> list[Finding]:
    count = len(given.repairs_h) * len(TIERS)
    found = [agreement("credits, exact law", credit_cells(inputs), f"{_SOURCE}, within the chance of its sample")]
    for tier, steps in TIERS.items():
        for repair in given.repairs_h:
            mean = 100 * mean_credit(steps, given.failures_per_month, repair)
            estimate = done.estimate(f"{tier}/{repair:g}", count)
            if mean * given.draws * estimate.n < _RARE:  # too few draws for an interval: hardly any month has a credit
                continue
            name = f"credits of {tier}, {repair:g} h to repair"
            found.append(measured(name, "% of revenue", estimate, Expected(mean, mean, "exact law")))
    longer = [repair for repair in given.repairs_h if repair >= 24]
    for repair in longer:
        pair = done.difference(f"99.5/{repair:g}", f"99.9/{repair:g}", len(longer))
        name = f"99.5 (10/30/100) less 99.9 (10/25/100), {repair:g} h"
        found.append(Finding(name, "% of revenue", pair.difference, None, None, pair.verdict))
    fewer = mean_credit(TIERS["99.99"], given.failures_per_month / 2, _day(given))
    found.append(exact(f"99.99, half the failures, {_day(given):g} h to repair", "% of revenue", 100 * fewer))
    return found


_RARE = 30_000  # credits of 1 % of a month's fee, all draws together


def _rows(inputs: Inputs, given: World) -> list[tuple[str | float, ...]]:
    rows: list[tuple[str | float, ...]] = []
    for repair in given.repairs_h:
        for tier, steps in TIERS.items():
            mean = mean_credit(steps, given.failures_per_month, repair)
            claimed = mean * inputs.number("claimed_share")
            premium = mean / (1 - mean)
            rows.append((f"{repair:g} h", tier, *(round(100 * share, 4) for share in (mean, claimed, premium))))
    return rows


def _run(setting: Setting) -> Outcome:
    inputs = setting.inputs
    given = world(inputs, setting.preset["draws"])
    done = replicate(setting, one, given, f"99.99/{given.repairs_h[0]:g}")
    findings = _findings(inputs, given, done)
    columns = ("time to repair", "tier", "given back", "given back where it is claimed", "price premium that pays it")
    note = "% of revenue, exact law. Claims: as many as the inputs guess; automatic credits give back everything."
    slow = _day(given)
    costs = [measured("", "", done.estimate(f"99.99/{repair:g}")) for repair in (given.repairs_h[0], slow)]
    steps = [each for each in findings if each.verdict in ("higher", "lower", "not shown") and each.expected is None]
    answer = (
        f"99.99 costs {ours(costs[0])} % of the revenue where a node is replaced in {given.repairs_h[0]:g} h, and "
        f"{ours(costs[1])} % where that takes {slow:g} h: the time to repair sets the price, for half the failures "
        f"still cost {ours(find(findings, '99.99, half the failures'))} %."
    )
    if steps and all(each.verdict == "higher" for each in steps):
        answer += " From a day on the tier 99.5 gives back more than 99.9: the steps set the cost, not the promise."
    table = Table("Cost of a promise", columns, tuple(_rows(inputs, given)), note)
    return Outcome(tuple(findings), (table,), (_picture(given, done),), NOTES, answer)


NOTES = (
    "The reference table lies above the exact law by up to 0.06 points, within the chance of its one sample.",
    "Cells that next to no month reaches are compared by the exact law alone.",
)


def _day(given: World) -> float:
    """The time to repair that is nearest to a day."""
    return min(given.repairs_h, key=lambda repair: abs(repair - 24))


def _picture(given: World, done: Replicated) -> Picture:
    places = tuple(float(place) for place in range(len(TIERS)))
    series = tuple(
        done.series(f"{repair:g} h to repair", places, [f"{tier}/{repair:g}" for tier in TIERS])
        for repair in given.repairs_h
    )
    return Picture(
        name="e8-credits",
        kind="bars",
        title="The time to repair sets what a promise costs",
        x_label="promised availability, %",
        y_label="credits, % of revenue",
        series=series,
        guesses=("repairs_h",),
        caption="Credit steps: 99 10/25, 99.5 10/30/100, 99.9 and 99.99 10/25/100; 95 % intervals.",
        places=tuple(TIERS),
    )


EXPERIMENT = Experiment(
    code="E8",
    title="SLA frontier",
    question="What is a promise of 99.99 % worth?",
    presets={"small": {"replications": 20, "draws": 50_000}, "full": {"replications": 20, "draws": 1_000_000}},
    inputs="e8.toml",
    run=_run,
)
