"""E7, what is played: one clock of failures per replication, and the same job on it in many ways."""

from typing import NamedTuple

import numpy as np

from sim.economics.goodput import Failures, Played, fail, idle_spares, play
from sim.experiments.inputs import Inputs
from sim.experiments.replications import Numbers, Replication
from sim.measures.reliability import DAY_S, job_rate_per_s


class World(NamedTuple):
    """What one replication needs. `spares` are nodes; the last of them stand for more than can ever fail at once."""

    length_s: float
    rates_per_s: tuple[float, ...]
    rate_per_s: float  # the middle one
    repair_s: float
    spares: tuple[int, ...]
    plenty: int
    intervals_s: tuple[float, ...]
    interval_s: float
    write_s: float
    restart_s: float
    notices_s: tuple[float, ...]
    scrub_s: float
    fill: float
    lemons: float  # how many times as often a job fails with its lemons as without
    loop_share: float
    requeues: tuple[float, float]  # of a crash loop, without a guard and with one


def world(inputs: Inputs, days: int) -> World:
    """Return the world of the inputs."""
    nodes = inputs.whole("nodes")
    rates = tuple(job_rate_per_s(nodes, rate) for rate in inputs.numbers("rates_per_1000_node_days"))
    return World(
        length_s=float(days * DAY_S),
        rates_per_s=rates,
        rate_per_s=rates[1],
        repair_s=inputs.number("repair_days") * DAY_S,
        spares=tuple(round(share * nodes) for share in inputs.numbers("spare_shares")),
        plenty=nodes,
        intervals_s=tuple(60 * minutes for minutes in inputs.numbers("intervals_min")),
        interval_s=inputs.number("interval_s"),
        write_s=inputs.number("write_s"),
        restart_s=inputs.number("restart_s"),
        notices_s=inputs.numbers("notices_s"),
        scrub_s=inputs.number("scrub_s"),
        fill=inputs.number("fill"),
        lemons=1 + inputs.number("lemon_share") * (inputs.number("lemon_factor") - 1),
        loop_share=inputs.number("loop_share"),
        requeues=(inputs.number("loop_requeues"), inputs.number("guard_requeues")),
    )


def one(replication: Replication) -> Numbers:
    """Return the share of work by checkpoint interval, by spares, lent or not, with lemons and with crash loops."""
    given: World = replication.terms
    found: dict[str, float] = {}
    for place, rate in enumerate(given.rates_per_s):
        failures = fail(rate, given.repair_s, given.length_s, replication.rng(place))
        for interval in given.intervals_s:
            found[f"work/{place}/{interval:g}"] = _played(given, failures, interval_s=interval).work_share
        if rate == given.rate_per_s:
            found |= _spared(given, failures) | _looping(given, failures, replication.rng(9))
    lemons = fail(given.rate_per_s * given.lemons, given.repair_s, given.length_s, replication.rng(1))
    return found | {"lemons/work": _played(given, lemons).work_share}


def _played(
    given: World, failures: Failures, spares: int | None = None, restart_s: float | None = None,
    interval_s: float | None = None,
) -> Played:  # fmt: skip
    """The job of the world, with plenty of spares, its restart and its interval where nothing else is said."""
    return play(
        failures,
        given.plenty if spares is None else spares,
        given.restart_s if restart_s is None else restart_s,
        interval_s or given.interval_s,
        given.write_s,
        given.length_s,
    )


def _spared(given: World, failures: Failures) -> dict[str, float]:
    found: dict[str, float] = {}
    for spares in given.spares:
        played = _played(given, failures, spares)
        found |= {f"spares/{spares}/work": played.work_share, f"spares/{spares}/hit": played.hit_share}
        found |= {f"spares/{spares}/whole": played.whole_share}
        found[f"spares/{spares}/idle"] = idle_spares(failures, spares, given.length_s)
        for notice in given.notices_s:
            # A renter leaves, his node is cleaned, and only then does the job restart on it.
            restart = max(given.restart_s, notice + given.scrub_s)
            found[f"spares/{spares}/lent {notice:g}"] = _played(given, failures, spares, restart).work_share
    return found


def _looping(given: World, failures: Failures, rng: np.random.Generator) -> dict[str, float]:
    loops = rng.random(failures.at_s.size) < given.loop_share
    found: dict[str, float] = {"loops": float(loops[failures.at_s >= 0].sum()) * 30 * DAY_S / given.length_s}
    for name, requeues in zip(("loop", "guard"), given.requeues, strict=True):
        restarts = given.restart_s * np.where(loops, requeues, 1.0)
        args = given.interval_s, given.write_s, given.length_s
        found[f"{name}/work"] = play(failures, given.plenty, restarts, *args).work_share
    return found
