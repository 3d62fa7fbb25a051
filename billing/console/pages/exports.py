"""Files of a month's invoices, as the API makes them: for spreadsheets, for programs, and as the FinOps world reads."""

from collections.abc import Mapping

from billing.console.asking import at
from billing.console.blocks import Field, Form, View
from billing.console.pages.parts import month_of
from billing.console.visit import Absent, Pages, Shown, Visit

pages = Pages()
EXPORTS = "/console/exports"
_WHAT = [
    ("lines", "lines of invoices"),
    ("usage", "the hours behind the lines"),
    ("focus", "FOCUS 1.2: one row for each hour of each line"),
]
# ending of the file: (the type that the API is asked for, what people call it)
_TYPES: Mapping[str, tuple[str, str]] = {
    "csv": ("text/csv", "CSV"),
    "parquet": ("application/vnd.apache.parquet", "Parquet"),
    "json": ("application/json", "JSON"),
}


@pages.get(EXPORTS)
async def show_exports(visit: Visit) -> Shown:
    """Ask what is wanted, or hand it out."""
    what, form, period = visit.query.get("what"), visit.query.get("form", ""), month_of(visit)
    if what is None or period is None:
        invoices = await visit.ask.get("/v1/invoices", limit=200)
        months = sorted({each["period"] for each in invoices.items}, reverse=True)
        return View(
            "Exports", [_choice(months)] if months else [], _LEDE if months else "No month has been invoiced yet."
        )
    if what not in dict(_WHAT) or form not in _TYPES:
        raise Absent
    name = f"{visit.scope.principal.tenant}-{period}-{what}.{form}"
    return await visit.ask.file(name, at("/v1/exports/{what}", what=what), _TYPES[form][0], period=period)


_LEDE = "The files of a month whose invoices stand: the bytes that GET /v1/exports/... answers."


def _choice(months: list[str]) -> Form:
    fields = [
        Field("period", "Month", "select", options=[(month, month) for month in months]),
        Field("what", "What", "select", options=_WHAT),
        Field("form", "As", "select", options=[(ending, words) for ending, (_, words) in _TYPES.items()]),
    ]
    return Form("A month's invoices", EXPORTS, fields, "Download", method="get")
