"""`spillway demo`: the shipped scenario with rentals, beside the same world without them; tables and the page."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sim.cli.frame import Session, session_of
from sim.cli.output import CsvFlag, MdFlag, answer, form, note
from sim.cli.report import PAGE, OpenFlag, open_page
from sim.cli.run import DaysFlag, OutFlag, SeedFlag
from sim.cli.runs import MANIFEST

if TYPE_CHECKING:
    from billing.invoices.bill import Bill
    from sim.cli.produce import Outcome
    from sim.result import RunResult

SCENARIO = "gap"
FOLDER = "demo"


def demo(
    ctx: typer.Context,
    out: OutFlag = None,
    days: DaysFlag = None,
    seed: SeedFlag = None,
    open_: OpenFlag = False,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Sell the training gap: one cluster with rentals and without, its bills, service levels and page."""
    from sim.cli.produce import about, deliver, exit_by, simulate
    from sim.folder.run_folder import require_free
    from sim.scenario.file import load, override

    session, shape = session_of(ctx), form(csv=csv, md=md)
    place = out or session.runs / FOLDER
    again = out is None and is_demo(place)
    if not again:
        require_free(place)
    scenario = override(load(SCENARIO), seed=seed, days=days)
    without = simulate(session, scenario, lend="none", label="without rentals:")
    result = simulate(session, scenario, label="with rentals:")
    draft = place.with_name(f".{place.name}.new") if again else place
    if again:
        shutil.rmtree(draft, ignore_errors=True)
    done = deliver(session, draft, result, about(scenario), baseline=without)
    if again:
        swap(draft, place)
    show(session, shape, place, result, without, done)
    if open_:
        open_page(place / PAGE)
    exit_by(done)


def show(session: Session, shape: str, place: Path, result: "RunResult", without: "RunResult", done: "Outcome") -> None:
    """Print the answer: who used what, what was earned, who was delayed, one bill, the service levels, the page."""
    from billing.documents.bill import bill_json
    from billing.documents.sla import sla_json
    from sim.cli import headline
    from sim.cli.documents import bill_table, overview_table
    from sim.summary import utilisation

    books, summary = done.books, done.summary
    assert books is not None, "a demo is metered"
    bare = {"utilisation": utilisation(without)}
    bill = busiest_hour(result, done)
    answer(
        session,
        lambda: {
            "run": str(place),
            "report": str(place / PAGE),
            "summary": summary,
            "without_rentals": bare,
            "bill": bill_json(bill) if bill else None,
            "sla": sla_json(books.names, books.sla, books.credits),
        },
        lambda: [
            headline.utilisation(summary, bare),
            headline.money(summary),
            headline.delay(summary),
            *([bill_table([bill], f"Bill of {bill.tenant} for one hour, {bill.period.label}")] if bill else []),
            overview_table(books.names, books.sla),
            headline.check(summary),
        ],
        fmt=shape,
        after=f"page: {place / PAGE}",
    )
    if shape != "table":
        note(session, f"page: {place / PAGE}")


def busiest_hour(result: "RunResult", done: "Outcome") -> "Bill | None":
    """The bill of the dearest hour of the day that the page shows; None if nobody paid for rentals."""
    from billing.months import hour_period
    from sim.report.charges import tenant_bill

    books = done.books
    assert books is not None
    day = tenant_bill(result, books, books.month_bills())
    if day is None:
        return None
    hour = max(day.hours, key=lambda hour: hour.total_micro_usd)
    tenant = books.names.tenants.index(day.tenant)
    return books.bill(tenant, hour_period(books.names.epoch_s, hour.hour_s))


def is_demo(place: Path) -> bool:
    """Whether `place` holds a run of the demo's scenario and nothing else, so that a new demo may replace it."""
    try:
        manifest = json.loads((place / MANIFEST).read_text(encoding="utf-8"))
        names = {path.name for path in place.iterdir()}
    except (OSError, ValueError):
        return False
    return manifest.get("scenario") == SCENARIO and names <= {MANIFEST, *manifest.get("files", ())}


def swap(draft: Path, place: Path) -> None:
    """Put the folder `draft` where the folder `place` is; whatever happens, one whole folder stands there."""
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        place.replace(old)
        draft.replace(place)
    except BaseException:
        if not place.exists():
            old.replace(place)
        shutil.rmtree(draft, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)
