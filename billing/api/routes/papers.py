"""Routes of the papers that settling makes of a month: SLA reports, contracts, wallets."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, TypeVar

from billing.api.call import Call, Calling
from billing.api.moments import Month
from billing.api.paging import LIMIT_USUAL, Cursor, Limit
from billing.api.schemas.agreed import (
    ContractOut,
    WalletBalance,
    WalletMovement,
    WalletPage,
    contract_out,
    movement_out,
)
from billing.api.schemas.basic import Page
from billing.api.schemas.sla import IncidentOut, SlaReportOut, incidents_of, sla_report_out
from billing.api.table import Routes
from billing.store import tenant_usage as store
from billing.store.door import Bound

routes = Routes()
T = TypeVar("T")


@routes.get("/v1/sla", Page[SlaReportOut])
def list_sla_reports(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[SlaReportOut]:
    """List the SLA reports of the tenant's months, with credits and their evidence, oldest first."""
    with call.reading() as bound:
        found, following = _rows(call, bound, "sla", limit, cursor, period, lambda _, paper: [sla_report_out(paper)])
    return Page[SlaReportOut](items=found, next=following)


@routes.get("/v1/sla/incidents", Page[IncidentOut])
def list_incidents(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[IncidentOut]:
    """List what the tenant's SLA reports speak of: what was credited, and what did not count."""
    with call.reading() as bound:
        found, following = _rows(call, bound, "sla", limit, cursor, period, lambda _, paper: incidents_of(paper))
    return Page[IncidentOut](items=found, next=following)


@routes.get("/v1/contracts", Page[ContractOut])
def list_contracts(
    call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None
) -> Page[ContractOut]:
    """List where the tenant's contracts stand, month by month, with what they add to its bills."""

    def told(month: str, paper: Any) -> Iterable[ContractOut]:
        return (contract_out(month, state) for state in paper)

    with call.reading() as bound:
        found, following = _rows(call, bound, "contracts", limit, cursor, period, told)
    return Page[ContractOut](items=found, next=following)


@routes.get("/v1/wallets", WalletPage)
def list_wallets(call: Calling, limit: Limit = LIMIT_USUAL, cursor: Cursor = None, period: Month = None) -> WalletPage:
    """List the movements of the tenant's wallets, oldest first, and what each of them holds."""

    def told(month: str, paper: Any) -> Iterable[WalletMovement]:
        return (movement_out(month, entry) for entry in paper)

    with call.reading() as bound:  # one state of the store: what they hold is what the movements come to
        found, following = _rows(call, bound, "wallets", limit, cursor, period, told)
        papers = store.papers_of(bound, call.tenant, "wallets", None)
        left = {move.wallet: move.balance for month, paper in papers for move in told(month, paper)}
    balances = [WalletBalance(wallet=wallet, balance=balance) for wallet, balance in sorted(left.items())]
    return WalletPage(items=found, next=following, balances=balances)


def _rows(
    call: Call,
    bound: Bound,
    kind: str,
    limit: int,
    cursor: str | None,
    period: str | None,
    told: Callable[[str, Any], Iterable[T]],
) -> tuple[list[T], str | None]:
    """A page of the rows that a tenant's papers of a kind come to, in their order, and the cursor of the next."""
    after = call.after(cursor, str, int)
    since, passed = ("", 0) if after is None else (str(after[0]), int(after[1]))
    every = (
        (month, number, row)
        for month, paper in store.papers_of(bound, call.tenant, kind, period, since)
        for number, row in enumerate(told(month, paper), start=1)
        if month > since or number > passed
    )
    found = list(islice(every, limit + 1))
    rows, following = call.page(found, limit, lambda each: each[:2])
    return [row for _, _, row in rows], following
