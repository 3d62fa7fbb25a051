"""How often a job is stopped, and how much of its time is work: the formulas that checkpoints and spares are sized by.

Nothing here decides anything in a run; a run draws its faults (`sim.failures.faults`) and plays them. These are the
values that a run must come near, and what `spillway reliability` prints. Symbols in the docstrings: N nodes, l failures
per second of the whole job, dt seconds between checkpoints, w seconds of a blocking write, u0 seconds of a restart.
Rates are failures per 1,000 node-days; whether they are those of hardware (2.3 to 6.5) or of all causes (21 to 24) is
for the caller to say, and never to mix (case V1b).
"""

import math
from typing import Any

from sim.stats.estimates import poisson_band

DAY_S = 86_400
HOUR_S = 3_600
TIERS_BP = ((9_500, "premium"), (7_000, "standard"), (0, "basic"))


def job_rate_per_s(nodes: int, rate_per_1000_node_days: float) -> float:
    """Return l, the stops per second of a job on so many nodes."""
    return nodes * rate_per_1000_node_days / (1000 * DAY_S)


def mttf_h(nodes: int, rate_per_1000_node_days: float) -> float:
    """Return the mean hours between stops of a job: 1 / (N r). Case V1. Infinite for a rate of 0."""
    per_s = job_rate_per_s(nodes, rate_per_1000_node_days)
    return 1 / (per_s * HOUR_S) if per_s else math.inf


def survival(nodes: int, rate_per_1000_node_days: float, length_s: float) -> float:
    """Return the chance that a job of this length is never stopped: exp(-l T)."""
    return math.exp(-job_rate_per_s(nodes, rate_per_1000_node_days) * length_s)


def rate_from_mttf(mttf_hours: float, nodes: int) -> float:
    """Return the failures per 1,000 node-days that a measured mean time to failure implies. Case V1b."""
    return 24_000 / (mttf_hours * nodes)


def rate_from_count(failures: int, days: float, nodes: int) -> float:
    """Return the failures per 1,000 node-days that a count over some days implies. Case V1b."""
    return 1000 * failures / (days * nodes)


def ettr_linear(per_s: float, restart_s: float, interval_s: float, write_s: float = 0) -> float:
    """Return the published share of time that is work: (1 - l (u0 + dt/2)) / (1 + w/dt).

    A linearisation: below the exact value, and negative where failures are frequent (case V2f). Source: Kokolis et al.,
    HPCA 2025.
    """
    return (1 - per_s * (restart_s + interval_s / 2)) / (1 + write_s / interval_s)


def ettr_exact(per_s: float, restart_s: float, interval_s: float, write_s: float = 0) -> float:
    """Return the exact share of time that is work when a restart cannot fail: dt / ((1/l + u0)(e^{l(dt+w)} - 1))."""
    if not per_s:
        return interval_s / (interval_s + write_s)
    return interval_s / ((1 / per_s + restart_s) * _expm1(per_s * (interval_s + write_s)))


def ettr_daly(per_s: float, restart_s: float, interval_s: float, write_s: float = 0) -> float:
    """Return it when failures strike during restarts too: dt / ((1/l) e^{l u0} (e^{l(dt+w)} - 1)). Daly 2006."""
    if not per_s:
        return interval_s / (interval_s + write_s)
    return interval_s * per_s * math.exp(-per_s * restart_s) / _expm1(per_s * (interval_s + write_s))


def interval_young(write_s: float, mtbf_s: float) -> float:
    """Return Young's checkpoint interval, sqrt(2 d M), seconds. Case V3."""
    return math.sqrt(2 * write_s * mtbf_s)


def interval_daly(write_s: float, mtbf_s: float) -> float:
    """Return Daly's interval: sqrt(2dM) [1 + (1/3) sqrt(d/2M) + (1/9)(d/2M)] - d for d < 2M, else M. Case V3."""
    if write_s >= 2 * mtbf_s:
        return mtbf_s
    ratio = write_s / (2 * mtbf_s)
    return interval_young(write_s, mtbf_s) * (1 + math.sqrt(ratio) / 3 + ratio / 9) - write_s


def reach_s(per_s: float, target: float) -> float:
    """Return the seconds that checkpoint interval and restart may both take for this share of time. Case V2g.

    Writes cost nothing. Infinite for a rate of 0; `target` lies between 0 and 1. Cost: some sixty halvings.
    """
    if not per_s:
        return math.inf
    low, high = 0.0, 1 / per_s
    while ettr_exact(per_s, high, high) > target:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if ettr_exact(per_s, middle, middle) > target else (low, middle)
    return low


def spare_count(nodes: int, rate_per_1000_node_days: float, repair_days: float, level: float) -> int:
    """Return the fewest spares that are enough with this probability: P(Poisson(N r repair) <= s) >= level.

    Every node under repair needs one. Case V23. Cost: O(spares).
    """
    mean = nodes * rate_per_1000_node_days * repair_days / 1000
    count, below = 0, math.exp(-mean)
    while below < level:
        count += 1
        below += math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    return count


def sizes(
    nodes: int,
    rate_per_1000_node_days: float,
    *,
    interval_s: int,
    write_s: int,
    restart_s: int,
    length_s: float,
    repair_days: float,
    target: float,
) -> dict[str, Any]:
    """Return every figure that sizes checkpoints and spares of a job, by name; None where it is without bound.

    The intervals of Young and Daly are 0 where a write costs nothing: then the shorter the better.
    """
    per_s = job_rate_per_s(nodes, rate_per_1000_node_days)
    terms = (per_s, restart_s, interval_s, write_s)
    return {
        "nodes": nodes,
        "rate_per_1000_node_days": rate_per_1000_node_days,
        "mttf_h": _finite(mttf_h(nodes, rate_per_1000_node_days)),
        "survival": survival(nodes, rate_per_1000_node_days, length_s),
        "stops": _stops(per_s * length_s),
        "ettr": {"linear": ettr_linear(*terms), "exact": ettr_exact(*terms), "daly": ettr_daly(*terms)},
        "interval_young_s": interval_young(write_s, 1 / per_s) if per_s else None,
        "interval_daly_s": interval_daly(write_s, 1 / per_s) if per_s else None,
        "target": target,
        "reach_s": _finite(reach_s(per_s, target)),
        "spares": {
            name: spare_count(nodes, rate_per_1000_node_days, repair_days, level)
            for name, level in (("p99", 0.99), ("p999", 0.999))
        },
    }


def _stops(expected: float) -> dict[str, float | None]:
    """How often a job is stopped, and between which counts that is 95 times in 100; below ten that says little."""
    low, high = poisson_band(expected) if expected >= 10 else (None, None)
    return {"mean": expected, "low": low, "high": high}


def gpu_fraction_bp(ideal_s: int, real_s: int) -> tuple[int, str]:
    """Return T_ideal / T_real in basis points, rounded down, and the tier that it reaches. Case V25 (Singularity)."""
    fraction = 10_000 * ideal_s // real_s if real_s else 10_000
    return fraction, next(tier for least, tier in TIERS_BP if fraction >= least)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _expm1(exponent: float) -> float:
    return math.expm1(exponent) if exponent < 700 else math.inf
