"""E7: how many hot spares does a large job need, and may they be rented out meanwhile?"""

from math import exp, fsum, lgamma, log

import numpy as np

from sim.economics.units import HOURS_PER_YEAR
from sim.experiments import e7_reference
from sim.experiments.e7_worlds import World, one, world
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import agreement, find
from sim.experiments.replications import Replicated, replicate
from sim.measures.reliability import DAY_S, ettr_daly, interval_daly, spare_count
from sim.pictures.picture import Line, Picture, Series

GPUS_PER_NODE = 8
_USD_MILLION = 1e6
_NEVER = 1e-6  # no replication is long enough to see it


def enough_chance(mean: float, spares: int) -> float:
    """Return the chance that a Poisson number of nodes that are away is covered by the spares."""
    return fsum(exp(count * log(mean) - mean - lgamma(count + 1)) for count in range(spares + 1))


def _findings(inputs: Inputs, given: World, done: Replicated) -> list[Finding]:
    found = [
        agreement("share of work, MTTF and intervals", e7_reference.goodput_cells(), "reference table of goodput"),
        agreement("spares for 99 % and 99.9 %", e7_reference.spare_cells(), "reference table of spares"),
    ]
    count = len(given.rates_per_s) * len(given.intervals_s)
    for place, (rate, told) in enumerate(
        zip(given.rates_per_s, inputs.numbers("rates_per_1000_node_days"), strict=True)
    ):
        for interval in given.intervals_s:
            exactly = ettr_daly(rate, given.restart_s, interval, given.write_s)
            name = f"share of work, {told:g} faults, checkpoint every {interval / 60:g} min"
            estimate = done.estimate(f"work/{place}/{interval:g}", count)
            found.append(measured(name, "", estimate, Expected(exactly, exactly, "Daly (2006), exact")))
    mean = given.rate_per_s * given.repair_s
    for spares in given.spares[1:]:
        chance = enough_chance(mean, spares)
        if 1 - chance < _NEVER:
            continue
        estimate = done.estimate(f"spares/{spares}/whole", len(given.spares) - 1)
        expected = Expected(chance, chance, "Poisson (N r MTTR)")
        found.append(measured(f"{spares} spares: share of time with enough nodes", "", estimate, expected))
    most = given.spares[-1]
    for notice in given.notices_s:
        pair = done.difference(f"spares/{most}/lent {notice:g}", f"spares/{most}/work", len(given.notices_s))
        name = f"{most} spares lent with {notice:g} s of notice: change of the share of work"
        found.append(Finding(name, "", pair.difference, None, None, pair.verdict))
    for name, left, right in (
        ("lemons found: change of the share of work", f"work/1/{given.interval_s:g}", "lemons/work"),
        ("guard against crash loops: change of the share of work", "guard/work", "loop/work"),
    ):
        pair = done.difference(left, right)
        found.append(Finding(name, "", pair.difference, None, None, pair.verdict))
    return found


def _tables(inputs: Inputs, given: World, done: Replicated) -> tuple[Table, ...]:
    rows = []
    hour = inputs.number("spot_usd") * GPUS_PER_NODE * inputs.number("fill") * HOURS_PER_YEAR / _USD_MILLION
    per_day = given.rate_per_s * DAY_S
    for spares in given.spares:
        hit, whole, work, idle = (
            done.estimate(f"spares/{spares}/{what}").mean for what in ("hit", "whole", "work", "idle")
        )
        lent = done.estimate(f"spares/{spares}/lent {given.notices_s[0]:g}").mean
        rows.append((spares, hit, whole, work, lent, idle, idle * hour, per_day * hit * inputs.number("fill")))
    names = ("spares", "found ready", "enough nodes", "share of work", "the same, lent", "idle on average")
    columns = (*names, "earned, USD million a year", "renters evicted a day")
    nodes, rates = inputs.whole("nodes"), inputs.numbers("rates_per_1000_node_days")
    needed = tuple(
        (f"{days:g} d", *(spare_count(nodes, rate, days, level) for rate in rates for level in (0.99, 0.999)))
        for days in inputs.numbers("repairs_days")
    )
    asked = tuple(f"{rate:g} faults, {level} % of the time" for rate in rates for level in (99, 99.9))
    loops, per_loop = done.estimate("loops").mean, inputs.number("loop_preemptions") / inputs.number("loop_requeues")
    guard = tuple(
        (name, requeues, loops * requeues * per_loop, done.estimate(f"{key}/work").mean)
        for name, key, requeues in zip(("no guard", "guard"), ("loop", "guard"), given.requeues, strict=True)
    )
    note = f"Lent as spot with {given.notices_s[0]:g} s of notice; {per_day:.2f} failures a day."
    heads = ("", "restarts of a loop", "preemptions of others in 30 days", "share of work")
    return (
        Table("Spares", columns, tuple(rows), note),
        Table("Spares that are enough", ("time to repair", *asked), needed, f"{nodes:,} nodes, Poisson."),
        Table("Crash loops", heads, guard, ""),
    )


def _run(setting: Setting) -> Outcome:
    inputs = setting.inputs
    given = world(inputs, setting.preset["days"])
    done = replicate(setting, one, given, f"spares/{given.spares[-1]}/work")
    findings = _findings(inputs, given, done)
    tables = _tables(inputs, given, done)
    most, nodes, days = given.spares[-1], inputs.whole("nodes"), inputs.number("repair_days")
    need = spare_count(nodes, inputs.numbers("rates_per_1000_node_days")[1], days, 0.99)
    costly = next((notice for notice in given.notices_s if notice + given.scrub_s > given.restart_s), None)
    dear = ""
    if costly:
        change = find(findings, f" {costly:g} s of notice").estimate
        assert change is not None
        dear = f" A notice of {costly:g} s takes {abs(change.mean):.1%} of the time from the job."
    answer = (
        f"A job of {nodes:,} nodes whose nodes are away for {days:g} days needs {need} spares for 99 % of the time; "
        f"{most} spares rented out earn ${tables[0].rows[-1][6]:.2f}M a year. That costs nothing while notice and "
        f"cleaning take no longer than the restart of {given.restart_s:g} s.{dear}"
    )
    return Outcome(tuple(findings), tables, (_curve(inputs, given, done), _spare_curve(given, done)), NOTES, answer)


NOTES = (
    "Nodes fail at the same rate while the job restarts or waits, as in Daly's formula.",
    "The simulation of clusters plays crash loops and lemons on real queues; here they are a law each.",
)


def _curve(inputs: Inputs, given: World, done: Replicated) -> Picture:
    minutes = tuple(interval / 60 for interval in given.intervals_s)
    fine = np.linspace(minutes[0], minutes[-1], 60)
    series: list[Series] = []
    lines: tuple[Line, ...] = ()
    for place, (rate, told) in enumerate(
        zip(given.rates_per_s, inputs.numbers("rates_per_1000_node_days"), strict=True)
    ):
        names = [f"work/{place}/{interval:g}" for interval in given.intervals_s]
        series.append(done.series(f"{told:g} faults per 1,000 node-days", minutes, names))
        exactly = tuple(ettr_daly(rate, given.restart_s, float(each) * 60, given.write_s) for each in fine)
        series.append(Series("Daly, exact" if not place else "", tuple(fine.tolist()), exactly, role="analytic"))
        if rate == given.rate_per_s:
            lines = (Line("x", interval_daly(given.write_s, 1 / rate) / 60, f"Daly's optimum at {told:g}"),)
    return Picture(
        name="e7-interval",
        kind="lines",
        title="Share of time that is work, over the time between checkpoints",
        x_label="minutes between checkpoints",
        y_label="share of work",
        series=tuple(series),
        lines=lines,
        guesses=("write_s",),
    )


def _spare_curve(given: World, done: Replicated) -> Picture:
    spares = tuple(float(each) for each in given.spares)

    def points(name: str, what: str) -> Series:
        return done.series(name, spares, [f"spares/{each}/{what}" for each in given.spares])

    lent = f"lent {given.notices_s[-1]:g}"
    mean = given.rate_per_s * given.repair_s
    fine = tuple(float(each) for each in range(int(spares[-1]) + 1))
    series = (
        points("time with enough nodes", "whole"),
        points("share of work", "work"),
        points(f"share of work, spares lent with {given.notices_s[-1]:g} s of notice", lent),
        Series("Poisson", fine, tuple(enough_chance(mean, int(each)) for each in fine), role="analytic"),
    )
    guesses = ("spare_shares", "repair_days", "scrub_s", "write_s")
    return Picture("e7-spares", "lines", "What spares buy", "spare nodes", "share of time", series, (), guesses)


EXPERIMENT = Experiment(
    code="E7",
    title="Failures and spares",
    question="How many hot spares does a large job need, and may they be rented out meanwhile?",
    presets={"small": {"replications": 20, "days": 180}, "full": {"replications": 40, "days": 1_460}},
    inputs="e7.toml",
    run=_run,
)
