"""Whether a rental could be billed: what could not is not granted, since a bill that fails is the house's loss."""

from collections.abc import Callable

from billing.log.event import Event
from billing.log.known import KnownTerms
from billing.log.shapes import STARTED
from billing.rentals.model import Rental
from billing.terms import Terms


def billable_by(terms: Terms | None) -> Callable[[Rental, int], bool]:
    """Return whether terms know the tenant and the product of a rental, and a price for it from a Unix second to its
    end; without terms nothing can be billed."""
    if terms is None:
        return lambda _rental, _at_s: False
    known, since_s = KnownTerms(terms), terms.epoch_s

    def billable(rental: Rental, at_s: int) -> bool:
        data = {"product": rental.product, "region": rental.region, "sku": rental.sku}
        event = Event(rental.id, "", STARTED, at_s, rental.tenant, 1, "", "{}")
        return at_s >= since_s and not (known.fault(event, data) or known.price_fault(data, at_s, rental.until_s))

    return billable
