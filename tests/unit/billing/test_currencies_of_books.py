"""Books in other currencies than USD: bills, credits and wallets come in whole coins, rounded as invoices are."""

from dataclasses import replace

import pytest

from billing.closing.close_month import issue_all
from billing.closing.month import Basis
from billing.currency import Currency, currency_of
from billing.documents.bill import bill_json, bill_text
from billing.documents.sla import sla_html, sla_json, sla_rows
from billing.log.books import books_of
from billing.log.fold import facts_of
from billing.money import format_usd
from billing_facts import HOUR_S, price_book, registry
from tenants.registry import Registry
from tenants.wallet import Wallet
from told_events import EPOCH_S, Fact, ended, started, terms, told

COINS = (("JPY", None), ("BHD", None), ("USD", "HALF_EVEN"), ("JPY", "HALF_EVEN"), ("EUR", None))
DOWN = {"outage": "o1", "job": "job-a1", "product": "bare.ondemand", "gpus": 8}
A_DAY_LOST: tuple[Fact, ...] = (
    started(0),
    ("outage.started", 3000, "acme", DOWN),
    ("outage.ended", 3600, "acme", DOWN),
    ended(3000, cause="node_fault"),
)


def books_in(currency: Currency, price: str, *rows: Fact, wallet: str | None = None) -> Basis:
    who = registry()
    if wallet is not None:
        mine = Wallet(id="w", tenant="acme", amount=wallet, currency=currency.code, paid=True)
        who = Registry(tenants=who.tenants, products=who.products, wallets=(mine,))
    prices = [{"product": "*", "sku": "*", "from": "2025-01-01T00:00:00Z", "unit_price": price}]
    agreed = replace(terms(), registry=who, book=price_book(prices), currency=currency)
    facts = facts_of(told(sorted(rows, key=lambda row: row[1])), agreed, EPOCH_S + 2 * HOUR_S)
    return Basis(books_of(facts, agreed), agreed)


@pytest.mark.parametrize(("code", "rounding"), COINS)
def test_service_credits_come_in_whole_coins(code: str, rounding: str | None) -> None:
    currency = currency_of(code, rounding)
    basis = books_in(currency, "295.3717", *A_DAY_LOST)
    assert basis.books.findings == []
    (credit,), (invoice,), (bill,) = basis.books.credits, issue_all(basis), basis.books.month_bills()
    assert credit.amount_micro_usd > 0 and credit.amount_micro_usd % currency.minor_micro == 0
    assert abs(credit.amount_micro_usd * credit.exact.denominator - credit.exact.numerator) <= (
        currency.minor_micro * credit.exact.denominator // 2
    )
    assert invoice.total_micro == bill.total_micro_usd
    assert f"total{'':11}" in bill_text(bill) and bill_json(bill)["totals"]["total"]["currency"] == code


@pytest.mark.parametrize(("code", "rounding"), COINS)
@pytest.mark.parametrize("price", ["2.93", "293.000003", "0.0125"])
def test_a_wallet_pays_all_of_an_invoice_and_no_more(code: str, rounding: str | None, price: str) -> None:
    """Half an hour at 2.93 is 1.465: what is rounded to the even cent must not be paid by the one above."""
    basis = books_in(currency_of(code, rounding), price, started(0, gpus=1), ended(1800), wallet="100000")
    (invoice,) = issue_all(basis)
    assert basis.books.findings == [] and invoice.total_micro == 0


def test_service_levels_are_printed_in_their_currency() -> None:
    books = books_in(currency_of("BHD"), "295.3717", *A_DAY_LOST).books
    header, row = sla_rows(books.names, books.sla, books.currency)
    (credit,) = books.credits
    amount = format_usd(credit.amount_micro_usd, 3)
    assert dict(zip(header, row, strict=True))["credit_bhd"] == amount
    document = sla_json(books.names, books.sla, books.credits, books.currency)
    minor = str(credit.amount_micro_usd // 1000)
    assert document["credits"][0]["amount"] == {"currency": "BHD", "amount": amount, "minor": minor}
    assert "credit BHD" in sla_html(books.names, books.sla, books.credits, books.currency)
