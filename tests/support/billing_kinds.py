"""The published billing cases, by kind: each kind builds price rows, usage or documents from a case's input, calls the
public functions of billing, and reads the answer. What is right is in the cases, never here.

Amounts are read as exact fractions. Units are millions of tokens, so that a quantity of 0.5 is half a million tokens.
"""

import itertools
from collections.abc import Callable
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from billing.contracts.floor import draw_down, purchase
from billing.contracts.wallet import draw, spread
from billing.currency import CURRENCIES, round_minor, share_minor
from billing.errors import MoneyError
from billing.invoices.credit_note import Return, credit_note
from billing.invoices.invoice import Heading, draft
from billing.metering.classes import FreeRule, charge_marks
from billing.metering.level import covered_s, time_weighted_sum
from billing.metering.local_months import month_windows, zone_of
from billing.metering.meter import UsageTable, meter
from billing.metering.meters import METER_CODES
from billing.money import Exact, round_half_up
from billing.months import parse_month, parse_utc, run_period
from billing.rating.charge import Charge, Step
from billing.rating.charges import charges_of
from billing.rating.models import Measure, exact, fraction, rate_measure, total_of
from billing.rating.plan import prorated
from billing.rating.prices import PriceBook
from billing.rating.proration import cycle_parts, fixed_30_days
from billing.rating.rate import rate
from billing.sla.credit import credit_step_bp
from billing.terms import metering_from
from billing.usage import CAUSES, Names, SegmentTable
from billing_facts import HOUR_S, JANUARY, table
from invoice_facts import CENT, cents, issued, item

Case = dict[str, Any]
Answer = dict[str, Any]

USD = CURRENCIES["USD"]
MICRO = 10**6
TOKENS = METER_CODES.index("tokens_in")
STORED = METER_CODES.index("stored_mib_s")
HEAD = {"product": "*", "sku": "*", "from": "2026-01-01T00:00:00Z", "meter": "tokens_in"}
# A key of a case that has another name in a price row.
WORDS = {"unit": "unit_price"}


def plain(table_: Case, *keys: str) -> Case:
    """Some keys of a case as those of a price row; null is left out, as TOML has none, and counts are numbers."""
    kept = {WORDS.get(key, key): table_[key] for key in keys if table_.get(key) is not None}
    return {key: int(value) if key == "max_blocks" else value for key, value in kept.items()}


def tiers(given: Case) -> list[Case]:
    return [plain(tier, *tier) for tier in given["tiers"]]


def millionths(text: str) -> int:
    units = Fraction(text) * MICRO
    assert units.denominator == 1, text
    return int(units)


def book_of(*rows: Case) -> PriceBook:
    return PriceBook.from_mappings([{**HEAD, **row} for row in rows])


def hourly(row: Case, *quantities: str) -> tuple[list[Fraction], list[Charge]]:
    """What successive hours add, in units of the currency, and the charge of the last one, alone."""
    names = Names(("acme",), ("tokens",), ("eu",), ("llm",), JANUARY)
    book = book_of(row)
    meter_row = METER_CODES.index({**HEAD, **row}["meter"])
    rows = [
        (0, number * HOUR_S, 0, 0, 0, meter_row, 0, 10_000, millionths(quantity))
        for number, quantity in enumerate(quantities)
    ]
    lines = rate(names, table(UsageTable, rows), book)
    last_s = (len(rows) - 1) * HOUR_S
    charges = charges_of(names, lines, book, run_period(last_s + HOUR_S)._replace(from_s=last_s))
    return [Fraction(each, lines.denominator * MICRO) for each in lines.numerator.tolist()], charges


def measured(row: Case, measure: Measure) -> tuple[Step, ...]:
    return rate_measure(book_of(row).rows[0].plan, measure)


def usd(amount: Exact | Fraction) -> Fraction:
    """Micro-units as units of the currency."""
    return (fraction(amount) if isinstance(amount, Exact) else amount) * Fraction(1, MICRO)


def step(steps: tuple[Step, ...], what: str) -> Fraction:
    """The amount of the steps of a name, 0 without any."""
    return usd(sum((fraction(each.amount) for each in steps if each.what == what), Fraction(0)))


def cents_of(amount: Exact) -> int:
    return round_minor(amount, USD)


def bp(percent: str) -> int:
    return int(Fraction(percent) * 100)


# -- price models ------------------------------------------------------------------------------------------------------


def modelled(model: str, *keys: str) -> Callable[[Case], Answer]:
    """A kind whose input is a row of one model and a quantity."""

    def answer(given: Case) -> Answer:
        row = {"model": model, **plain(given, *keys)}
        if "tiers" in given:
            row["tiers"] = tiers(given)
        ((amount,), (charge,)) = hourly(row, given["quantity"])
        parts = [usd(each.amount) for each in charge.steps]
        return {"amount": amount, "parts": parts}

    return answer


def added(model: str, *keys: str) -> Callable[[Case], Answer]:
    """A kind that asks what the second part of a period adds."""

    def answer(given: Case) -> Answer:
        row = {"model": model, **plain(given, *keys)}
        if "tiers" in given:
            row["tiers"] = tiers(given)
        more = Fraction(given["to_quantity"]) - Fraction(given["from_quantity"])
        return {"amount": hourly(row, given["from_quantity"], str(more))[0][1]}

    return answer


def volume_prorated(given: Case) -> Answer:
    units = Measure(Fraction(given["prorated_quantity"]), tier_units=Fraction(given["tier_quantity"]))
    return {"amount": usd(total_of(measured({"model": "volume", "tiers": tiers(given)}, units)))}


def percentage(given: Case) -> Answer:
    row = {"model": "percentage", **plain(given, "rate_percent", "fixed_per_event")}
    row |= {"free_units": given["free_quantity"], "free_events": int(given["free_events"])}
    return {"amount": usd(total_of(measured(row, Measure(Fraction(given["quantity"]), given["events"]))))}


def percentage_minmax(given: Case) -> Answer:
    keys = ("rate_percent", "fixed_per_event", "min_per_event", "max_per_event")
    values = tuple(map(Fraction, given["event_values"]))
    row = {"model": "percentage", **plain(given, *keys)}
    steps = measured(row, Measure(sum(values, Fraction(0)), len(values), values))
    return {"amount": usd(total_of(steps))}


def block_remaining(given: Case) -> Answer:
    ((whole,), _) = hourly({"model": "block_all_tiers", "tiers": tiers(given)}, given["quantity"])
    return {"amount": whole - Fraction(given["already_invoiced"])}


def unit_conversion(given: Case) -> Answer:
    convert = plain(given, "op", "factor", "rounding")
    return {"quantity": hourly({"unit_price": "1", "convert": convert}, given["quantity"])[0][0]}


def convert_round_discount(given: Case) -> Answer:
    convert = {"op": "divide", **plain(given, "factor", "rounding")}
    row = {**plain(given, "unit", "free_units"), "convert": convert}
    return {"amount": hourly(row, given["quantity"])[0][0]}


def usage_discount(given: Case) -> Answer:
    row = {"unit_price": "1", **plain(given, "free_units")}
    previous, current = hourly(row, given["previous"], given["current"])[0]
    return {"billable_previous": previous, "billable_current": current}


def min_spend(given: Case) -> Answer:
    ((total,), (charge,)) = hourly({"unit_price": "1", **plain(given, "minimum")}, given["base_amount"])
    return {"total": total, "trueup": step(charge.steps, "minimum")}


def max_spend(given: Case) -> Answer:
    row = {"unit_price": "1", **plain(given, "maximum")}
    totals = hourly(row, given["previous"], *given["lines"])[0][1:]
    cut = [Fraction(line) - total for line, total in zip(given["lines"], totals, strict=True)]
    return {"totals": totals, "discounts": cut}


def discount_then_max(given: Case) -> Answer:
    """What was charged before is what its share of the usage came to."""
    discount_bp = bp(given["discount_percent"])
    before = Fraction(given["previous"]) * Fraction(10_000, 10_000 - discount_bp)
    row = {"unit_price": "1", "discount_bp": discount_bp, **plain(given, "maximum")}
    amounts, (charge,) = hourly(row, str(before), given["line"])
    return {"discounts": [-step(charge.steps, "discount"), -step(charge.steps, "maximum")], "total": amounts[1]}


# -- money -------------------------------------------------------------------------------------------------------------


def currency_round(given: Case) -> Answer:
    assert given["decimals"] == USD.decimals
    return {"amount": Fraction(cents_of(exact(Fraction(given["amount"]) * MICRO)), 100)}


def currency_round_product(given: Case) -> Answer:
    ((amount,), (charge,)) = hourly({"unit_price": given["multiplier"]}, given["quantity"])
    assert usd(charge.exact) == amount
    return currency_round({"amount": amount, "decimals": given["decimals"]})


def component_sum(given: Case) -> Answer:
    exacts = [hourly({"unit_price": price}, quantity)[1][0].exact for quantity, price in given["components"]]
    return {"amount": Fraction(sum(share_minor(exacts, USD)), 100)}


def rounding_drift(given: Case) -> Answer:
    used, included = (Fraction(given[key]) * MICRO for key in ("exact_credits_used", "included"))
    shares = share_minor([exact(used), exact(-included)], USD)
    drift = Fraction(given["sum_of_81_cent_rounded_lines"]) - Fraction(cents_of(exact(used)), 100)
    return {"exact_overage_cents": Fraction(sum(shares), 100), "drift": drift}


# -- parts of a period -------------------------------------------------------------------------------------------------


def part_of(amount_minor: str, days: int, of_days: int) -> int:
    """A month's minimum of a row that applies for some days of it, in cents."""
    minimum = Fraction(amount_minor) * Fraction(1, 100)
    plan = book_of({"unit_price": "0", "minimum": f"{int(minimum)}.{int(minimum % 1 * 100):02d}"}).rows[0].plan
    return cents_of(exact(total_of(rate_measure(prorated(plan, Fraction(days, of_days)), Measure(Fraction(0))))))


def prorated_amount(given: Case) -> Answer:
    return {"amount_minor": part_of(given["amount_minor"], given["days_used"], given["days_in_period"])}


def prorated_with_tax(given: Case) -> Answer:
    net = part_of(given["amount_minor"], given["days_used"], given["days_in_period"])
    taxed = draft(Heading("acme", "2026-01"), [cents(net, bp(given["tax_percent"]))])
    return minor(taxed.net_micro, taxed.tax_micro, taxed.total_micro)


def minor(net_micro: int, tax_micro: int, total_micro: int) -> Answer:
    return {
        "net_minor": net_micro // CENT,
        "tax_minor": tax_micro // CENT,
        "total_minor": total_micro // CENT,
    }


def prorated_hours(given: Case) -> Answer:
    """GB that are kept for some hours of a month of 30 days: the meter of stored data."""
    assert int(given["hours_in_month"]) == 30 * 24
    stored = int(given["quantity"]) * 1024 * int(given["hours"]) * HOUR_S
    row = {"meter": METER_CODES[STORED], "unit_price": given["monthly_unit_price"]}
    ((amount,), _) = hourly(row, str(Fraction(stored, MICRO)))
    return currency_round({"amount": amount, "decimals": given["decimals"]})


def proration_fraction(given: Case) -> Answer:
    start, end = (date.fromisoformat(given[key]) for key in ("start", "end"))
    parts = cycle_parts(start, end, end.day)
    assert parts == [(given["days"], given["days_in_period"])]
    return {"fraction": at_scale(Fraction(*parts[0]), given["scale"])}


def proration_fixed30(given: Case) -> Answer:
    months = fixed_30_days(*(date.fromisoformat(given[key]) for key in ("start", "end")))
    return {"fraction": at_scale(months, given["scale"])}


def proration_cycles(given: Case) -> Answer:
    start, end = (date.fromisoformat(given[key]) for key in ("start", "end"))
    parts = [Fraction(*part) for part in cycle_parts(start, end, given["bill_cycle_day"])]
    assert parts == [Fraction(*part) for part in given["parts"]]
    return {"cycles": sum(at_scale(part, given["scale"]) for part in parts)}


def at_scale(value: Fraction, scale: int) -> Fraction:
    """A fraction of a period, as the case prints it; billing itself keeps it exact."""
    return Fraction(round_half_up(value.numerator * 10**scale, value.denominator), 10**scale)


def min_commit_trueup(given: Case) -> Answer:
    floor, fee = (
        part_of(given[key], given["days_used"], given["days_in_period"])
        for key in ("commitment_minor", "plan_fee_minor")
    )
    return {"amount_minor": draw_down(floor, fee).unused}


def spend_min_trueup(given: Case) -> Answer:
    row = {"unit_price": "0.01", "minimum": str(Fraction(given["minimum_minor"]) * Fraction(1, 100))}
    plan = prorated(book_of(row).rows[0].plan, Fraction(given["days_used"], given["days_in_period"]))
    steps = rate_measure(plan, Measure(Fraction(given["usage_fee_minor"])))
    tax_bp = bp(given["tax_percent"])
    bill = draft(Heading("acme", "2026-01"), [item(each.amount, tax_bp=tax_bp) for each in steps])
    usage, trueup = bill.lines
    return {
        "trueup_minor": trueup.net_micro // CENT,
        "usage_tax_minor": usage.tax_micro // CENT,
        "trueup_tax_minor": trueup.tax_micro // CENT,
        "fees_minor": bill.net_micro // CENT,
        "tax_minor": bill.tax_micro // CENT,
        "total_minor": bill.total_micro // CENT,
    }


# -- documents ---------------------------------------------------------------------------------------------------------


def tax(given: Case) -> Answer:
    bill = draft(Heading("acme", "2026-01"), [cents(int(given["net_minor"]), bp(given["tax_percent"]))])
    return {"tax_minor": bill.tax_micro // CENT}


def credit_note_rounding(given: Case) -> Answer:
    invoice = issued([cents(int(given["paid_net_minor"]), bp(given["tax_percent"]))])
    note = credit_note(invoice, [], [Return(1, given["days_unused"], given["days_in_period"])], "goodwill", "unused")
    return minor(note.net_micro, note.tax_micro, note.total_micro)


def credit_notes_cover_invoice(given: Case) -> Answer:
    tax_bp = bp(given["tax_percent"])
    invoice = issued([cents(int(net), tax_bp) for net in given["lines_minor"]])
    notes: list[Any] = []
    for line in invoice.lines:
        notes.append(credit_note(invoice, notes, [Return(line.number)], "goodwill", "all of it"))
    assert sum(note.total_micro for note in notes) == invoice.total_micro
    naive = [tax({"net_minor": net, **given})["tax_minor"] + int(net) for net in given["lines_minor"]]
    return {"invoice_total_minor": invoice.total_micro // CENT, "naive_per_line_credit_sum_minor": sum(naive)}


def credits(given: Case) -> Answer:
    drawn = draw([cents_in(line) for line in given["lines"]], [cents_in(credit) for credit in given["credits"]])
    return {
        "totals": [Fraction(left, 100) for left in drawn.remaining],
        "applied": [[Fraction(part, 100) for part in parts] for parts in drawn.applied],
    }


def credits_error(given: Case) -> Answer:
    try:
        spread([cents_in(line) for line in given["lines"]], [cents_in(credit) for credit in given["credits"]])
    except MoneyError as error:
        return {"error": error.message}
    return {}


def cents_in(text: str) -> int:
    return cents_of(exact(Fraction(text) * MICRO))


def focus_commitment_hour(given: Case) -> Answer:
    drawn = draw_down(*(cents_in(given[key]) for key in ("commitment_per_hour", "discounted_usage_cost")))
    rows = [(0, drawn.covered), (0, drawn.unused), (drawn.on_demand, drawn.on_demand)]
    kept = [(Fraction(billed, 100), Fraction(effective, 100)) for billed, effective in rows if effective]
    return {"billed": [billed for billed, _ in kept], "effective": [effective for _, effective in kept]}


def focus_commitment_purchase(given: Case) -> Answer:
    per_hour, share_bp = cents_in(given["commitment_per_hour"]), int(Fraction(given["upfront_share"]) * 10_000)
    upfront, hourly_ = purchase(per_hour, given["hours"], share_bp)
    unit = 10_000 * 100
    return {"upfront_billed": Fraction(upfront, unit), "hourly_billed": Fraction(hourly_, unit), "effective": 0}


# -- metering and service levels ---------------------------------------------------------------------------------------


def spot_interruption_rule(given: Case) -> Answer:
    cause = CAUSES.index({"provider": "evicted", "customer": "finished"}[given["ended_by"]])
    segment = table(SegmentTable, [(0, 0, 0, 0, 0, 1, 0, int(given["ran_seconds"]), cause)])
    rule = FreeRule(int(given["grace_seconds"]), False, False, False)
    usage = meter(segment, charge_marks(segment, [rule]))
    return {"charged_seconds": int((usage.quantity * usage.factor_bp).sum()) // 10_000}


def time_weighted(given: Case) -> Answer:
    changes = [(parse_utc(at), int(change)) for at, change in given["deltas"]]
    period = parse_utc(given["period_start"]), parse_utc(given["period_end"])
    return {"quantity_round5": at_scale(fraction(time_weighted_sum(int(given["initial"]), changes, *period)), 5)}


def window_coverage(given: Case) -> Answer:
    """A node held for the hours given; what sampling showed is what points that stop short of its end cover."""
    held_s, gap_s = int(given["node_ran_hours"]) * HOUR_S, int(given["sampling_gap_minutes"]) * 60
    whole, sampled = (Fraction(covered_s([(0, end_s)], 0, held_s), HOUR_S) for end_s in (held_s, held_s - gap_s))
    return {"correct_hours": whole, "sampled_hours_round5": at_scale(sampled, 5)}


def month_windows_dst(given: Case) -> Answer:
    zone = zone_of(given["tz"])
    times = [int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp()) for local in given["events_local"]]
    windows = month_windows(zone, min(times), max(times) + 1)
    counts = {each.label: sum(each.from_s <= at_s < each.until_s for at_s in times) for each in windows}
    return {"counts": counts}


def late_usage_window(given: Case) -> Answer:
    """A rule that looks back so many months decides what is billed late at all; whole blocks are packages."""
    rule = metering_from({"late_usage": "look_back", "late_months": given["lookback_periods"]})
    open_month = parse_month(given["last_invoiced_through"][:7])
    row = {"model": "package", "package_size": given["block_size"], "package_price": given["block_price"]}
    billed = {}
    for day, quantity in given["late"]:
        due = rule.due(parse_month(day[:7]), open_month)
        billed[day[:7]] = hourly(row, quantity if due else "0")[0][0]
    return {"billed_for": billed}


def sla_tier(given: Case) -> Answer:
    """The cases list (lower bound, credit) from best to worst; a step is (bound above it, credit)."""
    bounds = [(bp(bound), bp(credit)) for bound, credit in given["tiers"]]
    steps = [(above, credit) for (above, _), (_, credit) in itertools.pairwise(bounds)]
    uptime = Fraction(given["uptime_percent"]) * Fraction(1, 100)
    return {"credit_percent": Fraction(credit_step_bp(uptime.numerator, uptime.denominator, steps), 100)}


KINDS: dict[str, Callable[[Case], Answer]] = {
    "standard": modelled("standard", "unit"),
    "graduated": modelled("graduated"),
    "graduated_percentage": modelled("graduated_percentage"),
    "volume": modelled("volume"),
    "package": modelled("package", "package_size", "package_price", "free_units"),
    "block_all_tiers": modelled("block_all_tiers"),
    "block_top_tier": modelled("block_top_tier"),
    "time_weighted_sum": time_weighted,
    "graduated_delta": added("graduated"),
    "package_delta": added("package", "package_size", "package_price"),
} | {
    kind.__name__: kind
    for kind in (
        volume_prorated,
        percentage,
        percentage_minmax,
        block_remaining,
        unit_conversion,
        convert_round_discount,
        usage_discount,
        min_spend,
        max_spend,
        discount_then_max,
        currency_round,
        currency_round_product,
        component_sum,
        rounding_drift,
        prorated_amount,
        prorated_with_tax,
        prorated_hours,
        proration_fraction,
        proration_fixed30,
        proration_cycles,
        min_commit_trueup,
        spend_min_trueup,
        tax,
        credit_note_rounding,
        credit_notes_cover_invoice,
        credits,
        credits_error,
        focus_commitment_hour,
        focus_commitment_purchase,
        spot_interruption_rule,
        late_usage_window,
        month_windows_dst,
        window_coverage,
        sla_tier,
    )
}
