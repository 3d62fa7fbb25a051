"""What service levels rest on, as rows and as JSON: outages, evictions that broke a promise, and time that did not
count, each under the report whose hash it is part of."""

from collections.abc import Iterator, Sequence
from typing import Any

from billing.currency import DEFAULT, Currency
from billing.documents.bill import Table
from billing.documents.sla_data import excluded_data
from billing.money import format_usd
from billing.months import utc_text
from billing.sla.credit import Breach, Outage
from billing.sla.report import ProductLevel, SlaReport

EVIDENCE_COLUMNS = ("tenant", "product", "month", "what", "job", "gpus", "from", "until", "gpu_s", "credit_usd", "hash")


def evidence_rows(reports: Sequence[SlaReport], currency: Currency = DEFAULT) -> Table:
    """Return one row of text per piece of evidence and per excluded interval, after a header.

    `hash` and `credit_usd` are those of the credit that the piece is evidence of; excluded time has neither.
    """
    rows = [
        [report.tenant, level.product, report.month, *row]
        for report in reports
        for level in report.levels
        for row in _rows(report, level, currency)
    ]
    return [[name.replace("usd", currency.code.lower()) for name in EVIDENCE_COLUMNS], *rows]


def reports_json(reports: Sequence[SlaReport], currency: Currency = DEFAULT) -> list[dict[str, Any]]:
    """Return the reports as plain data: their hashes, the hashes of what credits rest on, and what did not count."""
    return [
        {
            "tenant": report.tenant,
            "month": report.month,
            f"credit_{currency.code.lower()}": format_usd(report.credit_micro_usd, currency.decimals),
            "hash": report.hash,
            "products": [
                {
                    "product": level.product,
                    "evidence_hashes": {credit.basis: hash_ for credit, hash_ in level.credits},
                    "excluded": excluded_data(report, level),
                }
                for level in report.levels
            ],
        }
        for report in reports
    ]


def _rows(report: SlaReport, level: ProductLevel, currency: Currency) -> Iterator[list[str]]:
    for credit, evidence_hash in level.credits:
        amount = format_usd(credit.amount_micro_usd, currency.decimals)
        for each in credit.evidence:
            yield [*_interval(report, each), str(each.gpu_s), amount, evidence_hash]
    for time in level.excluded:
        times = [utc_text(report.epoch_s + at_s) for at_s in (time.from_s, time.until_s)]
        yield [f"excluded: {time.cause}", "", "", *times, str(time.held_gpu_s + time.lost_gpu_s), "", ""]


def _interval(report: SlaReport, each: Outage | Breach) -> list[str]:
    what = f"{'outage' if isinstance(each, Outage) else 'eviction'} {each.event}"
    times = [utc_text(report.epoch_s + at_s) for at_s in (each.from_s, each.until_s)]
    return [what, each.job, str(each.gpus), *times]
