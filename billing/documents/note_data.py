"""A credit note as plain data, in the shape of an invoice's (`billing.documents.invoice_data`): one page sets both."""

from typing import Any

from billing.currency import currency_of
from billing.documents.parties import Parties
from billing.invoices.credit_note import CreditNote
from billing.money import floor_decimal, format_exact, format_usd
from billing.months import utc_text


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
