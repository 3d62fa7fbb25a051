"""The lend study as a Markdown page: the same outcomes give the same bytes."""

from collections.abc import Callable, Iterable, Sequence
from textwrap import fill

from sim.economics.recall import mean_delay_days
from sim.stats.estimates import Estimate, mean_interval
from sim.stats.paired import HIGHER, NOT_SHOWN, Paired, paired
from sim.study.lend import SETTINGS, TABLE, Outcomes, Preset, Variant
from sim.study.measure import Outcome
from sim.study.worlds import PHILLY_GPUS, PHILLY_NODES

USD = 1_000_000
DELAY_USD = (3, 10, 30, 100)
OURS = "priced_quota"
TITLES = {
    "alibaba": "The demand curve of a spot market: 4,278 nodes",
    "philly": f"Philly MIX1 on {PHILLY_NODES} nodes of {PHILLY_GPUS} GPUs",
}
ABOUT = {
    "alibaba": """
        Internal demand is the hourly curve of *requested* GPUs per model, clipped to what is installed: a reading, not
        a measurement. It is cut into gangs of 1 to 8 nodes; a seed picks fourteen days of the half year, the seconds
        inside the hours, and the rentals. Rental demand is a guess: 1.2 times the idle nodes of each pool, spot and
        guaranteed hours. Windows of different seeds may overlap, so intervals understate what another year would do.
    """,
    "philly": """
        Strict jobs are internal work, best-effort jobs are spot rentals; nothing is sold with a guarantee. A
        rental holds whole nodes: nine in ten of the trace's jobs asked for one GPU and get eight, so that the
        queue of rentals never empties and waits are those of its backlog, cut off at the end. A seed draws
        fourteen days of the trace with replacement.
    """,
}
HEAD = """
    Fourteen days, of which the first four are warm-up: a forecaster starts without a history. Policy `easy`, Offers
    every 300 s. A seed is the same world under every function. Numbers are means and 95 % intervals over seeds
    (Student's t). The size of the Philly cluster, the load and patience of Alibaba's renters and the list of settings
    were chosen on seeds 1 to 6, before these seeds were looked at; they draw from the same traces.
"""
COLUMNS = """
    *Allocation*: GPUs held, by anybody. *Evictions* are per 1,000 hours of rental allocations. *Kept an hour*: rental
    starts that were not evicted within 3,600 s, which spot is not promised; promises that were broken are counted
    beside it. *Rental wait*: of each rental, all its waiting together. *Delay*: first starts of internal jobs against
    the same world with rentals off. *Net value*: revenue less service credits, less what renters lost in restarts at
    their own price, less $10 for each GPU-hour by which internal work was delayed. **That cost is a guess**, as is how
    many nodes of internal work wait for one (2); the *break-even* cost is the one at which lending is worth nothing.
    Prices are of another time and place than the traces.
"""
PAIRED = """
    By how much the net value of `priced_quota` is above that of another function, $1,000, paired over seeds, and what
    it comes from: what was earned (revenue less credits and lost work), and delay that was spared. Not corrected for
    several comparisons.
"""
EQUAL_DELAY = """
    At no more internal delay: each setting against the priced quota that earns most (revenue less credits and lost
    work) among those whose mean delay is not above it. The priced quota is picked on the same seeds, which flatters it
    a little. Few settings were run: where the next gentler one earns less, it spares delay, too, and the last column
    says at which price of a delayed GPU-hour that is worth it.
"""
BY_COST = """
    Net value, $1,000, by what an hour of delay of one GPU costs. The priced quota is told; `oracle` was run at $10
    only.
"""
NOTICE = """
    Capacity that is sold with a notice comes back too late by E[max(0, notice - lead)], where lead is how long before
    its begin a need is known. With an exponential lead of 30 days on average: {days}. So a long recall is sold against
    announced plans, and spot against forecasts.
"""


def page(outcomes: Outcomes, preset: Preset, command: str) -> str:
    """Return the whole page."""
    parts = [_head(preset, command)]
    for world, found in outcomes.items():
        parts += [f"## {TITLES[world]}", _prose(ABOUT[world]), _table(found), _verdicts(found)]
        if len(found) > len(TABLE):
            parts += [_equal_delay(found), _by_cost(found), _settings(found)]
    return "\n\n".join([*parts, _notice()]) + "\n"


def _head(preset: Preset, command: str) -> str:
    written = f"Written by `{command}`, {len(preset.seeds)} seeds. "
    return f"# What each lend function earns, and what it costs\n\n{_prose(written + HEAD)}\n\n{_prose(COLUMNS)}"


def _prose(text: str) -> str:
    """A paragraph of a source file as one of the page."""
    return fill(" ".join(text.split()), 118, break_long_words=False, break_on_hyphens=False)


def _table(found: dict[str, list[Outcome]]) -> str:
    columns: dict[str, Callable[[Outcome], float | None]] = {
        "allocation, %": lambda one: 100 * one.allocated_gpu_s / one.installed_gpu_s,
        "evictions per 1,000 h": lambda one: _ratio(one.evictions * 3_600_000, one.rental_s),
        "kept an hour, %": lambda one: _ratio(100 * one.kept_an_hour, one.rental_starts),
        "promises broken": lambda one: one.promises_broken,
        "rental wait, min": lambda one: _ratio(one.rental_wait_s, 60 * one.rentals),
        "revenue, $1,000": lambda one: one.revenue_micro_usd / USD / 1000,
        "credits, $": lambda one: one.credits_micro_usd / USD,
        "delay, mean s": lambda one: _ratio(one.delay_s, one.internal_jobs),
        "delay, p99 s": lambda one: one.delay_s_p99,
        "net value, $1,000": lambda one: one.net_micro_usd(10 * USD) / USD / 1000,
    }
    rows = [
        [f"`{variant.name}`", *(_over_seeds([of(one) for one in found[variant.name]]) for of in columns.values())]
        for variant in TABLE
    ]
    return _markdown(["lend", *columns], rows)


def _verdicts(found: dict[str, list[Outcome]]) -> str:
    ours = _net(found[OURS], 10)
    rows = []
    for variant in TABLE:
        if variant.name != OURS:
            theirs = found[variant.name]
            difference = paired(ours, _net(theirs, 10))
            earned = paired(_earned(found[OURS]), _earned(theirs))
            spared = paired(_delayed(theirs, 10), _delayed(found[OURS], 10))
            shown = [_shown(each.difference) for each in (difference, earned, spared)]
            rows.append([f"`{variant.name}`", *shown, _verdict(difference), _break_even(theirs)])
    rows.append([f"`{OURS}`", "", "", "", "", _break_even(found[OURS])])
    head = ["against", "net value", "of it earned", "of it delay spared", "verdict", "break-even, $ per delayed GPU-h"]
    return f"{_prose(PAIRED)}\n\n{_markdown(head, rows)}"


def _equal_delay(found: dict[str, list[Outcome]]) -> str:
    """Each other setting against the priced quota that earns most among those that delay no more."""
    priced = [variant for variant in (*TABLE, *SETTINGS) if variant.lend == OURS]
    rows = []
    for variant in (*TABLE, *SETTINGS):
        if variant.lend in (OURS, "none", "oracle"):
            continue
        theirs = found[variant.name]
        gentle = [each for each in priced if _delay_gpu_s(found[each.name]) <= _delay_gpu_s(theirs)]
        row = [f"`{variant.name}`", f"{_delay_gpu_s(theirs) / 3_600 / len(theirs):,.0f}"]
        if gentle:
            best = max(gentle, key=lambda each: sum(one.earned_micro_usd() for one in found[each.name]))
            mine = found[best.name]
            difference = paired(_earned(mine), _earned(theirs))
            row += [f"`{best.name}`", f"{_delay_gpu_s(mine) / 3_600 / len(mine):,.0f}"]
            more = difference.difference
            row += [_shown(more), _verdict(difference), _price_of_less(more, mine, theirs)]
        else:
            row += ["none of those that were run", "", "", "not comparable", ""]
        rows.append(row)
    head = [
        "against",
        "its delay, GPU-h",
        "priced quota",
        "its delay, GPU-h",
        "earns more by, $1,000",
        "verdict",
        "$ per GPU-h",
    ]
    return f"{_prose(EQUAL_DELAY)}\n\n{_markdown(head, rows)}"


def _price_of_less(earns_more: Estimate, mine: Sequence[Outcome], theirs: Sequence[Outcome]) -> str:
    """What each GPU-hour of delay costs that is spared by earning less."""
    spared_gpu_h = (_delay_gpu_s(theirs) - _delay_gpu_s(mine)) / 3_600 / len(mine)
    return f"{-1_000 * earns_more.mean / spared_gpu_h:.2f}" if earns_more.mean < 0 < spared_gpu_h else ""


def _by_cost(found: dict[str, list[Outcome]]) -> str:
    """Net value at several costs of delay; the priced quota is told each of them, the others know of none."""
    rows = []
    for variant in TABLE:
        row = [f"`{variant.name}`"]
        for usd in DELAY_USD:
            name = _told(variant, usd)
            row.append(_shown(mean_interval(_net(found[name], usd))) if name in found else "")
        rows.append(row)
    head = ["lend", *(f"${usd}" for usd in DELAY_USD)]
    return f"{_prose(BY_COST)}\n\n{_markdown(head, rows)}"


def _told(variant: Variant, usd: int) -> str:
    if variant.lend == OURS and usd != variant.delay_usd:
        return f"{OURS}, ${usd}"
    return "" if variant.lend == "oracle" and usd != variant.delay_usd else variant.name


def _settings(found: dict[str, list[Outcome]]) -> str:
    rows = [
        [
            f"`{variant.name}`",
            _shown(mean_interval(_earned(found[variant.name]))),
            _shown(mean_interval([one.delay_gpu_s / 3_600 for one in found[variant.name]])),
            _over_seeds([_ratio(one.evictions * 3_600_000, one.rental_s) for one in found[variant.name]]),
        ]
        for variant in (*TABLE, *SETTINGS)
    ]
    head = ["setting", "earned, $1,000", "delay, GPU-h", "evictions per 1,000 h"]
    return "What settings do:\n\n" + _markdown(head, rows)


def _notice() -> str:
    late = [f"{days} days of notice are {mean_delay_days(days, 30):.1f} days late" for days in (7, 30, 90)]
    return f"## What a long notice costs\n\n{_prose(NOTICE.format(days=', '.join(late)))}"


def _net(outcomes: Iterable[Outcome], usd: int) -> list[float]:
    return [one.net_micro_usd(usd * USD) / USD / 1000 for one in outcomes]


def _earned(outcomes: Iterable[Outcome]) -> list[float]:
    return [one.earned_micro_usd() / USD / 1000 for one in outcomes]


def _delayed(outcomes: Iterable[Outcome], usd: int) -> list[float]:
    return [(one.earned_micro_usd() - one.net_micro_usd(usd * USD)) / USD / 1000 for one in outcomes]


def _delay_gpu_s(outcomes: Iterable[Outcome]) -> int:
    return sum(one.delay_gpu_s for one in outcomes)


def _break_even(outcomes: Sequence[Outcome]) -> str:
    """What a delayed GPU-hour may cost until lending is worth nothing; `-` where nothing was delayed."""
    delayed_gpu_s = _delay_gpu_s(outcomes)
    earned = sum(one.earned_micro_usd() for one in outcomes)
    return f"{earned * 3_600 / delayed_gpu_s / USD:.2f}" if delayed_gpu_s > 0 else "-"


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _over_seeds(values: Sequence[float | None]) -> str:
    """Mean and interval; `-` where some seed has nothing to measure."""
    measured = [value for value in values if value is not None]
    return _shown(mean_interval(measured)) if len(measured) == len(values) else "-"


def _verdict(found: Paired) -> str:
    if found.verdict == NOT_SHOWN:
        return "no difference"
    return "more" if found.verdict == HIGHER else "**less**"


def _shown(found: Estimate) -> str:
    digits = 1 if abs(found.mean) < 1_000 else 0
    return f"{found.mean:,.{digits}f} ± {found.half_width:,.{digits}f}"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
