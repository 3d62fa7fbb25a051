"""Who may say what. The operator's sources are believed; a tenant speaks for itself, about its own use, and no more.

What a tenant reports itself has the source `api/TENANT` (`billing.log.watermark.OF_TENANTS`). Said about somebody else,
or about what only the operator can know (who holds GPUs, what is installed, what no service level counts), it is set
aside and changes nothing: no bill, no hash on a bill, and no month that would stay open for it.

Source: property B2 of the isolation catalogue: the owner of a GPU at a time comes from the scheduler's log.
"""

from billing.log.event import Event
from billing.log.shapes import LEVEL, METERED
from billing.log.watermark import OF_TENANTS

_OF_ONESELF = (METERED, LEVEL)  # what a tenant can know of its own use


def tenant_of(source: str) -> str:
    """Return whose source it is, "" for the operator's."""
    return source.removeprefix(OF_TENANTS) if source.startswith(OF_TENANTS) else ""


def overreach(event: Event) -> str:
    """Return in words why the source of an event may not say it, "" if it may. O(1)."""
    tenant = tenant_of(event.source)
    if not event.source.startswith(OF_TENANTS):
        return ""
    if event.subject != tenant:
        return "a tenant speaks for itself alone"
    if event.type not in _OF_ONESELF:
        return f"a tenant does not say {event.type[:60]!r}"
    return ""
