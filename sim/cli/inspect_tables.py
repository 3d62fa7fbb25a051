"""The report of `spillway inspect` as tables that fit a terminal."""

from collections.abc import Sequence

from sim.cli.output import Table
from sim.inspector.words import MODEL_NOTE, NO_CHANNELS
from tenants.isolation.channels import CHANNELS
from tenants.isolation.controls import CONTROLS
from tenants.isolation.evidence import Backend
from tenants.isolation.inspect import Report, Row, Status


def tables(report: Report, *, mutants: bool, details: bool) -> list[Table]:
    """The report as tables: all properties, or with `mutants` every planted fault, or with `details` each in full."""
    if details:
        return [_detail(row) for row in report.rows]
    if mutants:
        return [faults(report)]
    untested = _untested(report)
    return [*_by_category(report), *([untested] if untested.rows else []), _channels()]


def flat(report: Report) -> Table:
    """One table of all verdicts, for CSV: a row for each property and database."""
    columns = ("id", "category", "attack", "database", "status", "reason", "seeds", "examples", "duration_ms")
    rows = [
        (
            *(row.about.id, row.category, row.about.attack, str(each.backend), str(each.status), each.reason),
            *(" ".join(map(str, each.seeds)), str(each.examples), str(each.duration_ms)),
            *(str(each.caught), str(len(each.faults)), " ".join(map(str, row.about.controls)), row.replay),
        )
        for row in report.rows
        for each in row.verdicts
    ]
    return Table("", (*columns, "faults_caught", "faults_planted", "evidence_for", "replay"), rows)


def _by_category(report: Report) -> list[Table]:
    columns = ("id", "attack tried", "held off by", "sqlite", "postgres", "model", "seed", "tries>", "ms>", "faults>")
    names = dict.fromkeys(row.category for row in report.rows)
    return [Table(name, columns, [_line(row) for row in report.rows if row.category == name]) for name in names]


def _line(row: Row) -> tuple[str, ...]:
    by_backend = {each.backend: str(each.status) for each in row.verdicts}
    seeds = {seed for each in row.verdicts for seed in each.seeds}
    faults = [fault for each in row.verdicts for fault in each.faults]
    return (
        row.about.id,
        row.about.attack,
        ", ".join(row.about.layers),
        *(by_backend.get(backend, "-") for backend in (Backend.SQLITE, Backend.POSTGRESQL, Backend.MODEL)),
        str(min(seeds)) + (f" +{len(seeds) - 1}" if len(seeds) > 1 else "") if seeds else "-",
        str(sum(each.examples for each in row.verdicts)),
        str(sum(each.duration_ms for each in row.verdicts)),
        f"{sum(fault.caught for fault in faults)}/{len(faults)}",
    )


def _untested(report: Report) -> Table:
    rows = [
        (row.about.id, row.about.title, str(each.backend), str(each.status), each.reason)
        for row in report.rows
        for each in row.verdicts
        if each.status in (Status.UNTESTED, Status.FAIL)
    ]
    return Table("Not shown to hold", ("id", "property", "database", "status", "reason"), rows)


def _channels() -> Table:
    rows: Sequence[Sequence[str]] = [tuple(each) for each in CHANNELS] or [("-", NO_CHANNELS, "-", "-")]
    return Table("What one tenant can still learn of another", ("channel", "tells", "bound", "property"), rows)


def faults(report: Report) -> Table:
    """Every planted fault on every database."""
    rows = [
        (row.about.id, str(each.backend), fault.says, "caught" if fault.caught else "SURVIVED", fault.said)
        for row in report.rows
        for each in row.verdicts
        for fault in each.faults
    ]
    return Table("Planted faults", ("id", "database", "fault", "result", "what the attack said"), rows)


def _detail(row: Row) -> Table:
    about = row.about
    lines = [
        ("attack tried", about.attack),
        ("expected", about.expected),
        ("held off by", ", ".join(about.layers) + (f"; method: {about.engine}" if about.engine else "")),
        ("evidence for", "; ".join(f"{name} ({CONTROLS[name]})" for name in about.controls)),
    ]
    for each in row.verdicts:
        seeds = ", ".join(map(str, each.seeds)) or "-"
        tries = f"attacks {each.attacks}, examples {each.examples}, {each.duration_ms} ms, seed {seeds}"
        lines.append((f"on {each.backend}", f"{each.status}{': ' * bool(each.reason)}{each.reason}; {tries}"))
        lines += (("  note", note) for note in each.notes)
    for says, tried in row.faults().items():
        results = ", ".join(f"{'caught' if fault.caught else 'SURVIVED'} on {backend}" for backend, fault in tried)
        lines.append(("planted", f"{says}: {results}: {tried[0][1].said}"))
    if about.modelled:
        lines.append(("model", MODEL_NOTE))
    return Table(f"{about.id} {about.title}", ("what", "is"), [*lines, ("replay", row.replay)])
