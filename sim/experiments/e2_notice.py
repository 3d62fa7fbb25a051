"""E2: what is a notice of N days worth? A fixed one, a ladder of them, one that can be bought back, and hindsight."""

from typing import NamedTuple

import numpy as np

from sim.economics.recall import Part, ladder, mean_delay_days, rent_usd
from sim.economics.units import HOURS_PER_DAY, HOURS_PER_YEAR, Floats
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import Cell, agreement
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Picture, Series
from sim.stats.paired import HIGHER

REFERENCE_NOTICES = (1, 7, 14, 30, 60, 90)  # days
REFERENCE_DELAY = {
    14: (0.0, 1.5, 5.2, 17.6, 46.2, 76.0),
    30: (0.0, 0.8, 2.8, 11.0, 34.1, 61.5),
    60: (0.0, 0.4, 1.5, 6.4, 22.1, 43.4),
}
_MILLION, _UNIT = 1e6, "USD million a year"
_LADDER, _BOUGHT, _ORACLE = "ladder", "bought back", "oracle"


class Terms(NamedTuple):
    """What one replication needs."""

    years: int
    leads_days: tuple[float, ...]
    lead_days: float
    notices_days: tuple[float, ...]
    rents_usd: tuple[float, ...]  # a year, for all that is lent
    parts: tuple[Part, ...]
    ladder: tuple[int, ...]
    slip: float
    delay_usd: float  # a day
    fee_usd: float  # a day, for all that is lent


def terms(inputs: Inputs, years: int) -> Terms:
    """Return the terms that follow from the inputs, with the ladder that suits them best."""
    notices = inputs.numbers("notices_days")
    hourly = rent_usd(np.array(notices), *(inputs.number(name) for name in ("spot_usd", "firm_usd", "reach_days")))
    sold = inputs.whole("lent_gpus") * inputs.number("fill")
    rents = hourly * sold * HOURS_PER_YEAR
    sizes = inputs.numbers("need_sizes")
    shares = np.diff(sizes, prepend=0.0)
    needs = inputs.numbers("needs_per_year")
    parts = tuple(Part(float(share), *rest) for share, *rest in zip(shares, needs, sizes, strict=True))
    lead, delay = inputs.number("lead_days"), inputs.number("delay_usd_per_day")
    return Terms(
        years=years,
        leads_days=inputs.numbers("leads_days"),
        lead_days=lead,
        notices_days=notices,
        rents_usd=tuple(rents.tolist()),
        parts=parts,
        ladder=tuple(ladder(parts, notices, rents, lead, delay)),
        slip=inputs.number("slip"),
        delay_usd=delay,
        fee_usd=inputs.number("fee_usd") * inputs.whole("lent_gpus") * HOURS_PER_DAY,
    )


def one(replication: Replication) -> Numbers:
    """Return delays by lead and notice, and what each policy earns and costs in the same years of needs."""
    given: Terms = replication.terms
    rng = replication.rng()
    ends = np.concatenate(
        [np.full(rng.poisson(part.needs_per_year * given.years), place) for place, part in enumerate(given.parts)]
    )
    draws = rng.exponential(size=ends.size)
    found = {
        f"delay/{lead:g}/{notice:g}": float(np.maximum(notice - lead * draws, 0).mean())
        for lead in given.leads_days
        for notice in given.notices_days
    }
    lead = given.lead_days * draws
    begins = lead + rng.exponential(size=ends.size) * given.slip * lead
    last = len(given.notices_days) - 1
    for place, notice in enumerate(given.notices_days):
        found |= _earned(f"{notice:g}", given, ends, lead, begins, [place] * len(given.parts))
    found |= _earned(_LADDER, given, ends, lead, begins, list(given.ladder))
    found |= _bought(given, ends, lead, begins, last)
    found |= {f"{_ORACLE}/rent": given.rents_usd[last] / _MILLION, f"{_ORACLE}/delay": 0.0, f"{_ORACLE}/idle": 0.0}
    for name in (*(f"{notice:g}" for notice in given.notices_days), _LADDER, _BOUGHT, _ORACLE):
        found[f"{name}/value"] = found[f"{name}/rent"] - found[f"{name}/delay"] - found[f"{name}/idle"]
    return found


def _earned(name: str, given: Terms, ends: Floats, lead: Floats, begins: Floats, places: list[int]) -> dict[str, float]:
    """Rent, delay and idle nodes of a policy, USD million a year: each part lent at the notice of its place.

    The operator gives notice when a need is announced, but keeps the renters for as long as it may.
    """
    notices = np.array([given.notices_days[place] for place in places])
    rents = np.array([part.share * given.rents_usd[place] for part, place in zip(given.parts, places, strict=True)])
    reach = np.array([part.reach for part in given.parts])
    late = np.maximum(notices[ends] - lead, 0) * reach[ends]
    # A part that is taken leaves at its notice or when it is needed by the announcement, and then waits for the start.
    idle = np.zeros(ends.size)
    for place in range(len(places)):
        waits = np.maximum(begins - np.maximum(notices[place], lead), 0)
        idle += np.where(ends >= place, waits * rents[place] / 365, 0)
    return {
        f"{name}/rent": float(rents.sum()) / _MILLION,
        f"{name}/delay": float(late.sum()) * given.delay_usd / given.years / _MILLION,
        f"{name}/idle": float(idle.sum()) / given.years / _MILLION,
    }


def _bought(given: Terms, ends: Floats, lead: Floats, begins: Floats, place: int) -> dict[str, float]:
    """The longest notice, with what is left of it bought back where that is cheaper than to be late."""
    found = _earned(_BOUGHT, given, ends, lead, begins, [place] * len(given.parts))
    return found | {f"{_BOUGHT}/delay": found[f"{_BOUGHT}/delay"] * min(1.0, given.fee_usd / given.delay_usd)}


def delay_cells() -> list[Cell]:
    """Return every cell of the table of delays."""
    return [
        Cell(f"lead {lead}, notice {notice}", mean_delay_days(notice, lead), reference, 1)
        for lead, row in REFERENCE_DELAY.items()
        for notice, reference in zip(REFERENCE_NOTICES, row, strict=True)
    ]


def _run(setting: Setting) -> Outcome:
    given = terms(setting.inputs, setting.preset["years"])
    done = replicate(setting, one, given, f"{_LADDER}/value")
    names = [f"{notice:g}" for notice in given.notices_days]
    best = max(names, key=lambda name: done.estimate(f"{name}/value").mean)
    findings = _findings(given, done, best)
    tables = (_policies(given, done), _ladder_table(given))
    more = findings[-3]
    gain = f"earns {ours(more)} more" if more.verdict == HIGHER else "is not shown to earn more"
    answer = (
        f"At ${given.delay_usd / _MILLION:.2f}M for a day of delay the best single notice is {_days(float(best))}: "
        f"{ours(findings[-4])} {_UNIT}; a ladder {gain}. {given.notices_days[-1]:g} days of notice earn more than "
        f"spot only where a day of delay costs less than ${_break_even(given, len(names) - 1) / _MILLION:.2f}M: "
        "they are for nodes that nobody will train on."
    )
    return Outcome(findings, tables, (_delays(given, done), _front(given, done)), NOTES, answer)


NOTES = (
    "A delay counts from the announced start; a start that slips leaves idle nodes, not a delay.",
    "How long a need keeps the nodes is the same under every policy and left out.",
)


def _days(notice: float) -> str:
    return "none" if not notice else "a minute" if notice < 1 else f"{notice:g} d"


def _break_even(given: Terms, place: int) -> float:
    """The cost of a day's delay at which this notice earns no more than none, by the closed form."""
    late = mean_delay_days(given.notices_days[place], given.lead_days)
    days = sum(part.needs_per_year * part.reach for part in given.parts) * late
    return (given.rents_usd[place] - given.rents_usd[0]) / days


def _findings(given: Terms, done: Replicated, best: str) -> tuple[Finding, ...]:
    cells = [(lead, notice) for lead in given.leads_days for notice in given.notices_days if notice >= 1]
    found = [agreement("mean delay, closed form", delay_cells(), "reference table of closed forms")]
    for lead, notice in cells:
        expected = mean_delay_days(notice, lead)
        late = done.estimate(f"delay/{lead:g}/{notice:g}", len(cells))
        band = Expected(expected, expected, "N - l (1 - e^(-N/l))")
        found.append(measured(f"mean delay, lead {lead:g} d, notice {notice:g} d", "d", late, band))
    more = done.difference(f"{_LADDER}/value", f"{best}/value")
    saved = done.difference(f"{_BOUGHT}/value", f"{given.notices_days[-1]:g}/value")
    longest = _days(given.notices_days[-1])
    single = f"best single notice, {_days(float(best))}: value"
    return (
        *found,
        measured(single, _UNIT, done.estimate(f"{best}/value")),
        Finding(f"{_LADDER} less the best single notice", _UNIT, more.difference, None, None, more.verdict),
        Finding(f"{longest} bought back less {longest}", _UNIT, saved.difference, None, None, saved.verdict),
        exact("hindsight: value", _UNIT, done.estimate(f"{_ORACLE}/value").mean),
    )


def _policies(given: Terms, done: Replicated) -> Table:
    names = [f"{notice:g}" for notice in given.notices_days] + [_LADDER, _BOUGHT, _ORACLE]
    rows = []
    for place, name in enumerate(names):
        single = place < len(given.notices_days)
        numbers = (done.estimate(f"{name}/{what}").mean for what in ("rent", "delay", "idle", "value"))
        even = _break_even(given, place) / 1e3 if single and place > 1 else None
        rows.append((f"notice {_days(float(name))}" if single else name, *numbers, even))
    columns = ("policy", "rent", "delay", "idle before a late start", "value", "break-even, thousand USD a day")
    note = "USD million a year. Break-even: what a day of delay may cost before spot earns more."
    return Table("What policies earn", columns, tuple(rows), note)


def _ladder_table(given: Terms) -> Table:
    rows = tuple(
        (f"to {part.reach:.1%}", part.needs_per_year, _days(given.notices_days[place]))
        for part, place in zip(given.parts, given.ladder, strict=True)
    )
    return Table(
        "The ladder", ("part of what is lent", "needs a year that end there", "notice"), rows, "First out first."
    )


def _delays(given: Terms, done: Replicated) -> Picture:
    notices = tuple(notice for notice in given.notices_days if notice >= 1)
    fine = tuple(float(day) for day in range(1, int(max(notices)) + 1))
    series = []
    for lead in given.leads_days:
        names = [f"delay/{lead:g}/{notice:g}" for notice in notices]
        series.append(done.series(f"mean lead {lead:g} d", notices, names))
    for lead in given.leads_days:
        exactly = tuple(mean_delay_days(day, lead) for day in fine)
        name = "" if series[-1].role == "analytic" else "closed form"  # named once
        series.append(Series(name, fine, exactly, role="analytic"))
    title = "A notice longer than the lead is a delay"
    return Picture("e2-delay", "lines", title, "notice, days", "mean delay, days", tuple(series), (), ("leads_days",))


def _front(given: Terms, done: Replicated) -> Picture:
    def points(name: str, names: list[str]) -> Series:
        costs, rents = (tuple(done.estimate(f"{each}/{what}").mean for each in names) for what in ("delay", "rent"))
        return Series(name, costs, rents)

    series = (
        points("one notice, 0 to 90 days", [f"{notice:g}" for notice in given.notices_days]),
        points(_LADDER, [_LADDER]),
        points("90 days, bought back", [_BOUGHT]),
        points("hindsight", [_ORACLE]),
    )
    guesses = (
        "lead_days", "firm_usd", "reach_days", "fill", "delay_usd_per_day", "needs_per_year", "need_sizes", "fee_usd",
    )  # fmt: skip
    title = "What a longer notice earns, and what its delays cost"
    told = f"One notice, from below: {', '.join(_days(notice) for notice in given.notices_days)}."
    labels = "cost of delays, USD million a year", "rent, USD million a year"
    return Picture("e2-front", "scatter", title, *labels, series, (), guesses, told)


EXPERIMENT = Experiment(
    code="E2",
    title="Recall and notice",
    question="What is a notice of N days worth?",
    presets={"small": {"replications": 20, "years": 500}, "full": {"replications": 20, "years": 20_000}},
    inputs="e2.toml",
    run=_run,
)
