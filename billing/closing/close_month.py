"""Closing a month: every reason against it at once, or the invoices of all tenants, issued.

A month is closed when all that belongs to it has arrived, nothing of it lies in quarantine, and its books add up.
Whatever is late comes as a correction on the next invoice (`billing.closing.correction`); what was issued stays.
"""

from collections.abc import Sequence
from typing import NamedTuple

from billing.closing.agreed_items import BESIDE
from billing.closing.month import Basis, Part, month_draft, month_parts, months_with_lines
from billing.errors import BillingError, InvoiceError
from billing.finding import Finding
from billing.invoices.invoice import Invoice
from billing.invoices.lifecycle import issue, series_of
from billing.log.aside import Aside
from billing.money import Exact
from billing.months import month_bounds, month_label, parse_month, utc_text

_SHOWN_MAX = 3


class Arrived(NamedTuple):
    """What a log knows of its own completeness.

    Attributes:
        until_s:     Unix seconds before which every live source has told everything.
        finished:    the sources have ended: nothing will follow, whatever the hour.
        gaps:        (source, first missing seq, first seq after it).
        quarantined: (source, event id, reason, first and last Unix second that the event is about).
    """

    until_s: int
    finished: bool = False
    gaps: Sequence[tuple[str, int, int]] = ()
    quarantined: Sequence[Aside] = ()


class MonthOpenError(InvoiceError):
    """A month that cannot be closed: the line names the first reasons, `reasons` are all of them."""

    def __init__(self, message: str, period: str, reasons: Sequence[Finding]) -> None:
        super().__init__(message, code="month_open", path=period)
        self.reasons = reasons


def why_open(basis: Basis | BillingError, month: int, epoch_s: int, arrived: Arrived) -> list[Finding]:
    """Return every reason why a month cannot be closed; none if it can.

    `basis` is the error itself where the books could not be made, such as for usage without a price.
    """
    from_s, until_s = (epoch_s + bound_s for bound_s in month_bounds(epoch_s, month))
    found = []
    if not arrived.finished and arrived.until_s < until_s:
        what = f"s still open: nothing is known past {utc_text(arrived.until_s)}"
        found.append(Finding(month_label(month), what, until_s - arrived.until_s))
        for source, first, after in arrived.gaps:
            found.append(Finding(source, f"events missing: {first} to {after - 1}", after - first))
    for source, event, reason, first_s, last_s in arrived.quarantined:
        if first_s < until_s and from_s <= last_s:
            found.append(Finding(f"event {event} of {source}", f"event in quarantine: {reason}", 1))
    if isinstance(basis, BillingError):
        return [*found, Finding(month_label(month), f"fault: {basis}", 1)]
    # What is amiss earlier reaches this month, by wallets, floors and corrections; what is amiss later does not.
    return [*found, *(each for each in basis.books.findings if each.at_s is None or each.at_s < until_s)]


def require_closed(basis: Basis | BillingError, month: int, epoch_s: int, arrived: Arrived) -> Basis:
    """Return the books of a month that can be closed.

    Raises:
        MonthOpenError: the month is open.
    """
    reasons = why_open(basis, month, epoch_s, arrived)
    if reasons or isinstance(basis, BillingError):
        some = "; ".join(f"{each.where}: {each.count} {each.what}" for each in reasons[:_SHOWN_MAX])
        more = f"; and {len(reasons) - _SHOWN_MAX} more" if len(reasons) > _SHOWN_MAX else ""
        raise MonthOpenError(f"month cannot be closed: {some}{more}", month_label(month), reasons)
    return basis


def require_begun(month: int, epoch_s: int, known_s: int) -> None:
    """Refuse a month that begins at Unix second `known_s` or later, though nothing will follow: what was used late
    would be billed on an invoice of a time that nobody has seen.

    Raises:
        MonthOpenError: the month has not begun.
    """
    from_s = epoch_s + month_bounds(epoch_s, month)[0]
    if from_s >= known_s:
        reason = Finding(month_label(month), "s until it begins", from_s - known_s)
        raise MonthOpenError("month has not begun", month_label(month), [reason])


def close_month(
    basis: Basis | BillingError, month: int, epoch_s: int, arrived: Arrived, earlier: Sequence[Invoice] = ()
) -> list[Invoice]:
    """Return the invoices of a month, issued, in the order of the tenants; without those that stand already.

    Args:
        earlier: every invoice of these tenants that was issued before, void ones too: they count for the numbers.

    Raises:
        MonthOpenError: as `require_closed`.
    """
    closed = require_closed(basis, month, epoch_s, arrived)
    issued: list[Invoice] = []
    for each, tenant in months_with_lines(closed):
        if each == month and not standing(closed.books.names.tenants[tenant], month_label(month), earlier):
            parts = month_parts(closed, tenant, month)
            issued.append(issue_next(closed, tenant, month, parts, [*earlier, *issued]))
    return issued


def issue_next(basis: Basis, tenant: int, month: int, parts: Sequence[Part], earlier: Sequence[Invoice]) -> Invoice:
    """Return the invoice of a tenant's month with the next number of its series, dated at the end of the month.

    No clock is asked: a replay gives the same document.
    """
    drafted = month_draft(basis, tenant, month, parts)
    ordinal = 1 + sum(series_of(each) == series_of(drafted) for each in earlier)
    return issue(drafted, ordinal, issue_time_s(basis, month))


def drawn_at_most(basis: Basis, tenant: int, month: int, parts: Sequence[Part]) -> list[Part]:
    """Return parts of which wallets pay no more than the invoice comes to, with what late facts give back on it.

    What was bought ahead is not theirs to pay. The wallet that is drawn last keeps its money first.
    """
    lines = month_draft(basis, tenant, month, parts).lines
    ahead = [line.kind == "prepayment" and not line.cause.startswith(BESIDE) for line in lines]
    excess = -sum(line.net_micro for line, bought in zip(lines, ahead, strict=True) if not bought)
    found = list(parts)
    for row in reversed(range(len(parts))):
        item = parts[row].item
        if excess <= 0 or not item.cause.startswith(BESIDE):
            continue
        kept = min(excess, -(item.fixed_micro or 0))
        excess -= kept
        paid = (item.fixed_micro or 0) + kept
        found[row] = Part(item._replace(exact=Exact(paid), fixed_micro=paid))
    return [part for part in found if part.item.fixed_micro != 0 or not part.item.cause.startswith(BESIDE)]


def issue_time_s(basis: Basis, month: int) -> int:
    """Return the Unix time that a month's invoices carry: the end of the month."""
    epoch_s = basis.books.names.epoch_s
    return epoch_s + month_bounds(epoch_s, month)[1]


def standing(tenant: str, period: str, invoices: Sequence[Invoice]) -> Invoice | None:
    """Return the invoice of a tenant and period that is not void, if there is one."""
    mine = (each for each in invoices if (each.tenant, each.period) == (tenant, period) and each.status != "void")
    return next(mine, None)


def issue_all(basis: Basis) -> list[Invoice]:
    """Return the invoices of every month of finished books, in the order in which they would have been issued.

    Raises:
        MonthOpenError: a month that cannot be closed.
    """
    names, issued = basis.books.names, list[Invoice]()
    arrived = Arrived(names.epoch_s + basis.books.horizon_s, finished=True)
    for period in sorted({month_label(month) for month, _ in months_with_lines(basis)}):
        issued += close_month(basis, parse_month(period), names.epoch_s, arrived, issued)
    return issued
