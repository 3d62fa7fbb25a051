"""`spillway study`: every lend function on two public workloads, over paired seeds, as one page with intervals."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sim.cli.frame import session_of
from sim.cli.output import answer, note

BESIDE = "../shared/traces"  # of the checkout; SPILLWAY_TRACES may say where else


def study(
    ctx: typer.Context,
    preset: Annotated[str, typer.Option("--preset", metavar="small|full", help="How much is run.")] = "full",
    traces: Annotated[Path | None, typer.Option("--traces", metavar="DIR", help="Where the traces are.")] = None,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Processes to run on.")] = 2,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="File to write instead of stdout.")] = None,
) -> None:
    """Compare all lend functions on the same worlds; print or write a Markdown page."""
    from sim.cli.choice import choose
    from sim.cli.progress import progress
    from sim.study.lend import PRESETS, run_study
    from sim.study.page import page
    from sim.sweep.executors import LOCAL, executor

    session = session_of(ctx)
    chosen = PRESETS[choose(preset, list(PRESETS), "preset", "--preset")]
    folder = traces or Path(os.environ.get("SPILLWAY_TRACES") or BESIDE)
    with executor(LOCAL, workers) as crew, progress(session, "studying") as tick:
        outcomes = run_study(chosen, folder, crew, tick)
    text = page(outcomes, chosen, f"spillway study --preset {preset}")
    raw = {
        world: {name: [one._asdict() for one in found] for name, found in variants.items()}
        for world, variants in outcomes.items()
    }
    if out is not None:
        _write(out, text)
        note(session, f"wrote {out}")
    shown = "" if out is not None else text
    answer(session, lambda: {"preset": preset, "seeds": list(chosen.seeds), "outcomes": raw}, list, after=shown)


def _write(out: Path, text: str) -> None:
    """Raises SimError: there is no place for the file."""
    from sim.errors import SimError

    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "unknown"
        raise SimError(f"cannot be written: {reason}", code="bad_file", file=str(out), allowed="a file") from None
