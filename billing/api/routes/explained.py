"""Routes that follow a bill: the draft of a month with its forecast, lines, and why a line is what it is."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Path

from billing.api.call import Call, Calling
from billing.api.moments import Month
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.problems import Problem
from billing.api.routes.bills import Number
from billing.api.schemas.basic import Page
from billing.api.schemas.bills import Line, line_out
from billing.api.schemas.explained import DraftOut, ExplainedOut, draft_line, draft_out, explained_out
from billing.api.schemas.unexplained import unexplained
from billing.api.table import Routes
from billing.closing.explain import explain
from billing.closing.find_line import explain_kept
from billing.closing.month import month_draft, month_parts
from billing.closing.own_log import own_basis
from billing.documents.hours import HourShare
from billing.documents.invoice_data import line_columns
from billing.errors import BillingError, StoreError
from billing.invoices.invoice import Invoice
from billing.months import month_bounds, parse_month, utc_text
from billing.settling.invoice_hours import read_hours
from billing.store.api_terms import current_terms
from billing.store.tenant_exports import exported_of
from billing.store.tenant_log import own_events
from billing.store.tenant_reads import invoice_of
from billing.store.tenant_usage import closed_until_s, papers_of
from tenants.errors import TenantError

routes = Routes()
LineNumber = Annotated[str, Path(min_length=1, max_length=128, description="Number of the line, from 1.")]


@routes.get("/v1/invoices/draft", DraftOut)
def read_draft(call: Calling, period: Month = None) -> DraftOut:
    """Read a month's invoice as far as it has come, and what it comes to if the month goes on so."""
    month, paper, closed_s = _draft(call, period)
    return draft_out(month, paper, closed_s)


@routes.get("/v1/invoices/{number}/lines", Page[Line])
def list_lines(call: Calling, number: Number, limit: Limit = LIMIT_USUAL, cursor: Cursor = None) -> Page[Line]:
    """List the lines of an invoice."""
    after = call.after(cursor, int)
    with call.reading() as bound:
        found = invoice_of(bound, call.tenant, number)
    if found is None:
        raise Problem("not_found")
    first = 0 if after is None else int(after[0])
    rows, following = call.page(found.lines[first : first + limit + 1], limit, lambda line: (line.number,))
    return Page[Line](items=[line_out(line, found.currency) for line in rows], next=following)


@routes.get("/v1/invoices/draft/lines/{line}/explain", ExplainedOut)
def explain_draft_line(call: Calling, line: LineNumber, period: Month = None) -> ExplainedOut:
    """Say why a line of a month's draft is what it is, by the tenant's own events."""
    month, paper, closed_s = _draft(call, period)
    kept = next((each for each in paper["lines"] if str(each["number"]) == line), None)
    if kept is None:
        raise Problem("not_found")
    said = draft_line(kept, paper["currency"])
    with call.reading() as bound:
        events = own_events(bound, call.tenant)
    try:
        terms = current_terms(call.house.door, call.house.terms)
        cut_s = max((event.time_s for event in events), default=0) if closed_s is None else closed_s
        basis, held = own_basis(events, terms, cut_s)
        who = basis.books.names.tenants.index(call.tenant)
        parts = month_parts(basis, who, parse_month(month))
        told = explain(basis, month_draft(basis, who, parse_month(month), parts), parts, said.number, held)
    except (BillingError, TenantError, ValueError) as error:
        _require_ours(error)
        return unexplained(None, month, said)
    found = explained_out(told, events)
    return found if (found.kind, found.exact) == (said.kind, said.exact) else unexplained(None, month, said)


@routes.get("/v1/invoices/{number}/lines/{line}/explain", ExplainedOut)
def explain_line(call: Calling, number: Number, line: LineNumber) -> ExplainedOut:
    """Say why a line of an invoice is what it is, by the tenant's own events."""
    with call.reading() as bound:
        invoice = invoice_of(bound, call.tenant, number)
        if invoice is None:
            raise Problem("not_found")
        kept = next((each for each in invoice.lines if str(each.number) == line), None)
        if kept is None:
            raise Problem("not_found")
        events = own_events(bound, call.tenant)
    said = draft_line(line_columns(kept, invoice.money.decimals), invoice.currency)
    try:
        terms = current_terms(call.house.door, call.house.terms)
        cut_s = terms.epoch_s + month_bounds(terms.epoch_s, parse_month(invoice.period))[1]
        basis, held = own_basis(events, terms, cut_s, {source: last for source, _, last in invoice.log_range})
        told = explain_kept(basis, invoice, kept.number, held)
    except (BillingError, TenantError, ValueError) as error:
        _require_ours(error)
        return unexplained(invoice.number, invoice.period, said, _shares(call, invoice, kept.number))
    found = explained_out(told, events)
    if found.hours or kept.kind != "usage":
        return found
    return unexplained(invoice.number, invoice.period, said, _shares(call, invoice, kept.number))


def _draft(call: Call, period: str | None) -> tuple[str, Any, int | None]:
    """The month that is meant, its paper, and the Unix second before which hours are closed."""
    with call.reading() as bound:
        closed_s = closed_until_s(bound)
        month = utc_text(max(0, (closed_s or call.now_s + 1) - 1))[:7] if period is None else period
        papers = list(papers_of(bound, call.tenant, "draft", month))
    if not papers:
        raise Problem("not_found")
    return month, papers[0][1], closed_s


def _shares(call: Call, invoice: Invoice, line: int) -> Sequence[HourShare]:
    """The hours behind a line as its document has them; none where the worker has not come round yet."""
    with call.reading() as bound:
        papers = [each for each in exported_of(bound, call.tenant, invoice.period) if each.invoice.id == invoice.id]
    if not papers or papers[0].hours is None:
        return ()
    return read_hours(papers[0].hours, call.tenant)[0].get(line, ())


def _require_ours(error: Exception) -> None:
    """Raise what is a fault of the store. All else only says that a line is not explained."""
    if isinstance(error, StoreError) and error.code not in ("no_terms", "bad_terms"):
        raise error
