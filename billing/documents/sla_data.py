"""The SLA report of a tenant and month as plain data: what its page, its PDF and its JSON file all say.

Percentages are cut, never rounded up; ratios stand beside them as whole GPU-seconds.
"""

from typing import Any, NamedTuple

from billing.currency import Currency
from billing.documents.log_told import log_told
from billing.documents.parties import Parties
from billing.documents.sla import between_interruptions, part_percent
from billing.invoices.invoice import LogRange
from billing.money import floor_decimal, format_exact, format_usd
from billing.months import utc_text
from billing.sla.credit import Outage, reason
from billing.sla.report import CreditEvidence, ProductLevel, SlaReport


class Origin(NamedTuple):
    """What every document says about where it comes from."""

    currency: Currency
    price_version: str
    log_range: LogRange
    log_hash: str


def sla_data(report: SlaReport, parties: Parties, origin: Origin) -> dict[str, Any]:
    """Return the report as plain data, credits with their evidence and its hash."""
    decimals = origin.currency.decimals
    return {
        "issuer": parties.issuer,
        "tenant": report.tenant,
        "tenant_name": parties.tenants.get(report.tenant, report.tenant),
        "month": report.month,
        "currency": origin.currency.code,
        "rounding": origin.currency.rounding,
        "total": format_usd(report.credit_micro_usd, decimals),
        "levels": [_level(report, level, decimals) for level in report.levels],
        "price_version": origin.price_version or None,
        "log_range": log_told(origin.log_range),
        "log_hash": origin.log_hash or None,
        "hash": report.hash,
    }


def _level(report: SlaReport, level: ProductLevel, decimals: int) -> dict[str, Any]:
    row = level.row
    interruptions, gpu_s = row.interruptions_per_1000_gpu_h
    return {
        "product": level.product,
        "terms": row.terms,
        "target_percent": None if row.target_bp is None else floor_decimal(row.target_bp, 100, 2),
        "reached_percent": (
            floor_decimal(row.healthy_gpu_s * 100, row.entitled_gpu_s, 4) if row.entitled_gpu_s else None
        ),
        "met": row.met,
        "healthy_gpu_s": row.healthy_gpu_s,
        "entitled_gpu_s": row.entitled_gpu_s,
        "excluded_gpu_s": row.excluded_gpu_s,
        "degraded_gpu_s": row.degraded_gpu_s,
        "amount": format_usd(row.credit_micro_usd, decimals),
        "notices_kept": row.notices_kept,
        "notices": row.notices_total,
        "notice_s_min": row.notice_s_min,
        "inside_guarantee": row.inside_guarantee,
        "starts": row.starts,
        "wait_s": [row.wait_s_p50, row.wait_s_p95, row.wait_s_p99],
        "evictions": row.evictions,
        "faults": row.faults,
        "interruptions_per_1000_gpu_h": floor_decimal(interruptions, gpu_s, 3) if gpu_s else None,
        "gpu_h_between_interruptions": between_interruptions(row),
        "delivered_percent": part_percent(row.delivered_gpu_s, row.reserved_gpu_s),
        "reserved_gpu_s": row.reserved_gpu_s,
        "delivered_gpu_s": row.delivered_gpu_s,
        "kept_percent": floor_decimal(row.kept_gpu_s * 100, row.ended_gpu_s, 2) if row.ended_gpu_s else None,
        "credits": [_credit(report, credit, decimals) for credit in level.credits],
        "excluded": excluded_data(report, level),
    }


def excluded_data(report: SlaReport, level: ProductLevel) -> list[dict[str, Any]]:
    """Return the time of a product that did not count, with its cause; GPU-seconds that were held in it, and lost."""
    return [
        {
            "cause": time.cause,
            "from": utc_text(report.epoch_s + time.from_s),
            "until": utc_text(report.epoch_s + time.until_s),
            "held_gpu_s": time.held_gpu_s,
            "lost_gpu_s": time.lost_gpu_s,
        }
        for time in level.excluded
    ]


def _credit(report: SlaReport, given: CreditEvidence, decimals: int) -> dict[str, Any]:
    credit = given.credit
    return {
        "basis": credit.basis,
        "reason": reason(credit),
        "percent": floor_decimal(credit.credit_bp, 100, 2),
        "charge_micro": format_exact(credit.charge),
        "exact_micro": format_exact(credit.exact),
        "amount": format_usd(credit.amount_micro_usd, decimals),
        "evidence_hash": given.evidence_hash,
        "evidence": [
            {
                "what": f"{'outage' if isinstance(each, Outage) else 'eviction'} {each.event}",
                "job": each.job,
                "gpus": each.gpus,
                "from": utc_text(report.epoch_s + each.from_s),
                "until": utc_text(report.epoch_s + each.until_s),
                "gpu_s": each.gpu_s,
            }
            for each in credit.evidence
        ],
    }
