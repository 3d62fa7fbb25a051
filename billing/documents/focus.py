"""FOCUS rows of an invoice: one per hour and line, one per tax; by invoice they add up to what is to be paid.

An invoice line covers a month and is rounded once; its rows cover an hour. So the line's amount is split over them in
whole micro-units (`billing.documents.hours.split_over`), and the exact amounts stand beside it.
"""

from collections.abc import Iterator

from billing.documents.focus_columns import (
    BILLED_DECIMALS,
    CHARGES,
    COST_DECIMALS,
    FOCUS_VERSION,
    NAMES_1_4,
    VERSION_WORDS,
)
from billing.documents.focus_contracts import (
    Pool,
    contract_columns,
    counts_when_used,
    kind_by_contract,
    reserved_pools,
)
from billing.documents.focus_words import CORRECTION, GPU, PREPAID, PRICING_OF_BAND, UNITS, Unit, kind_of
from billing.documents.hours import HourShare, HoursOf, require_hours, split_over
from billing.documents.parties import Parties
from billing.invoices.invoice import Invoice, InvoiceLine
from billing.metering.meters import METER_CODES, METERS
from billing.money import BP, Exact, format_scaled, round_half_up
from billing.months import month_bounds, parse_month, utc_text

FocusRow = dict[str, str | None]


def focus_rows(invoice: Invoice, hours: HoursOf, parties: Parties, version: str = FOCUS_VERSION) -> Iterator[FocusRow]:
    """Yield the rows of an invoice by column name, None for null, in the order of its lines and of time.

    Args:
        hours:    of each line that has any; a line without them is one row over its whole period.
        version:  a key of VERSION_WORDS; 1.4 changes names only.

    Raises:
        DocumentError: hours that do not add up to their line.
    """
    common = _common(invoice, parties, version)
    reserved = reserved_pools(invoice.lines)
    rows = [row for line in invoice.lines for row in _line_rows(invoice, line, hours, parties, reserved)]
    for number, row in enumerate(rows, start=1):
        row |= common
        row["x_InvoiceRow"], row["x_InvoiceRows"] = str(number), str(len(rows))
        if version != FOCUS_VERSION:
            row = {NAMES_1_4.get(name, name): value for name, value in row.items()}
        yield row


def _common(invoice: Invoice, parties: Parties, version: str) -> FocusRow:
    from_s, until_s = month_bounds(0, parse_month(invoice.period))
    return {
        "BillingAccountId": invoice.tenant,
        "BillingAccountName": parties.tenants.get(invoice.tenant, invoice.tenant),
        "BillingCurrency": invoice.currency,
        "BillingPeriodStart": utc_text(from_s),
        "BillingPeriodEnd": utc_text(until_s),
        "InvoiceId": invoice.number or f"draft-{invoice.tenant}-{invoice.period}",
        "InvoiceIssuerName": parties.issuer,
        "ProviderName": parties.issuer,
        "PublisherName": parties.issuer,
        "x_FocusVersion": VERSION_WORDS[version],
        "x_InvoiceTotal": _money(invoice.total_micro),
        "x_MinorUnitMicro": str(invoice.money.minor_micro),
        "x_PriceVersion": invoice.price_version or "none",
        "x_LogHash": invoice.log_hash or "none",
    }


def _line_rows(
    invoice: Invoice, line: InvoiceLine, hours: HoursOf, parties: Parties, reserved: dict[Pool, str]
) -> Iterator[FocusRow]:
    month_s, month_end_s = month_bounds(0, parse_month(invoice.period))
    parts = list(hours.get(line.number, ()))
    if parts:
        require_hours(line, parts)
    else:
        # Money that moves at a moment (a wallet that pays) belongs to the month as a whole.
        period = (line.from_s, line.until_s) if line.until_s > line.from_s else (month_s, month_end_s)
        factor_bp = _factor_bp(line)
        price = None if factor_bp is None else line.unit_price_micro
        parts = [HourShare(*period, line.quantity, line.exact, BP if factor_bp is None else factor_bp, price)]
    other_month = not month_s <= line.from_s < month_end_s
    fixed = _of_line(line, parties, other_month) | contract_columns(line, reserved)
    elsewhere = line.kind in PREPAID or counts_when_used(line)
    for part, billed in zip(parts, split_over(line.net_micro, [part.exact for part in parts]), strict=True):
        yield {
            **fixed,
            **_priced(line, part, fixed),
            "BilledCost": _money(billed),
            "EffectiveCost": _cost(0 if elsewhere else billed),
            "ChargePeriodStart": utc_text(part.from_s),
            "ChargePeriodEnd": utc_text(part.until_s),
            "x_CostNumerator": str(part.exact.numerator),
            "x_CostDenominator": str(part.exact.denominator),
            "x_FactorBp": str(part.factor_bp),
        }
    if line.tax_micro:
        yield _tax_row(line, fixed)


def _factor_bp(line: InvoiceLine) -> int | None:
    """Return the part of its unit price at which a line without hours was charged; None where that is not the price.

    A correction may move quantity, price and class at once: then its cost is no product of them.
    """
    if line.unit_price_micro is None or line.meter not in METER_CODES:
        return None
    full = line.unit_price_micro * line.quantity * line.exact.denominator
    charged = line.exact.numerator * METERS[METER_CODES.index(line.meter)].per * BP
    if full == 0:
        return BP if charged == 0 else None
    return charged // full if charged % full == 0 and 0 <= charged // full <= BP else None


def _of_line(line: InvoiceLine, parties: Parties, other_month: bool) -> FocusRow:
    """Return what all rows of a line have in common; `other_month`: it is not about the invoice's own month.

    A late fact about that month is ordinary usage: FOCUS calls a correction only what changes an invoiced period.
    """
    kind = kind_by_contract(line) or kind_of(line)
    sold = kind.category in ("Usage", "Purchase")
    service = UNITS[line.meter].service if line.meter in UNITS else GPU
    sku = "/".join(filter(None, (line.product, line.region, line.sku, line.meter))) or line.kind
    band = parties.bands.get(line.product)
    return {
        **dict.fromkeys(_NULLS),
        "ChargeCategory": kind.category,
        "ChargeClass": "Correction" if line.kind == CORRECTION and other_month else None,
        "ChargeDescription": line.description or line.kind,
        "ChargeFrequency": kind.frequency,
        "PricingCategory": (PRICING_OF_BAND.get(band, "Other") if band is not None else "Standard") if sold else None,
        "ServiceCategory": service.category,
        "ServiceSubcategory": service.subcategory,
        "ServiceName": service.name,
        "SkuId": sku if sold else None,
        "SkuMeter": (line.meter or None) if sold else None,
        "SkuPriceId": sku if sold else None,
        "RegionId": line.region or None,
        "RegionName": line.region or None,
        "SubAccountId": line.tenant,
        "SubAccountName": parties.tenants.get(line.tenant, line.tenant),
        "x_InvoiceLine": str(line.number),
        "x_LineAmount": _money(line.net_micro),
        "x_Band": band.name.lower() if band is not None else None,
        "x_TaxBp": str(line.tax_bp),
        "x_Cause": line.cause or "none",
    }


_NULLS = (
    *("CapacityReservationId", "CapacityReservationStatus", "CommitmentDiscountCategory", "CommitmentDiscountId"),
    *("CommitmentDiscountName", "CommitmentDiscountQuantity", "CommitmentDiscountStatus", "CommitmentDiscountType"),
    *("CommitmentDiscountUnit", "ConsumedQuantity", "ConsumedUnit", "PricingQuantity", "PricingUnit"),
    *("ListUnitPrice", "ContractedUnitPrice", "x_Quantity", "x_UnitSize", "x_GpuSeconds"),
)


def _priced(line: InvoiceLine, part: HourShare, fixed: FocusRow) -> FocusRow:
    """Return quantities, prices and costs of a part: by unit price where there is one, else as one charge."""
    cost = _ratio(part.exact.numerator, part.exact.denominator)
    costs: FocusRow = {"ListCost": cost, "ContractedCost": cost}
    unit = UNITS.get(line.meter)
    if fixed["ChargeCategory"] not in ("Usage", "Purchase"):
        return costs
    if fixed["ChargeCategory"] == "Usage" and unit:
        costs |= _consumed(line, part, unit, fixed)
    if unit is None or part.unit_price_micro is None:
        back = part.exact.numerator < 0  # a unit price is never negative, a quantity may be
        one = format_scaled(-(10**COST_DECIMALS) if back else 10**COST_DECIMALS, COST_DECIMALS)
        return {
            **costs,
            **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), cost.removeprefix("-")),
            "PricingQuantity": one,
            "PricingUnit": CHARGES,
        }
    size = METERS[METER_CODES.index(line.meter)].per
    full = _ratio(part.quantity * part.unit_price_micro, size)
    return {
        **costs,
        **dict.fromkeys(("ListCost", "ContractedCost"), full),
        **dict.fromkeys(("ListUnitPrice", "ContractedUnitPrice"), _ratio(part.unit_price_micro, 1)),
        "PricingQuantity": format_scaled(round_half_up(part.quantity * 10**COST_DECIMALS, size), COST_DECIMALS),
        "PricingUnit": unit.pricing,
        "SkuPriceId": f"{fixed['SkuId']}@{part.unit_price_micro}",
        "x_UnitSize": str(size),
    }


def _consumed(line: InvoiceLine, part: HourShare, unit: Unit, fixed: FocusRow) -> FocusRow:
    """Return what was used: nothing where capacity was not, or where a late fact takes back what was not invoiced."""
    unused = "Unused" in (fixed["CapacityReservationStatus"], fixed["CommitmentDiscountStatus"])
    shown = not unused and (part.quantity > 0 or fixed["ChargeClass"] is not None)
    return {
        "ConsumedQuantity": format_scaled(part.quantity * 10, 1) if shown else None,  # "28800.0"
        "ConsumedUnit": unit.consumed if shown else None,
        "x_Quantity": str(part.quantity),
        "x_GpuSeconds": str(part.quantity) if line.meter == "gpu_s" else None,
    }


def _tax_row(line: InvoiceLine, fixed: FocusRow) -> FocusRow:
    tax = Exact(line.tax_micro)
    return {
        **fixed,
        **dict.fromkeys((*_NULLS, "PricingCategory", "SkuId", "SkuMeter", "SkuPriceId")),
        **dict.fromkeys(("BilledCost", "x_LineAmount"), _money(line.tax_micro)),
        **dict.fromkeys(("EffectiveCost", "ListCost", "ContractedCost"), _cost(line.tax_micro)),
        "ChargeCategory": "Tax",
        "ChargeFrequency": "One-Time",
        "ChargeDescription": f"Tax on line {line.number}",
        "ChargePeriodStart": utc_text(line.from_s),
        "ChargePeriodEnd": utc_text(max(line.until_s, line.from_s + 1)),
        "x_CostNumerator": str(tax.numerator),
        "x_CostDenominator": str(tax.denominator),
        "x_FactorBp": str(BP),
    }


def _money(micro: int) -> str:
    return format_scaled(micro, BILLED_DECIMALS)


def _cost(micro: int) -> str:
    return _ratio(micro, 1)


def _ratio(numerator: int, denominator: int) -> str:
    """Return numerator / denominator micro-units as decimal text in whole units, rounded to the last place."""
    scale = 10 ** (COST_DECIMALS - BILLED_DECIMALS)
    return format_scaled(round_half_up(numerator * scale, denominator), COST_DECIMALS)
