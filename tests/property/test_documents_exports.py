"""Exports of the same books: the same total in every format, the same bytes again, and every name comes through."""

import csv
import io
import json
import random
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.closing.correction import Earlier, correction_parts
from billing.closing.month import Basis, month_draft, month_parts
from billing.documents.bundle import bundle_of
from billing.documents.bundle_parts import Bundle, Documented
from billing.documents.csv_safe import csv_chunks, read_csv
from billing.documents.export import EXPORTS, focus_table, tables
from billing.documents.focus import focus_rows
from billing.documents.focus_check import check
from billing.documents.focus_columns import header
from billing.documents.hours import exact_total, split_over
from billing.documents.month_hours import hours_behind
from billing.documents.parties import parties_of
from billing.money import Exact
from billing.months import parse_month
from billing.rating.prices import PriceBook
from billing.terms import Terms, taxes_from
from billing_facts import NAMES, closed_world, price_book, registry
from invoice_worlds import papers
from price_rows import book_of, price_rows

SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=max(20, settings.default.max_examples // 4))  # each makes books, or all the files of them
CURRENCIES = st.sampled_from(("USD", "JPY", "BHD"))
TEXT = [name for name in EXPORTS if name not in ("pdf", "beancount", "hledger")]
VAT = taxes_from([{"name": "VAT", "tax_bp": 1_900}])


def drawn_bundle(seed: int, currency: str = "USD") -> Bundle:
    drawn = papers(seed, currency=currency, hard_names=True)
    pairs = [Documented(*pair) for pair in zip(drawn.invoices, drawn.hours, strict=True)]
    return Bundle(pairs, [], drawn.parties, drawn.invoices[0].money)


def books_bundle(seed: int, book: PriceBook) -> Bundle:
    terms = Terms(registry(), book, VAT, epoch_s=NAMES.epoch_s)
    return bundle_of(Basis(closed_world(seed).books(book=book), terms, (("sim", 1, 9),), "ab" * 32), "Spillway")


def total(bundle: Bundle) -> Fraction:
    return Fraction(sum(each.invoice.total_micro for each in bundle.invoices), 10**6)


def totals(bundle: Bundle) -> dict[str, Fraction]:
    """What each format adds up to, read from its own bytes."""
    text = {
        name: b"".join(b"".join(parts) for _, parts in EXPORTS[name](bundle)).decode() for name in ("focus", "json")
    }
    focus = csv.DictReader(io.StringIO(text["focus"], newline=""))
    invoices, lines = tables(bundle)["invoices"], tables(bundle)["invoice_lines"]
    net, tax = lines.names.index("net"), lines.names.index("tax")
    return {
        "focus": sum((Fraction(row["BilledCost"]) for row in focus), Fraction(0)),
        "json": sum((Fraction(each["total"]) for each in json.loads(text["json"])["invoices"]), Fraction(0)),
        "invoices": sum((Fraction(row[invoices.names.index("total")] or "") for row in invoices.rows), Fraction(0)),
        "lines": sum((Fraction(row[net] or "") + Fraction(row[tax] or "") for row in lines.rows), Fraction(0)),
    }


@given(SEEDS, CURRENCIES)
def test_every_format_adds_up_to_the_same(seed: int, currency: str) -> None:
    bundle = drawn_bundle(seed, currency)
    assert set(totals(bundle).values()) == {total(bundle)}


@FEW
@given(SEEDS, st.just(price_book()) | price_rows().map(book_of))
def test_months_of_books_are_correct_focus_rows_and_add_up(seed: int, book: PriceBook) -> None:
    """Whatever the price model: tiers, packages and percentages have hours, too."""
    bundle = books_bundle(seed, book)
    assert set(totals(bundle).values()) == {total(bundle)}
    table = focus_table(bundle)
    assert check(table.names, list(table.rows)).findings == []


@FEW
@given(SEEDS, st.just(price_book()) | price_rows().map(book_of), st.randoms(use_true_random=False))
def test_corrections_are_correct_focus_rows(seed: int, book: PriceBook, rng: random.Random) -> None:
    """January was invoiced before some of its segments were known; February's invoice makes up for it."""
    world = closed_world(seed)
    known = replace(world, segments=[each for each in world.segments if rng.random() < 0.6])
    terms = Terms(registry(), book, VAT, epoch_s=NAMES.epoch_s)
    before, after = (Basis(each.books(book=book), terms, (("sim", 1, 9),), "ab" * 32) for each in (known, world))
    february, names, headers = parse_month("2026-02"), header("1.2"), []
    for tenant, word in enumerate(NAMES.tenants):
        late = correction_parts(before, after, word, [Earlier(f"{word}-000001", "2026-01")], "event-7")
        parts = [*month_parts(after, tenant, february), *late]
        invoice = month_draft(after, tenant, february, parts)
        rows = focus_rows(invoice, hours_behind(after, parts), parties_of(terms.registry, "Spillway"))
        table = [[row[name] for name in names] for row in rows]
        assert check(names, table).findings == []
        headers += [row[names.index("ChargeClass")] for row in table]
    assert set(headers) <= {None, "Correction"}


@FEW
@given(SEEDS)
def test_bytes_are_equal_on_repetition(seed: int) -> None:
    for name in TEXT:
        once, again = ([(file, b"".join(parts)) for file, parts in EXPORTS[name](drawn_bundle(seed))] for _ in "ab")
        assert once == again


@given(st.lists(st.lists(st.none() | st.text(min_size=1), min_size=3, max_size=3)))
def test_words_come_through_csv_and_none_begins_a_formula(rows: list[list[str | None]]) -> None:
    rows = [[cell and cell.encode("utf-8", "replace").decode() for cell in row] for row in rows]
    text = b"".join(csv_chunks(["a", "b", "c"], rows, {"a", "b", "c"})).decode()
    assert read_csv(text, {"a", "b", "c"}) == (["a", "b", "c"], rows)
    for row in csv.reader(io.StringIO(text, newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


EXACT = st.builds(Exact, st.integers(-(10**12), 10**12), st.sampled_from((1, 3, 7, 3600, 36_000_000)))


@given(st.lists(EXACT, min_size=1, max_size=8), st.integers(-(10**9), 10**9))
def test_parts_of_a_line_add_up_to_it_and_have_its_sign(exact: list[Exact], amount: int) -> None:
    parts = split_over(amount, exact)
    assert sum(parts) == amount
    if len({part.numerator > 0 for part in exact if part.numerator}) <= 1:
        assert all(part * amount >= 0 for part in parts)
    assert exact_total(exact) == exact_total([exact_total(exact)])
