"""What pages of the cluster share: which cluster they show, live or of a finished run, and at which moment."""

from collections.abc import Mapping
from typing import NamedTuple

from billing.console.asking import Answer
from billing.console.blocks import Field, Form, Steps
from billing.console.pages.periods import ALL, shown_period
from billing.console.visit import Visit
from billing.money import SECONDS_PER_HOUR, floor_decimal
from billing.months import parse_utc

LIVE_S = 5  # so often a page that follows a live cluster is asked for anew
RUNS_SHOWN = 200
_BUCKETS = [("", "as fits"), ("hour", "hours"), ("day", "days"), ("week", "weeks"), ("month", "months")]
_MINUTES_CHARS = len("2026-01-21T23:59")
# Who holds GPUs, bottom to top: the field of the API, its words, its colour and the letter of a node.
HOLDERS: Mapping[str, tuple[str, str, str]] = {
    "critical": ("internal critical", "blue", "C"),
    "internal": ("internal", "sky", "I"),
    "reserved": ("reserved", "green", "R"),
    "on_demand": ("on-demand", "orange", "O"),
    "spot": ("spot", "yellow", "S"),
    "down": ("cleaning or down", "grey", "x"),
    "idle": ("idle", "light", ""),
}


class Chosen(NamedTuple):
    """Which cluster a page shows: `run` "" is the live one. `clusters` is what is known of that."""

    run: str
    runs: Answer
    clusters: Answer

    @property
    def live_s(self) -> int:
        """How often the page is asked for anew."""
        return 0 if self.run else LIVE_S

    @property
    def words(self) -> str:
        """What is shown, in words."""
        return f"Run {self.run}." if self.run else "The live cluster."


async def chosen(visit: Visit, *, now: bool = False) -> Chosen:
    """Return the cluster that the address names; without a word the live one if there is any, else the last run.
    `now`: of the live one its scheduler must have told who holds what."""
    runs = await visit.ask.get("/v1/operator/runs", limit=RUNS_SHOWN)
    clusters = await visit.ask.get("/v1/operator/clusters")
    run = visit.query.get("run")
    if run is None:
        told = clusters.ok and (clusters.items or (not now and clusters.data["settled_events"]))
        run = "" if told or not runs.items else str(runs.items[-1]["id"])
    return Chosen(run, runs, clusters)


def choice(visit: Visit, shown: Chosen, path: str, *fields: Field) -> Form:
    """Return the form in which a cluster is chosen, and what else a page asks."""
    options = [("", "the live cluster"), *((each["id"], each["id"]) for each in reversed(shown.runs.items))]
    return Form(
        "Show",
        path,
        [Field("run", "Cluster", "select", shown.run, options, required=False), *fields],
        "Show",
        "",
        "get",
    )


async def asked(visit: Visit, shown: Chosen, path: str, currency: str = "") -> tuple[Answer, Steps]:
    """Return what the API says of the period in the address, of a run usually all of it; and the steps from there."""

    async def ask(from_: str, until: str, fitting: str) -> Answer:
        bucket = visit.query.get("bucket") or fitting
        return await visit.ask.get(path, run=shown.run, from_=from_, until=until, bucket=bucket, currency=currency)

    told = next((each for each in shown.runs.items if each["id"] == shown.run), None)
    if told is None:
        period = await shown_period(visit, ask, visit.now_s, whole=True)
    else:
        period = await shown_period(visit, ask, parse_utc(told["until"]), ALL, whole=True)
    return period.found, period.steps


def window_form(visit: Visit, shown: Chosen, path: str) -> Form:
    """Return the form in which a cluster and the length of its buckets are chosen."""
    return choice(
        visit, shown, path, Field("bucket", "In", "select", visit.query.get("bucket", ""), _BUCKETS, "", False)
    )


def moment_field(visit: Visit) -> Field:
    """Return the field in which a moment of a run is chosen."""
    return Field("at", "At, UTC", "datetime-local", visit.query.get("at", "")[:_MINUTES_CHARS], required=False)


def moment_asked(visit: Visit) -> str | None:
    """Return the moment in the address as the API takes it."""
    text = visit.query.get("at", "")
    return f"{text}:00Z" if len(text) == _MINUTES_CHARS else text or None


def gpu_hours(gpu_s: int) -> str:
    """Return GPU-hours with two decimals, cut."""
    return floor_decimal(gpu_s, SECONDS_PER_HOUR, 2)


def share(part: int, whole: int) -> str:
    """Return a share in percent with one decimal, rounded: shares of a whole add up to about 100."""
    return f"{floor_decimal(2_000 * part + whole, 20 * whole, 1)} %" if whole else "-"


def span(seconds: int) -> str:
    """Return a length of time in words: 3 d 4 h, 5 min 20 s."""
    sign, left = ("-", -seconds) if seconds < 0 else ("", seconds)
    parts = []
    for word, length_s in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if left >= length_s:
            parts.append(f"{left // length_s:,} {word}")
            left %= length_s
    return sign + " ".join(parts[:2]) if parts else "0 s"
