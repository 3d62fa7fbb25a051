"""Service credits: money given back by itself where a promise was not kept, with the facts that show it as evidence.

Three reasons, none of which pays for the same second twice. Availability below a step gives back a share of the
charge; `linear` terms give back the charge of every lost second that was charged; an eviction without its full notice,
or inside its guarantee, gives back the charge of the last seconds before it, which then is no part of any other
credit's base.
"""

from collections.abc import Sequence
from typing import NamedTuple

from billing.currency import DEFAULT, Currency, share_minor
from billing.money import BP, SECONDS_PER_HOUR, Exact, floor_decimal, floor_share
from tenants.sla_terms import SlaTerms

# What a credit is counted on: all of a product, single allocations, lost seconds, evictions that broke a promise.
BASES = ("pool", "node", "lost_seconds", "eviction")


class Key(NamedTuple):
    """Whose month of which product: dense indices, and months since January 1970."""

    tenant: int
    product: int
    month: int


class Outage(NamedTuple):
    """Evidence: the part [from_s, until_s) of an outage that fell into the month and counts.

    `event` is the id of the event that told of it, `job` that of who lost its nodes.
    """

    event: str
    job: str
    gpus: int
    from_s: int
    until_s: int

    @property
    def gpu_s(self) -> int:
        return self.gpus * (self.until_s - self.from_s)


class Breach(NamedTuple):
    """Evidence: an eviction broke a promise; [from_s, until_s) before it is given back. Ids as in an `Outage`."""

    event: str
    job: str
    gpus: int
    from_s: int
    until_s: int
    noticed_s: int
    guaranteed_until_s: int

    @property
    def gpu_s(self) -> int:
        return self.gpus * (self.until_s - self.from_s)


class ServiceCredit(NamedTuple):
    """Money given back for one key. `basis` is one of BASES; the exact amount is never above the exact charge.

    On a pool it is charge x credit_bp / 10,000. On nodes the charge is that of the allocations that fell below a step,
    and `credit_bp` the deepest step; on lost seconds and evictions `credit_bp` is 10,000 of what those were charged.

    `amount_micro_usd` is in whole minor units: a tenant's credits of a month are rounded once, together, by largest
    remainder, so that they can never come to more than the month's rounded charge.
    """

    key: Key
    terms: str
    credit_bp: int
    charge: Exact
    exact: Exact
    amount_micro_usd: int
    evidence: tuple[Outage | Breach, ...]
    basis: str = "pool"


class Measured(NamedTuple):
    """What a promise of availability is judged by, for one key or for one allocation of it.

    GPU-seconds: `healthy` of `entitled`; `charged` are those that `charge` / `denominator`, in micro-USD, was for. A
    metered product is not charged for what it lost, so there nothing above healthy is charged; a fee that runs on is
    charged for all that was entitled. `uncounted` of the charged seconds were excluded: neither healthy nor entitled.
    """

    healthy: int
    entitled: int
    charge: int
    charged: int
    denominator: int = SECONDS_PER_HOUR
    uncounted: int = 0


def reaches(healthy: int, entitled: int, bound_bp: int) -> bool:
    """Return whether healthy / entitled is at least the bound, by cross multiplication: no quotient is ever rounded."""
    return healthy * BP >= bound_bp * entitled


def credit_step_bp(healthy: int, entitled: int, steps: Sequence[tuple[int, int]]) -> int:
    """Return the credit of the deepest step that healthy / entitled fell below; a bound that is just reached is kept.

    `steps` are (below_bp, credit_bp), in any order.
    """
    return max((credit_bp for below_bp, credit_bp in steps if not reaches(healthy, entitled, below_bp)), default=0)


def lost_charge(measured: Measured, cap_bp: int) -> int:
    """Return what was charged for the seconds that were lost, over 10,000 times the denominator, cut to a whole one.

    Lost seconds that were never charged are free already and count for nothing. Never above `cap_bp` of the charge.
    """
    if not measured.charged:
        return 0
    lost = max(0, min(measured.entitled, measured.charged - measured.uncounted) - measured.healthy)
    return min(floor_share(measured.charge * BP, lost, measured.charged), measured.charge * cap_bp)


def claim(key: Key, terms: SlaTerms, measured: Measured, outages: Sequence[Outage] = ()) -> ServiceCredit:
    """Return the credit of a key for its availability, exact and not yet posted; its amount may be 0.

    Monotone: the less of the same entitlement was healthy, at the same charge, the higher the credit.
    """
    if terms.linear:
        basis, credit_bp, numerator = "lost_seconds", BP, lost_charge(measured, terms.cap_bp)
    else:
        basis, credit_bp = "pool", _step_bp(terms, measured)
        numerator = measured.charge * credit_bp
    charge, exact = Exact(measured.charge, measured.denominator), Exact(numerator, measured.denominator * BP)
    return ServiceCredit(key, terms.name, credit_bp, charge, exact, 0, tuple(outages), basis)


def claim_by_node(key: Key, terms: SlaTerms, nodes: Sequence[tuple[Measured, Sequence[Outage]]]) -> ServiceCredit:
    """Return the credit of a key whose allocations are judged each by itself; only those below a step are in it.

    All of them have one denominator.
    """
    denominator = nodes[0][0].denominator if nodes else SECONDS_PER_HOUR
    below = [(_step_bp(terms, measured), measured, outages) for measured, outages in nodes]
    below = [row for row in below if row[0]]
    return ServiceCredit(
        key=key,
        terms=terms.name,
        credit_bp=max((credit_bp for credit_bp, _, _ in below), default=0),
        charge=Exact(sum(measured.charge for _, measured, _ in below), denominator),
        exact=Exact(sum(measured.charge * credit_bp for credit_bp, measured, _ in below), denominator * BP),
        amount_micro_usd=0,
        evidence=tuple(outage for _, _, outages in below for outage in outages),
        basis="node",
    )


def claim_refund(key: Key, charge: Exact, breaches: Sequence[Breach]) -> ServiceCredit:
    """Return the credit for evictions that broke a promise: the charge of the seconds before them."""
    exact = Exact(charge.numerator * BP, charge.denominator * BP)
    return ServiceCredit(key, "notice_and_guarantee", BP, charge, exact, 0, tuple(breaches), "eviction")


def post(claims: Sequence[ServiceCredit], currency: Currency = DEFAULT) -> list[ServiceCredit]:
    """Return the claims that come to something, in whole minor units per tenant and month, sorted by key and basis.

    They are rounded as the charges of invoices are, or a credit for all of a charge could come to more than it.
    """
    months: dict[tuple[int, int], list[ServiceCredit]] = {}
    for each in claims:
        if each.exact.numerator:
            months.setdefault((each.key.tenant, each.key.month), []).append(each)
    posted = []
    for together in months.values():
        for each, amount in zip(together, share_minor([each.exact for each in together], currency), strict=True):
            posted.append(each._replace(amount_micro_usd=amount * currency.minor_micro))
    return sorted(posted, key=lambda credit: (credit.key, BASES.index(credit.basis)))


def reason(credit: ServiceCredit) -> str:
    """Return what a credit is for, as documents print it: what was given back, and on which terms."""
    count, lost = len(credit.evidence), sum(each.gpu_s for each in credit.evidence)
    several = "s" if count > 1 else ""
    if credit.basis == "eviction":
        return f"charge of {lost} GPU-s before {count} eviction{several} without full notice or inside a guarantee"
    if credit.basis == "lost_seconds":
        return f"charge of {lost} lost GPU-s by {credit.terms}, {count} outage{several}"
    why = f"{count} outage{several}" if count else "slow GPUs"
    whose = " of the allocations below it" if credit.basis == "node" else ""
    share = floor_decimal(credit.credit_bp, 100, 2)
    return f"{share} % of the charge{whose} by {credit.terms}, {why}"


def _step_bp(terms: SlaTerms, measured: Measured) -> int:
    return min(credit_step_bp(measured.healthy, measured.entitled, terms.steps), terms.cap_bp)
