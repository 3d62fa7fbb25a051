"""FOCUS rows: they say what the invoice says, in the words and the arithmetic of the specification."""

from fractions import Fraction

import pytest

from billing.documents.focus import FocusRow, focus_rows
from billing.documents.focus_check import check
from billing.documents.focus_columns import COLUMNS, NAMES_1_4, PRICING_UNITS, header
from billing.documents.focus_words import KINDS, UNITS
from billing.documents.hours import HourShare
from billing.errors import DocumentError
from billing.invoices.invoice import KINDS as LINE_KINDS
from billing.invoices.invoice import Heading, Item, draft
from billing.metering.meters import METERS
from billing.money import Exact
from invoice_worlds import Papers, papers


def rows_of(drawn: Papers, version: str = "1.2") -> list[FocusRow]:
    pairs = zip(drawn.invoices, drawn.hours, strict=True)
    return [row for invoice, hours in pairs for row in focus_rows(invoice, hours, drawn.parties, version)]


def test_every_kind_of_line_and_every_meter_has_its_words() -> None:
    assert set(KINDS) == set(LINE_KINDS)
    assert set(UNITS) == {meter.code for meter in METERS}
    assert all(PRICING_UNITS[UNITS[meter.code].pricing] == meter.per for meter in METERS)


@pytest.mark.parametrize("currency", ["USD", "JPY", "BHD"])
@pytest.mark.parametrize("seed", range(5))
def test_billed_cost_adds_up_to_what_is_payable(seed: int, currency: str) -> None:
    drawn = papers(seed, currency=currency)
    for invoice, hours in zip(drawn.invoices, drawn.hours, strict=True):
        rows = list(focus_rows(invoice, hours, drawn.parties))
        assert sum(Fraction(row["BilledCost"] or "") for row in rows) * 10**6 == invoice.total_micro


def test_an_hour_costs_what_the_design_says() -> None:
    """8 GPUs for an hour at 2.95: 28,800 GPU-seconds, 84,960,000,000 / 3,600 micro-USD, 23.60 USD (BILLING 9.2)."""
    exact = Exact(84_960_000_000, 3600)
    item = Item("usage", "bare.ondemand", "GPUs", exact, "price[0]", 1769904000, 1769907600, "h100", "eu", "gpu_s",
                28_800, "gpu_s", 2_950_000)  # fmt: skip
    invoice = draft(Heading("t0", "2026-02"), [item])
    hours = {1: [HourShare(item.from_s, item.until_s, 28_800, exact, unit_price_micro=2_950_000)]}
    (row,) = focus_rows(invoice, hours, papers(0).parties)
    assert (row["BilledCost"], row["ContractedCost"]) == ("23.600000", "23.600000000000")
    assert (row["PricingQuantity"], row["ListUnitPrice"]) == ("8.000000000000", "2.950000000000")
    assert (row["x_GpuSeconds"], row["x_CostNumerator"]) == ("28800", "84960000000")
    assert (row["ChargePeriodStart"], row["BillingPeriodEnd"]) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")


def test_hours_that_do_not_add_up_to_their_line_are_refused() -> None:
    drawn = papers(1)
    line, hours = next(iter(drawn.hours[0].items()))
    with pytest.raises(DocumentError, match="do not add up to its quantity"):
        list(focus_rows(drawn.invoices[0], {line: [*hours, hours[-1]]}, drawn.parties))


def test_the_newer_names_are_said_to_be_unverified() -> None:
    rows = rows_of(papers(2), "1.4")
    assert {row["x_FocusVersion"] for row in rows} == {"1.4 (unverified)"}
    assert set(header("1.4")) - set(header("1.2")) == set(NAMES_1_4.values()) <= set(rows[0])


def test_every_row_has_every_column() -> None:
    names = {column.name for column in COLUMNS}
    assert all(set(row) == names for row in rows_of(papers(3)))


FEB_S, MAR_S = 1769904000, 1772323200


def contract_item(kind: str, named: str, micro: int, gpu_s: int = 0, **rest: object) -> Item:
    """A line as a contract, a wallet or usage puts it on an invoice of February 2026."""
    item = Item(kind, "bare.reserved", named, Exact(micro), named, FEB_S, MAR_S)
    return item._replace(meter="gpu_s" if gpu_s else "", quantity=gpu_s, unit="gpu_s" if gpu_s else "", **rest)


def test_contracts_are_told_as_used_and_unused_and_money_ahead_counts_when_it_is_used() -> None:
    """What is billed is the invoice; what counts is usage and what was not used, each once (FOCUS: EffectiveCost)."""
    where = {"sku": "h100", "region": "eu"}
    items = [
        contract_item("usage", "price[0]", 60_000_000, 3600 * 30, unit_price_micro=2_000_000, **where),
        contract_item("reservation", "acme-2026/reservation_unused", 40_000_000, 3600 * 20, **where),
        contract_item("commitment", "floor/commitment_upfront", 100_000_000),
        contract_item("commitment", "floor/commitment_paid", -50_000_000),
        contract_item("true_up", "hours/true_up", 5_000_000, 3600 * 2),
        contract_item("adjustment", "acme-2026/remedy", -1_000_000, 3600),
        contract_item("prepayment", "ahead/prepayment", 30_000_000),
        contract_item("prepayment", "wallet/ahead", -20_000_000, from_s=MAR_S, until_s=MAR_S, fixed_micro=-20_000_000),
    ]
    invoice = draft(Heading("t0", "2026-02"), items)
    rows = list(focus_rows(invoice, {}, papers(0).parties))
    assert check(header("1.2"), [[row[name] for name in header("1.2")] for row in rows]).findings == []
    assert sum(Fraction(row["BilledCost"] or "") for row in rows) == 164
    assert sum(Fraction(row["EffectiveCost"] or "") for row in rows) == 60 + 40 + 5 - 1
    told = [(row["ChargeCategory"], row["CapacityReservationStatus"], row["CommitmentDiscountStatus"]) for row in rows]
    assert told == [
        ("Usage", "Used", None),
        ("Usage", "Unused", None),
        ("Purchase", None, None),
        ("Credit", None, None),
        ("Usage", None, "Unused"),
        ("Adjustment", None, None),
        ("Purchase", None, None),
        ("Credit", None, None),
    ]
    assert {row["CapacityReservationId"] for row in rows[:2]} == {"acme-2026"}
    assert (rows[4]["CommitmentDiscountQuantity"], rows[4]["CommitmentDiscountUnit"]) == ("2.000000000000", "GPU-Hours")
    assert rows[2]["CommitmentDiscountQuantity"] == "100.000000000000"


def test_what_a_month_invoiced_late_corrects_of_a_later_one_is_a_correction() -> None:
    """January was invoiced after February, which it corrects: the charge period lies behind its billing period."""
    march_s = 1_772_323_200
    late = Item(
        "correction", "bare.spot", "correction of acme-000001: bare.spot", Exact(5 * 10**6), "event-1",
        march_s - 7200, march_s - 3600, quantity=3600, unit="gpu_s", meter="gpu_s", sku="h100", region="eu",
    )  # fmt: skip
    drawn = papers(1)
    invoice = draft(Heading("acme", "2026-01"), [late])
    rows = list(focus_rows(invoice, {}, drawn.parties))
    assert [row["ChargeClass"] for row in rows] == ["Correction"]
    assert check(header("1.2"), [[row[name] for name in header("1.2")] for row in rows]).findings == []
