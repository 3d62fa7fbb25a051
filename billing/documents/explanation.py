"""An explanation as plain data and as text: what a person reads, and what a program gets."""

from collections.abc import Sequence
from typing import Any

from billing.closing.explain import Explanation, HourPart, Rounding, faults_of
from billing.documents.bill import Table, text_table
from billing.money import BP, floor_decimal, format_exact, format_price, format_usd
from billing.months import utc_text
from billing.rating.charge import Step
from billing.rating.price_row import PriceRow


def explanation_json(told: Explanation) -> dict[str, Any]:
    """Return everything behind a line as plain data; times as RFC 3339, exact amounts as "numerator/denominator"."""
    line, faults = told.line, faults_of(told)
    return {
        "invoice": told.invoice.number,
        "tenant": told.invoice.tenant,
        "period": told.invoice.period,
        "currency": told.invoice.currency,
        "line": line.number,
        "kind": line.kind,
        "description": line.description,
        "cause": line.cause,
        "quantity": line.quantity,
        "unit": line.unit,
        "exact_micro": format_exact(line.exact),
        "net_micro": line.net_micro,
        "tax": {"bp": line.tax_bp, "exact_micro": format_exact(told.tax_exact), "micro": line.tax_micro},
        "price": None
        if told.price is None
        else told.price.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "steps": [_step_json(step) for step in told.steps],
        "rounding": {**told.rounding._asdict(), "remainder": format_exact(told.rounding.remainder)},
        "adds_up": not faults,
        "faults": [fault._asdict() for fault in faults],
        "hours": [_hour_json(hour) for hour in told.hours],
        "evidence": [_with_times(each) for each in told.evidence],
    }


def explanation_text(told: Explanation) -> str:
    """Return an explanation in sentences and one table of hours."""
    line, invoice = told.line, told.invoice
    head = (
        f"Line {line.number} of {invoice.number or 'a draft'} ({invoice.tenant}, {invoice.period}): {line.description}"
    )
    decimals = invoice.money.decimals
    net = f"{format_usd(line.net_micro, decimals)} {invoice.currency}"
    parts = [head, "", f"net     {net}, from exactly {format_exact(line.exact)} micro-{invoice.currency}"]
    parts += [f"cause   {line.cause}"] + ([f"price   {_price_words(told.price)}"] if told.price else [])
    parts += [f"step    {_step_words(step)}" for step in told.steps]
    parts += [f"rounded {_rounding_words(told.rounding)}"]
    if line.tax_bp:
        rate = floor_decimal(line.tax_bp, 100, 2)
        parts.append(f"tax     {format_usd(line.tax_micro, decimals)} {invoice.currency}, {rate} % of the net")
    if told.hours:
        quantity = f"{line.quantity} {line.unit} in {len(told.hours)} hours"
        parts += ["", f"{quantity}, each quantity x price x factor:", "", text_table(_hour_rows(told.hours), {0, 4, 6})]
    for each in told.evidence:
        parts.append(f"evidence: {', '.join(f'{key} {value}' for key, value in _with_times(each).items())}")
    faults = [f"{fault.where}: {fault.count} {fault.what}" for fault in faults_of(told)]
    return "\n".join([*parts, "", *(faults or ["Everything adds up: holdings to hours, hours to the line."])])


def hours_table(told: Explanation) -> Table:
    """Return one row per hour and allocation, a header first."""
    rows = [
        [
            "hour",
            "quantity",
            "price",
            "factor_bp",
            "class",
            "exact_micro",
            "allocation",
            "gpus",
            "from",
            "until",
            "gpu_s",
        ]
    ]
    for hour in told.hours:
        mine = _hour_words(hour)
        for each in hour.holdings:
            times = [utc_text(each.from_s), utc_text(each.until_s)]
            rows.append([*mine, each.allocation, str(each.gpus), *times, str(each.quantity)])
        if not hour.holdings:
            rows.append([*mine, "", "", "", "", ""])
    return rows


def _with_times(evidence: dict[str, Any]) -> dict[str, Any]:
    return {key.removesuffix("_s"): utc_text(value) if key.endswith("_s") else value for key, value in evidence.items()}


def _hour_json(hour: HourPart) -> dict[str, Any]:
    holdings = [_with_times(each._asdict()) for each in hour.holdings]
    return _with_times(hour._asdict()) | {"exact": format_exact(hour.exact), "holdings": holdings}


def _hour_rows(hours: Sequence[HourPart]) -> Table:
    rows = [["hour", "quantity", "price", "factor", "class", "exact", "held by"]]
    for hour in hours:
        who = ", ".join(f"{each.allocation} ({each.quantity})" for each in hour.holdings)
        utc, quantity, price, _, charge_class, exact = _hour_words(hour)
        rows.append(
            [utc, quantity, price, f"{floor_decimal(hour.factor_bp, BP // 100, 2)} %", charge_class, exact, who]
        )
    return rows


def _hour_words(hour: HourPart) -> list[str]:
    price = "by tiers" if hour.unit_price_micro is None else format_price(hour.unit_price_micro)
    quantity, factor_bp = str(hour.quantity), str(hour.factor_bp)
    return [utc_text(hour.hour_s), quantity, price, factor_bp, hour.charge_class, format_exact(hour.exact)]


def _price_words(row: PriceRow) -> str:
    since = f"from {utc_text(row.from_unix_s)}" + (f", {row.source}" if row.source else "")
    return f"{row.model}, for {row.product}, {row.sku}, {row.region}, {since}"


def _step_json(step: Step) -> dict[str, Any]:
    units = f"{step.units.numerator}/{step.units.denominator}"
    return {"what": step.what, "units": units, "price_micro": step.price_micro, "exact": format_exact(step.amount)}


def _step_words(step: Step) -> str:
    if step.price_micro is None:
        return f"{step.what}: {format_exact(step.amount)}"
    units = f"{step.units.numerator}/{step.units.denominator}"
    return f"{step.what}: {units} x {format_price(step.price_micro)} = {format_exact(step.amount)} micro-units"


def _rounding_words(rounding: Rounding) -> str:
    if not rounding.rank:
        return "not here: the amount was posted as it stands"
    if not rounding.remainder.numerator:
        return f"{rounding.floor} minor units, nothing to round"
    given = "and one more" if rounding.extra else "and none more"
    place = f"its remainder is number {rounding.rank} of {rounding.lines}, the first {rounding.missing} get one"
    return f"{rounding.floor} minor units, {given} (remainder {format_exact(rounding.remainder)}; {place})"
