"""Routes of documents: an invoice as the file that it is, and what use would be invoiced as."""

from collections.abc import Iterable

from starlette.responses import Response

from billing.api.call import Calling
from billing.api.formats import CSV, JSON
from billing.api.moments import moment_of
from billing.api.problems import Fault, Problem
from billing.api.routes.bills import Number
from billing.api.schemas.documents import DocumentOut
from billing.api.schemas.explained import draft_out
from billing.api.schemas.previews import InvoicePreview, PreviewOut, RejectedUse
from billing.api.table import Routes
from billing.closing.preview import preview, usage_basis
from billing.documents.bundle_parts import Bundle, Documented
from billing.documents.csv_safe import csv_chunks
from billing.documents.export import json_bytes, tables
from billing.documents.invoice_data import invoice_data
from billing.documents.page import invoice_html
from billing.documents.parties import parties_of
from billing.documents.pdf import invoice_pdf
from billing.errors import BillingError, DocumentError, StoreError
from billing.intake.record import Interval, Rejected
from billing.intake.stream import take_in
from billing.settling.invoice_hours import read_hours
from billing.store.api_terms import current_terms
from billing.store.tenant_exports import exported_of
from billing.store.tenant_reads import invoice_of
from tenants.errors import TenantError

routes = Routes()
HTML, PDF = "text/html", "application/pdf"
OFFERS = (JSON, HTML, PDF, CSV)
_AGAIN_S = 10  # by then the worker has come round


@routes.get("/v1/invoices/{number}/document", DocumentOut, OFFERS)
def read_document(call: Calling, number: Number) -> Response:
    """Read an invoice as a page, a PDF, plain data, or its lines as CSV, by `Accept`: in the very bytes that
    `spillway bill export` writes."""
    with call.reading() as bound:
        found = invoice_of(bound, call.tenant, number)
        if found is None:
            raise Problem("not_found")
        kept = [each for each in exported_of(bound, call.tenant, found.period) if each.invoice.id == found.id]
    if not kept or kept[0].hours is None:
        raise Problem("unavailable", retry_after_s=_AGAIN_S)
    hours, parties = read_hours(kept[0].hours, call.tenant)
    invoice = kept[0].invoice
    if call.wanted == CSV:
        bundle = Bundle([Documented(invoice, hours)], [], parties, invoice.money)
        return Response(b"".join(csv_chunks(*tables(bundle)["invoice_lines"])), media_type=CSV)
    data = invoice_data(invoice, hours, parties)
    if call.wanted == HTML:
        return Response(invoice_html(data), media_type=HTML)
    if call.wanted == PDF:
        try:
            return Response(invoice_pdf(data), media_type=PDF)
        except DocumentError as error:
            if error.code != "no_typst":
                raise
            reason = "PDF needs an installation with the extra report: pip install 'spillway[report]'"
            raise Problem("not_acceptable", [Fault("header.accept", reason)]) from None
    return Response(json_bytes(data), media_type=JSON)


@routes.post("/v1/invoice-preview", PreviewOut)
def preview_invoice(call: Calling, body: InvoicePreview) -> PreviewOut:
    """Say what use of the tenant's own would be invoiced as. Nothing is written."""
    rejected: list[Rejected] = []
    uses = [
        Interval(
            line,
            each.id,
            call.tenant,
            each.product,
            each.region,
            each.sku,
            each.gpus,
            moment_of(each.since, f"body.uses[{line - 1}].since"),
            moment_of(each.until, f"body.uses[{line - 1}].until"),
            "finished",
            0,
        )
        for line, each in enumerate(body.uses, start=1)
    ]

    def read() -> Iterable[Interval]:
        return uses

    try:
        terms = current_terms(call.house.door, call.house.terms)
        taken = take_in(read, terms, rejected.append)
        basis = usage_basis(taken.names, taken.usage, terms, max(0, taken.span_s[1] - terms.epoch_s))
        parties = parties_of(terms.registry, call.house.terms.issuer)
        drafts = [each for each in preview(basis) if each.tenant == call.tenant]
    except (BillingError, TenantError) as error:
        if isinstance(error, StoreError) and error.code != "no_terms":
            raise
        raise Problem("conflict", [Fault("body.uses", error.message)]) from None
    return PreviewOut(
        drafts=[draft_out(each.period, invoice_data(each, {}, parties), None) for each in drafts],
        rejected=[RejectedUse(id=each.id, reason=each.reason) for each in rejected],
    )
