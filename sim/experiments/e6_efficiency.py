"""E6: tokens get cheaper. Above which elasticity do they eat GPUs, and below which do they free them?"""

from typing import NamedTuple

import numpy as np

from sim.economics.efficiency import boundary, hour_usd, lagged, log_need, releases
from sim.economics.units import Floats
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell, agreement, as_reference, find
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Picture, Series

# Efficiency gain a year: eps* for demand that grows 1, 1.2, 1.5 and 2 times a year.
REFERENCE_GROWTHS = (1.0, 1.2, 1.5, 2.0)
REFERENCE_BOUNDARY = {10: (1.00, 0.92, 0.82, 0.70), 3: (1.00, 0.83, 0.63, 0.37), 2: (1.00, 0.74, 0.42, 0.00)}
STEPS = 24  # a year
_TRIED = np.linspace(-0.2, 1.6, 19)  # elasticities between which the boundary is sought


class World(NamedTuple):
    """What one replication needs."""

    paths: int
    years: int
    gains: tuple[float, ...]
    growths: tuple[float, ...]
    elasticities: tuple[float, ...]
    growth: float
    releases_per_year: float
    lag_years: float
    fleet_share: float
    hour_usd: float
    rent_usd: float


def world(inputs: Inputs, paths: int) -> World:
    """Return the world of the inputs."""
    return World(
        paths=paths,
        years=inputs.whole("years"),
        gains=inputs.numbers("gains"),
        growths=inputs.numbers("growths"),
        elasticities=inputs.numbers("elasticities"),
        growth=inputs.number("growth"),
        releases_per_year=inputs.number("releases_per_year"),
        lag_years=inputs.number("lag_years"),
        fleet_share=inputs.number("fleet_share"),
        hour_usd=hour_usd(inputs.number("tokens_per_s"), inputs.number("token_usd")),
        rent_usd=inputs.number("rent_usd"),
    )


def one(replication: Replication) -> Numbers:
    """Return the boundary that need shows for each gain and growth, and need, surplus and revenue at one growth."""
    given: World = replication.terms
    steps = given.years * STEPS
    counts = replication.rng().poisson(given.releases_per_year / STEPS, (given.paths, steps)).astype(np.float64)
    found: dict[str, float] = {}
    for gain in given.gains:
        efficiency = releases(gain, given.releases_per_year, counts)
        price = lagged(efficiency, given.lag_years, 1 / STEPS)
        for growth in given.growths:
            found[f"boundary/{gain:g}/{growth:g}"] = _boundary(growth, price, efficiency)
        for elasticity in given.elasticities:
            need = np.exp(log_need(given.growth, elasticity, price, efficiency, 1 / STEPS))
            key = f"{gain:g}/{elasticity:g}"
            found[f"need/{key}"] = float(np.median(need[:, -1]))
            found[f"surplus/{key}"] = float((1 - np.minimum(given.fleet_share * need, 1)).mean())
        # A GPU-hour sells as many more tokens as it makes, at the price of the day; on average over all hours.
        found[f"hour/{gain:g}"] = given.hour_usd * float(np.exp(price + efficiency).mean())
    return found


def _boundary(growth: float, price: Floats, efficiency: Floats) -> float:
    """The elasticity at which the mean need neither grows nor falls, once prices follow: where its slope crosses 0."""
    first = price.shape[1] - STEPS - 1  # the last year: before, the price has not caught up with the efficiency
    slopes = []
    for elasticity in _TRIED:
        need = log_need(growth, float(elasticity), price, efficiency, 1 / STEPS).mean(axis=0)
        slopes.append(need[-1] - need[first])
    return float(np.interp(0.0, slopes, _TRIED))


def boundary_cells() -> list[Cell]:
    """Return every cell of the table of boundaries."""
    return [
        Cell(f"gain {gain}, growth {growth}", boundary(growth, gain), reference, 2)
        for gain, row in REFERENCE_BOUNDARY.items()
        for growth, reference in zip(REFERENCE_GROWTHS, row, strict=True)
    ]


def _findings(given: World, done: Replicated) -> list[Finding]:
    found = [agreement("boundary, closed form", boundary_cells(), "reference table of closed forms")]
    cells = [(gain, growth) for gain in given.gains for growth in given.growths]
    for gain, growth in cells:
        exactly = boundary(growth, gain)
        name = f"boundary in need, gain {gain:g}, growth {growth:g}"
        estimate = done.estimate(f"boundary/{gain:g}/{growth:g}", len(cells))
        found.append(measured(name, "", estimate, Expected(exactly, exactly, "1 - ln g / ln e")))
    even = given.rent_usd / given.hour_usd
    told = "share of its hours that a GPU has to serve to earn its rent"
    found.append(as_reference(told, "", even, 0.247, 3, "reference table of closed forms"))
    for gain in given.gains:
        hour = done.estimate(f"hour/{gain:g}")
        found.append(measured(f"revenue of a served GPU-hour, gain {gain:g}, mean", "USD", hour))
    return found


def _run(setting: Setting) -> Outcome:
    given = world(setting.inputs, setting.preset["paths"])
    done = replicate(setting, one, given, f"boundary/{given.gains[-1]:g}/{given.growth:g}")
    findings = _findings(given, done)
    rows = tuple(
        (gain, elasticity, *(done.estimate(f"{what}/{gain:g}/{elasticity:g}").mean for what in ("need", "surplus")))
        for gain in given.gains
        for elasticity in given.elasticities
    )  # fmt: skip
    columns = ("gain a year", "elasticity", f"need after {given.years} years", "mean surplus, of the fleet")
    note = f"Need: 1 at the start; demand grows {given.growth:g} times a year at a constant price. Medians and means."
    gain = given.gains[-1]
    most, least = given.elasticities[-1], given.elasticities[0]
    needs = [done.estimate(f"need/{gain:g}/{elasticity:g}").mean for elasticity in (least, most)]
    boundary_found = find(findings, f"gain {gain:g}, growth {given.growth:g}")
    answer = (
        f"With {gain:g} times more tokens per GPU a year and demand growing {given.growth:g} times, GPUs are freed "
        f"below an elasticity of {ours(boundary_found)} and eaten above it. After {given.years} "
        f"years the need is {needs[0]:.2g} of today's at an elasticity of {least:g}, and {needs[1]:.2g} times today's "
        f"at {most:g}."
    )
    table = Table("Need and surplus", columns, rows, note)
    return Outcome(tuple(findings), (table,), (_phase(given, done), _map(given, done)), NOTES, answer)


NOTES = (
    "A price that lags makes a served GPU-hour worth more, for as long as it lags; it does not move the boundary.",
    "Surplus counts against a fleet that does not grow.",
)


def _phase(given: World, done: Replicated) -> Picture:
    fine = np.linspace(min(given.gains), max(given.gains), 60)
    series = []
    for growth in given.growths:
        names = [f"boundary/{gain:g}/{growth:g}" for gain in given.gains]
        series.append(done.series(f"demand x {growth:g} a year", given.gains, names))
    for growth in given.growths:
        exactly = tuple(boundary(growth, float(gain)) for gain in fine)
        name = "" if series[-1].role == "analytic" else "1 - ln g / ln e"  # named once
        series.append(Series(name, tuple(fine.tolist()), exactly, role="analytic"))
    return Picture(
        name="e6-boundary",
        kind="lines",
        title="Above its line cheaper tokens eat GPUs, below it they free them",
        x_label="efficiency gain, times a year",
        y_label="elasticity of the demand for tokens",
        series=tuple(series),
        guesses=("growths", "lag_years"),
    )


def _map(given: World, done: Replicated) -> Picture:
    rows = []
    for elasticity in given.elasticities:
        needs = (done.estimate(f"need/{gain:g}/{elasticity:g}").mean for gain in given.gains)
        rows.append(Series(f"{elasticity:g}", given.gains, tuple(float(np.log10(need)) for need in needs)))
    still = ", ".join(f"{boundary(given.growth, gain):.2f} at {gain:g}" for gain in given.gains)
    return Picture(
        name="e6-need",
        kind="heat",
        title=f"Need for GPUs after {given.years} years, as a power of ten; 0 is today's",
        x_label="efficiency gain, times a year",
        y_label="elasticity of the demand for tokens",
        series=tuple(rows),
        guesses=("elasticities", "growth", "lag_years", "years"),
        caption=f"The need stays as it is at an elasticity of {still}.",
        places=tuple(f"{gain:g}" for gain in given.gains),
    )


EXPERIMENT = Experiment(
    code="E6",
    title="Efficiency shock",
    question="Tokens get cheaper. Does that free GPUs, or eat them?",
    presets={"small": {"replications": 20, "paths": 500}, "full": {"replications": 20, "paths": 10_000}},
    inputs="e6.toml",
    run=_run,
)
