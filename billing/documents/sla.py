"""The SLA report as text, CSV rows, JSON-able dicts and one self-contained HTML page.

A printed percentage is cut, never rounded up: nobody reads more uptime than was measured.
"""

from collections.abc import Sequence
from typing import Any

from billing.currency import DEFAULT, Currency
from billing.documents.bill import Table, html_table, text_table
from billing.money import SECONDS_PER_HOUR, floor_decimal, format_exact, format_usd, money_json
from billing.months import month_label, utc_text
from billing.sla.credit import Breach, Outage, ServiceCredit, reason
from billing.sla.indicators import SlaRow
from billing.usage import Names

_COLUMNS = (
    *("tenant", "product", "month", "terms", "target_percent", "availability_percent", "met", "credit_percent"),
    *("credit_usd", "notices_kept", "notices", "starts", "wait_s_p50", "wait_s_p95", "wait_s_p99", "evictions"),
    *("faults", "interruptions_per_1000_gpu_h", "healthy_gpu_s", "entitled_gpu_s", "excluded_gpu_s"),
    *("degraded_gpu_s", "notice_s_min", "inside_guarantee", "refund_usd", "gpu_h_between_interruptions"),
    *("work_kept_percent", "capacity_delivered_percent"),
)
_SUMMARY = {  # column of `sla_rows` -> heading, for what people ask first; every eviction has a notice
    "tenant": "tenant",
    "product": "product",
    "month": "month",
    "target_percent": "target %",
    "availability_percent": "reached %",
    "met": "met",
    "credit_usd": "credit USD",
    "notices_kept": "kept",
    "notices": "notices",
    "starts": "starts",
    "wait_s_p50": "wait s p50",
    "wait_s_p95": "p95",
    "wait_s_p99": "p99",
    "faults": "faults",
    "interruptions_per_1000_gpu_h": "/1,000 GPU-h",
}
_STYLE = """
body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:84rem;padding:0 1rem;color:#1a1a1a;background:#fff}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;margin:1rem 0 2rem}
th,td{padding:.35rem .5rem;text-align:right;white-space:nowrap;border-bottom:1px solid #ddd}
th{font-weight:600;border-bottom:2px solid #888}
.word{text-align:left}
.met{color:#1b6e3c}
.missed{color:#a3201d;font-weight:600}
small{color:#555}
"""


def sla_rows(names: Names, rows: Sequence[SlaRow], currency: Currency = DEFAULT) -> Table:
    """Return the indicators as rows of text: a header, then one row per tenant, product and month."""
    words = [_words(names, row, currency.decimals) for row in rows]
    return [[_in(currency, column) for column in _COLUMNS], *([row[column] for column in _COLUMNS] for row in words)]


def credit_rows(names: Names, credits: Sequence[ServiceCredit], currency: Currency = DEFAULT) -> Table:
    """Return the service credits as rows of text, with the sum of the outages that are their evidence."""
    header = ["tenant", "product", "month", "terms", "charge_micro_usd", "credit_percent", "credit_usd", "outages"]
    table = [[*(_in(currency, column) for column in header), "lost_gpu_s"]]
    for credit in credits:
        party = [names.tenants[credit.key.tenant], names.products[credit.key.product], month_label(credit.key.month)]
        amount = format_usd(credit.amount_micro_usd, currency.decimals)
        amounts = [format_exact(credit.charge), _bp_percent(credit.credit_bp), amount]
        evidence = [str(len(credit.evidence)), str(sum(outage.gpu_s for outage in credit.evidence))]
        table.append([*party, credit.terms, *amounts, *evidence])
    return table


def sla_text(names: Names, rows: Sequence[SlaRow], credits: Sequence[ServiceCredit]) -> str:
    """Return the SLA report as tables for a terminal."""
    report = ["SLA report", "", text_table(_summary(names, rows), left={0, 1, 2})]
    if credits:
        report += ["", "Service credits", "", text_table(credit_rows(names, credits), left={0, 1, 2, 3})]
    return "\n".join(report)


def sla_html(
    names: Names, rows: Sequence[SlaRow], credits: Sequence[ServiceCredit], currency: Currency = DEFAULT
) -> str:
    """Return the SLA report as one page that needs nothing else."""
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>SLA report</title><style>{_STYLE}</style></head><body><h1>SLA report</h1>",
        html_table(_summary(names, rows, currency), left={0, 1, 2}, marks={"yes": "met", "no": "missed"}),
        "<h2>Service credits</h2>",
        html_table(credit_rows(names, credits, currency), left={0, 1, 2, 3}) if credits else "<p>None were due.</p>",
        "<p><small>Percentages are cut, never rounded up. Credits are posted at the close of the month, in ",
        f"{currency.code}, rounded {currency.rounding} once. /1,000 GPU-h: evictions and faults per 1,000 ",
        "GPU-hours delivered. ",
        "An empty cell: not promised, or nothing happened.</small></p>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def sla_json(
    names: Names, rows: Sequence[SlaRow], credits: Sequence[ServiceCredit], currency: Currency = DEFAULT
) -> dict[str, Any]:
    """Return the SLA report as plain data; credits carry their evidence."""
    return {
        "currency": currency.code,
        "rounding": currency.rounding,
        "rows": [
            {
                **row._asdict(),
                "tenant": names.tenants[row.tenant],
                "product": names.products[row.product],
                "month": month_label(row.month),
                "availability_percent": _availability(row) or None,
                "met": row.met,
                "credit": money_json(row.credit_micro_usd, currency.code, currency.decimals),
            }
            for row in rows
        ],
        "credits": [_credit_json(names, credit, currency) for credit in credits],
    }


def _credit_json(names: Names, credit: ServiceCredit, currency: Currency) -> dict[str, Any]:
    return {
        "tenant": names.tenants[credit.key.tenant],
        "product": names.products[credit.key.product],
        "month": month_label(credit.key.month),
        "terms": credit.terms,
        "basis": credit.basis,
        "reason": reason(credit),
        "credit_bp": credit.credit_bp,
        "amount": money_json(credit.amount_micro_usd, currency.code, currency.decimals),
        "exact_micro_usd": format_exact(credit.exact),
        "charge_micro_usd": format_exact(credit.charge),
        "evidence": [_evidence_json(names, each) for each in credit.evidence],
    }


def _evidence_json(names: Names, each: Outage | Breach) -> dict[str, Any]:
    common = {
        "job": each.job,
        "gpus": each.gpus,
        "from": utc_text(names.epoch_s + each.from_s),
        "until": utc_text(names.epoch_s + each.until_s),
        "gpu_s": each.gpu_s,
    }
    if isinstance(each, Outage):
        return {"outage": each.event, **common}
    return {"eviction": each.event, **common, "noticed": utc_text(names.epoch_s + each.noticed_s)}


def _in(currency: Currency, name: str) -> str:
    """The name of a column, in the currency of its amounts."""
    return name.replace("_usd", f"_{currency.code.lower()}") if name.startswith(("credit", "refund")) else name


def _summary(names: Names, rows: Sequence[SlaRow], currency: Currency = DEFAULT) -> Table:
    _, *table = sla_rows(names, rows, currency)
    shown = [_COLUMNS.index(column) for column in _SUMMARY]
    return [
        [word.replace("USD", currency.code) for word in _SUMMARY.values()],
        *([row[column] for column in shown] for row in table),
    ]


def _words(names: Names, row: SlaRow, decimals: int) -> dict[str, str]:
    """Return a row as text by column; empty where nothing was promised or nothing happened."""
    interruptions, gpu_s = row.interruptions_per_1000_gpu_h
    return {
        "tenant": names.tenants[row.tenant],
        "product": names.products[row.product],
        "month": month_label(row.month),
        "terms": row.terms or "",
        "target_percent": "" if row.target_bp is None else _bp_percent(row.target_bp),
        "availability_percent": _availability(row),
        "met": "" if row.met is None else "yes" if row.met else "no",
        "credit_percent": "" if row.terms is None else _bp_percent(row.credit_bp),
        "credit_usd": format_usd(row.credit_micro_usd, decimals),
        "notices_kept": str(row.notices_kept),
        "notices": str(row.notices_total),
        "starts": str(row.starts),
        "wait_s_p50": _optional(row.wait_s_p50),
        "wait_s_p95": _optional(row.wait_s_p95),
        "wait_s_p99": _optional(row.wait_s_p99),
        "evictions": str(row.evictions),
        "faults": str(row.faults),
        "interruptions_per_1000_gpu_h": floor_decimal(interruptions, gpu_s, 3) if gpu_s else "",
        "healthy_gpu_s": str(row.healthy_gpu_s),
        "entitled_gpu_s": str(row.entitled_gpu_s),
        "excluded_gpu_s": str(row.excluded_gpu_s),
        "degraded_gpu_s": str(row.degraded_gpu_s),
        "notice_s_min": _optional(row.notice_s_min),
        "inside_guarantee": str(row.inside_guarantee),
        "refund_usd": format_usd(row.refund_micro_usd, decimals),
        "gpu_h_between_interruptions": between_interruptions(row) or "",
        "work_kept_percent": part_percent(row.kept_gpu_s, row.ended_gpu_s) or "",
        "capacity_delivered_percent": part_percent(row.delivered_gpu_s, row.reserved_gpu_s) or "",
    }


def between_interruptions(row: SlaRow) -> str | None:
    """Return the mean GPU-hours from one interruption to the next, cut to 3 decimals; None without one."""
    gpu_s, count = row.gpu_s_between_interruptions
    return floor_decimal(gpu_s, count * SECONDS_PER_HOUR, 3) if count else None


def part_percent(part: int, whole: int) -> str | None:
    """Return a part in percent, cut to 4 decimals, never rounded up; None of nothing."""
    return floor_decimal(part * 100, whole, 4) if whole else None


def _availability(row: SlaRow) -> str:
    return floor_decimal(row.healthy_gpu_s * 100, row.entitled_gpu_s, 4) if row.entitled_gpu_s else ""


def _bp_percent(bp: int) -> str:
    return floor_decimal(bp, 100, 2)


def _optional(number: int | None) -> str:
    return "" if number is None else str(number)
