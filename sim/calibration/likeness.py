"""How like its trace a fitted scenario draws: quantiles side by side, Kolmogorov's distance, and the load."""

from typing import NamedTuple

import numpy as np

from sim.calibration.fit import Fit
from sim.calibration.profile import Measure, columns, gpu_seconds, measure
from sim.errors import SimError
from sim.pictures.picture import Picture, Series
from sim.result import IntArray
from sim.stats.estimates import Estimate, mean_interval
from sim.traces.trace import Trace
from sim.workload.demand import draw_demand

DRAWS = 20
_POINTS = 200


class Likeness(NamedTuple):
    """One measure of the trace and of one draw, and the largest distance between their distribution functions."""

    trace: Measure
    drawn: Measure
    distance: float


class Match(NamedTuple):
    """A fit held against its trace. Loads are GPUs that the work would hold all the time."""

    likenesses: tuple[Likeness, ...]
    jobs: int
    jobs_drawn: Estimate
    load: float
    load_drawn: Estimate
    picture: Picture


class Drawn(NamedTuple):
    """Jobs of one draw, ascending by submission; int64, (n,)."""

    gpus: IntArray
    run_s: IntArray
    submit_s: IntArray


def match(trace: Trace, fit: Fit) -> Match:
    """Return a fit beside its trace: the first draw in quantiles, the load of DRAWS draws. Cost: O(draws x jobs).

    Raises:
        SimError: the trace has so few jobs that the first draw has none.
    """
    draws = [draw(fit, seed) for seed in range(1, DRAWS + 1)]
    jobs, first = trace.jobs, draws[0]
    if not len(first.gpus):
        raise SimError("too few jobs to draw like them", code="trace.empty", file=trace.file, found=len(jobs.job_id))
    span_s = fit.until_s - fit.from_s
    own = columns(jobs.gpus, jobs.run_s, jobs.submit_s, trace.epoch_s)
    drawn = columns(*first, fit.scenario.epoch_s)
    return Match(
        likenesses=tuple(
            Likeness(measure(*name, one), measure(*name, drawn[name]), distance(one, drawn[name]))
            for name, one in own.items()
        ),
        jobs=len(jobs.job_id),
        jobs_drawn=mean_interval([float(len(each.gpus)) for each in draws]),
        load=sum(gpu_seconds(trace)) / span_s,
        load_drawn=mean_interval([float((each.gpus.astype(float) * each.run_s).sum()) / span_s for each in draws]),
        picture=_picture(trace, first),
    )


def draw(fit: Fit, seed: int) -> Drawn:
    """Return what the scenario's generator submits in the span of the trace. Cost: O(jobs)."""
    streams = [
        draw_demand(
            row,
            pool=0,
            gpus_per_node=1,
            seed=seed,
            epoch_s=fit.scenario.epoch_s,
            from_s=fit.from_s,
            until_s=fit.until_s,
        )
        for row in fit.scenario.demand
    ]
    submit_s = np.concatenate([each.submit_s for each in streams])
    order = np.argsort(submit_s, kind="stable")
    gpus, run_s = (np.concatenate([getattr(each, name) for each in streams]) for name in ("gpus", "run_s"))
    return Drawn(gpus[order], run_s[order], submit_s[order])


def distance(one: IntArray, other: IntArray) -> float:
    """Return Kolmogorov's distance of two samples, 0 to 1; 0 where one of them is empty."""
    if not (len(one) and len(other)):
        return 0.0
    one, other = np.sort(one), np.sort(other)
    at = np.concatenate([one, other])
    apart = np.searchsorted(one, at, side="right") / len(one) - np.searchsorted(other, at, side="right") / len(other)
    return float(np.abs(apart).max())


def _picture(trace: Trace, drawn: Drawn) -> Picture:
    """The run times of both as distribution functions."""
    series = tuple(
        Series(name, tuple(np.percentile(np.maximum(run_s, 1), shares * 100).tolist()), tuple(shares.tolist()))
        for shares in (np.linspace(0, 1, _POINTS),)
        for name, run_s in (("trace", trace.jobs.run_s), ("draw", drawn.run_s))
    )
    title = f"Run times of {trace.file}, and of a draw fitted to it"
    return Picture("fit", "cdf", title, "run time, s", "share of jobs at or below", series, log="x")
