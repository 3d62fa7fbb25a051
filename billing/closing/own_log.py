"""The books of one tenant from its own events alone: what a line is explained by, so that nothing of others is read.

Its events are numbered anew, since those of others between them are missing, and each source is taken to have told
everything up to a cut. What depends on others (capacity that was lent, time that is excluded for everybody) is not in
these books; usage, its classes and its price are.
"""

from collections.abc import Iterable, Mapping

from billing.closing.holdings import Held
from billing.closing.month import Basis
from billing.closing.of_log import basis_of
from billing.log.authority import tenant_of
from billing.log.event import OPERATOR, Event
from billing.log.watermark import SOURCE_BEAT
from billing.terms import Terms


def own_basis(
    events: Iterable[Event], terms: Terms, cut_s: int, counts: Mapping[str, int] | None = None
) -> tuple[Basis, Held]:
    """Return the books that a tenant's events come to up to a cut, Unix seconds.

    Args:
        counts: how many events of each source were known; None: all of them.

    Raises:
        BillingError: no books can be made.

    Cost: that of `basis_of`, for the tenant's events.
    """
    taken: dict[str, list[Event]] = {}
    for event in sorted(events, key=lambda each: (each.source, each.seq)):
        mine = taken.setdefault(event.source, [])
        if event.time_s <= cut_s and (counts is None or len(mine) < counts.get(event.source, 0)):
            # The first of a source stands behind none: with the hash of another's before it, it would be malformed.
            mine.append(event._replace(seq=len(mine) + 1, prevhash=event.prevhash if mine else ""))
    every = [event for mine in taken.values() for event in mine]
    for source, mine in taken.items():
        if not tenant_of(source):
            every.append(Event("cut", source, SOURCE_BEAT, cut_s, OPERATOR, len(mine) + 1, "", "{}"))
    found, _, held = basis_of(every, terms)
    if not isinstance(found, Basis):
        raise found
    return found, held
