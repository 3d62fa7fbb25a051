"""Exported books: foreign programs take them, and reject them when any one amount is changed."""

import random
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.closing.close_month import issue_all
from billing.closing.month import Basis
from billing.documents.journal import JOURNALS, account_name, beancount_text, hledger_text
from billing.errors import BillingError
from billing.invoices.credit_note import Return, credit_note
from billing.invoices.ledger import (
    Entry,
    balances,
    credit_note_entries,
    invoice_entries,
    payment_entries,
    void_entries,
)
from billing.invoices.lifecycle import Payment, issue_note
from billing.terms import Terms, taxes_from
from billing_facts import NAMES, closed_world, price_book, registry
from foreign_ledgers import accepts

FORMS = pytest.mark.parametrize("form", JOURNALS)
AMOUNT = re.compile(r"(?<=  )-?[0-9]+(\.[0-9]+)?(?= USD| ~ 0 USD)|(?<== )-?[0-9]+\.[0-9]+(?= USD)")
TERMS = Terms(registry(), price_book(), taxes_from([{"name": "VAT", "tax_bp": 2_000}]), epoch_s=NAMES.epoch_s)
NAME = st.text("aAbB09.-_ :ß日", min_size=1, max_size=4)


def ledger(seed: int = 7) -> list[Entry]:
    """Two months of invoices, payments, a credit note and one that was taken back."""
    invoices = issue_all(Basis(closed_world(seed).books(), TERMS))
    entries = [entry for invoice in invoices for entry in invoice_entries(invoice)]
    external = [invoice for invoice in invoices if not invoice.showback and invoice.total_micro > 0]
    for number, invoice in enumerate(external):
        paid = Payment(invoice.id, invoice.tenant, "USD", invoice.total_micro, f'wire "{number}"; x', 1_770_000_000)
        entries += payment_entries(paid)
    charged = next(line.number for line in external[0].lines if line.net_micro > 0)
    note = credit_note(external[0], [], [Return(charged, 1, 2)], "goodwill", "late answer")
    entries += credit_note_entries(issue_note(note, 1, 1_770_500_000))
    return entries + void_entries(external[-1], 1_770_600_000)


@FORMS
@pytest.mark.parametrize("seed", range(3))
def test_a_foreign_program_takes_the_books(form: str, seed: int, tmp_path: Path) -> None:
    journal = JOURNALS[form](ledger(seed))
    assert journal == JOURNALS[form](ledger(seed)), "same books, same bytes"
    assert accepts(form, journal, tmp_path) == (True, "")


@pytest.mark.parametrize(
    ("form", "changes"),
    [
        ("beancount", 6),
        ("hledger", 20),
        pytest.param("beancount", 20, marks=pytest.mark.slow),
    ],
)
def test_a_foreign_program_rejects_the_books_when_one_amount_is_changed(
    form: str, changes: int, tmp_path: Path
) -> None:
    """Amounts of documents and of balances, one at a time, off by one cent, up or down."""
    journal, rng = JOURNALS[form](ledger()), random.Random(form)
    places = [match.span() for match in AMOUNT.finditer(journal)]
    for start, end in rng.sample(places, changes):
        cents = int(journal[start:end].replace(".", "")) + rng.choice((-1, 1))
        changed = f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
        assert not accepts(form, journal[:start] + changed + journal[end:], tmp_path)[0], journal[start - 60 : end]


@FORMS
def test_a_document_that_is_left_out_is_missed(form: str, tmp_path: Path) -> None:
    whole, entries = JOURNALS[form](ledger()), ledger()
    without = [entry for entry in entries if entry.document != entries[0].document]
    cut = JOURNALS[form](without)
    at = "balance " if form == "beancount" else "* balances"
    end = whole[whole.index(at) :]
    taken, said = accepts(form, cut[: cut.index(at)] + end, tmp_path)
    assert not taken, said


@FORMS
def test_books_in_several_currencies_and_in_parts_of_a_coin_are_taken(form: str, tmp_path: Path) -> None:
    entries = [
        Entry("receivable:Größe & Söhne", 1_000_000, "JPY", "JP-1", 0, 1_767_225_600),
        Entry("revenue:bare.spot", -1_000_000, "JPY", "JP-1", 1, 1_767_225_600),
        Entry("receivable:acme", 1_234_567, "USD", "US-1", 0, 1_767_225_600),
        Entry("revenue:bare.spot", -1_234_567, "USD", "US-1", 1, 1_767_225_600),
        Entry("receivable:acme", 1_500, "BHD", "JP-1", 0, 1_767_225_600),
        Entry("wallet:acme", -1_500, "BHD", "JP-1", 2, 1_767_225_600),
    ]
    journal = JOURNALS[form](entries)
    assert "1.234567 USD" in journal and " 1 JPY" in journal and "0.001500 BHD" in journal
    assert accepts(form, journal, tmp_path) == (True, "")
    assert not accepts(form, journal.replace("-1.234567 USD", "-1.234568 USD", 1), tmp_path)[0]


@FORMS
def test_empty_books_are_taken(form: str, tmp_path: Path) -> None:
    assert accepts(form, JOURNALS[form]([]), tmp_path) == (True, "")


def test_every_account_is_opened_and_every_balance_is_asserted() -> None:
    entries = ledger()
    held = balances(entries)
    for text in (beancount_text(entries), hledger_text(entries)):
        for account, _ in held:
            assert account_name(account) in text
    assert beancount_text(entries).count(" balance ") == len(held)
    assert hledger_text(entries).count(" = ") == len(held)


@given(NAME, NAME)
def test_two_names_never_become_one_account(one: str, other: str) -> None:
    names = [account_name(f"receivable:{name}") for name in (one, other)]
    assert (names[0] == names[1]) == (one == other)
    assert all(re.fullmatch(r"Assets:Receivable:[A-Z0-9][A-Za-z0-9-]*", name) for name in names)


def test_an_account_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(
        BillingError, match=r"account: unknown kind of account \(found 'petty:cash'; allowed receivable"
    ):
        account_name("petty:cash")


def test_the_order_of_documents_does_not_matter_to_their_sums() -> None:
    entries = ledger()
    mixed = random.Random(1).sample(entries, len(entries))
    assert sorted(beancount_text(mixed).splitlines()) == sorted(beancount_text(entries).splitlines())
