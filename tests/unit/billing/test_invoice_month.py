"""Months of invoices from books: they are the bills, they close or say why not, and late facts correct what follows."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import strategies as st

from billing.closing.close_month import Arrived, close_month, issue_all, why_open
from billing.closing.month import Basis, month_draft, months_with_lines, with_book
from billing.currency import currency_of
from billing.errors import InvoiceError, PriceError
from billing.finding import Finding
from billing.metering.meter import UsageTable
from billing.metering.meters import METER_CODES
from billing.metering.sums import add_up
from billing.months import parse_month
from billing.rating.prices import PriceBook
from billing.rating.rate import rate
from billing.terms import Terms, showback_from, taxes_from
from billing_facts import JANUARY, NAMES, PRICES, closed_world, price_book, registry

JAN, FEB = parse_month("2026-01"), parse_month("2026-02")
SEEDS = st.integers(0, 10**9)
TERMS = Terms(registry(), price_book(), epoch_s=NAMES.epoch_s)
VAT = taxes_from([{"name": "VAT", "tax_bp": 2_000, "product": "bare.spot"}])


def basis(seed: int, terms: Terms = TERMS) -> Basis:
    return Basis(closed_world(seed).books(), terms, (("sim", 1, 9),), "ab" * 32)


def test_tax_is_on_what_is_taxed_and_never_on_show_back() -> None:
    for invoice in issue_all(basis(7, replace(TERMS, taxes=taxes_from([{"name": "VAT", "tax_bp": 2_000}])))):
        assert (invoice.tax_micro == 0) == invoice.showback == (invoice.tenant == "lab")
    for invoice in issue_all(basis(7, replace(TERMS, taxes=VAT))):
        assert {line.product for line in invoice.lines if line.tax_micro} <= {"bare.spot"}


def test_tokens_of_an_internal_team_are_shown_at_the_price_of_the_book() -> None:
    """The transfer price is that of a GPU-hour."""
    tokens = {"meter": "tokens_in", "product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "unit_price": "3"}
    book, books = price_book([*PRICES, tokens]), closed_world(7).books()
    used = replace(books.usage, **{each: getattr(books.usage, each)[:1] for each in UsageTable.__slots__})
    used = replace(
        used, meter=np.array([METER_CODES.index("tokens_in")]), tenant=np.array([0]), quantity=np.array([10**6])
    )
    usage = add_up(books.usage, used)
    lines = rate(books.names, usage, book, TERMS.plans(books.names.products))
    terms = replace(TERMS, book=book, showback=showback_from({"usd_per_gpu_hour": "1.40"}))
    shown = Basis(replace(books, usage=usage, lines=lines), terms, (("sim", 1, 9),), "ab" * 32)
    prices = {
        (line.meter, line.unit_price_micro)
        for invoice in issue_all(shown)
        if invoice.tenant == "lab"
        for line in invoice.lines
        if line.kind == "usage"
    }
    assert prices == {("gpu_s", 1_400_000), ("tokens_in", 3_000_000)}


def test_show_back_is_at_the_transfer_price() -> None:
    shown = basis(7, replace(TERMS, showback=showback_from({"usd_per_gpu_hour": "1.40"})))
    plain = {(invoice.tenant, invoice.period): invoice for invoice in issue_all(basis(7))}
    for invoice in issue_all(shown):
        if invoice.tenant == "lab":
            used = [line for line in invoice.lines if line.kind == "usage"]
            assert {line.unit_price_micro for line in used} == {1_400_000}
            assert all(Fraction(*line.exact) in (0, Fraction(line.quantity * 1_400_000, 3600)) for line in used)
        else:
            assert invoice == plain[invoice.tenant, invoice.period]
    with pytest.raises(PriceError, match="showback"):
        showback_from({"price": "1"})
    with pytest.raises(PriceError, match="unit_price, per GPU-hour in EUR"):
        showback_from({"usd_per_gpu_hour": "1"}, None, currency_of("EUR"))
    with pytest.raises(PriceError, match=r"showback\.usd_per_gpu_hour"):
        showback_from({"usd_per_gpu_hour": "1.2345678"})


def test_simulating_another_price_book_moves_prices_and_nothing_else() -> None:
    double = [{**row, "usd_per_gpu_hour": "5.20"} for row in PRICES[:1]]
    other = with_book(basis(7), PriceBook.from_mappings(double))
    for month, tenant in months_with_lines(other):
        now, then = month_draft(basis(7), tenant, month), month_draft(other, tenant, month)
        assert sum(line.quantity for line in now.lines) == sum(line.quantity for line in then.lines)
        assert {line.unit_price_micro for line in then.lines if line.kind == "usage"} <= {5_200_000}
        assert now.price_version != then.price_version


def test_a_month_says_why_it_is_open() -> None:
    made = basis(7)
    end_s = JANUARY + 31 * 86_400
    late = Arrived(
        end_s - 3_600, gaps=[("sim", 4, 7)], quarantined=[("sim", "e-9", "ends before it begins", end_s - 1, end_s)]
    )
    assert why_open(made, JAN, NAMES.epoch_s, late) == [
        Finding("2026-01", "s still open: nothing is known past 2026-01-31T23:00:00Z", 3_600),
        Finding("sim", "events missing: 4 to 6", 3),
        Finding("event e-9 of sim", "event in quarantine: ends before it begins", 1),
    ]
    with pytest.raises(
        InvoiceError, match=r"2026-01: month cannot be closed: 2026-01: 3600 s still open.*and 1 more"
    ) as open_:
        four = late._replace(gaps=[("sim", 4, 7), ("node", 1, 2)])
        close_month(made, JAN, NAMES.epoch_s, four)
    assert open_.value.code == "month_open"
    unpriced = PriceError("no price", path="bare.spot")
    assert "no price" in why_open(unpriced, JAN, NAMES.epoch_s, Arrived(end_s))[0].what
    broken = replace(made, books=replace(made.books, findings=[Finding("usage", "GPU-s", 1)]))
    assert why_open(broken, JAN, NAMES.epoch_s, Arrived(end_s)) == [Finding("usage", "GPU-s", 1)]
    assert close_month(made, JAN, NAMES.epoch_s, Arrived(end_s))


def test_what_is_amiss_later_holds_no_earlier_month_open() -> None:
    """A GPU that is missing in February is no fault of January's; one that is missing in January may reach February."""
    made, end_s = basis(7), JANUARY + 31 * 86_400
    held = {JAN: end_s - 1, FEB: end_s}
    february = Arrived(end_s + 28 * 86_400)
    for month, at_s in held.items():
        broken = replace(made, books=replace(made.books, findings=[Finding("pool", "GPU-s held by nobody", 1, at_s)]))
        open_ = [each for each in held if why_open(broken, each, NAMES.epoch_s, february)]
        assert open_ == [each for each in held if each >= month]


def test_closing_again_issues_nothing_twice() -> None:
    made, arrived = basis(7), Arrived(0, finished=True)
    first = close_month(made, JAN, NAMES.epoch_s, arrived)
    assert close_month(made, JAN, NAMES.epoch_s, arrived, first) == []
    voided = [replace(invoice, status="void") for invoice in first]
    again = close_month(made, JAN, NAMES.epoch_s, arrived, voided)
    assert [invoice.number[-6:] for invoice in again] == ["000002"] * len(first)
