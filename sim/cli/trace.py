"""`spillway trace`: what stands in a trace, and a scenario that draws work like it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.choice import choose
from sim.cli.frame import command, group, session_of
from sim.cli.output import CsvFlag, MdFlag, Table, answer, form, note
from sim.cli.picture_file import require_drawable, write_picture
from sim.errors import SimError

if TYPE_CHECKING:
    from sim.calibration.likeness import Match
    from sim.calibration.profile import Part, Profile
    from sim.traces.trace import Trace

app = group("trace", "Look at a trace; fit a scenario to it.", "spillway trace info KTH-SP2.swf.gz")

_BAR = 30  # letters
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDINGS = {".swf": "swf", ".csv": "philly-chronus"}

TraceArgument = Annotated[Path, typer.Argument(metavar="TRACE", help="A trace file, plain or gzipped.")]
FormatFlag = Annotated[
    str | None, typer.Option("--format", metavar="swf|philly-chronus", help="What TRACE is; by its name without.")
]


@command(app, "info", "spillway trace info KTH-SP2.swf.gz", "spillway trace info jobs.csv --json")
def info(
    ctx: typer.Context, trace: TraceArgument, format_: FormatFlag = None, csv: CsvFlag = False, md: MdFlag = False
) -> None:
    """Show jobs, sizes, run times, arrivals by hour and weekday, users and load of a trace."""
    from sim.calibration.profile import profile

    session, shape = session_of(ctx), form(csv=csv, md=md)
    read = _read(trace, format_)
    found = profile(read)
    for finding in read.findings:
        note(session, f"{finding.where}: {finding.what} ({finding.count})")
    if not read.epoch_s:
        note(session, "the trace does not say when it began: hours and weekdays count from its own second 0")
    answer(session, lambda: _document(found), lambda: _tables(found), fmt=shape)


@command(
    app,
    "fit",
    "spillway trace fit KTH-SP2.swf.gz --out kth.toml",
    "spillway trace fit jobs.csv --gpus 600 --out mine.toml --picture mine.svg",
)
def fit(
    ctx: typer.Context,
    trace: TraceArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The scenario to write; there is none yet.")],
    format_: FormatFlag = None,
    gpus: Annotated[
        int | None, typer.Option("--gpus", metavar="N", min=1, max=1_000_000, help="GPUs of the cluster.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw both run times: .svg or .png.")
    ] = None,
    csv: CsvFlag = False,
    md: MdFlag = False,
) -> None:
    """Write a scenario whose generator draws work like a trace's, and show how like it is."""
    from sim.calibration.fit import fit as fitted
    from sim.calibration.likeness import match

    session, shape = session_of(ctx), form(csv=csv, md=md)
    if picture is not None:
        require_drawable(picture, "--picture")
    read = _read(trace, format_)
    found = fitted(read, gpus)
    held = match(read, found)
    _write(out, found.scenario.text)
    if picture is not None:
        write_picture(held.picture, picture)
        note(session, f"drew {picture}")
    answer(
        session,
        lambda: {"scenario": str(out), **_match_document(held)},
        lambda: _match_tables(held),
        fmt=shape,
        after=f"scenario: {out}; run it with: spillway run {out}",
    )
    if not held.load_drawn.holds(held.load):
        note(session, "the load of the trace lies outside of the interval of the draws")


def _read(path: Path, format_: str | None) -> "Trace":
    """Raises SimError: no format that its name tells, or not such a trace."""
    from sim.traces.readers import READERS, read

    if format_ is None:
        format_ = _ENDINGS.get(Path(path.name.removesuffix(".gz")).suffix)
        if format_ is None:
            raise SimError("its name tells no format", path="--format", file=str(path), allowed=tuple(READERS))
    return read(path, choose(format_, tuple(READERS), "format", "--format"))


def _write(out: Path, text: str) -> None:
    """Raises SimError: the file exists, or there is no place for it."""
    try:
        with out.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        reason = error.strerror or "unknown"
        allowed = "a file that does not exist yet"
        raise SimError(f"cannot be written: {reason}", code="bad_file", file=str(out), allowed=allowed) from None


def _document(found: "Profile") -> dict[str, Any]:
    """The numbers for programs."""
    from sim.calibration.profile import QUANTILES

    parts = {name: [part._asdict() for part in getattr(found, name)] for name in ("sizes", "products", "most")}
    return {
        **found._asdict(),
        **parts,
        "quantiles_percent": QUANTILES,
        "measures": [measure._asdict() for measure in found.measures],
    }


def _tables(found: "Profile") -> list[Table]:
    facts = [
        ("rows of the file", str(found.rows_read), ""),
        ("jobs", str(found.jobs), ""),
        ("users", str(found.users), ""),
        ("span of submissions", f"{found.span_s / 86_400:.1f}", "days"),
        ("work", f"{found.gpu_s / 3_600:.0f}", "GPU-hours"),
        ("load", f"{found.gpus_mean:.1f}", "GPUs, all the time"),
    ]
    if found.processors:
        facts.append(("machine", str(found.processors), "GPUs"))
        facts.append(("load of the machine", f"{100 * found.gpus_mean / found.processors:.1f}", "%"))
    hours = [(f"{hour:02d}:00", rate) for hour, rate in enumerate(found.by_hour)]
    return [
        Table(found.file, ("number", "value>", "unit"), facts),
        Table("Jobs", _measure_heads(), [_measured(each.name, each) for each in found.measures]),
        Table("Sizes, GPUs", _PART_HEADS, _part_rows(found.sizes)),
        Table("Products", _PART_HEADS, _part_rows(found.products)),
        Table("Users with the most work", _PART_HEADS, _part_rows(found.most)),
        Table("Arrivals by hour of the day", ("hour", "jobs/hour>", ""), _bars(hours)),
        Table(
            "Arrivals by weekday",
            ("weekday", "jobs/day>", ""),
            _bars(list(zip(_WEEKDAYS, found.by_weekday, strict=True))),
        ),
    ]


_PART_HEADS = ("", "jobs>", "GPU-hours>", "")


def _measure_heads() -> list[str]:
    from sim.calibration.profile import QUANTILES

    return ["number", "unit", "mean>", *(f"{share} %>" for share in QUANTILES)]


def _measured(name: str, measure: Any) -> list[str]:
    return [name, measure.unit, f"{measure.mean:.1f}", *(f"{value:.0f}" for value in measure.quantiles)]


def _part_rows(parts: "Sequence[Part]") -> list[list[str]]:
    """Jobs and work of each part, with bars of the work."""
    bars = _bars([(part.name, float(part.gpu_s)) for part in parts])
    return [
        [part.name, str(part.jobs), f"{part.gpu_s / 3_600:.0f}", bar]
        for part, (_, _, bar) in zip(parts, bars, strict=True)
    ]


def _bars(rates: "Sequence[tuple[str, float | None]]") -> list[tuple[str, str, str]]:
    """Names, numbers and bars, the longest of _BAR letters; `-` for what was not seen."""
    most = max((rate for _, rate in rates if rate is not None), default=0.0) or 1.0
    return [
        (name, "-", "") if rate is None else (name, f"{rate:.2f}", "#" * round(_BAR * rate / most))
        for name, rate in rates
    ]


def _match_document(held: "Match") -> dict[str, Any]:
    """The match for programs."""
    likenesses = [
        {"trace": each.trace._asdict(), "drawn": each.drawn._asdict(), "distance": each.distance}
        for each in held.likenesses
    ]
    return {
        "likenesses": likenesses,
        "jobs": held.jobs,
        "jobs_drawn": held.jobs_drawn._asdict(),
        "load_gpus": held.load,
        "load_gpus_drawn": held.load_drawn._asdict(),
    }


def _match_tables(held: "Match") -> list[Table]:
    rows = []
    for each in held.likenesses:
        rows.append([*_measured(f"{each.trace.name}, trace", each.trace), ""])
        rows.append([*_measured(f"{each.trace.name}, draw", each.drawn), f"{each.distance:.3f}"])
    wholes = [
        ("jobs", f"{held.jobs}", f"{held.jobs_drawn.mean:.1f}", f"{held.jobs_drawn.half_width:.1f}"),
        ("load, GPUs", f"{held.load:.2f}", f"{held.load_drawn.mean:.2f}", f"{held.load_drawn.half_width:.2f}"),
    ]
    title = f"Mean of {held.load_drawn.n} draws, 95 % interval"
    return [
        Table("Trace and one draw; KS: the largest distance of their shares", [*_measure_heads(), "KS>"], rows),
        Table(title, ("number", "trace>", "draws>", "+->"), wholes),
    ]
