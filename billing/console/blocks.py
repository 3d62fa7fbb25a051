"""What a page is made of, as data: cards, charts, tables, forms. One template draws all of them, and a table is the
same rows as CSV.

Every block that shows figures names the path of the API that returns them: `link`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from billing.documents.csv_safe import csv_chunks

Kind = Literal["text", "long", "number", "money", "time", "code", "act"]
Tone = Literal["", "good", "bad", "quiet"]


class Link(NamedTuple):
    """Words that lead to another page of the console."""

    text: str
    href: str


class Mark(NamedTuple):
    """A word with a tone: the state of something."""

    text: str
    tone: Tone = ""


class Act(NamedTuple):
    """A button in a row: a form that posts to `path`. `danger` asks for a second press without any script."""

    label: str
    path: str
    fields: Mapping[str, str] = {}
    danger: bool = False


class Folded(NamedTuple):
    """A sentence, with what it is made of folded away behind it."""

    text: str
    raw: str
    fold: str = "as it was sent"


Cell: TypeAlias = str | Link | Mark | Act | Folded | tuple[Act, ...] | None


class Column(NamedTuple):
    """A column. Of kind "act" it is no part of the CSV; one of kind "long" holds sentences."""

    label: str
    kind: Kind = "text"


class Table(NamedTuple):
    """Rows under a caption. `more` is the query of the next page; `name` is what the CSV is asked by."""

    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    link: str = ""
    note: str = ""
    empty: str = "Nothing yet."
    more: str = ""
    total: Sequence[Cell] = ()


class Series(NamedTuple):
    """One layer of a chart. `colour` names one of the palette (`console.css`); None is a hole."""

    label: str
    colour: str
    values: Sequence[str | None]


class Chart(NamedTuple):
    """Layers over time, stacked from the first one up or as lines. `times_s` are Unix seconds, values decimal text.

    `table` holds the same figures: what is read aloud, printed, and shown where there is no script.
    """

    name: str
    caption: str
    unit: str
    times_s: Sequence[int]
    series: Sequence[Series]
    table: Table
    link: str = ""
    note: str = ""
    stacked: bool = True
    time_zone: str = "UTC"

    @property
    def drawn(self) -> Mapping[str, Any]:
        """What the script draws it from."""
        return {
            "unit": self.unit,
            "stacked": self.stacked,
            "zone": self.time_zone,
            "x": list(self.times_s),
            "series": [{"label": s.label, "colour": s.colour, "y": list(s.values)} for s in self.series],
        }


class Card(NamedTuple):
    """A headline number: what it is, the number, and what to know about it."""

    what: str
    big: str
    sub: str = ""
    link: str = ""
    href: str = ""
    tone: Tone = ""


class Cards(NamedTuple):
    """Headline numbers side by side."""

    cards: Sequence[Card]


class Field(NamedTuple):
    """A field of a form. `options` are (value, words) of a choice; several may be chosen if it is of kind "checks"."""

    name: str
    label: str
    kind: Literal["text", "number", "select", "checks", "datetime-local", "date", "month", "hidden"] = "text"
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    required: bool = True


class Form(NamedTuple):
    """A form. `method` "get" asks the page for something else to show, "post" changes something."""

    caption: str
    path: str
    fields: Sequence[Field]
    button: str
    note: str = ""
    method: Literal["get", "post"] = "post"
    danger: bool = False


class Steps(NamedTuple):
    """What stretch of time a page shows, with the ways to the one before, the one after and to longer ones."""

    shown: str
    before: str = ""
    after: str = ""
    others: Sequence[Link] = ()


class Facts(NamedTuple):
    """Names and values under a caption."""

    caption: str
    rows: Sequence[tuple[str, Cell]]
    link: str = ""
    note: str = ""


class Words(NamedTuple):
    """A paragraph under a heading; with `secret`, a text to be copied that is shown this once."""

    caption: str
    text: str
    secret: str = ""
    tone: Tone = ""


class Drawn(NamedTuple):
    """What a template of its own draws, beside the tables that say the same."""

    template: str
    context: Mapping[str, Any]


Block: TypeAlias = Table | Chart | Cards | Form | Steps | Facts | Words | Drawn


class View(NamedTuple):
    """A page. `live_s`: the script asks for it anew so often, 0 never. `crumbs` lead back up."""

    title: str
    blocks: Sequence[Block]
    lede: str = ""
    live_s: int = 0
    crumbs: Sequence[Link] = ()


def tables_in(view: View) -> Iterator[Table]:
    """Yield the tables of a page, those under charts too."""
    for block in view.blocks:
        if isinstance(block, Table):
            yield block
        elif isinstance(block, Chart):
            yield block.table


def csv_of(table: Table) -> bytes:
    """Return a table as CSV that a spreadsheet opens without running anything."""
    kept = [at for at, column in enumerate(table.columns) if column.kind != "act"]
    names = [table.columns[at].label for at in kept]
    words = {table.columns[at].label for at in kept if table.columns[at].kind in ("text", "long", "code")}
    rows = ([plain(row[at]) for at in kept] for row in (*table.rows, *([table.total] if table.total else [])))
    return b"".join(csv_chunks(names, rows, words))


def plain(cell: Cell) -> str | None:
    """Return a cell as text."""
    match cell:
        case Link() | Mark():
            return cell.text
        case Folded():
            return f"{cell.text} {cell.raw}".strip()
        case str():
            return cell
        case _:
            return None
