"""A credit note as plain data, in the shape of an invoice's (`billing.documents.invoice_data`): one page sets both."""

from typing import Any

from billing.currency import currency_of
from billing.documents.parties import Parties
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.money import Exact, floor_decimal, format_exact, format_usd
from billing.months import month_label, month_of, utc_text


def note_data(note: CreditNote, parties: Parties, rounding: str) -> dict[str, Any]:
    """Return the note as plain data. `rounding` is that of the invoice that it gives back a part of."""
    decimals = currency_of(note.currency).decimals
    issued = utc_text(note.issued_s)
    return {
        "kind": "credit note",
        "number": note.number or None,
        "id": note.id or None,
        "status": "issued",
        "issued": issued,
        "issuer": parties.issuer,
        "tenant": note.tenant,
        "tenant_name": parties.tenants.get(note.tenant, note.tenant),
        "of_invoice": note.invoice_number,
        "cause": note.cause,
        "reason": note.reason,
        "currency": note.currency,
        "net": format_usd(note.net_micro, decimals),
        "tax": format_usd(note.tax_micro, decimals),
        "total": format_usd(note.total_micro, decimals),
        "taxes": _taxes(note, decimals),
        "lines": [
            {
                "number": line.number,
                "kind": line.kind,
                "description": line.description,
                "product": line.product or None,
                **dict.fromkeys(("sku", "region", "meter", "quantity", "unit", "priced_quantity", "priced_unit")),
                "unit_price": None,
                "exact_micro": format_exact(line.exact),
                "net": format_usd(line.net_micro, decimals),
                "tax_percent": floor_decimal(line.tax_bp, 100, 2),
                "tax": format_usd(line.tax_micro, decimals),
                "from": issued,
                "until": issued,
                "cause": f"{note.invoice_number}/{line.line}",
                "hours": [],
                "spans_left_out": 0,
            }
            for line in note.lines
        ],
        "rounding": rounding,
        "price_version": None,
        "log_range": [],
        "log_hash": None,
        "hash": note.hash or None,
    }


def note_as_invoice(note: CreditNote, rounding: str) -> Invoice:
    """Return the note as an invoice of what is given back, below 0, in the month of its issue: for rows of cost."""
    lines = tuple(
        InvoiceLine(
            number=line.number,
            kind="discount",
            tenant=note.tenant,
            product=line.product,
            sku="",
            region="",
            meter="",
            description=f"credit note on {note.invoice_number}, line {line.line}: {note.cause}",
            quantity=0,
            unit="",
            unit_price_micro=None,
            exact=Exact(-line.exact.numerator, line.exact.denominator),
            net_micro=-line.net_micro,
            tax_bp=line.tax_bp,
            tax_micro=-line.tax_micro,
            from_s=note.issued_s,
            until_s=note.issued_s,
            cause=f"{note.invoice_number}/{line.line}",
        )
        for line in note.lines
    )
    return Invoice(
        id=note.id,
        number=note.number,
        tenant=note.tenant,
        currency=note.currency,
        period=month_label(month_of(0, note.issued_s)),
        status="issued",
        issued_s=note.issued_s,
        lines=lines,
        net_micro=-note.net_micro,
        tax_micro=-note.tax_micro,
        total_micro=-note.total_micro,
        price_version="",
        log_range=(),
        log_hash="",
        rounding=rounding,
        hash=note.hash,
        showback=note.showback,
    )


def _taxes(note: CreditNote, decimals: int) -> list[dict[str, str]]:
    rows = []
    for tax_bp in sorted({line.tax_bp for line in note.lines} - {0}):
        taxed = [line for line in note.lines if line.tax_bp == tax_bp]
        rows.append(
            {
                "percent": floor_decimal(tax_bp, 100, 2),
                "net": format_usd(sum(line.net_micro for line in taxed), decimals),
                "tax": format_usd(sum(line.tax_micro for line in taxed), decimals),
            }
        )
    return rows
