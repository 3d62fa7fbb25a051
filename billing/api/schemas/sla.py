"""SLA reports and their incidents: what was promised and delivered, and what was given back, with the evidence."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from billing.api.schemas.basic import Closed, Money, money_told
from billing.api.schemas.usage import ExactOut, exact_of


class EvidenceOut(Closed):
    """An outage or an eviction that a credit was given for."""

    what: str = Field(description="Its kind, and the event that told of it.", examples=["outage o-17"])
    job: str = Field(description="The job that it hit.", examples=["job-4"])
    gpus: int = Field(description="How many GPUs.", examples=[8])
    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-03T10:00:00Z"])
    until: str = Field(description="RFC 3339 in UTC, not part of it.", examples=["2026-11-03T10:20:00Z"])
    gpu_s: int = Field(description="GPU-seconds that count.", examples=[9600])


class CreditOut(Closed):
    """A credit of the month, and what it rests on."""

    basis: str = Field(description="What it is reckoned from.", examples=["product"])
    reason: str = Field(description="In words.", examples=["10.00 % of the charge by gold, 1 outage"])
    percent: str = Field(description="Part of the charge that is given back, %.", examples=["10.00"])
    charge: ExactOut = Field(description="The charge that it is a part of, exact.")
    amount: Money = Field(description="What is given back.")
    exact: ExactOut = Field(description="The same before rounding.")
    evidence_hash: str = Field(description="SHA-256 of the evidence, hex.", examples=["9f86d081"])
    evidence: list[EvidenceOut] = Field(description="What happened, in order.")


class ExcludedTimeOut(Closed):
    """Time that did not count, such as maintenance that was told ahead."""

    cause: str = Field(description="Why it did not count.", examples=["maintenance"])
    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-03T10:00:00Z"])
    until: str = Field(description="RFC 3339 in UTC, not part of it.", examples=["2026-11-03T12:00:00Z"])
    held_gpu_s: int = Field(description="GPU-seconds that were held in it.", examples=[57600])
    lost_gpu_s: int = Field(description="GPU-seconds that were lost in it.", examples=[0])


class LevelOut(Closed):
    """The month of one product. A part that had nothing to measure is null."""

    product: str = Field(description="Code of the product.", examples=["bare.ondemand"])
    terms: str | None = Field(description="Name of the SLA terms; null without any.", examples=["gold"])
    target_percent: str | None = Field(description="Promised availability, %.", examples=["99.90"])
    reached_percent: str | None = Field(description="Availability, %, cut and never rounded up.", examples=["99.9713"])
    met: bool | None = Field(description="Whether the target was reached.")
    healthy_gpu_s: int = Field(description="GPU-seconds that were healthy.", examples=[2590000])
    entitled_gpu_s: int = Field(description="GPU-seconds that count.", examples=[2592000])
    excluded_gpu_s: int = Field(description="GPU-seconds that do not count.", examples=[0])
    degraded_gpu_s: int = Field(description="GPU-seconds of GPUs that were slow.", examples=[0])
    amount: Money = Field(description="What is given back for the product.")
    notices: int = Field(description="Evictions that needed a notice.", examples=[3])
    notices_kept: int = Field(description="Those with the notice in full.", examples=[3])
    notice_s_min: int | None = Field(description="The shortest notice, seconds.", examples=[120])
    inside_guarantee: int = Field(description="Evictions inside a guarantee.", examples=[0])
    starts: int = Field(description="Starts of jobs.", examples=[12])
    wait_s: list[int | None] = Field(description="Waits, seconds: median, 95 % and 99 %.", examples=[[0, 40, 310]])
    evictions: int = Field(description="All evictions.", examples=[3])
    faults: int = Field(description="Ends by a fault of a node.", examples=[1])
    interruptions_per_1000_gpu_h: str | None = Field(description="Interruptions by use.", examples=["0.417"])
    gpu_h_between_interruptions: str | None = Field(description="GPU-hours, on average.", examples=["2400.0"])
    reserved_gpu_s: int = Field(description="Reserved GPU-seconds.", examples=[0])
    delivered_gpu_s: int = Field(description="Reserved GPU-seconds that were there.", examples=[0])
    delivered_percent: str | None = Field(description="The same as a part, %.", examples=["100.00"])
    kept_percent: str | None = Field(description="Part of ended work that was not lost, %.", examples=["99.12"])
    credits: list[CreditOut] = Field(description="What is given back, with the evidence.")
    excluded: list[ExcludedTimeOut] = Field(description="What did not count.")


class SlaReportOut(Closed):
    """A tenant's month: every product that it used. `hash` is that of the whole report, as on its page and its PDF."""

    period: str = Field(description="The month, in UTC.", examples=["2026-11"])
    total: Money = Field(description="All credits of the month.")
    levels: list[LevelOut] = Field(description="Product by product.")
    hash: str = Field(description="SHA-256 of the report, hex.", examples=["9f86d081"])


class IncidentOut(Closed):
    """Something that a month's report speaks of: `credited` with money, or `excluded` from what was promised."""

    period: str = Field(description="The month, in UTC.", examples=["2026-11"])
    product: str = Field(description="Code of the product.", examples=["bare.ondemand"])
    kind: str = Field(description="`credited` or `excluded`.", examples=["credited"])
    what: str = Field(description="The event, or the cause.", examples=["outage o-17"])
    job: str | None = Field(description="The job that it hit; null of excluded time.", examples=["job-4"])
    gpus: int | None = Field(description="How many GPUs; null of excluded time.", examples=[8])
    since: str = Field(description="RFC 3339 in UTC.", examples=["2026-11-03T10:00:00Z"])
    until: str = Field(description="RFC 3339 in UTC, not part of it.", examples=["2026-11-03T10:20:00Z"])
    gpu_s: int = Field(description="GPU-seconds that it concerned.", examples=[9600])
    evidence_hash: str | None = Field(description="Of the credit's evidence, hex.", examples=["9f86d081"])


def sla_report_out(paper: Mapping[str, Any]) -> SlaReportOut:
    """Return a report from its paper (`billing.documents.sla_data`)."""
    code = paper["currency"]
    total = money_told(code, paper["total"])
    levels = [_level(level, code) for level in paper["levels"]]
    return SlaReportOut(period=paper["month"], total=total, levels=levels, hash=paper["hash"])


def incidents_of(paper: Mapping[str, Any]) -> Iterator[IncidentOut]:
    """Yield what a report speaks of: product by product, credits first."""
    for level in paper["levels"]:
        where = {"period": paper["month"], "product": level["product"]}
        for credit in level["credits"]:
            for each in credit["evidence"]:
                told = _renamed(each) | {"kind": "credited", "evidence_hash": credit["evidence_hash"]}
                yield IncidentOut(**where, **told)
        for time in level["excluded"]:
            told = {"since": time["from"], "until": time["until"], "gpu_s": time["held_gpu_s"], "what": time["cause"]}
            yield IncidentOut(**where, **told, kind="excluded", job=None, gpus=None, evidence_hash=None)


def _level(level: Mapping[str, Any], code: str) -> LevelOut:
    told = {name: level[name] for name in LevelOut.model_fields if name in level}
    told["amount"] = money_told(code, level["amount"])
    told["credits"] = [_credit(credit, code) for credit in level["credits"]]
    told["excluded"] = [ExcludedTimeOut(**_renamed(time)) for time in level["excluded"]]
    return LevelOut(**told)


def _credit(credit: Mapping[str, Any], code: str) -> CreditOut:
    words = ("basis", "reason", "percent", "evidence_hash")
    return CreditOut(
        **{name: credit[name] for name in words},
        charge=exact_of(credit["charge_micro"]),
        amount=money_told(code, credit["amount"]),
        exact=exact_of(credit["exact_micro"]),
        evidence=[EvidenceOut(**_renamed(each)) for each in credit["evidence"]],
    )


def _renamed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with `since` for `from`, which is a word of languages that read this."""
    return {"since" if name == "from" else name: value for name, value in row.items()}
