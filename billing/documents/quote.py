"""A quote as plain data and as a table."""

from typing import Any

from billing.documents.bill import Table
from billing.metering.meters import METER_CODES, METERS
from billing.money import floor_decimal, format_exact, format_price, format_usd
from billing.months import utc_text
from billing.quote import Quote
from billing.rating.charge import Step


def quote_json(told: Quote) -> dict[str, Any]:
    """Return a quote as plain data: exact numbers as "numerator/denominator", money in minor units as text."""
    want = told.want
    return {
        "product": want.product,
        "sku": want.sku,
        "region": want.region,
        "meter": want.meter,
        "at": utc_text(want.at_unix_s),
        "price": {"id": told.rate_id, **told.row.model_dump(mode="json", by_alias=True, exclude_defaults=True)},
        "price_unit": METERS[METER_CODES.index(want.meter)].price_unit,
        "currency": told.currency.code,
        "rounding": told.currency.rounding,
        "steps": [
            {
                "what": step.what,
                "units": f"{step.units.numerator}/{step.units.denominator}",
                "price": None if step.price_micro is None else format_price(step.price_micro),
                "exact_micro": format_exact(step.amount),
            }
            for step in told.steps
        ],
        "exact_micro": format_exact(told.exact),
        "net": _money(told, told.net_micro),
        "tax_bp": told.tax_bp,
        "tax": _money(told, told.tax_micro),
        "total": _money(told, told.total_micro),
    }


def quote_table(told: Quote) -> Table:
    """Return the steps, then net, tax and total; a header first. Amounts of steps are cut to micro-units."""
    rows = [["step", "units", "price", told.currency.code]]
    rows += [[step.what, _units(step), _price(step), _cut(step)] for step in told.steps]
    rate = floor_decimal(told.tax_bp, 100, 2)
    rows.append(["net, rounded once", "", "", _text(told, told.net_micro)])
    rows.append([f"tax, {rate} %", "", "", _text(told, told.tax_micro)])
    rows.append(["total", "", "", _text(told, told.total_micro)])
    return rows


def _units(step: Step) -> str:
    return floor_decimal(*step.units, 6) if step.units.numerator else ""


def _price(step: Step) -> str:
    return "" if step.price_micro is None else format_price(step.price_micro)


def _cut(step: Step) -> str:
    micro = abs(step.amount.numerator) // step.amount.denominator
    return format_usd(-micro if step.amount.numerator < 0 else micro)


def _text(told: Quote, micro: int) -> str:
    return format_usd(micro, told.currency.decimals)


def _money(told: Quote, micro: int) -> dict[str, str]:
    minor = str(micro // told.currency.minor_micro)
    return {"currency": told.currency.code, "amount": _text(told, micro), "minor": minor}
