"""Which run folder is meant: a folder, a run id, a unique prefix of one, or `last`.

A folder is a run folder when it holds `manifest.json`; what is in it is `sim.folder.run_folder`'s business.
"""

from pathlib import Path
from typing import Annotated

import typer

from sim.cli.choice import unknown
from sim.cli.frame import Session
from sim.errors import SimError

MANIFEST = "manifest.json"
LAST = "last"

RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="A run folder, a run id or a unique prefix of one, or `last`.")
]


def find_run(session: Session, text: str) -> Path:
    """The folder of the run that `text` names.

    Raises:
        SimError: no such run, no run at all, or a prefix that fits several.
    """
    if _is_run(Path(text)):
        return Path(text)
    if Path(text).is_dir() and text != LAST:
        raise SimError("not a run folder: it has no manifest.json", code="run.not_a_run", file=text)
    folders = run_folders(session.runs)
    if not folders:
        hint = "make one with `spillway demo`, or name the folder with --runs"
        raise SimError("no runs there", code="run.none", file=str(session.runs), found=text, allowed=hint)
    if text == LAST:
        return folders[-1]
    fitting = [folder for folder in folders if folder.name == text] or [
        folder for folder in folders if text and folder.name.startswith(text)
    ]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        names = sorted(folder.name for folder in fitting)
        raise SimError("prefix fits several runs", code="run.ambiguous", path="RUN", found=text, allowed=names)
    raise unknown(text, [*sorted(folder.name for folder in folders), LAST], "run", "RUN", code="run.unknown")


def run_folders(runs: Path) -> list[Path]:
    """The run folders in `runs`, oldest first; equal times in order of name. Hidden (unfinished) ones are left out."""
    if not runs.is_dir():
        return []
    found = [folder for folder in runs.iterdir() if not folder.name.startswith(".") and _is_run(folder)]
    return sorted(found, key=lambda folder: ((folder / MANIFEST).stat().st_mtime_ns, folder.name))


def _is_run(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
