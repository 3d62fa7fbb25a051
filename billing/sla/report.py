"""The SLA report of one tenant and month: what was promised, what was kept, what did not count, what is given back.

It holds everything that a document of it prints, in words and Unix times, and the hash that says which report it is.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from billing.money import reduced
from billing.months import month_label
from billing.sla.credit import Breach, Outage, ServiceCredit
from billing.sla.exclusions import Excluded, ExcludedTime
from billing.sla.indicators import SlaRow
from billing.usage import Names


class CreditEvidence(NamedTuple):
    """One service credit with the SHA-256 of its evidence: who has the facts can check that these are all of them."""

    credit: ServiceCredit
    evidence_hash: str


class ProductLevel(NamedTuple):
    """The month of one product. Times of credits and excluded time are seconds since the report's `epoch_s`."""

    product: str
    row: SlaRow
    credits: tuple[CreditEvidence, ...]
    excluded: tuple[ExcludedTime, ...]


@dataclass(frozen=True, slots=True)
class SlaReport:
    """Levels are in the order of the products. `hash` is the SHA-256 of all the rest, as canonical JSON."""

    tenant: str
    month: str
    epoch_s: int
    levels: tuple[ProductLevel, ...]
    hash: str

    @property
    def credit_micro_usd(self) -> int:
        return sum(level.row.credit_micro_usd for level in self.levels)


def sla_reports(
    names: Names, rows: Sequence[SlaRow], credits: Sequence[ServiceCredit], excluded: Sequence[Excluded]
) -> list[SlaReport]:
    """Return the report of every tenant and month that has a row, sorted by (tenant, month)."""
    by_report: dict[tuple[int, int], list[SlaRow]] = {}
    for row in rows:
        by_report.setdefault((row.tenant, row.month), []).append(row)
    reports = []
    for (tenant, month), mine in sorted(by_report.items()):
        levels = tuple(_level(names, row, credits, excluded) for row in mine)
        text = _canonical(names.tenants[tenant], month_label(month), names.epoch_s, [_plain(level) for level in levels])
        reports.append(SlaReport(names.tenants[tenant], month_label(month), names.epoch_s, levels, _sha256(text)))
    return reports


def evidence_hash(evidence: Sequence[Outage | Breach]) -> str:
    """Return the SHA-256 of the evidence of a credit, in hex: of the canonical JSON of its rows, in their order."""
    return _sha256(_canonical([each._asdict() for each in evidence]))


def _level(names: Names, row: SlaRow, credits: Sequence[ServiceCredit], excluded: Sequence[Excluded]) -> ProductLevel:
    key = (row.tenant, row.product, row.month)
    mine = tuple(
        CreditEvidence(_in_lowest_terms(credit), evidence_hash(credit.evidence))
        for credit in credits
        if credit.key == key
    )
    times = tuple(each.time for each in excluded if each.key == key)
    return ProductLevel(names.products[row.product], row, mine, times)


def _in_lowest_terms(credit: ServiceCredit) -> ServiceCredit:
    """The denominator that all line items share would tell a tenant which meters the others use."""
    return credit._replace(charge=reduced(credit.charge), exact=reduced(credit.exact))


def _plain(level: ProductLevel) -> dict[str, Any]:
    return {
        "product": level.product,
        "row": level.row._asdict(),
        "credits": [[*credit, evidence_hash] for credit, evidence_hash in level.credits],
        "excluded": level.excluded,
    }


def _canonical(*values: object) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
