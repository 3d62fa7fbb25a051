"""What tenants are told of, as data: each type of notice, what it means, and the scope word that lets a key read it."""

from collections.abc import Mapping
from typing import NamedTuple


class NoticeType(NamedTuple):
    """One type of notice."""

    scope: str
    about: str


NOTICE_TYPES: Mapping[str, NoticeType] = {
    "rental.granted": NoticeType("jobs:read", "GPUs that were asked for are held, and charged from now on."),
    "rental.refused": NoticeType("jobs:read", "GPUs that were asked for are not to be had; the reason is in the body."),
    "rental.noticed": NoticeType("jobs:read", "The house needs the GPUs back: they are taken at `evict`."),
    "rental.ended": NoticeType("jobs:read", "GPUs are held no longer, and not charged any more."),
    "invoice.issued": NoticeType("bills:read", "An invoice has a number and stands."),
    "invoice.paid": NoticeType("bills:read", "Nothing of an invoice is open any more."),
    "invoice.voided": NoticeType("bills:read", "An invoice was taken back as a whole; nobody has paid it."),
    "credit_note.issued": NoticeType("bills:read", "Something of an invoice was given back."),
    "budget.reached": NoticeType("bills:read", "A month's charges have reached a threshold of a budget."),
    "sla.credited": NoticeType("bills:read", "A service level was missed, and a credit is due for it."),
    "key.revoked": NoticeType("keys:read", "A key of the tenant lets nobody in any more."),
    "webhook.test": NoticeType("webhooks:read", "Sent on request, to one webhook."),
}


def types_for(scopes: frozenset[str]) -> list[str]:
    """Return the types that a key with these scope words may read."""
    return [name for name, each in NOTICE_TYPES.items() if each.scope in scopes]
