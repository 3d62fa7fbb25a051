"""E12: can a tenant move another's waits, bill or secrets? Attacks with what isolates, and without it."""

from collections.abc import Sequence

from sim.experiments.e12_worlds import Attacked, Task, one
from sim.experiments.experiment import Expected, Experiment, Finding, Outcome, Setting, Table, exact, measured
from sim.experiments.reference import find
from sim.experiments.words import ours
from sim.pictures.picture import Picture, Series
from sim.stats.estimates import Estimate, mean_interval
from sim.stats.paired import HIGHER, paired

WHO = {"lab": "quota", "renter": "contract"}
NONE = Expected(0, 0, "isolation: none at all")
_POINTS = 80


def _run(setting: Setting) -> Outcome:
    terms = {row.name: float(row.value) for row in setting.inputs.rows}
    tasks = [Task(setting.seed + number, terms) for number in range(setting.preset["runs"])]
    found = setting.map(one, tasks, lambda seen: f"{sum(each is not None for each in seen)} worlds attacked")
    guesses = tuple(row.name for row in setting.inputs.guesses)
    untouched = _untouched(found)
    waiting = _waiting(found)
    findings = (*waiting, *untouched)
    rows = tuple(
        (f"{who}, {arm}", ours(measured("", "", _mean_wait(found, f"{who}, {arm}"))), _late(found, f"{who}, {arm}"))
        for who in WHO
        for arm in ("quiet", "on", "off")
    )
    note = (
        "quiet: no neighbour. on: flooded, held apart by a quota or a contract. off: flooded, and nothing between them."
    )
    table = Table("Waits of the victim", ("who", "mean wait, s", "jobs that waited over an hour, %"), rows, note)
    return Outcome(findings, (table,), _pictures(found, guesses), NOTES, _answer(found, waiting, untouched))


def _mean_wait(found: Sequence[Attacked], arm: str) -> Estimate:
    return mean_interval([_mean(each, arm) for each in found])


def _mean(attacked: Attacked, arm: str) -> float:
    waits_s = attacked.waits_s[arm]
    return sum(waits_s) / len(waits_s)


def _late(found: Sequence[Attacked], arm: str) -> str:
    shares = [100 * sum(wait_s > 3_600 for wait_s in each.waits_s[arm]) / len(each.waits_s[arm]) for each in found]
    return ours(measured("", "", mean_interval(shares)))


def _waiting(found: Sequence[Attacked]) -> list[Finding]:
    """What a flood adds to the victim's waits, held apart and not; paired by world."""
    findings = []
    for who, by in WHO.items():
        quiet = [_mean(each, f"{who}, quiet") for each in found]
        for arm, word in (("on", f"held apart by a {by}"), ("off", "nothing between them")):
            pair = paired([_mean(each, f"{who}, {arm}") for each in found], quiet, 2 * len(WHO))
            name = f"{who}: what a flood adds to the mean wait, {word}"
            findings.append(Finding(name, "s", pair.difference, None, None, pair.verdict))
    return findings


def _untouched(found: Sequence[Attacked]) -> list[Finding]:
    """What no attack may move at all, and the canaries that show that it was looked for."""

    def total(name: str) -> float:
        return sum(each.numbers[name] for each in found)

    some = Expected(1, 1e12, "canary: who may see all of it finds them")
    tampered = int(total("tampered"))
    return [
        exact("contract holder: bill moved by a flood", "USD", total("bill_moved_usd"), NONE),
        exact(
            f"bill moved by {int(total('replayed')):,} replays and forgeries", "USD", total("bill_replayed_usd"), NONE
        ),
        exact("bytes of the neighbour's in what the victim is told", "", int(total("leaked_bytes")), NONE),
        exact("the same bytes in the operator's log", "", int(total("house_bytes")), some),
        exact("changed audit rows that were found", "", int(total("found")), Expected(tampered, tampered, "every one")),
        exact("faults found in untouched audit logs", "", int(total("false_alarms")), NONE),
    ]


def _pictures(found: Sequence[Attacked], guesses: tuple[str, ...]) -> tuple[Picture, ...]:
    """The victim's waits as shares of its jobs, over all worlds."""
    words = {"quiet": "no neighbour", "on": "flooded, isolation on", "off": "flooded, isolation off"}
    pictures = []
    for who, by in WHO.items():
        series = []
        for arm, word in words.items():
            waits_s = sorted(max(1, wait_s) for each in found for wait_s in each.waits_s[f"{who}, {arm}"])
            places = sorted({*range(0, len(waits_s), max(1, len(waits_s) // _POINTS)), len(waits_s) - 1})
            x = tuple(float(waits_s[place]) for place in places)
            series.append(Series(word, x, tuple((place + 1) / len(waits_s) for place in places)))
        pictures.append(
            Picture(
                f"victim-{who}", "cdf", f"A {who}'s waits beside a neighbour who floods ({by})",
                "seconds to the first start (log; 1 is none)", "share of the victim's jobs", tuple(series), (), guesses,
                f"All jobs of {len(found)} worlds. Who never started counts with its wait until the end.", "x",
            )
        )  # fmt: skip
    return tuple(pictures)


def _answer(found: Sequence[Attacked], waiting: Sequence[Finding], untouched: Sequence[Finding]) -> str:
    lab = [ours(measured("", "", _mean_wait(found, f"lab, {arm}"))) for arm in ("quiet", "on", "off")]
    added = find(waiting, "renter: what a flood adds to the mean wait, held apart")
    renter = f"waits {ours(added)} s longer" if added.verdict == HIGHER else "is not shown to wait longer"
    moved = [finding.name for finding in untouched if finding.verdict != "inside"]
    return (
        f"A neighbour who floods the cluster makes a lab's jobs wait {lab[1]} s on average where quotas hold them"
        f" apart, {lab[2]} s where nothing does, and {lab[0]} s without him; a renter with a contract"
        f" {renter}. Of {len(untouched)} things that no"
        f" attack may move or hide, {'none was' if not moved else '; '.join(moved) + ': this was'}."
    )


NOTES = (
    "Here one neighbour attacks in a simulation. What is promised between tenants, 81 properties each attacked on two"
    " databases and again under planted faults, is tried by `spillway inspect`.",
    "A flood still costs something: what a renter does not use is lent, and comes back after a guarantee, a notice and"
    " the cleaning; jobs that wait for each other add that up. A crash loop is not among these"
    " attacks; published case V15 is a test of its own.",
    "Without isolation the victim rents by the hour or shares one queue: a cluster without quotas or contracts, not one"
    " whose walls are broken.",
)

EXPERIMENT = Experiment(
    code="E12",
    title="Isolation under attack",
    question="Can a tenant move another's bill, latency or data?",
    presets={"small": {"runs": 8}, "full": {"runs": 40}},
    inputs="e12.toml",
    run=_run,
)
