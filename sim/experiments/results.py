"""The results of all experiments in a page of ours: a table between two marks, and beside the page what it rests on.

Per experiment `docs/results/CODE.json` (all but the numbers of its pictures) and `CODE.svg`, its first picture. The
table follows from the JSON files alone, so that a test can say whether it is stale.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sim.errors import SimError
from sim.experiments.folder import can_draw, document
from sim.experiments.perform import Performed
from sim.experiments.registry import there

BEGIN, END = "<!-- results: written by `make results` -->", "<!-- /results -->"
FOLDER = Path("docs") / "results"
SHOWN = ("E0", "E1", "E4")  # whose pictures stand in the page; those of the others are linked


def kept(done: Performed) -> dict[str, Any]:
    """Return what is kept of an experiment."""
    return {name: value for name, value in document(done).items() if name != "pictures"}


def all_kept(root: Path) -> list[dict[str, Any]]:
    """Return all that is kept below the folder of the page, in the order of the list."""
    paths = [root / FOLDER / f"{code}.json" for code in there()]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.is_file()]


def block(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of what is kept, and its pictures, as Markdown."""
    drawn = {each["code"]: f"({(FOLDER / each['code']).as_posix()}.svg)" for each in documents}
    rows = [
        f"| [{each['code']}]{drawn[each['code']]} {each['title']} | {each['answer']} | {_held(each)} |"
        for each in documents
    ]
    pictures = [f"![{each['title']}]{drawn[each['code']]}\n" for each in documents if each["code"] in SHOWN]
    return "\n".join([BEGIN, "", "| experiment | answer | held against |", "|---|---|---|", *rows, "", *pictures, END])


def _held(kept_: Mapping[str, Any]) -> str:
    """How many findings lie where they were expected, and how many of its inputs are guesses."""
    expected = [finding for finding in kept_["findings"] if finding["low"] is not None]
    inside = sum(finding["verdict"] == "inside" for finding in expected)
    guesses = sum(row["confidence"] == "guess" for row in kept_["inputs"])
    held = f"{inside} of {len(expected)} inside" if expected else "nothing"
    return f"{held}; {guesses} of {len(kept_['inputs'])} inputs are guesses"


def replaced(text: str, table: str, file: str) -> str:
    """Return a page with the table between its marks. Raises SimError: the marks are not there."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SimError("no place for the results", code="bad_file", file=file, allowed=f"{BEGIN} ... {END}")
    return f"{before}{table}{after}"


def write_results(page: Path, every: Sequence[Performed]) -> None:
    """Write what is kept of these beside the page, and the table of all that are kept into it.

    Raises SimError: the page has no place for it, nothing can be drawn here, or the disk refuses.
    """
    if not can_draw():
        raise SimError("no pictures without matplotlib", code="no_report", allowed="pip install 'spillway[report]'")
    from sim.pictures.draw import svg

    documents = [kept(done) for done in every]
    try:
        replaced(page.read_text(encoding="utf-8"), "", str(page))
        folder = page.parent / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for done, document_ in zip(every, documents, strict=True):
            code = done.experiment.code
            (folder / f"{code}.json").write_text(json.dumps(document_, indent=1, ensure_ascii=False) + "\n", "utf-8")
            (folder / f"{code}.svg").write_bytes(svg(done.outcome.pictures[0]))
        table = block(all_kept(page.parent))
        page.write_text(replaced(page.read_text(encoding="utf-8"), table, str(page)), encoding="utf-8")
    except OSError as error:
        raise SimError(f"cannot be written: {error.strerror}", code="bad_file", file=str(page)) from None
