"""Service credits: money given back by itself when availability falls below a step, with the outages as evidence."""

from collections.abc import Sequence
from typing import NamedTuple

from billing.money import BP, MICRO_PER_CENT, SECONDS_PER_HOUR, Exact, largest_remainder
from tenants.sla_terms import SlaTerms


class Key(NamedTuple):
    """Whose month of which product: dense indices, and months since January 1970."""

    tenant: int
    product: int
    month: int


class Outage(NamedTuple):
    """Evidence: the part [from_s, until_s) of row `row` of the outage table that fell into the month."""

    row: int
    job: int
    gpus: int
    from_s: int
    until_s: int

    @property
    def gpu_s(self) -> int:
        return self.gpus * (self.until_s - self.from_s)


class ServiceCredit(NamedTuple):
    """Money given back for one key. The exact amount is charge x credit_bp / 10,000, both of the month.

    `amount_micro_usd` is in whole cents: a tenant's credits of a month are rounded once, together, by largest
    remainder, so that they can never come to more than the month's rounded charge.
    """

    key: Key
    terms: str
    credit_bp: int
    charge: Exact
    exact: Exact
    amount_micro_usd: int
    evidence: tuple[Outage, ...]


def reaches(healthy: int, entitled: int, bound_bp: int) -> bool:
    """Return whether healthy / entitled is at least the bound, by cross multiplication: no quotient is ever rounded."""
    return healthy * BP >= bound_bp * entitled


def credit_step_bp(healthy: int, entitled: int, steps: Sequence[tuple[int, int]]) -> int:
    """Return the credit of the deepest step that healthy / entitled fell below; a bound that is just reached is kept.

    `steps` are (below_bp, credit_bp), in any order.
    """
    return max((credit_bp for below_bp, credit_bp in steps if not reaches(healthy, entitled, below_bp)), default=0)


def claim(
    key: Key, terms: SlaTerms, healthy: int, charge: int, outages: Sequence[Outage], denominator: int = SECONDS_PER_HOUR
) -> ServiceCredit:
    """Return the credit of a key, exact and not yet posted; its amount may be 0.

    `healthy` is in GPU-seconds, `charge` / `denominator` the exact charge in micro-USD. Seconds that a fault took
    away are not charged, so they are not in the charge that the credit is a part of: nothing is compensated twice.
    """
    entitled = healthy + sum(outage.gpu_s for outage in outages)
    credit_bp = min(credit_step_bp(healthy, entitled, terms.steps), terms.cap_bp)
    return ServiceCredit(
        key=key,
        terms=terms.name,
        credit_bp=credit_bp,
        charge=Exact(charge, denominator),
        exact=Exact(charge * credit_bp, denominator * BP),
        amount_micro_usd=0,
        evidence=tuple(outages),
    )


def post(claims: Sequence[ServiceCredit]) -> list[ServiceCredit]:
    """Return the claims that come to something, rounded to whole cents per tenant and month, sorted by key."""
    months: dict[tuple[int, int], list[ServiceCredit]] = {}
    for each in claims:
        if each.exact.numerator:
            months.setdefault((each.key.tenant, each.key.month), []).append(each)
    posted = []
    for together in months.values():
        cents = largest_remainder([c.exact.numerator for c in together], together[0].exact.denominator * MICRO_PER_CENT)
        for each, amount in zip(together, cents, strict=True):
            posted.append(each._replace(amount_micro_usd=amount * MICRO_PER_CENT))
    return sorted(posted, key=lambda credit: credit.key)
