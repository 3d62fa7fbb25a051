"""The results of an experiment on disk: one folder, whole or not at all; the same outcome gives the same bytes.

result.json       everything: inputs with their sources, findings, tables, the numbers of the pictures
findings.csv      the findings                <table>.csv       each table
page.html         the page                    <picture>.svg, .png    where the extra `report` is installed
"""

import csv
import io
import json
import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.errors import SimError
from sim.experiments.page import render
from sim.experiments.perform import Performed
from sim.experiments.words import answer
from sim.pictures.picture import Picture

RESULT, FINDINGS, PAGE = "result.json", "findings.csv", "page.html"
FORMAT = "spillway experiment 1"


def can_draw() -> bool:
    """Whether the extra that draws pictures is installed."""
    return find_spec("matplotlib") is not None


def require_place(out: Path) -> None:
    """Refuse a place that holds anything but a result of an experiment, or where no folder can be made; its parents are
    made. Raises SimError.
    """
    try:
        out.resolve().parent.mkdir(parents=True, exist_ok=True)
        if not os.access(out.resolve().parent, os.W_OK):
            raise _no_place(out, "the folder above it is not ours to write")
        taken = out.exists() and not (out.is_dir() and (not any(out.iterdir()) or _is_result(out)))
    except OSError as error:
        raise _no_place(out, error.strerror or "unknown") from None
    if taken:
        raise _no_place(out, "something else is there already")


def write(out: Path, done: Performed) -> Path:
    """Write the folder at `out`, in the place of an earlier result if there is one, and return its path.

    Raises SimError: the place is taken by something else, or the disk refuses.
    """
    require_place(out)
    place = out.resolve()
    draft, before = (place.with_name(f".{place.name}.{os.getpid()}.{what}") for what in ("draft", "before"))
    try:
        draft.mkdir(parents=True)
        for name, data in files(done).items():
            (draft / name).write_bytes(data)
        if place.exists():  # moved aside first: whatever happens meanwhile, one of the two is there whole
            place.replace(before)
        draft.replace(place)
    except OSError as error:
        raise _no_place(out, error.strerror or "unknown") from None
    finally:
        if before.exists() and not place.exists():
            before.replace(place)
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
    return out


def files(done: Performed) -> dict[str, bytes]:
    """Return every file of the folder, by name."""
    found = {RESULT: (json.dumps(document(done), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()}
    found[FINDINGS] = _csv(FINDING_COLUMNS, [list(row.values()) for row in _findings(done)])
    for table in done.outcome.tables:
        found[f"{slug(table.title)}.csv"] = _csv(table.columns, table.rows)
    inline = None
    if can_draw():
        from sim.pictures.draw import in_page, png, svg

        inline = in_page
        for picture in done.outcome.pictures:
            found[f"{picture.name}.svg"] = svg(picture)
            found[f"{picture.name}.png"] = png(picture)
    found[PAGE] = render(done, inline).encode()
    return found


FINDING_COLUMNS = ("name", "unit", "value", "half_width", "n", "level_bp", "low", "high", "source", "verdict")


def document(done: Performed) -> dict[str, Any]:
    """Return the outcome for programs."""
    outcome = done.outcome
    return {
        "format": FORMAT,
        "code": done.experiment.code,
        "title": done.experiment.title,
        "question": done.experiment.question,
        "answer": answer(outcome),
        "preset": done.preset,
        "sizes": dict(done.experiment.presets[done.preset]),
        "seed": done.seed,
        "command": done.command,
        "findings": _findings(done),
        "tables": [table._asdict() for table in outcome.tables],
        "pictures": [_picture(picture) for picture in outcome.pictures],
        "inputs": [row._asdict() for row in done.inputs.rows],
        "notes": list(outcome.notes),
    }


def _findings(done: Performed) -> list[dict[str, Any]]:
    rows = []
    for finding in done.outcome.findings:
        estimate, expected = finding.estimate, finding.expected
        spread = (estimate.half_width, estimate.n, estimate.level_bp) if estimate else (None, None, None)
        band = (expected.low, expected.high, expected.source) if expected else (None, None, "")
        value = estimate.mean if estimate else finding.value
        cells = (finding.name, finding.unit, value, *spread, *band, finding.verdict)
        rows.append(dict(zip(FINDING_COLUMNS, cells, strict=True)))
    return rows


def _picture(picture: Picture) -> dict[str, Any]:
    series = [each._asdict() for each in picture.series]
    return {**picture._asdict(), "series": series, "lines": [each._asdict() for each in picture.lines]}


def slug(text: str) -> str:
    """Return a title as the name of a file: lower case, words joined by `-`."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _csv(columns: tuple[str, ...], rows: Any) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return out.getvalue().encode()


def _is_result(folder: Path) -> bool:
    """Whether an earlier result lies there, which may be written anew."""
    try:
        return f'"{FORMAT}"' in (folder / RESULT).read_text(encoding="utf-8")[:200]
    except (OSError, ValueError):
        return False


def _no_place(out: Path, reason: str) -> SimError:
    allowed = "a new or empty folder, or an earlier result"
    return SimError(f"results cannot be written: {reason}", code="bad_file", file=str(out), allowed=allowed)
