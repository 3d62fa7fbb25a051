"""An invoice as plain data: what the JSON file, the page and the PDF all say, word for word.

Amounts are decimal strings in the currency's own decimals, exact amounts "numerator/denominator" in micro-units, times
RFC 3339 in UTC. Nothing here is a number that a reader could round by accident.
"""

from collections.abc import Sequence
from typing import Any

from billing.documents.hours import HourShare, HoursOf, require_hours, spans
from billing.documents.log_told import log_told
from billing.documents.parties import Parties
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.metering.meters import METER_CODES, METERS
from billing.money import floor_decimal, format_exact, format_price, format_usd, round_half_up
from billing.months import month_bounds, parse_month, utc_text

SPANS_MAX = 200  # of one line; a page of a busy month stays readable, and says how many it left out


def invoice_data(invoice: Invoice, hours: HoursOf, parties: Parties) -> dict[str, Any]:
    """Return the invoice as plain data, with the hours behind each line; like hours in a row are one span.

    Raises:
        DocumentError: hours that do not add up to their line.
    """
    from_s, until_s = month_bounds(0, parse_month(invoice.period))
    decimals = invoice.money.decimals
    return {
        "kind": "show-back" if invoice.showback else "invoice",
        "number": invoice.number or None,
        "id": invoice.id or None,
        "status": invoice.status,
        "issued": utc_text(invoice.issued_s) if invoice.issued_s else None,
        "issuer": parties.issuer,
        "tenant": invoice.tenant,
        "tenant_name": parties.tenants.get(invoice.tenant, invoice.tenant),
        "period": {"label": invoice.period, "from": utc_text(from_s), "until": utc_text(until_s)},
        "currency": invoice.currency,
        "net": format_usd(invoice.net_micro, decimals),
        "tax": format_usd(invoice.tax_micro, decimals),
        "total": format_usd(invoice.total_micro, decimals),
        "taxes": _taxes(invoice, decimals),
        "lines": [_line(line, hours.get(line.number, ()), decimals) for line in invoice.lines],
        "rounding": invoice.rounding,
        "price_version": invoice.price_version or None,
        "log_range": log_told(invoice.log_range),
        "log_hash": invoice.log_hash or None,
        "hash": invoice.hash or None,
    }


def line_columns(line: InvoiceLine, decimals: int) -> dict[str, Any]:
    """Return a line as plain data without its hours: the columns of the CSV and Parquet files, too."""
    unit, per = _priced_unit(line)
    return {
        "number": line.number,
        "kind": line.kind,
        "description": line.description,
        "product": line.product or None,
        "sku": line.sku or None,
        "region": line.region or None,
        "meter": line.meter or None,
        "quantity": str(line.quantity) if line.unit else None,
        "unit": line.unit or None,
        "priced_quantity": _shown(line.quantity, per) if per else None,
        "priced_unit": unit,
        "unit_price": None if line.unit_price_micro is None else format_price(line.unit_price_micro),
        "exact_micro": format_exact(line.exact),
        "net": format_usd(line.net_micro, decimals),
        "tax_percent": floor_decimal(line.tax_bp, 100, 2),
        "tax": format_usd(line.tax_micro, decimals),
        "from": utc_text(line.from_s),
        "until": utc_text(line.until_s),
        "cause": line.cause or None,
    }


def _line(line: InvoiceLine, hours: Sequence[HourShare], decimals: int) -> dict[str, Any]:
    if hours:
        require_hours(line, hours)
    _, per = _priced_unit(line)
    alike = spans(hours)
    return line_columns(line, decimals) | {
        "hours": [
            {
                "from": utc_text(span.from_s),
                "until": utc_text(span.until_s),
                "hours": span.hours,
                "quantity_an_hour": str(span.quantity),
                "priced_quantity_an_hour": _shown(span.quantity, per) if per else None,
                "unit_price": None if span.unit_price_micro is None else format_price(span.unit_price_micro),
                "charged_percent": floor_decimal(span.factor_bp, 100, 2),
                "exact_micro": format_exact(span.exact),
                "amount": format_usd(round_half_up(span.exact.numerator, span.exact.denominator)),
            }
            for span in alike[:SPANS_MAX]
        ],
        "spans_left_out": max(0, len(alike) - SPANS_MAX),
    }


def _taxes(invoice: Invoice, decimals: int) -> list[dict[str, str]]:
    """Return net and tax of each rate; nothing where no line is taxed."""
    rates = sorted({line.tax_bp for line in invoice.lines} - {0})
    rows = []
    for tax_bp in rates:
        taxed = [line for line in invoice.lines if line.tax_bp == tax_bp]
        rows.append(
            {
                "percent": floor_decimal(tax_bp, 100, 2),
                "net": format_usd(sum(line.net_micro for line in taxed), decimals),
                "tax": format_usd(sum(line.tax_micro for line in taxed), decimals),
            }
        )
    return rows


def _priced_unit(line: InvoiceLine) -> tuple[str | None, int]:
    """Return what the price of a line is for, and how many of its units that is; (None, 0) without a meter."""
    if line.meter not in METER_CODES:
        return None, 0
    meter = METERS[METER_CODES.index(line.meter)]
    return meter.price_unit, meter.per


def _shown(quantity: int, per: int) -> str:
    """Return a quantity in the unit that is priced, for reading: cut to 4 decimals, never rounded away from 0."""
    text = floor_decimal(abs(quantity), per, 4)
    return f"-{text}" if quantity < 0 and text.strip("0.") else text
