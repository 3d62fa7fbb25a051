"""E11: one tenant with nearly everything, or many? The same mean, another tail; and what slow sales leave of a gap."""

from typing import NamedTuple

import numpy as np

from sim.economics.customers import Churn, Group, mean_served, play, remaining, sold_share
from sim.economics.newsvendor import tail_mean
from sim.economics.units import HOURS_PER_YEAR, MONTHS_PER_YEAR, Floats
from sim.experiments.e11_gap import gap_cells, gap_table
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.inputs import Inputs
from sim.experiments.reference import agreement, find
from sim.experiments.replications import Numbers, Replicated, Replication, replicate
from sim.experiments.words import ours
from sim.pictures.picture import Picture, Series

STEPS = 72  # a year
DAYS = 365
_USD_MILLION = 1e6
_UNIT = "USD million a year"


class World(NamedTuple):
    """What one replication needs."""

    paths: int
    years: int
    books: dict[str, tuple[Group, ...]]
    churn: Churn
    surplus: tuple[float, ...]  # of each step of a year, of what is lent in a gap
    prepaid_years: float
    usd: float  # a year, for all that is lent
    gap_days: float
    lags_days: tuple[float, ...]
    term_years: float


def world(inputs: Inputs, paths: int) -> World:
    """Return the world of the inputs: four books of tenants of one total size."""
    whale, capped = inputs.number("whale_share"), inputs.number("capped_share")
    books = {
        "one whale": (Group(1, whale), Group(10, (1 - whale) / 10)),
        "whale with a cap": (Group(1, capped), Group(10, (1 - capped) / 10)),
        "five": (Group(5, 0.2),),
        "a hundred": (Group(100, 0.01),),
    }
    churn = Churn(
        defaults=inputs.number("defaults_per_year"),
        exits=inputs.number("exits_per_year"),
        notice_years=inputs.number("notice_days") / DAYS,
        lag_years=inputs.number("lag_days") / DAYS,
    )
    gap = round(STEPS * inputs.number("gap_months") / MONTHS_PER_YEAR)
    return World(
        paths=paths,
        years=inputs.whole("years"),
        books=books,
        churn=churn,
        surplus=(1.0,) * gap + (inputs.number("training_surplus"),) * (STEPS - gap),
        prepaid_years=inputs.number("prepaid_months") / MONTHS_PER_YEAR,
        usd=inputs.whole("lent_gpus") * inputs.number("rent_usd") * HOURS_PER_YEAR,
        gap_days=inputs.number("gap_days"),
        lags_days=inputs.numbers("lags_days"),
        term_years=inputs.number("term_years"),
    )


def one(replication: Replication) -> Numbers:
    """Return what each book earns, and in its bad worlds; what is booked after its largest tenant left; lags."""
    given: World = replication.terms
    steps, scale = STEPS * given.years, given.usd / _USD_MILLION
    surplus = np.tile(given.surplus, given.years)
    found: dict[str, float] = {}
    for place, (name, groups) in enumerate(given.books.items()):
        played = play(groups, given.churn, steps, 1 / STEPS, given.paths, replication.rng(place))
        flat, served = played.booked.mean(axis=1) * scale, np.minimum(played.booked, surplus).mean(axis=1) * scale
        # Prepaid rent of a tenant that defaults is kept.
        kept = played.defaulted.sum(axis=1) * given.prepaid_years / given.years * scale
        for what, earned in (("booked", flat), ("served", served), ("prepaid", flat + kept)):
            found |= {f"{name}/{what}": float(earned.mean()), f"{name}/{what}/tail": tail_mean(earned)}
        found[f"{name}/half idle"] = float((played.booked < 0.5).mean()) * DAYS
        left = play(groups, given.churn, steps, 1 / STEPS, given.paths, replication.rng(100 + place), first_gone=True)
        found |= {f"{name}/after/{step}": float(share) for step, share in enumerate(left.booked.mean(axis=0))}
        found[f"{name}/refilled"] = _refilled(left.booked, groups) * DAYS / STEPS
    waits = replication.rng(200).exponential(size=given.paths)
    for lag in given.lags_days:
        found[f"lag/{lag:g}"] = float(np.maximum(1 - lag * waits / given.gap_days, 0).mean())
    return found


def _refilled(booked: Floats, groups: tuple[Group, ...]) -> float:
    """Steps until nine tenths are booked again, on average; the whole length where they never are."""
    full = booked >= 0.9 * sum(group.tenants * group.weight for group in groups) - 1e-9
    return float(np.where(full.any(axis=1), full.argmax(axis=1) + 1, booked.shape[1]).mean())


def exact_mean(given: World, groups: tuple[Group, ...], served: bool) -> float:
    """Return the exact mean of what a book earns, USD million a year."""
    total = 0.0
    for step in range(STEPS * given.years):
        surplus = given.surplus[step % STEPS] if served else 1.0
        total += mean_served(groups, given.churn.booked((step + 1) / STEPS, True), surplus)
    return total / (STEPS * given.years) * given.usd / _USD_MILLION


def _findings(given: World, done: Replicated) -> list[Finding]:
    found = [agreement("what a gap leaves, and its worth", gap_cells(), "reference table of closed forms")]
    for name, groups in given.books.items():
        for what, told in (("booked", "while all is idle"), ("served", "min(surplus, booked)")):
            mean = exact_mean(given, groups, what == "served")
            estimate = done.estimate(f"{name}/{what}", 2 * len(given.books))
            band = Expected(mean, mean, "exact, binomial places")
            found.append(measured(f"{name}: earned, {told}", _UNIT, estimate, band))
    found += [
        measured(f"{name}: mean of the worst 5 %", _UNIT, done.estimate(f"{name}/booked/tail")) for name in given.books
    ]
    many = "a hundred"
    others = [name for name in given.books if name != many]
    for what in ("booked", "booked/tail"):
        for name in others:
            pair = done.difference(f"{name}/{what}", f"{many}/{what}", len(others))
            told = "worst 5 %" if what.endswith("tail") else "mean"
            found.append(Finding(f"{told}: {name} less {many}", _UNIT, pair.difference, None, None, pair.verdict))
    whale = next(iter(given.books))
    pair = done.difference(f"{whale}/prepaid/tail", f"{whale}/booked/tail")
    found.append(Finding(f"worst 5 %, {whale}: what prepayment adds", _UNIT, pair.difference, None, None, pair.verdict))
    for lag in given.lags_days:
        share = sold_share(given.gap_days, lag)
        estimate = done.estimate(f"lag/{lag:g}", len(given.lags_days))
        band = Expected(share, share, "1 - l/G (1 - e^(-G/l))")
        found.append(measured(f"sold of a gap, mean lag {lag:g} d", "", estimate, band))
    nothing = Expected(0, 0, "what is billed leaves the commitments")
    return [*found, exact("commitments less what a year bills, residual", "years of rent", _residual(given), nothing)]


def contracts(given: World, name: str) -> list[tuple[float, float]]:
    """Return the contracts of a book as (weight, years that are left): the smallest end first, one after the other."""
    weights = sorted(group.weight for group in given.books[name] for _ in range(group.tenants))
    return [(weight, given.term_years * (place + 1) / len(weights)) for place, weight in enumerate(weights)]


def _residual(given: World) -> float:
    """What a year takes from the commitments of all books, less what it bills; nothing, but for the last digits."""
    worst = 0.0
    for name in given.books:
        terms = contracts(given, name)
        billed = sum(weight * min(1.0, end) for weight, end in terms)
        worst = max(worst, abs(remaining(terms, 0) - remaining(terms, 1) - billed))
    return round(worst, 9)


def _tables(given: World, done: Replicated) -> tuple[Table, ...]:
    rows = tuple(
        (
            name,
            *(done.estimate(f"{name}/{what}").mean for what in ("booked", "booked/tail", "prepaid/tail", "served")),
            done.estimate(f"{name}/half idle").mean,
            done.estimate(f"{name}/refilled").mean,
        )
        for name in given.books
    )
    heads = ("book", "mean", "worst 5 %", "worst 5 %, prepaid", "served by the surplus", "days a year half idle")
    years = range(int(given.term_years) + 1)
    ladder = tuple((name, *(remaining(contracts(given, name), year) for year in years)) for name in given.books)
    return (
        Table(
            "Books", (*heads, "days until 90 % are booked again"), rows, f"{_UNIT}; the last after the largest left."
        ),
        Table("Commitments (RPO)", ("book", *(f"year {year}" for year in years)), ladder, "Years of all rent."),
    )


def _run(setting: Setting) -> Outcome:
    given = world(setting.inputs, setting.preset["paths"])
    done = replicate(setting, one, given, "a hundred/booked")
    findings = _findings(given, done)
    whale = next(iter(given.books))
    tails = [find(findings, f"{name}: mean of the worst 5 %") for name in (whale, "a hundred")]
    slow = max(given.lags_days)
    answer = (
        f"One whale and a hundred tenants earn the same on average; in the worst twentieth of worlds they earn "
        f"${ours(tails[0])}M and ${ours(tails[1])}M a year. A sale that takes {slow:g} days on average sells "
        f"{ours(find(findings, f'sold of a gap, mean lag {slow:g} d'))} of a gap of {given.gap_days:g} days: "
        f"who sells more slowly than gaps last sells less than {sold_share(1, 1):.0%} of them."
    )
    return Outcome(
        tuple(findings),
        (*_tables(given, done), gap_table(setting.inputs)),
        (_after(given, done), _lags(given, done)),
        NOTES,
        answer,
    )


NOTES = (
    "Tenants leave independently of each other: a downturn that takes many at once would bring the tails together.",
    "A place whose tenant gave notice is sold from the notice on; one whose tenant defaulted, from the default on.",
)


def _after(given: World, done: Replicated) -> Picture:
    """What is booked after the largest tenant left, by day."""
    steps = range(STEPS)
    days = tuple((step + 1) * DAYS / STEPS for step in steps)
    series = [done.series(name, days, [f"{name}/after/{step}" for step in steps]) for name in given.books]
    for name, groups in given.books.items():
        first = groups[0].weight
        chances = [[given.churn.booked((step + 1) / STEPS, here) for step in steps] for here in (False, True)]
        exactly = tuple(first * gone + (1 - first) * here for gone, here in zip(*chances, strict=True))
        series.append(Series("" if name != "one whale" else "two states, exact", days, exactly, role="analytic"))
    return Picture(
        name="e11-exit",
        kind="lines",
        title="What is still booked after the largest tenant left without notice",
        x_label="days after the exit",
        y_label="share of what is lent",
        series=tuple(series),
        guesses=("lag_days", "exits_per_year", "defaults_per_year", "whale_share", "capped_share"),
    )


def _lags(given: World, done: Replicated) -> Picture:
    fine = tuple(float(day) for day in np.linspace(0, max(given.lags_days), 80))
    fixed = tuple(max(0.0, 1 - lag / given.gap_days) for lag in fine)
    series = (
        done.series("lag by chance", given.lags_days, [f"lag/{lag:g}" for lag in given.lags_days]),
        Series("closed form", fine, tuple(sold_share(given.gap_days, lag) for lag in fine), role="analytic"),
        Series("the same lag for every sale", fine, fixed, role="limit"),
    )
    labels = "mean days until the first hour is sold", "share of the gap that is sold"
    title = f"Who sells more slowly than a gap of {given.gap_days:g} days lasts owns no option"
    return Picture("e11-lag", "lines", title, *labels, series, (), ("lags_days",))


EXPERIMENT = Experiment(
    code="E11",
    title="One whale or many",
    question="What does it cost to depend on one tenant, and to sell slowly?",
    presets={"small": {"replications": 20, "paths": 500}, "full": {"replications": 20, "paths": 10_000}},
    inputs="e11.toml",
    run=_run,
)
