"""The pictures of E1: who held the GPUs, what was earned for which delay, and how late internal work began."""

from collections.abc import Mapping, Sequence

from sim.experiments.e1_worlds import Drawn
from sim.pictures.picture import Line, Picture, Series
from sim.stats.estimates import Estimate
from sim.stats.front import pareto

_CURVE_POINTS = 120


def held(drawn: Drawn, gpus: int, guesses: tuple[str, ...]) -> Picture:
    """Return the holders of the GPUs over time, by day, with a line where a run begins."""
    series = tuple(
        Series(label, tuple(float(day) for day in range(len(shares))), tuple(100 * share for share in shares))
        for label, shares in drawn.holders
        if any(shares)
    )
    lines = tuple(Line("x", day, "run begins") for day in drawn.frontier_days if day > 0)
    return Picture(
        "holders", "stacked", f"The gap is filled, and the run gets its nodes back ({gpus:,} GPUs)", "day",
        "share of installed GPUs, %", series, lines, guesses, "One world, all_idle; means of days.",
    )  # fmt: skip


def earned(arms: Mapping[str, tuple[Estimate, Estimate]], guesses: tuple[str, ...]) -> Picture:
    """Return what each arm earned over the internal delay that it caused, and the front of those not outdone."""
    series = [
        Series(arm, (delay.mean,), (gain.mean / 1e6,), (gain.low / 1e6,), (gain.high / 1e6,))
        for arm, (delay, gain) in arms.items()
        if delay.mean > 0
    ]
    runs = next(iter(arms.values()))[0].n
    front = pareto([(each.x[0], each.y[0]) for each in series])
    if len(front) > 1:
        series.append(Series("not outdone", tuple(x for x, _ in front), tuple(y for _, y in front), role="limit"))
    return Picture(
        "earned-over-delay", "scatter", "What is earned, and how much internal work waits for it",
        "internal delay, GPU-hours (log)", "earned above no rentals, USD M", tuple(series), (), guesses,
        f"Means of {runs} worlds; bars are 95 % intervals of what was earned.", "x",
    )  # fmt: skip


def delayed(later_s: Mapping[str, Sequence[int]], bound_s: int) -> Picture:
    """Return the share of internal starts that came at most so much later than without rentals."""
    series = []
    for arm, values in later_s.items():
        ladder = sorted({max(1, value) for value in values} | {1, bound_s})
        step = max(1, len(ladder) // _CURVE_POINTS)
        x = [*ladder[:-1:step], ladder[-1]]
        shares = [sum(value <= at for value in values) / max(1, len(values)) for at in x]
        series.append(Series(arm, tuple(map(float, x)), tuple(shares)))
    return Picture(
        "internal-delay", "cdf", "How much later internal work begins than without rentals", "seconds later (log)",
        "share of internal starts", tuple(series), (Line("x", float(bound_s), "guarantee and cleaning"),),
        (), "One world. The line is the longest that a granted job may wait for its nodes.", "x",
    )  # fmt: skip
