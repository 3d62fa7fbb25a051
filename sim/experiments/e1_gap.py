"""E1: what filling the gap between two training runs earns, and whom it hurts; and what a research cluster leaves."""

from collections.abc import Mapping, Sequence

from sim.experiments.e1_pictures import delayed, earned, held
from sim.experiments.e1_worlds import ARMS, Task, World1, identity, one
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.inputs import Inputs
from sim.experiments.words import number, ours
from sim.stats.estimates import Estimate, mean_interval
from sim.stats.paired import LOWER, Paired, paired

GPUS_PER_NODE = 8
# An hour of guarantee is the longest that a renter may stay, and then the node is cleaned.
BOUND_S = 3_600 + 300
CANARY = "canary: no eviction"
SOLD, GENTLE, BEST = "all_idle", "priced_quota", "oracle"
KILO = 1_000


class Regime:
    """The worlds of one regime, seed by seed."""

    def __init__(self, name: str, worlds: Sequence[World1]) -> None:
        self.name, self.worlds = name, worlds
        self.arms = [arm.name for arm in ARMS[name]]

    def values(self, arm: str, key: str) -> list[float]:
        """One number of an arm, of each world."""
        return [world.arms[arm][key] for world in self.worlds]

    def mean(self, arm: str, key: str) -> Estimate:
        """Its mean and interval."""
        return mean_interval(self.values(arm, key))

    def more(self, arm: str, other: str, key: str) -> Paired:
        """By how much an arm has more of it than another, in the same worlds; each of all comparisons has its share."""
        return paired(self.values(arm, key), self.values(other, key), len(self.arms) - 1)

    def gain_usd(self, arm: str) -> list[float]:
        """What an arm earns above no rentals, after credits."""
        revenue, without = self.values(arm, "revenue_usd"), self.values("none", "revenue_usd")
        return [a - b - c for a, b, c in zip(revenue, without, self.values(arm, "credits_usd"), strict=True)]


def _run(setting: Setting) -> Outcome:
    inputs, preset = setting.inputs, setting.preset
    terms = {row.name: float(row.value) for row in inputs.rows}
    seeds = range(setting.seed, setting.seed + preset["runs"])
    tasks = [
        Task(regime, seed, preset["nodes"], terms, drawn=seed == setting.seed and regime == "seed")
        for seed in seeds
        for regime in ARMS
    ]
    worlds = setting.map(one, tasks, lambda found: _so_far(tasks, found))
    strangers = setting.map(identity, [task for task in tasks if task.regime == "seed"])
    seed, rsc = (
        Regime(name, [world for task, world in zip(tasks, worlds, strict=True) if task.regime == name]) for name in ARMS
    )
    drawn = seed.worlds[0].drawn
    assert drawn is not None
    gpus = preset["nodes"] * GPUS_PER_NODE
    guesses = tuple(row.name for row in inputs.guesses)
    pictures = (
        held(drawn, gpus, guesses),
        earned(
            {arm: (seed.mean(arm, "delay_gpu_h"), mean_interval(seed.gain_usd(arm))) for arm in seed.arms[1:]}, guesses
        ),
        delayed({arm: drawn.later_s[arm] for arm in (BEST, GENTLE, SOLD, CANARY)}, BOUND_S),
    )
    findings = (*_safety(inputs, seed, strangers), *_money(seed, "seed"), *_money(rsc, "rsc"))
    days = inputs.whole("window_days")
    tables = (_table(seed, gpus, days), _table(rsc, gpus, inputs.whole("research_days")))
    return Outcome(findings, tables, pictures, NOTES, _answer(seed, gpus, days))


def _so_far(tasks: Sequence[Task], found: Sequence[World1 | None]) -> str:
    seen = [world for task, world in zip(tasks, found, strict=True) if world is not None and task.regime == "seed"]
    if len(seen) < 2:
        return ""
    gain = mean_interval(Regime("seed", seen).gain_usd(SOLD))
    return f"{SOLD} earns {ours(measured('', '', gain))} USD"


def _safety(inputs: Inputs, seed: Regime, strangers: Sequence[int]) -> list[Finding]:
    """What must hold whatever is earned."""
    run_days = inputs.number("window_days") - inputs.number("gap_days")
    low, high = (
        100 * (run_days + inputs.number(name) / 10_000 * inputs.number("gap_days")) / inputs.number("window_days")
        for name in ("trough_bp", "peak_bp")
    )
    longest = {arm: max(seed.values(arm, "reclaim_longest_s")) for arm in seed.arms}
    allowed = Expected(0, BOUND_S, "an hour of guarantee and 300 s of cleaning")
    broken = Expected(BOUND_S, inputs.number("window_days") * 86_400, "must break the bound, or nothing is shown by it")
    residual = sum(sum(seed.values(arm, "residual_gpu_s")) for arm in seed.arms)
    share = Expected(low, high, "(T + u G) / (T + G), u = 30 % to 50 %")
    return [
        measured("without rentals: GPUs held", "%", seed.mean("none", "allocated"), share),
        exact("rentals that cost no time: internal starts that moved", "", sum(strangers), Expected(0, 0, "identity")),
        *(
            exact(f"{arm}: longest wait for nodes", "s", int(longest[arm]), broken if arm == CANARY else allowed)
            for arm in seed.arms[1:]
        ),
        exact("GPU-seconds that no state accounts for", "", int(residual), Expected(0, 0, "conservation")),
    ]


def _money(regime: Regime, word: str) -> list[Finding]:
    """Revenue, delay, and what differs from selling all that is idle."""
    found = []
    for arm in regime.arms[1:]:
        found.append(measured(f"{word}, {arm}: earned", "USD k", _scaled(mean_interval(regime.gain_usd(arm)))))
        found.append(measured(f"{word}, {arm}: internal delay", "GPU-h", regime.mean(arm, "delay_gpu_h")))
    for key, unit, label in (("revenue_usd", "USD k", "revenue"), ("delay_gpu_h", "GPU-h", "internal delay")):
        for arm in regime.arms[1:]:
            if arm == SOLD:
                continue
            pair = regime.more(arm, SOLD, key)
            shown = _scaled(pair.difference) if unit == "USD k" else pair.difference
            found.append(Finding(f"{word}, {arm} less {SOLD}: {label}", unit, shown, None, None, pair.verdict))
    return found


def _scaled(estimate: Estimate) -> Estimate:
    return estimate._replace(mean=estimate.mean / KILO, half_width=estimate.half_width / KILO)


_COLUMNS: Mapping[str, tuple[str, float]] = {
    "allocated, %": ("allocated", 1),
    "busy, %": ("busy", 1),
    "goodput, %": ("goodput", 1),
    "revenue, USD k": ("revenue_usd", KILO),
    "credits, USD k": ("credits_usd", KILO),
    "rented, GPU-h": ("rental_gpu_h", 1),
    "of it on demand": ("on_demand_gpu_h", 1),
    "evictions": ("evictions", 1),
    "frontier later, h": ("frontier_delay_h", 1),
    "internal delay, mean s": ("delay_mean_s", 1),
    "p99 s": ("delay_p99_s", 1),
    "delay, GPU-h": ("delay_gpu_h", 1),
    "slowdown p50": ("slowdown_p50", 1),
    "slowdown p99": ("slowdown_p99", 1),
}


def _table(regime: Regime, gpus: int, days: int) -> Table:
    rows = []
    for arm in regime.arms:
        cells = [_cell(regime.mean(arm, key), scale) for key, scale in _COLUMNS.values()]
        rows.append((arm, *cells, _break_even(regime, arm)))
    title = {"seed": "A gap between training runs", "rsc": "A research cluster without runs"}[regime.name]
    note = (
        f"{gpus:,} GPUs, {days} days, {len(regime.worlds)} worlds, means and 95 % intervals. Delays are against"
        " the same world without rentals. Break-even: at this cost of a delayed GPU-hour an arm is worth nothing."
    )
    return Table(title, ("arm", *_COLUMNS, "break-even, USD per GPU-h"), tuple(rows), note)


def _cell(estimate: Estimate, scale: float) -> str:
    shown = estimate._replace(mean=estimate.mean / scale, half_width=estimate.half_width / scale)
    return ours(measured("", "", shown))


def _break_even(regime: Regime, arm: str) -> str:
    """What a GPU-hour of delay may cost until the arm is worth nothing; never below that where it delays nobody."""
    lost, gain = sum(regime.values(arm, "delay_gpu_h")), sum(regime.gain_usd(arm))
    return number(gain / lost) if lost > 0 and gain > 0 else "-"


def _answer(seed: Regime, gpus: int, days: int) -> str:
    gain = mean_interval(seed.gain_usd(SOLD))
    kept = 100 * sum(seed.gain_usd(GENTLE)) / sum(seed.gain_usd(SOLD))
    delay = seed.more(GENTLE, SOLD, "delay_gpu_h")
    spared = 100 - 100 * sum(seed.values(GENTLE, "delay_gpu_h")) / sum(seed.values(SOLD, "delay_gpu_h"))
    spares = f"spares {spared:.0f} % of the internal delay"
    if delay.verdict != LOWER:
        needed = f", which would take about {delay.needed_n}" if delay.needed_n else ""
        spares = f"is not shown to spare internal delay in {len(seed.worlds)} worlds{needed}"
    begins = [ours(measured("", "", seed.mean(arm, "frontier_delay_h"))) for arm in (SOLD, CANARY)]
    return (
        f"On {gpus:,} GPUs over {days} days, selling all that is idle earns {ours(measured('', '', _scaled(gain)))}"
        f" thousand USD and lets the next training run begin {begins[0]} hours later; {GENTLE} keeps {kept:.0f} % of"
        f" that money and {spares}. Without eviction the run begins {begins[1]} hours later."
    )


NOTES = (
    "A run of 120 days on a calendar has no warm-up to cut: it begins inside a training run, as a year would.",
    "The cost of delaying a frontier run has no public figure, so the break-even stands here instead of a net value.",
    "Who rents, how long and how patiently is made up: demand is sized so that on-demand alone does not fill a gap.",
    "Differences against all_idle are paired by world, and each interval has its share of the 5 % (Bonferroni).",
    "The oracle knows the internal demand of the run without rentals; it is a bound for what a forecast can do, not a"
    " policy. No eviction is no policy either: it is there to break the bound.",
)

EXPERIMENT = Experiment(
    code="E1",
    title="Gap backfill",
    question="What does filling the gap between training runs earn, and whom does it hurt?",
    presets={"small": {"runs": 5, "nodes": 64}, "full": {"runs": 20, "nodes": 256}},
    inputs="e1.toml",
    run=_run,
)
