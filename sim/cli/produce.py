"""From a scenario to a run, and from a finished run to its folder: books, summary, page. Shared by several commands."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import typer

from billing.books import Books
from sim.cli.failure import NEGATIVE
from sim.cli.frame import Session
from sim.cli.output import note
from sim.cli.progress import progress
from sim.engine.run import run
from sim.folder import run_folder
from sim.folder.manifest import config_sha256
from sim.param import Origin
from sim.report.build import from_result
from sim.report.page import render
from sim.result import RunResult
from sim.scenario.build import build
from sim.scenario.model import Scenario, guesses
from sim.settle import settle
from sim.summary import summarise


class About(NamedTuple):
    """What was run, in words: for the manifest, the summary and the page's header."""

    name: str
    title: str
    programme: str
    toml: str
    guesses: Sequence[Origin] = ()


class Outcome(NamedTuple):
    """What a command may print about a run that is now on disk."""

    folder: Path
    summary: dict[str, Any]
    books: Books | None


def about(scenario: Scenario) -> About:
    """The words for a scenario."""
    programme = scenario.programme.preset if scenario.programme is not None else ""
    return About(scenario.name, scenario.title, programme, scenario.text, guesses(scenario))


def simulate(
    session: Session,
    scenario: Scenario,
    *,
    lend: str | None = None,
    label: str = "running",
    reasons: bool = True,
    engine: str = "auto",
) -> RunResult:
    """Run a scenario as it says, or with another lend policy; the world is the same in both. Only the
    former has a tape, and notes why jobs wait unless `reasons` says no.

    Raises:
        SimError, SchedulerError, TenantError, BillingError: the scenario cannot be run.
    """
    way = scenario.policy
    with progress(session, f"{label} {scenario.name}") as tick:
        return run(
            build(scenario),
            way.name,
            lend or way.lend,
            headroom_nodes=way.headroom_nodes,
            seed=scenario.seed,
            tape=lend is None,
            reasons=reasons and lend is None,
            progress=tick,
            engine=engine,
        )


def draw(
    words: About, result: RunResult, books: Books, summary: Mapping[str, Any], baseline: RunResult | None = None
) -> str:
    """The page of a run, as HTML."""
    return render(from_result(result, books, baseline, summary, words.guesses))


def deliver(
    session: Session,
    out: Path,
    result: RunResult,
    words: About,
    *,
    baseline: RunResult | None = None,
    metered: bool = True,
    page: bool = True,
) -> Outcome:
    """Settle a run, draw its page and write its folder at `out`, whole or not at all.

    A run that is not metered has no books and therefore no page.

    Raises:
        SimError, BillingError: the folder cannot be written, or something that was held has no price.
    """
    with progress(session, "bills and report"):
        books = settle(result) if metered else None
        facts = {
            "scenario": words.name,
            "title": words.title,
            "programme": words.programme,
            "config_sha256": config_sha256(result, words.toml),
        }
        summary = facts | summarise(result, books, baseline)
        html = None
        if page and books is not None:
            html = draw(words, result, books, summary, baseline)
        run_folder.write(out, result, books, words.name, words.toml, summary, html, baseline)
    for finding in summary["findings"]:
        note(session, f"{finding['where']}: {finding['what']} ({finding['count']:,})")
    return Outcome(out, summary, books)


def exit_by(outcome: Outcome) -> None:
    """Leave with code 1 if the books do not close: the run is on disk, but its finding is negative."""
    if outcome.summary["residual_gpu_s"] or (outcome.books is not None and outcome.books.findings):
        raise typer.Exit(NEGATIVE)
