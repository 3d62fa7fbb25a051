"""Routes of exports: a month's issued invoices as tables for other people's programs, in the very bytes that
`spillway bill export` writes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import Query
from starlette.responses import Response

from billing.api.call import Call, Calling
from billing.api.formats import JSON, LIST_OFFERS, PARQUET
from billing.api.problems import MONTH_PATTERN, Problem
from billing.api.schemas.exports import TableOut
from billing.api.table import Routes
from billing.documents.bundle_parts import Bundle, Documented
from billing.documents.csv_safe import csv_chunks
from billing.documents.export import Table, focus_table, tables
from billing.documents.focus_parquet import focus_parquet, text_parquet
from billing.settling.invoice_hours import read_hours
from billing.store.tenant_exports import exported_of

routes = Routes()
_AGAIN_S = 10  # by then the worker has come round

Period = Annotated[str, Query(pattern=MONTH_PATTERN, description="The month of the invoices: 2026-11.")]
Version = Annotated[Literal["1.2", "1.4"], Query(description="Names of the columns; nobody could check those of 1.4.")]


@routes.get("/v1/exports/focus", TableOut, LIST_OFFERS)
def export_focus(call: Calling, period: Period, version: Version = "1.2") -> Response:
    """Export a month as FOCUS rows, one for each hour of each line."""
    made = focus_table(replace(_bundle(call, period), focus_version=version))
    return _answered(call, made, lambda data: focus_parquet(data, made.names))


@routes.get("/v1/exports/lines", TableOut, LIST_OFFERS)
def export_lines(call: Calling, period: Period) -> Response:
    """Export the lines of a month's invoices."""
    return _table(call, period, "invoice_lines")


@routes.get("/v1/exports/usage", TableOut, LIST_OFFERS)
def export_usage(call: Calling, period: Period) -> Response:
    """Export the hours behind the lines of a month's invoices."""
    return _table(call, period, "invoice_hours")


def _table(call: Call, period: str, name: str) -> Response:
    made = tables(_bundle(call, period))[name]
    return _answered(call, made, lambda data: text_parquet(data, made.names, made.words))


def _answered(call: Call, table: Table, packed: Callable[[bytes], bytes]) -> Response:
    """A table in the type that was asked for."""
    if call.wanted == JSON:
        told = TableOut(columns=table.names, rows=[list(row) for row in table.rows])
        return Response(told.model_dump_json().encode(), media_type=JSON)
    data = b"".join(csv_chunks(*table))
    return Response(packed(data) if call.wanted == PARQUET else data, media_type=call.wanted)


def _bundle(call: Call, period: str) -> Bundle:
    """A month's invoices with their hours, and the credit notes on them. Raises Problem: none, or hours to come."""
    with call.reading() as bound:
        found = exported_of(bound, call.tenant, period)
    if not found:
        raise Problem("not_found")
    documented, parties = [], None
    for each in found:
        if each.hours is None:
            raise Problem("unavailable", retry_after_s=_AGAIN_S)
        hours, parties = read_hours(each.hours, call.tenant)
        documented.append(Documented(each.invoice, hours))
    assert parties is not None
    notes = [note for each in found for note in each.notes]
    return Bundle(documented, [], parties, found[0].invoice.money, notes=notes)
