"""The papers of every tenant's month as JSON: what the documents say, in the words that they say it in.

draft       the invoice as it would be issued now, lines and the hours behind them (`documents.invoice_data`)
sla         the SLA report with its evidence (`documents.sla_data`)
contracts   where each contract stands in the month, and its lines (`documents.agreed_data`, as the next two)
wallets     movements of wallets
spend       spend alerts of the contract that fired
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from json import dumps
from typing import Any, NamedTuple, Protocol

from billing.closing.month import Basis, log_of, month_draft, month_parts, months_with_lines
from billing.contracts.state import contract_states
from billing.documents.agreed_data import alert_data, contract_data, wallet_data
from billing.documents.invoice_data import invoice_data
from billing.documents.month_hours import hours_behind
from billing.documents.parties import Parties, parties_of
from billing.documents.sla_data import Origin, sla_data
from billing.errors import BillingError
from billing.months import month_label, parse_month
from billing.sla.report import sla_reports


class MonthPaper(NamedTuple):
    """A paper of a tenant's month ("2026-11"): `body` is JSON, `hash` its SHA-256 in hex."""

    tenant: str
    period: str
    kind: str
    body: str
    hash: str


def month_papers(basis: Basis, issuer: str) -> tuple[list[MonthPaper], list[str]]:
    """Return the papers of every month there is something for, and in words why a tenant's month has no draft: one that
    cannot be billed stops nobody else's. Cost: O(line items + papers)."""
    parties, faults = parties_of(basis.terms.registry, issuer), list[str]()
    papers = [*_drafts(basis, parties, faults), *_sla(basis, parties), *_agreed(basis)]
    return papers, faults


def _drafts(basis: Basis, parties: Parties, faults: list[str]) -> Iterator[MonthPaper]:
    for month, tenant in months_with_lines(basis):
        parts = month_parts(basis, tenant, month)
        try:
            drafted = month_draft(basis, tenant, month, parts)
        except BillingError as error:
            faults.append(str(error))
            continue
        data = invoice_data(drafted, hours_behind(basis, parts), parties)
        yield _paper(basis.books.names.tenants[tenant], month_label(month), "draft", data)


def _sla(basis: Basis, parties: Parties) -> Iterator[MonthPaper]:
    books = basis.books
    for report in sla_reports(books.names, books.sla, books.credits, books.excluded):
        log = log_of(basis, books.names.tenants.index(report.tenant), parse_month(report.month))
        origin = Origin(basis.terms.currency, basis.price_versions[report.tenant], *log)
        yield _paper(report.tenant, report.month, "sla", sla_data(report, parties, origin))


class _Dated(Protocol):
    """What belongs to a tenant and to one of its months."""

    @property
    def tenant(self) -> str: ...
    @property
    def month(self) -> int: ...


def _agreed(basis: Basis) -> Iterator[MonthPaper]:
    agreed, epoch_s = basis.books.agreed, basis.books.names.epoch_s
    code = {"currency": basis.terms.currency.code}
    for tenant, month, lines in _by_month(agreed.lines):
        states = [contract_data(state, lines) | code for state in contract_states(lines)]
        for state in states:
            state["lines"] = [_dated(line, epoch_s) for line in state["lines"]]
        yield _paper(tenant, month, "contracts", states)
    for tenant, month, entries in _by_month(agreed.wallet):
        yield _paper(tenant, month, "wallets", [wallet_data(entry, epoch_s) | code for entry in entries])
    for tenant, month, alerts in _by_month(agreed.alerts):
        yield _paper(tenant, month, "spend", [alert_data(alert, epoch_s) | code for alert in alerts])


def _dated(line: Mapping[str, Any], epoch_s: int) -> dict[str, Any]:
    """A line of a contract with the times that it is about, in Unix seconds: whoever reads a paper knows no epoch."""
    return {**line, "from_s": epoch_s + line["from_s"], "until_s": epoch_s + line["until_s"]}


def _by_month(rows: Sequence[Any]) -> Iterator[tuple[str, str, list[Any]]]:
    found: dict[tuple[str, int], list[_Dated]] = {}
    for row in rows:
        found.setdefault((row.tenant, row.month), []).append(row)
    yield from ((tenant, month_label(month), mine) for (tenant, month), mine in found.items())


def _paper(tenant: str, period: str, kind: str, data: object) -> MonthPaper:
    body = dumps(data, ensure_ascii=False, separators=(",", ":"))
    return MonthPaper(tenant, period, kind, body, sha256(body.encode()).hexdigest())
