"""Invoices for tests: items, headings and issued invoices from a few numbers, and Hypothesis strategies of them."""

from collections.abc import Sequence

from hypothesis import strategies as st

from billing.invoices.invoice import Heading, Invoice, Item, draft
from billing.invoices.lifecycle import issue
from billing.money import Exact

CENT = 10_000
ISSUED_S = 1_769_904_000  # 2026-02-01T00:00:00Z
JANUARY_S = (1_767_225_600, ISSUED_S)


def item(
    exact: Exact, *, kind: str = "usage", tax_bp: int = 0, fixed_micro: int | None = None, cause: str = "x"
) -> Item:
    """A line of January before rounding; exact in micro-USD."""
    return Item(kind, "bare.spot", "GPU rental", exact, cause, *JANUARY_S, tax_bp=tax_bp, fixed_micro=fixed_micro)


def cents(amount: int, tax_bp: int = 0) -> Item:
    """A line of whole cents."""
    return item(Exact(amount * CENT), tax_bp=tax_bp)


def issued(items: Sequence[Item], heading: Heading | None = None, ordinal: int = 1) -> Invoice:
    """An issued invoice of January."""
    return issue(draft(heading or Heading("acme", "2026-01"), items), ordinal, ISSUED_S)


def items(max_size: int = 8, least: int = -(10**12)) -> st.SearchStrategy[list[Item]]:
    """Items of any sign, denominators of the meters in use, three tax rates; some fixed in whole cents."""
    exact = st.builds(Exact, st.integers(least, 10**14), st.sampled_from((1, 3_600, 1_000_000, 36_000_000, 7)))
    loose = st.builds(item, exact, tax_bp=st.sampled_from((0, 700, 2_333)))
    fixed = st.integers(min(0, least), 10**6).map(
        lambda amount: item(Exact(amount * CENT), kind="wallet", fixed_micro=amount * CENT)
    )
    return st.lists(st.one_of(loose, loose, fixed), max_size=max_size)
