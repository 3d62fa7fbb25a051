"""A line that its tenant's own events do not come to: what is said of it, why that is so, and its hours where its
document has them."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from billing.api.schemas.basic import moment
from billing.api.schemas.explained import DraftLine, ExplainedOut, HourOut
from billing.api.schemas.prices import percent
from billing.api.schemas.usage import exact_out
from billing.documents.hours import HourShare
from billing.money import format_price

_OF_CONTRACTS = "capacity of the contract that others held or that was not there: that follows from their events"
# By the kind of a line: what it rests on that a tenant's own events do not tell.
WHY_NOT: Mapping[str, str] = {
    "usage": "events that are about everybody, such as time that does not count, or books that were made without a log",
    **dict.fromkeys(("reservation", "commitment", "adjustment"), _OF_CONTRACTS),
    **dict.fromkeys(("true_up", "minimum", "fee"), "what was agreed in a contract, over more than this use"),
    "service_credit": "time that is excluded for everybody: the evidence of the credit is at /v1/sla",
    "correction": "an invoice of an earlier month, which it sets right",
    **dict.fromkeys(("wallet", "prepayment", "discount"), "money that was agreed or paid ahead, and no use"),
}


def unexplained(number: str | None, period: str, line: DraftLine, shares: Sequence[HourShare] = ()) -> ExplainedOut:
    """Return what is said of a line that the tenant's own events do not come to.

    Args:
        shares: the hours behind the line as its document has them: the tenant's own part, and nobody's holdings.
    """
    whole = sum((Fraction(*share.exact) for share in shares), Fraction(0))
    adds_up = bool(shares) and whole == Fraction(int(line.exact.numerator), int(line.exact.denominator))
    said = line.model_dump(include={"kind", "description", "tax_percent", "quantity", "unit"})
    return ExplainedOut(
        invoice=number,
        period=period,
        line=line.number,
        explained=False,
        why_not=WHY_NOT.get(line.kind, WHY_NOT["usage"]),
        exact=line.exact,
        net=line.net,
        tax=line.tax,
        steps=[],
        rounding=None,
        hours=[_shared(share) for share in shares],
        events=[],
        adds_up=adds_up,
        faults=[]
        if adds_up
        else ["the hours do not come to the line" if shares else "no hours are known for the line"],
        **said,
    )


def _shared(share: HourShare) -> HourOut:
    return HourOut(
        since=moment(share.from_s),
        quantity=str(share.quantity),
        unit_price=None if share.unit_price_micro is None else format_price(share.unit_price_micro),
        charge_class=None,
        factor_percent=percent(share.factor_bp),
        exact=exact_out(share.exact),
        holdings=[],
    )
