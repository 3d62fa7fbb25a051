"""Files of a month's invoices, as the API makes them: for spreadsheets, for programs, and as the FinOps world reads."""

from collections.abc import Mapping

from billing.console.asking import Refused, at
from billing.console.blocks import Block, Field, Form, View, Words
from billing.console.pages.parts import month_of
from billing.console.visit import Absent, Pages, Shown, Visit
from billing.months import utc_text

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
        return await _offered(visit)
    if what not in dict(_WHAT) or form not in _TYPES:
        raise Absent
    name = f"{visit.scope.principal.tenant}-{period}-{what}.{form}"
    try:
        return await visit.ask.file(name, at("/v1/exports/{what}", what=what), _TYPES[form][0], period=period)
    except Refused as refused:
        if refused.answer.status not in _WHY_NOT:
            raise
        words = _WHY_NOT[refused.answer.status].format(period=period)
        return await _offered(visit, Words("No file yet", words, tone="bad"))


# A month whose file is not there: why, and when it will be.
_WHY_NOT: Mapping[int, str] = {
    404: "{period} has no invoice that stands. One is issued after the month has ended and its last hour is closed; "
    "its files are there from then on. Until then Draft shows what a month comes to, and Usage its hours.",
    503: "The hours behind the invoice of {period} are being put together. Ask again in a few seconds.",
}


async def _offered(visit: Visit, *before: Block) -> View:
    """The months that there are files of, or what to wait for."""
    invoices = await visit.ask.get("/v1/invoices", limit=200)
    months = sorted({each["period"] for each in invoices.items}, reverse=True)
    if months:
        return View("Exports", [*before, _choice(months)], _LEDE)
    now = utc_text(visit.now_s)[: len("2026-11")]
    return View("Exports", before or [Words("No file yet", _WHY_NOT[404].format(period=now))], _LEDE)


_LEDE = "The files of a month whose invoices stand: the bytes that GET /v1/exports/... answers."


def _choice(months: list[str]) -> Form:
    fields = [
        Field("period", "Month", "select", options=[(month, month) for month in months]),
        Field("what", "What", "select", options=_WHAT),
        Field("form", "As", "select", options=[(ending, words) for ending, (_, words) in _TYPES.items()]),
    ]
    return Form("A month's invoices", EXPORTS, fields, "Download", method="get")
