"""`spillway compare --paired`: ways over several seeds, as tables and as a document."""

from typing import TYPE_CHECKING, Any

from sim.cli.output import Table

if TYPE_CHECKING:
    from sim.answers.paired_runs import PairedRuns
    from sim.stats.estimates import Estimate

_SCALES = {"bp": ("%", 100.0), "micro_usd": ("USD", 1e6), "milli": ("", 1000.0), "count": ("", 1.0)}


def paired_document(found: "PairedRuns") -> dict[str, Any]:
    """The comparison for programs, in the units of the runs."""
    return {
        "ways": found.ways,
        "seeds": found.seeds,
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit,
                "means": [mean._asdict() if mean else None for mean in metric.means],
                "differences": [
                    {**each.difference._asdict(), "verdict": each.verdict, "needed_n": each.needed_n} if each else None
                    for each in metric.differences
                ],
            }
            for metric in found.metrics
        ],
        "front": found.front,
    }


def paired_tables(found: "PairedRuns", axes: tuple[str, str] | None) -> list[Table]:
    """The ways, their numbers, and the differences against the first way."""
    letters = [chr(ord("A") + place) for place in range(len(found.ways))]
    marks = [way in found.front for way in found.ways]
    fronted = ("not outdone",) if axes else ()
    who = [
        [letter, way, *(["yes" if mark else "no"] if axes else [])]
        for letter, way, mark in zip(letters, found.ways, marks, strict=True)
    ]
    seeds = f"{len(found.seeds)} seeds"
    heads = ["number", "unit", *(f"{letter}>" for letter in letters)]
    means = [
        [
            metric.name,
            _unit(metric.unit),
            *(_text(mean, metric.unit) for mean in metric.means),
        ]
        for metric in found.metrics
    ]
    others = [
        [
            f"{metric.name}: {letter} - A",
            _unit(metric.unit),
            _text(each.difference, metric.unit),
            each.verdict + (f" (about {each.needed_n} seeds)" if each.needed_n else ""),
        ]
        for metric in found.metrics
        for letter, each in zip(letters[1:], metric.differences, strict=True)
        if each is not None
    ]
    about = "Differences, paired by seed, 95 % for all ways of one number together"
    return [
        Table(f"Ways, {seeds}", ("", "policy, lend", *fronted), who),
        Table("Means and 95 % intervals", heads, means),
        Table(about, ("number", "unit", "difference>", "verdict"), others),
    ]


def _unit(unit: str) -> str:
    return _SCALES.get(unit, (unit, 1.0))[0]


def _text(estimate: "Estimate | None", unit: str) -> str:
    from sim.experiments.words import number

    if estimate is None:
        return "-"
    scale = _SCALES.get(unit, ("", 1.0))[1]
    mean, half_width = estimate.mean / scale, estimate.half_width / scale
    return f"{number(mean, half_width)} ± {number(half_width, half_width)}" if half_width else number(mean)
