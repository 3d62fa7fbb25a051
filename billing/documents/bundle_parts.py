"""What is exported together: invoices with their hours, SLA reports, credit notes, and what stands on none of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from billing.currency import Currency
from billing.documents.focus_columns import FOCUS_VERSION
from billing.documents.hours import HoursOf
from billing.documents.parties import Parties
from billing.documents.sla_data import Origin
from billing.invoices.credit_note import CreditNote
from billing.invoices.invoice import Invoice
from billing.invoices.ledger import Entry
from billing.sla.report import SlaReport


class Documented(NamedTuple):
    """An invoice and the hours behind its lines."""

    invoice: Invoice
    hours: HoursOf


@dataclass(frozen=True, slots=True)
class Bundle:
    """What is exported. `paper` is a key of `billing.documents.page.PAPERS`, `focus_version` one of VERSION_WORDS.

    `postings` are entries of the ledger that stand on no invoice: wallets that were bought, or lost what was left.
    `entries` is the whole ledger where it was kept, with payments and credit notes; None: it follows from the invoices.
    `notes` are documents of their own: all formats have them but csv and parquet.
    """

    invoices: Sequence[Documented]
    reports: Sequence[tuple[SlaReport, Origin]]
    parties: Parties
    currency: Currency
    paper: str = "a4"
    focus_version: str = FOCUS_VERSION
    postings: Sequence[Entry] = ()
    entries: Sequence[Entry] | None = None
    notes: Sequence[CreditNote] = ()
